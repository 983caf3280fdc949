"""Lists as files: whose rows, what of them, in clear or masked, and who must agree first (D§3.1, D§3.2)."""

from __future__ import annotations

import tracemalloc
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.models import Customer, CustomerFacts
from foundation.audit.models import AuditEntry, AuditPersonal
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.jobs import forgetting
from foundation.jobs.models import JobRun
from foundation.jobs.services import cancel_job, drop_old_files
from foundation.policies.services import set_policy
from interactions.services import start_contact
from outreach.models import Notification
from outreach.services import owe_followup
from staff.exports.models import Export
from staff.exports.queries import includes
from staff.exports.services import decide_export, expire_requests, fetch_file, request_export, stop_export
from staff.models import RoleAssignment, User
from staff.rights import forget_cached
from tests.customers.people import customer
from tests.exports.conftest import House
from tests.exports.making import ask, failure_of, rows_of, table_of, work
from tests.factories import CustomerFactory, UserFactory

pytestmark = pytest.mark.django_db


def verbs(export: Export) -> list[str]:
    entries = AuditEntry.objects.filter(target_type="exports.export", target_id=str(export.pk)).order_by("pk")
    return list(entries.values_list("verb", flat=True))


@pytest.mark.covers("CLS-20", "ARC-16")
def test_a_file_holds_the_rows_of_the_own_scope_masked(house: House) -> None:
    export = work(ask(house.head))
    assert export.approval == "NOT_NEEDED"
    assert rows_of(export) == [[house.near.number, "王*明", "", "138 **** 8000"]]
    assert export.rows == 1
    assert verbs(export) == ["export.requested", "export.written"]
    written = AuditEntry.objects.get(verb="export.written")
    assert written.detail["rows"] == 1 and written.detail["columns"] == ["number", "name", "city", "phone"]


def test_headings_stand_in_both_languages(house: House) -> None:
    export = work(ask(house.head, columns=["segment", "city"]))
    assert [words.count(" / ") for words in table_of(export)[0]] == [1, 1]
    assert [words.split(" / ")[1] for words in table_of(export)[0]] == ["Segment", "City"]


def test_a_workbook_has_real_types(house: House) -> None:
    moment = datetime(2026, 11, 1, 9, 30, 15, tzinfo=clock.BUSINESS_ZONE)
    CustomerFacts.objects.filter(pk=house.near.pk).update(
        last_contact_at=moment, contract_end=moment.date(), mean_revenue=Decimal("59.50")
    )
    columns = ["number", "last_contact", "contract_end", "revenue", "completeness"]
    export = work(ask(house.head, columns=columns, file_format="XLSX"))
    (row,) = rows_of(export)
    assert row == [house.near.number, datetime(2026, 11, 1, 9, 30, 15), datetime(2026, 11, 1), 59.5, 50]
    assert export.run is not None and export.run.result_name == f"{export.number}.xlsx"


@pytest.mark.parametrize("file_format", ["CSV", "XLSX"])
def test_no_cell_is_a_formula(house: House, file_format: str) -> None:
    house.near.home_city = "=cmd|'/c calc'!A0"
    house.near.save()
    customer(house.branch, "x", home_city="+1")
    export = work(ask(house.head, columns=["city"], file_format=file_format))
    found = sorted(str(row[0]) for row in rows_of(export))
    if file_format == "CSV":
        assert found == ["'+1", "'=cmd|'/c calc'!A0"]
        return
    from openpyxl import load_workbook

    assert found == ["+1", "=cmd|'/c calc'!A0"]
    with export.file.open("rb") as file:
        cells = [cell for (cell,) in load_workbook(file).worksheets[0].iter_rows(min_row=2)]
    assert {(cell.data_type, cell.quotePrefix) for cell in cells} == {("s", True)}


def test_control_characters_do_not_break_a_workbook(house: House) -> None:
    house.near.home_city = "Hang\x0bzhou\u200f"
    house.near.save()
    assert rows_of(work(ask(house.head, columns=["city"], file_format="XLSX"))) == [["Hangzhou"]]


