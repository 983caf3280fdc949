"""Files about customers who are not what they were: taken up by another archive, or erased."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import connection
from django.urls import reverse

from customers.erasure.closing import close_account
from customers.erasure.erasing import ask_for_erasure, enrol_ended, erase_due
from customers.finding import search
from customers.imports import services
from customers.imports.models import StagedRow
from customers.imports.problems import ErrorList, Problem
from customers.imports.staging import stage
from customers.imports.writing import write_all
from customers.merging.services import approve_merge, propose_merge
from customers.merging.undoing import undo_merge
from customers.models import ContactPoint, Customer, ErasedKey, Retention, Subscription
from customers.services import create_customer, end_subscription
from customers.services.keys import rotate_keys
from foundation.common import clock, crypto
from foundation.common.errors import RuleBroken
from foundation.policies.services import set_policy
from staff.models import OrgUnit, User
from tests.factories import UserFactory
from tests.imports.bringing import AS_OF, bring, errors_of, table

pytestmark = pytest.mark.django_db
HEADER = ["customer_no", "name", "id_number", "mobile", "service_no", "activated_on"]
CARD, OTHER_CARD = "11010519491231002X", "330102199203151235"
ANN = ["A", "Ann Lee", CARD, "13900000001", "17000000001", "2024-03-01"]
BOB = ["B", "Bob Li", "", "13900000002", "17000000002", "2024-03-01"]


@pytest.fixture
def clerk(root: OrgUnit) -> User:
    return UserFactory(role="HALL_CLERK", unit=root)


@pytest.fixture
def lead(root: OrgUnit) -> User:
    return UserFactory(role="TEAM_LEAD", unit=root)


def told(imported: Any) -> dict[str, int]:
    return {name: imported.count(name) for name in ("rows", "errors", "inserted", "updated", "unchanged")}


@pytest.mark.covers("ARC-17")
@pytest.mark.parametrize("check", [True, False])
def test_a_row_of_an_absorbed_customer_lands_on_the_survivor(clerk: User, lead: User, check: bool) -> None:
    bring(table(HEADER, ANN, BOB))
    ann, bob = Customer.objects.get(source_no="A"), Customer.objects.get(source_no="B")
    merge = approve_merge(propose_merge(ann.pk, bob.pk, actor=clerk, reason="one person").pk, actor=lead)
    assert told(bring(table(HEADER, ANN, BOB), check=check)) == {
        "rows": 2, "errors": 0, "inserted": 0, "updated": 0, "unchanged": 2,
    }  # fmt: skip
    changed = ["B", "Robert Li", "", "13900000003", "17000000003", "2025-01-01"]
    before = {name: getattr(ann, name) for name in ("name", "id_hash", "status")}
    # The whole source once more, and Bob's row alone: whichever it is, it is Ann's line and number, and Bob stays gone.
    answers = [bring(table(HEADER, *rows), check=check) for rows in ([ANN, changed], [changed])]
    assert told(answers[0]) == {"rows": 2, "errors": 0, "inserted": 0, "updated": 1, "unchanged": 1}
    assert [told(one)["errors"] for one in answers] == [0, 0] and Customer.objects.count() == 2
    lines = set(Subscription.objects.filter(customer=ann).values_list("service_no", flat=True))
    points = set(ContactPoint.objects.filter(customer=ann).values_list("value", flat=True))
    had = ({"17000000001", "17000000002"}, {"13900000001", "13900000002"})
    new = (had[0] | {"17000000003"}, had[1] | {"13900000003"})
    assert (lines, points) == (had if check else new)
    ann.refresh_from_db()
    bob.refresh_from_db()
    assert {name: getattr(ann, name) for name in before} == before, "whose fields hold was decided at the merge"
    assert (bob.name, bob.status, bob.merged_into_id) == ("Bob Li", "MERGED", ann.pk)
    assert not Subscription.objects.filter(customer=bob).exists()
    if not check:
        assert [hit.customer_id for hit in search(clerk, "17000000003")] == [ann.pk]
        undo_merge(merge.pk, actor=lead, reason="two people")
        assert told(bring(table(HEADER, changed)))["errors"] == 1, "the line that came meanwhile is Ann's"
        bob.refresh_from_db()
        assert bob.name == "Bob Li"


def erased(clerk: User, number: str) -> Customer:
    """A customer of the source, gone on request."""
    row = Customer.objects.get(source_no=number)
    for line in Subscription.objects.filter(customer=row, terminated_on=None):
        end_subscription(line.pk, actor=clerk)
    close_account(row.pk, actor=clerk)
    ask_for_erasure(row.pk, actor=clerk)
    row.refresh_from_db()
    assert row.source_no == ""
    return row


@pytest.mark.covers("ARC-17")
def test_no_file_brings_an_erased_customer_back(
    clerk: User, lead: User, settings: Any, tmp_path: Path, client_for: Any, root: OrgUnit
) -> None:
    bring(table(HEADER, ANN, BOB))
    gone = erased(clerk, "A")
    day = clock.today().isoformat()
    # The same number; the same document under another number; a second row of the same customer without the document.
    again = ["A2", "Ann Li", CARD, "", "", ""]
    more = ["A2", "", "", "13900000009", "", ""]
    file = table(HEADER, ANN, again, more, [*BOB[:3], "13900000004", "", ""])
    rows = sorted(Customer.objects.values_list("pk", "version", "name"))
    for check in (True, False):
        imported = bring(file, check=check)
        assert told(imported) == {"rows": 4, "errors": 3, "inserted": 0, "updated": 1, "unchanged": 0}
        assert imported.notes == ["Rows held back, because the data of their customers were erased: 3."]
        problems = errors_of(imported)
        assert [(line, column, value) for line, column, _words, value in problems] == [
            (str(line), "customer_no", "") for line in (2, 3, 4)
        ]
        assert all(f"was erased on {day}" in words for _line, _column, words, _value in problems)
        if check:
            assert sorted(Customer.objects.values_list("pk", "version", "name")) == rows
    assert Customer.objects.count() == 2 and not StagedRow.objects.exists()
    assert not ContactPoint.objects.filter(value__in=["13900000001", "13900000009"]).exists()
    # By the command as by the page.
    (tmp_path / "old.csv").write_bytes(file)
    out = StringIO()
    list_of_errors = tmp_path / "wrong.csv"
    dry = {"mapping": "careline", "dry_run": True, "errors": list_of_errors, "as_of": clock.today()}
    call_command("import_customers", tmp_path / "old.csv", stdout=out, **dry)
    assert list_of_errors.read_text(encoding="utf-8-sig").count(f"was erased on {day}") == 3
    # What is kept names nobody: two digests of 32 bytes and the day. A new key of the documents changes nothing.
    settings.CARELINE_ID_KEYS = {"next": bytes(range(32)), **settings.CARELINE_ID_KEYS}
    rotate_keys()
    kept = {bytes(row.digest): row.erased_on for row in ErasedKey.objects.all()}
    assert len(kept) == 2 and {len(digest) for digest in kept} == {32} and set(kept.values()) == {clock.today()}
    assert not set(kept) & {crypto.blind_index(CARD), crypto.blind_index("A"), bytes(gone.id_hash or b"")}
    assert told(bring(file))["errors"] == 3
    # At the counter it is a warning and no wall: who comes back is a customer again, for files as well.
    typed = {"name": "Ann Lee", "customer_type": "PERSON", "id_type": "ID_CARD", "id_number": CARD}
    desk = client_for(clerk)
    warning = desk.post(reverse("customers:customer-duplicates"), typed).content.decode()
    assert "were erased on" in warning
    assert (
        "were erased on"
        not in desk.post(reverse("customers:customer-duplicates"), {**typed, "id_number": OTHER_CARD}).content.decode()
    )
    Customer.objects.filter(pk=gone.pk).update(id_hash=None, id_sealed=None)  # the law's time is over
    back = create_customer(actor=clerk, fields={"name": "Ann Lee"}, id_number=CARD)
    assert (
        back.pk != gone.pk
        and "were erased on"
        not in desk.post(reverse("customers:customer-duplicates"), {**typed, "name": "Zoe"}).content.decode()
    )
    assert [row[0] for row in errors_of(bring(file))] == ["2"], "what the source knew her by stays held"
    # Or the operator says so for the whole file.
    set_policy("imports.erased_come_back", True, actor=UserFactory(role="SYS_ADMIN", unit=root))
    assert told(bring(table(HEADER, [*ANN[:2], "", *ANN[3:]])))["inserted"] == 1


def test_whose_time_is_over_and_who_was_absorbed_stay_gone_as_well(clerk: User, lead: User, travel: Any) -> None:
    bring(table(HEADER, ANN, BOB))
    ann, bob = Customer.objects.get(source_no="A"), Customer.objects.get(source_no="B")
    approve_merge(propose_merge(ann.pk, bob.pk, actor=clerk, reason="one person").pk, actor=lead)
    for line in Subscription.objects.filter(customer=ann):
        end_subscription(line.pk, actor=clerk)
    close_account(ann.pk, actor=clerk)
    due = Retention.objects.get(pk=ann.pk).due_on
    assert due is not None and told(bring(table(HEADER, ANN, BOB)))["errors"] == 0
    with travel(clock.now() + (due - clock.today())):
        enrol_ended()
        assert erase_due(clock.now())[0].erased == 1
        merge = ann.__class__.objects.get(pk=bob.pk)
        assert merge.source_no == ""
        imported = bring(table(HEADER, ANN, BOB))
        assert (told(imported)["errors"], told(imported)["inserted"]) == (2, 0)


@pytest.mark.covers("ARC-17")
def test_no_undo_after_an_erasure_through_its_own_door(clerk: User, lead: User) -> None:
    bring(table(HEADER, ANN, BOB))
    ann, bob = Customer.objects.get(source_no="A"), Customer.objects.get(source_no="B")
    merge = approve_merge(propose_merge(ann.pk, bob.pk, actor=clerk, reason="one person").pk, actor=lead)
    erased(clerk, "A")
    before = sorted(Customer.objects.values_list("pk", "version", "status", "name", "merged_into"))
    with pytest.raises(RuleBroken) as no:
        undo_merge(merge.pk, actor=lead, reason="two people")
    assert no.value.code == "merge.erased"
    assert sorted(Customer.objects.values_list("pk", "version", "status", "name", "merged_into")) == before
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM customers_merge_move")
        assert cursor.fetchone() == (0,)


def test_who_is_erased_while_the_file_is_read_is_not_written(clerk: User, root: OrgUnit, tmp_path: Path) -> None:
    bring(table(HEADER, ANN, BOB))
    file = ContentFile(
        table(HEADER, [*ANN[:3], "13900000008", "", ""], [*BOB[:3], "13900000009", "", ""]), name="f.csv"
    )
    imported = services.start_import(file, mapping="careline", actor=None, as_of=AS_OF, check_only=False)
    with ErrorList(tmp_path / "e.csv") as errors:
        stage(imported, file, errors, lambda _done, _total: None)
        erased(clerk, "A")
        refused: list[Problem] = []
        write_all(imported, last_line=9, rehearse=False, report=lambda _line, _so_far: None, refuse=refused.extend)
    assert (errors.rows, refused) == (0, [])
    assert set(ContactPoint.objects.values_list("value", flat=True)) == {"13900000002", "13900000009"}
    assert Customer.objects.count() == 2 and not Customer.objects.filter(source_no="A").exists()
