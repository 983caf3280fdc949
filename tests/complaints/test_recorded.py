"""Complaints of the past from files: their own dates and channels, no clock, nobody told; repeatable, revertible,
erasable."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import translation

from complaints.complainants import due_to_forget, forget_complainants
from complaints.intake.similar import similar_cases
from complaints.lifecycle import Deed
from complaints.models import Complaint, ComplaintMove, Escalation, RecordedCase, Seat
from complaints.queries import MY_CASES, own_among, view_of
from complaints.recorded import writing
from complaints.services import closing, joining, talking, urging
from complaints.watching.dues import DUES
from complaints.watching.sweeping import sweep
from customers.erasure.keeping import holds_on
from customers.imports.contents import mapping_of
from customers.imports.models import Import
from customers.imports.services import run_import
from customers.models import Customer, TimelineLine
from foundation.audit.models import AuditEntry
from foundation.calendars.models import Clock
from foundation.common import clock
from foundation.common.errors import RuleBroken
from interactions.models import Topic
from outreach.models import FollowUp, Notification, OutMessage
from staff.models import OrgUnit
from tests.complaints.cases import Office, case, office
from tests.factories import CustomerFactory, SubscriptionFactory, UserFactory
from tests.imports.bringing import bring, errors_of, table, take_back, words_of_failure, work

pytestmark = pytest.mark.django_db
OURS = "complaints"
HEADER = ["case_no", "received_at", "channel", "state", "text", "topic"]
ONE = ["A-1", "2026-03-01 23:59", "LETTER", "CLOSED", "Charged twice.", "BILLING.AMOUNT"]


@pytest.fixture
def at(settings: Any, tmp_path: Path) -> Any:
    storage = {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": str(tmp_path / "files")},
    }
    settings.STORAGES = settings.STORAGES | {"default": storage}
    with translation.override("en"):
        yield office()


def record(*rows: list[Any], header: list[str] = HEADER, **more: Any) -> Import:
    return bring(table(header, *rows), OURS, as_of=more.pop("as_of", clock.today()), **more)


def nothing_was_born() -> None:
    """No clock, no word to anybody, no duty."""
    for model in (Clock, OutMessage, Notification, FollowUp, Escalation, Seat, TimelineLine):
        assert not model.objects.exists(), model


def test_a_row_becomes_a_record_with_its_own_date_and_nothing_else_is_born(at: Office) -> None:
    customer = CustomerFactory(unit=at.unit)
    line = SubscriptionFactory(customer=customer, activated_on=date(2024, 5, 1))
    imported = record(
        [
            *ONE, "2026-03-04 09:00", "2026-03-05", "YES", "4", customer.number, line.service_no, "Fujian", "12.50",
            at.other.staff_no, "<script>alert(1)</script>", "yes",
        ],
        ["A-2", "2026/3/2 8:05", "hotline", "ACKNOWLEDGED", "No signal at all.\n<b>since</b> Monday", "", *[""] * 11],
        header=[
            *HEADER, "answered_at", "closed_at", "solved", "satisfaction", "customer", "service_no", "area", "amount",
            "owner", "demand", "for_somebody_else",
        ],
        actor=None,
    )  # fmt: skip
    assert imported.counts == {"rows": 2, "errors": 0, "inserted": 2, "updated": 0, "unchanged": 0}
    one, two = Complaint.objects.order_by("source_no")
    zone = clock.BUSINESS_ZONE
    assert (one.received_at, one.closed_at) == (
        datetime(2026, 3, 1, 23, 59, tzinfo=zone),
        datetime(2026, 3, 5, tzinfo=zone),
    )
    assert one.answered_at == one.decided_at == datetime(2026, 3, 4, 9, tzinfo=zone)
    assert (one.state, one.channel, one.solved, one.satisfaction, one.topic.code, one.area, str(one.amount)) == (
        "CLOSED", "LETTER", "YES", 4, "BILLING.AMOUNT", "Fujian", "12.50",
    )  # fmt: skip
    assert (one.customer, one.owner, one.handler, one.lines.get().subscription) == (customer, at.other, None, line)
    assert (one.demand, one.facts_given) == ("<script>alert(1)</script>", {"for_somebody_else": "yes"})
    assert (one.is_imported, one.source, one.next_due_at, one.statutory_due_at) == (True, "complaints", None, None)
    assert (two.state, two.closed_at, two.answered_at, two.text) == (
        "ACKNOWLEDGED", None, None, "No signal at all.\n<b>since</b> Monday",
    )  # fmt: skip
    # Its words say the topic; so it is marked, and nothing is learned from it.
    assert two.topic is not None and two.topic.code == "NETWORK.COVERAGE" and two.topic_suggested
    assert not one.topic_suggested
    assert {row.act for row in ComplaintMove.objects.all()} == {Deed.RECORDED} and ComplaintMove.objects.count() == 2
    assert AuditEntry.objects.filter(verb="import.done").count() == 1 and AuditEntry.objects.count() < 5
    sweep(clock.now() + timedelta(days=40))
    for due in DUES:
        assert list(due.ids(clock.now() + timedelta(days=40))) == []
    nothing_was_born()


def test_wrong_rows_are_refused_with_their_reason_and_the_rest_goes_on(at: Office) -> None:
    line = SubscriptionFactory(activated_on=date(2026, 3, 2))
    header = [*HEADER, "closed_at", "service_no", "customer", "unit", "solved", "satisfaction", "contact_email"]
    ahead = (clock.now() + timedelta(hours=1)).astimezone(clock.BUSINESS_ZONE).strftime("%Y-%m-%d %H:%M")
    gone = CustomerFactory(status="ANONYMISED")
    rows: list[tuple[list[str], str, str]] = [
        (["B-1", ahead, "WEB", "", "x"], "received_at", "lies after"),
        (["B-2", "2026-02-01", "PIGEON", "", "x"], "channel", "is not one of"),
        (["B-3", "2026-02-01", "WEB", "", "x", "MOON"], "topic", "is no topic"),
        (["B-4", "2026-02-01", "WEB", "PAUSED", "x"], "state", "is not one of"),
        (["B-5", "yesterday", "WEB", "", "x"], "received_at", "is not a moment"),
        (["B-6", "2026-02-30", "WEB", "", "x"], "received_at", "is not a day and hour"),
        (["B-7", "2026-02-01", "WEB", "", ""], "text", "what was complained of"),
        (["B-8", "2026-02-01", "", "", "x"], "channel", "must be filled"),
        (["B-9", "2026-02-02", "WEB", "", "x", "", "2026-02-01"], "closed_at", "lies before the receipt"),
        (["B-10", "2026-02-02", "WEB", "ASSIGNED", "x", "", "2026-02-03"], "state", "moment of closing"),
        (["B-11", "2026-03-01", "WEB", "", "x", "", "", line.service_no], "service_no", "activation on 2026-03-02"),
        (["B-12", "2026-03-01", "WEB", "", "x", "", "", "", "CU1"], "customer", "is no customer's number"),
        (["B-13", "2026-03-01", "WEB", "", "x", "", "", "", gone.number], "customer", "was erased"),
        (["B-14", "2026-03-01", "WEB", "", "x", "", "", "", "", "NOWHERE"], "unit", "is no unit's code"),
        (["B-15", "2026-03-01", "WEB", "ASSESSED", "x", "", "", "", "", "", "YES"], "solved", "closed complaints only"),
        (["B-16", "2026-03-01", "WEB", "", "x", "", "", "", "", "", "", "6"], "satisfaction", "between 1 and 5"),
        (["B-17", "2026-03-01", "WEB", "", "x", "", "", "", "", "", "", "", "nobody"], "contact_email", ""),
        (["B-18", "2026-03-01", "WEB", "", "y" * 1_000_000], "text", "a cell holds at most"),
        (["B-19", "2026-03-01", "WEB", "", "=cmd|' /C calc'!A0"], "text", "is a formula"),
        (["B-20", "2026-03-01", "WEB", "", "y" * 20_001], "text", "20001 characters; at most 20000"),
        (["B" * 65, "2026-03-01", "WEB", "", "x"], "case_no", "at most 64"),
        (["A-0", "2026-03-01", "WEB", "", "another"], "", "stands in line 2 already"),
    ]  # fmt: skip
    good = [["A-0", "2026-03-01", "WEB", "", "first"], [f"A-{1}", "2026-03-01 10:00+00:00", "SMS", "", "last"]]
    width = len(header)
    wide = [[*row, *[""] * (width - len(row))] for row in (good[0], *(row for row, _c, _w in rows), good[1])]
    imported = record(*wide, header=header)
    assert imported.counts == {"rows": 24, "errors": 22, "inserted": 2, "updated": 0, "unchanged": 0}
    told = {int(line_no): (column, words) for line_no, column, words, _value in errors_of(imported)}
    for number, (_row, column, words) in enumerate(rows, start=3):
        assert told[number][0] == column and words in told[number][1], (number, told[number])
    assert list(Complaint.objects.order_by("pk").values_list("text", flat=True)) == ["first", "last"]
    assert Complaint.objects.get(text="last").received_at.isoformat() == "2026-03-01T10:00:00+00:00"
    nothing_was_born()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (table(HEADER, ONE, encoding="utf-16"), "UTF-16"),
        (table(["case_no", "text"], ["A", "x"]), "lacks: received_at, channel"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "PNG"),
    ],
)
def test_a_file_that_is_no_table_of_complaints_writes_nothing(at: Office, content: bytes, words: str) -> None:
    assert words in words_of_failure(bring(content, OURS, as_of=clock.today()))
    assert not Complaint.objects.exists() and not RecordedCase.objects.exists()


def test_the_same_again_changes_nothing_another_file_what_it_says_and_never_what_somebody_works_on(at: Office) -> None:
    rows = [ONE, ["A-2", "2026-03-02", "WEB", "ACKNOWLEDGED", "No signal", ""]]
    checked = record(*rows, check=True)
    assert (checked.state, checked.counts["inserted"], Complaint.objects.count()) == ("CHECKED", 2, 0)
    first = work(run_import(checked.pk, actor=None))
    assert first.counts["inserted"] == 2
    before = list(Complaint.objects.order_by("pk").values())
    again = record(*rows)
    assert again.counts == {"rows": 2, "errors": 0, "inserted": 0, "updated": 0, "unchanged": 2}
    assert list(Complaint.objects.order_by("pk").values()) == before

    talking.add_note(Complaint.objects.get(source_no="A-1").pk, actor=at.handler, text="seen")
    assert ComplaintMove.objects.filter(act=Deed.NOTED).exists()
    two = Complaint.objects.get(source_no="A-2")
    rows[1] = [*rows[1][:3], "CLOSED", "No signal", "NETWORK.FAULT"]
    second = record(*rows)
    assert second.counts == {"rows": 2, "errors": 0, "inserted": 0, "updated": 1, "unchanged": 1}
    two.refresh_from_db()
    assert (two.state, two.topic.code, two.topic_suggested, two.version) == ("CLOSED", "NETWORK.FAULT", False, 2)
    assert two.closed_at == clock.now()

    Complaint.objects.filter(pk=two.pk).update(version=3)  # as any act on it leaves it
    rows[1][4] = "No signal in the cellar"
    third = record(*rows)
    assert third.counts == {"rows": 2, "errors": 1, "inserted": 0, "updated": 0, "unchanged": 1}
    assert errors_of(third)[0][2] == f"Somebody has worked on case {two.number} since: it stays as it is."
    Complaint.objects.filter(pk=two.pk).update(version=2)

    # Back, the newest first; what somebody noted something in stays.
    assert take_back(first).counts["kept"] == 2
    back = take_back(second)
    assert (back.counts["reverted"], back.counts["kept"]) == (1, 0)
    two.refresh_from_db()
    assert (two.state, two.closed_at, two.topic_suggested) == ("ACKNOWLEDGED", None, True)
    back = take_back(first)
    assert (back.counts["reverted"], back.counts["kept"]) == (1, 1)
    assert Complaint.objects.get().source_no == "A-1"
    nothing_was_born()


def test_an_import_killed_half_way_ends_as_one_that_was_not(at: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("complaints.recorded.content.LOT", 4)
    rows = [[f"K-{n}", "2026-03-01", "WEB", "", f"Text {n}", ""] for n in range(10)]
    written: list[int] = []
    whole = writing.Recorder.write

    def dies(self: Any, some: Any) -> Any:
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(len(some))
        return whole(self, some)

    with monkeypatch.context() as broken:
        broken.setattr(writing.Recorder, "write", dies)
        with pytest.raises(KeyboardInterrupt):
            record(*rows)
    failed = Import.objects.get()
    assert (failed.state, Complaint.objects.count()) == ("FAILED", 8)
    done = work(run_import(failed.pk, actor=None))
    assert (done.state, done.counts) == (
        "DONE",
        {"rows": 10, "errors": 0, "inserted": 10, "updated": 0, "unchanged": 0},
    )
    assert Complaint.objects.count() == ComplaintMove.objects.count() == RecordedCase.objects.count() == 10
    assert (take_back(done).counts["reverted"], Complaint.objects.count()) == (10, 0)


def test_a_record_is_nobodys_duty_and_opens_nothing(at: Office) -> None:
    customer = CustomerFactory(unit=at.unit)
    header = [*HEADER, "customer", "owner"]
    record(["A-1", "2026-03-01", "WEB", "ASSIGNED", "Text", "", customer.number, at.handler.username], header=header)
    one = Complaint.objects.get()
    assert (one.owner, one.handler) == (at.handler, None)
    assert not view_of(at.handler, "mine").seen.exists() and not view_of(at.handler, "pool").seen.exists()
    assert list(view_of(at.lead, "all").seen) == [one]
    assert own_among(at.handler, [one]) == set()
    with connection.cursor() as cursor:
        cursor.execute(MY_CASES.sql, MY_CASES.params(at.handler))
        assert cursor.fetchone() == (0,)
    assert similar_cases(customer, one.topic, [], "Text", None).is_empty
    assert holds_on([customer.pk], clock.today()) == {}
    live = case(at, customer=customer)
    for refused in (
        lambda: urging.urge_complaint(one.pk, actor=None, channel="WEB", text="again"),
        lambda: joining.merge_complaints(live.pk, one.pk, actor=at.boss),
    ):
        with pytest.raises(RuleBroken) as no:
            refused()
        assert no.value.code == "complaint.record"
    Complaint.objects.filter(pk=one.pk).update(state="CLOSED", closed_at=clock.now())
    with pytest.raises(RuleBroken) as no:
        closing.reopen_complaint(one.pk, actor=at.handler, words="again")
    assert no.value.code == "complaint.record"
    live.refresh_from_db()
    assert live.state == "REGISTERED"


def test_what_a_record_tells_of_people_is_erased_and_no_file_brings_it_back(at: Office) -> None:
    header = [*HEADER, "contact_name", "contact_phone"]
    rows = [
        ["A-1", "2020-03-01", "WEB", "", "Rosa Quiz says", "", "Rosa Quiz", "13812340000"],
        ["A-2", "2020-03-01", "WEB", "", "Names nobody", "", "", ""],
    ]
    record(*rows, header=header)
    one, two = Complaint.objects.order_by("source_no")
    assert due_to_forget() == []
    with clock.travel(clock.now() + timedelta(days=731)):
        assert due_to_forget() == [one.pk]
        forget_complainants([one.pk])
        assert due_to_forget() == []
    one.refresh_from_db()
    assert (one.text, one.contact_name, one.contact_phone, one.source_no, one.facts_given) == ("", "", "", "", {})
    assert (one.channel, one.received_at.year) == ("WEB", 2020)  # figures keep it
    again = record(*rows, header=header)
    assert again.counts == {"rows": 2, "errors": 1, "inserted": 0, "updated": 0, "unchanged": 1}
    assert "was erased: no file brings" in errors_of(again)[0][2]
    one.refresh_from_db()
    assert one.text == ""
    two.refresh_from_db()
    assert two.text == "Names nobody"


def test_the_page_checks_shows_and_brings_in(at: Office, client_for: Any) -> None:
    admin = UserFactory(role="SYS_ADMIN", unit=OrgUnit.objects.get(pk=at.unit.pk))
    client: Client = client_for(admin)
    assert "complaints" in client.get("/imports/new/").content.decode()
    imported = record(ONE, ["A-2", "never", "WEB", "", "x", ""], check=True, actor=admin)
    page = client.get(f"/imports/{imported.ref}/").content.decode()
    assert "Complaints added" in page and "A-1" in page and "is not a moment" in page and "Charged twice" not in page
    assert client.post(f"/imports/{imported.ref}/run/").status_code == 302
    done = work(Import.objects.get())
    assert (done.state, Complaint.objects.get().registered_by) == ("DONE", admin)
    for person in (at.lead, at.handler):
        shown = client_for(person).get(f"/complaints/{Complaint.objects.get().ref}/")
        assert shown.status_code == 200 and "Charged twice." in shown.content.decode()


def test_the_topics_people_name_are_found_by_code_and_name(at: Office) -> None:
    topic = Topic.objects.get(code="NETWORK.SPEED")
    rows = [[f"T-{n}", "2026-03-01", "WEB", "", "x", said] for n, said in enumerate(
        ["NETWORK.SPEED", "network.speed", topic.name_zh, topic.name_en.upper()]
    )]  # fmt: skip
    assert record(*rows).counts["inserted"] == 4
    assert set(Complaint.objects.values_list("topic", flat=True)) == {topic.pk}
    assert Customer.objects.count() == 0
    assert mapping_of(OURS).required_columns() == ["case_no", "received_at", "channel"]