def test_the_filters_of_the_list_hold_in_the_file(house: House) -> None:
    other = customer(house.branch, "Zhou", home_city="Ningbo")
    export = work(ask(house.head, columns=["number"], query={"city": "Ningbo", "after": "x", "strange": "1"}))
    assert rows_of(export) == [[other.number]]
    assert export.filters == {"city": "Ningbo"}
    requested = AuditEntry.objects.get(verb="export.requested")
    assert requested.detail["filters"] == ["city"] and "Ningbo" not in str(requested.detail)


def test_the_purpose_is_kept_apart_from_the_sealed_entry(house: House) -> None:
    ask(house.head, purpose="For Wang Xiaoming")
    assert "Wang" not in str(AuditEntry.objects.get(verb="export.requested").detail)
    assert AuditPersonal.objects.get().values == {"purpose": "For Wang Xiaoming"}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"purpose": "  "}, "exports.no_purpose"),
        ({"purpose": "x" * 201}, "exports.no_purpose"),
        ({"columns": []}, "exports.no_columns"),
        ({"columns": ["number", "password"]}, "exports.column"),
        ({"columns": ["number"], "clear": ["name"]}, "exports.column"),
        ({"columns": ["number"], "clear": ["number"]}, "exports.column"),
        ({"file_format": "PDF"}, "exports.format"),
        ({"query": {"city": "Nowhere"}}, "exports.nothing"),
        ({"query": {"birthday": "tomorrow"}}, "exports.bad_filters"),
        ({"list_name": "secrets"}, "exports.unknown_list"),
    ],
)
def test_what_cannot_be_asked_for(house: House, given: dict[str, Any], code: str) -> None:
    with pytest.raises(RuleBroken) as no:
        ask(house.head, **given)
    assert no.value.code == code
    assert not Export.objects.exists() and not JobRun.objects.exists() and not AuditEntry.objects.exists()


def test_without_the_right_nothing_goes_out(house: House) -> None:
    with pytest.raises(NotAllowed):
        ask(house.agent)
    assert not Export.objects.exists()


def test_the_same_form_sent_twice_asks_once(house: House) -> None:
    first, second = (ask(house.head, token="one") for _ in range(2))
    assert first.pk == second.pk and Export.objects.count() == JobRun.objects.count() == 1


def test_a_document_number_is_offered_to_those_who_see_it(house: House) -> None:
    with pytest.raises(RuleBroken, match="Your role"):
        ask(house.head, columns=["id_number"])
    export = work(ask(house.manager, columns=["id_number"]))
    assert rows_of(export) == [["*" * 14 + "002X"]]


def approve(export: Export, officer: User) -> Export:
    return decide_export(export.pk, actor=officer, approve=True)


def test_a_column_in_clear_needs_an_officer(house: House) -> None:
    export = ask(house.manager, columns=["name", "id_number"], clear=["name", "id_number"])
    assert (export.approval, export.run) == ("ASKED", None)
    assert list(Notification.objects.values_list("user", "kind")) == [(house.officer.pk, "export.asked")]
    export = work(approve(export, house.officer))
    assert rows_of(export) == [["王小明", "11010519491231002X"]]
    assert verbs(export) == ["export.requested", "export.granted", "export.written"]
    told = Notification.objects.filter(user=house.manager).values_list("kind", flat=True)
    assert sorted(told) == ["export.granted", "export.ready"]


def test_many_rows_need_an_officer(house: House) -> None:
    set_policy("exports.rows_alone", 2, actor=None)
    CustomerFactory.create_batch(2, unit=house.branch)
    export = ask(house.head)
    assert (export.approval, export.expected, export.expected_more) == ("ASKED", 2, True)
    assert len(rows_of(work(approve(export, house.officer)))) == 3


def test_nobody_decides_about_an_own_export(house: House) -> None:
    RoleAssignment.objects.create(user=house.manager, role="DPO", unit=house.branch)
    forget_cached(house.manager)
    export = ask(house.manager, clear=["name"])
    assert Notification.objects.filter(user=house.manager).count() == 0
    with pytest.raises(NotAllowed):
        approve(export, house.manager)
    export.refresh_from_db()
    assert (export.approval, export.run_id) == ("ASKED", None)


def test_who_may_not_decide_does_not(house: House) -> None:
    export = ask(house.manager, clear=["name"])
    with pytest.raises(NotAllowed):
        approve(export, house.head)
    assert Export.objects.get(pk=export.pk).approval == "ASKED"


