"""The two public files of one invented operator: same customers, two editions, one archive."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.utils import translation

from customers.finding import search
from customers.imports.models import Import, ImportChild, ImportRow, StagedRow
from customers.models import Address, Customer, CustomerFacts, FindNumber, Plan, Subscription, TimelineLine
from foundation.audit.models import AuditEntry
from outreach.models import FollowUp, OutMessage
from tests.factories import UserFactory
from tests.imports.bringing import AS_OF, shared, work

pytestmark = pytest.mark.django_db(transaction=True)  # the lease of a long run is renewed by another connection
CLASSIC, FULL = "telco_churn_classic.csv.gz", "telco_churn_full.csv.gz"
EVERYBODY = 5_636


@pytest.fixture(autouse=True)
def _english():
    with translation.override("en"):
        yield


def command(*words: str) -> str:
    out = StringIO()
    call_command("import_customers", *words, "--as-of", AS_OF.isoformat(), stdout=out)
    return out.getvalue()


def archive() -> dict[str, int]:
    lines = Subscription.objects.all()
    return {
        "customers": Customer.objects.count(),
        "former": Customer.objects.filter(status="FORMER").count(),
        "phone": lines.filter(product_line="FIXED").count(),
        "internet": lines.filter(product_line="BROADBAND").count(),
        "ended": lines.filter(status="TERMINATED").count(),
        "cities": Customer.objects.exclude(home_city="").values("home_city").distinct().count(),
    }


@pytest.mark.covers("ARC-01")
def test_both_editions_by_command_give_one_archive_and_go_back_again(root):
    said = command(str(shared(CLASSIC)), "--mapping", "telco-classic")
    assert "Customers added: 5636" in said and "Wrong rows: 0" in said
    classic = {"customers": EVERYBODY, "former": 1485, "phone": 5086, "internet": 4444, "ended": 2820, "cities": 0}
    assert archive() == classic | {"ended": archive()["ended"]}

    first = Customer.objects.get(source="telco", source_no="7590-VHVEG")
    assert (first.name, first.status) == ("Customer 7590-VHVEG", "ACTIVE")
    assert first.quality_marks == ["NAME_MISSING", "BIRTHDAY_MISSING"]
    line = first.subscriptions.get()
    assert (line.product_line, line.plan.code, line.monthly_fee) == ("BROADBAND", "TELCO-DSL", Decimal("29.85"))
    assert (line.activated_on, line.terminated_on, line.status) == (date(2026, 9, 30), None, "ACTIVE")
    gone = Customer.objects.get(source_no="0004-TLHLJ")
    assert (gone.status, gone.home_city) == ("FORMER", "")
    assert {(s.status, s.activated_on, s.terminated_on) for s in gone.subscriptions.all()} == {
        ("TERMINATED", date(2026, 6, 30), AS_OF)
    }

    said = command(str(shared(FULL)), "--mapping", "telco-full")
    assert "Customers added: 0" in said and "Customers changed: 5636" in said
    both = archive()
    assert both == classic | {"ended": both["ended"], "cities": 1106}
    gone.refresh_from_db()
    assert (gone.home_city, gone.version) == ("Costa Mesa", 2)
    assert Address.objects.get(customer=gone).postcode == "92627"
    assert set(Plan.objects.values_list("code", flat=True)) == {
        "TELCO-CABLE", "TELCO-DSL", "TELCO-FIBER", "TELCO-PHONE", "TELCO-PHONE-MULTI",
    }  # fmt: skip

    said = command(str(shared(FULL)), "--mapping", "telco-full")
    assert "Customers changed: 0" in said and "Customers as they were: 5636" in said
    assert Customer.objects.filter(version=2).count() == EVERYBODY

    # Found by the number of the other system and by city.
    assert FindNumber.objects.filter(kind="EXTERNAL", value="7590-VHVEG").get().customer_id == first.pk
    gm = UserFactory(role="GM", unit=root)
    assert [hit.customer_id for hit in search(gm, "7590-VHVEG", 10)] == [first.pk]
    assert gone.pk in {hit.customer_id for hit in search(gm, "Costa Mesa", 200)}
    assert Customer.objects.filter(home_city="Los Angeles").count() == 234

    # Imported history starts no clock and sends nothing; one audit entry a run, none a row.
    assert not OutMessage.objects.exists() and not FollowUp.objects.exists()
    assert TimelineLine.objects.filter(kind="customer.imported").count() == TimelineLine.objects.count() == EVERYBODY
    assert AuditEntry.objects.filter(verb="import.done").count() == 3
    assert AuditEntry.objects.count() < 20
    assert not StagedRow.objects.exists()

    newest, second, oldest = Import.objects.order_by("-id")
    for imported in (newest, second, oldest):
        command("--revert", imported.number)
    assert not Customer.objects.exists() and not Subscription.objects.exists() and not FindNumber.objects.exists()
    assert not TimelineLine.objects.exists() and not CustomerFacts.objects.exists() and not ImportChild.objects.exists()
    assert ImportRow.objects.filter(reverted=True).count() == 2 * EVERYBODY

    command(str(shared(FULL)), "--mapping", "telco-full")
    assert archive()["customers"] == EVERYBODY


def test_the_same_by_page(admin, client_for):
    client = client_for(admin)
    content = shared(CLASSIC).read_bytes()
    answer = client.post(
        "/imports/new/",
        {
            "mapping": "telco-classic",
            "as_of": AS_OF.isoformat(),
            "unit": admin.unit_id,
            "file": SimpleUploadedFile(CLASSIC, content),
            "complete": "1",
        },
    )
    imported = Import.objects.get()
    page = f"/imports/{imported.ref}/"
    assert (answer.status_code, answer["Location"]) == (302, page)
    assert 'hx-trigger="every 1s"' in client.get(page).content.decode()

    imported = work(imported)
    assert imported.counts == {"rows": 5636, "errors": 0, "inserted": 5636, "updated": 0, "unchanged": 0}
    assert imported.state == "CHECKED" and not Customer.objects.exists() and not Plan.objects.exists()
    shown = client.get(page).content.decode()
    assert "7590-VHVEG" in shown and "Internet, DSL" in shown and "every 1s" not in shown

    assert client.post(page + "run/").status_code == 302
    imported = work(Import.objects.get())
    assert (imported.state, Customer.objects.count(), FindNumber.objects.exists()) == ("DONE", EVERYBODY, True)
    assert client.post(page + "run/").status_code == 422

    assert client.post(page + "revert/").status_code == 302
    imported = work(Import.objects.get())
    assert (imported.state, imported.count("reverted"), Customer.objects.count()) == ("REVERTED", EVERYBODY, 0)


def test_the_command_checks_only_with_dry_run_and_says_what_it_cannot_do(root, tmp_path: Path):
    said = command(str(shared(CLASSIC)), "--mapping", "telco-classic", "--dry-run")
    assert "Checked, nothing written yet" in said and "Customers added: 5636" in said
    assert not Customer.objects.exists()
    with pytest.raises(CommandError, match="needs these columns, which the file lacks: customer_id, senior_citizen"):
        command(str(shared(CLASSIC)), "--mapping", "telco-full")
    with pytest.raises(CommandError, match="There are: careline, comcast, complaints, telco-classic, telco-full"):
        command(str(shared(CLASSIC)), "--mapping", "none")
    with pytest.raises(CommandError, match="cannot be read: No such file"):
        command(str(tmp_path / "nowhere.csv"), "--mapping", "careline")
    with pytest.raises(CommandError, match="There is no import IM1"):
        command("--revert", "IM1")
    assert not Customer.objects.exists()