def test_a_refusal_has_its_reason_and_no_file(house: House) -> None:
    export = ask(house.manager, clear=["name"])
    with pytest.raises(RuleBroken, match="Say why"):
        decide_export(export.pk, actor=house.officer, approve=False)
    decide_export(export.pk, actor=house.officer, approve=False, note="No need for names")
    with pytest.raises(RuleBroken, match="decided already"):
        approve(export, house.officer)
    export.refresh_from_db()
    assert (export.approval, export.decision_note, export.run_id) == ("REFUSED", "No need for names", None)
    assert not JobRun.objects.exists()
    assert Notification.objects.get(user=house.manager).kind == "export.refused"


def test_a_request_nobody_decides_about_expires(house: House, travel: Any) -> None:
    export = ask(house.manager, clear=["name"])
    assert expire_requests() == 0
    with travel(clock.now() + timedelta(days=8)):
        with pytest.raises(RuleBroken, match="too old"):
            approve(export, house.officer)
        assert (expire_requests(), expire_requests()) == (1, 0)
    export.refresh_from_db()
    assert export.approval == "EXPIRED"
    assert Notification.objects.get(user=house.manager).kind == "export.expired"


def test_an_approval_does_not_last(house: House, travel: Any) -> None:
    export = ask(house.manager, clear=["name"])
    approve(export, house.officer)
    with travel(clock.now() + timedelta(days=8)):
        assert failure_of(work(export)) == "exports.approval_over"
    assert not Export.objects.get(pk=export.pk).file


def test_a_request_can_be_taken_back(house: House) -> None:
    export = ask(house.manager, clear=["name"])
    with pytest.raises(NotAllowed):
        stop_export(export.pk, actor=house.head)
    assert stop_export(export.pk, actor=house.manager).approval == "WITHDRAWN"
    with pytest.raises(RuleBroken):
        approve(export, house.officer)


def test_rights_lost_meanwhile_leave_no_file(house: House) -> None:
    export = ask(house.head)
    RoleAssignment.objects.filter(user=house.head).update(role="AGENT")
    export = work(export)
    assert failure_of(export) == "exports.rights_lost"
    assert not export.file and export.rows is None
    assert "export.written" not in verbs(export)


def test_an_account_closed_meanwhile_leaves_no_file(house: House) -> None:
    export = ask(house.head)
    User.objects.filter(pk=house.head.pk).update(is_active=False)
    assert failure_of(work(export)) == "exports.rights_lost"


def test_a_scope_lost_meanwhile_leaves_its_rows_out(house: House) -> None:
    moved = customer(house.branch, "Moved")
    export = ask(house.head, columns=["number"])
    Customer.objects.filter(pk=moved.pk).update(unit_no=house.other.no)
    assert rows_of(work(export)) == [[house.near.number]]


def test_a_list_that_grew_needs_approval_now(house: House) -> None:
    set_policy("exports.rows_alone", 2, actor=None)
    export = ask(house.head)
    CustomerFactory.create_batch(2, unit=house.branch)
    assert failure_of(work(export)) == "exports.grew"


def test_a_cancelled_export_leaves_no_file(house: House) -> None:
    export = ask(house.head)
    stop_export(export.pk, actor=house.head)
    export = Export.objects.select_related("run").get(pk=export.pk)
    assert export.run is not None and export.run.state == "CANCELLED" and not export.file
    with pytest.raises(RuleBroken):
        cancel_job(export.run.pk, actor=house.head)


def test_the_file_goes_to_its_person_alone_and_each_download_is_recorded(house: House) -> None:
    export = work(ask(house.head))
    name, file = fetch_file(export, actor=house.head)
    file.close()
    assert name == f"{export.number}.csv"
    assert verbs(export)[-1] == "export.downloaded"
    with pytest.raises(NotAllowed):
        fetch_file(export, actor=house.lead)
    RoleAssignment.objects.filter(user=house.head).update(role="AGENT")
    forget_cached(house.head)
    with pytest.raises(NotAllowed):
        fetch_file(export, actor=house.head)


def test_files_are_deleted_after_the_days_of_the_policy(house: House, travel: Any) -> None:
    export = work(ask(house.head))
    with travel(clock.now() + timedelta(days=2)):
        assert drop_old_files() == 0
    with travel(clock.now() + timedelta(days=3, minutes=1)):
        assert drop_old_files() == 1
    export = Export.objects.select_related("run").get(pk=export.pk)
    assert not export.file
    with pytest.raises(RuleBroken, match="not there"):
        fetch_file(export, actor=house.head)


def test_who_stands_in_a_file_is_known(house: House) -> None:
    near = [customer(house.branch, f"N{n}") for n in range(5)]
    export = work(ask(house.head, query={"city": ""}))
    assert [includes([one.pk]) for one in [*near, house.near]] == [[export]] * 6
    assert includes([house.far.pk, 1]) == []


def test_the_file_of_somebody_erased_is_deleted(house: House) -> None:
    held, other = work(ask(house.head)), customer(house.branch, "Other", home_city="Ningbo")
    kept = work(ask(house.head, query={"city": "Ningbo"}))
    path = held.file.path
    assert forgetting.erase([house.near.pk], clock.now()) == {"job_run": 1}
    assert not Path(path).exists() and Path(kept.file.path).exists()
    assert includes([other.pk, house.near.pk]) == [kept]


def test_every_list_is_written(house: House) -> None:
    follow_up = owe_followup(
        customer=house.near,
        kind="CALLBACK",
        owner=house.agent,
        due_at=clock.now() + timedelta(days=1),
        subject="Ring back",
        actor=house.agent,
    )
    contact = start_contact(actor=house.head, customer=house.near, channel="HOTLINE")
    owed = work(
        ask(house.head, "followups", query={"view": "all"}, columns=["number", "kind", "customer_name", "owner"])
    )
    assert rows_of(owed) == [[follow_up.number, "Callback", "王*明", house.agent.name]]
    to_log = work(
        ask(house.head, "contacts", query={"view": "to-log"}, columns=["number", "channel", "staff", "topic"])
    )
    assert rows_of(to_log) == [[contact.number, "Hotline", "", house.head.name]]
    far = UserFactory(role="DEPT_HEAD", unit=house.other)
    with pytest.raises(RuleBroken, match="empty"):
        ask(far, "followups", query={"view": "all"}, columns=["number"])
    assert [export.pk for export in includes([house.near.pk])] == [owed.pk, to_log.pk]


def test_codes_are_said_in_the_language_of_the_asker(house: House) -> None:
    from django.utils import translation

    with translation.override("zh-hans"):
        export = ask(house.head, columns=["status"])
    assert rows_of(work(export)) == [["正常"]]


def test_ten_thousand_rows_cost_few_queries_and_little_memory(house: House) -> None:
    set_policy("exports.rows_alone", 20_000, actor=None)
    rows = [
        Customer(number=f"CU9{n:07d}", name=f"N{n}", unit_id=house.branch.pk, unit_no=house.branch.no)
        for n in range(10_000)
    ]
    Customer.objects.bulk_create(rows, batch_size=2_000)
    export = ask(house.head, columns=["number", "name", "phone", "manager", "completeness"])
    tracemalloc.start()
    with CaptureQueriesContext(connection) as asked:
        export = work(export)
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert export.rows == 10_001
    assert len(rows_of(export)) == len({row[0] for row in rows_of(export)}) == 10_001
    reads = [query["sql"] for query in asked.captured_queries if 'FROM "customers_customer"' in query["sql"]]
    # One for the ids and one for each 2,000 rows, whatever the columns are.
    assert len([sql for sql in reads if "IN (" in sql and "x_phone" in sql]) == 6
    assert len(asked) < 80
    assert peak < 30 * 1024 * 1024


def test_request_export_counts_no_further_than_the_figure(house: House) -> None:
    set_policy("exports.rows_alone", 3, actor=None)
    CustomerFactory.create_batch(9, unit=house.branch)
    with CaptureQueriesContext(connection) as asked:
        export = request_export(
            "customers",
            actor=house.head,
            query={},
            columns=["number"],
            file_format="CSV",
            purpose="Test",
            token="x",
        )
    assert export.expected_more
    assert any("LIMIT 4" in query["sql"] for query in asked.captured_queries)
