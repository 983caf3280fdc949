"""Cases in any state given to colleagues together: 300 mixed ones in few statements, equal to those given one by one,
and taken back as a whole (ui-guide §5 Queue)."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from complaints.lifecycle import State
from complaints.models import BulkChange, BulkLine, Complaint, ComplaintMove, Rejection, Seat
from complaints.services import rejecting
from complaints.services.bulk import aim_bulk, begin_bulk, confirm_bulk, do_line, run_lines, undo_bulk
from customers.models import CustomerFacts
from foundation.audit.models import AuditEntry
from foundation.calendars.clock_queries import faults_of_clocks
from foundation.calendars.models import Clock, ClockEvent, ClockMark
from foundation.jobs.models import JobRun
from foundation.jobs.tasks import run_job
from outreach.models import Notification, OutMessage
from tests.complaints.cases import Office, moment, office, on, ready
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
KINDS: tuple[dict[str, Any], ...] = (
    {"state": State.ASSIGNED},
    {"state": State.ASSIGNED, "handler": None},
    {"state": State.ASSESSED},
    {"state": State.INVESTIGATING},
    {"state": State.REOPENED},
    {"state": State.ASSIGNED, "channel": "EMAIL"},
    {"state": State.ASSESSED, "customer": None, "contact_name": "R", "contact_phone": "13812340000"},
    {"state": State.INVESTIGATING, "grade": "MAJOR"},
)


def made(at: Office, number: int) -> list[Complaint]:
    cases = [ready(at, **KINDS[n % len(KINDS)]) for n in range(number)]
    for one in cases[2::8]:
        rejecting.ask_rejection(one.pk, actor=at.handler, reason="Water", referral="City")
        CustomerFacts.objects.update_or_create(customer_id=one.customer_id, defaults={"tier": "GOLD"})
    return cases


def started(at: Office, cases: list[Complaint], **aim: Any) -> BulkChange:
    bulk = begin_bulk([one.pk for one in cases], actor=at.lead, act="ASSIGN")
    aim_bulk(bulk.pk, actor=at.lead, note="leave", **aim)
    return confirm_bulk(bulk.pk, actor=at.lead)


def left(cases: list[Complaint]) -> list[Any]:
    """Everything an assignment leaves of each case, without keys."""
    found = []
    for one in Complaint.objects.filter(pk__in=[case.pk for case in cases]).order_by("pk"):
        columns = ("state", "handler_id", "last_handler_id", "work_unit_id", "passes", "version")
        due = ("next_due_at", "service_due_at", "statutory_due_at", "queue_at", "service_late", "last_told_at")
        clocks = Clock.objects.filter(owner_kind="CASE", owner_id=one.pk)
        events = ClockEvent.objects.filter(clock__in=clocks).order_by("pk")
        marks = ClockMark.objects.filter(clock__in=clocks)
        moves = ComplaintMove.objects.filter(complaint=one).order_by("pk")
        rows = AuditEntry.objects.filter(target_id=one.pk).order_by("pk")
        params = [
            (row.template, row.channel, row.expires_at, row.actor_id, {**row.params, "number": ""})
            for row in OutMessage.objects.order_by("pk")
            if row.params.get("number") == one.number
        ]
        bells = Notification.objects.filter(subject_type="complaint", subject_id=one.pk).exclude(kind__endswith="asked")
        found.append(
            (
                [getattr(one, name) for name in (*columns, *due)],
                sorted(clocks.values_list("kind", "state", "due_at", "policy_key", "sequence")),
                sorted(events.values_list("clock__kind", "type", "at", "actor_id")),
                sorted((*row, str(at)) for *row, at in marks.values_list("clock__kind", "unit", "amount", "due_at")),
                list(moves.values_list("act", "old", "new", "actor_id", "handler_id", "unit_id", "reason", "readings")),
                [(row.verb, row.actor_id, row.detail) for row in rows],
                params,
                sorted(bells.values_list("user_id", "kind")),
                Seat.objects.filter(complaint=one).count(),
                list(Rejection.objects.filter(complaint=one).values_list("state", flat=True)),
            )
        )
    return found


@pytest.mark.covers("CMP-12")
def test_together_they_are_what_they_are_one_by_one() -> None:
    with on(3):
        at = office()
        together, single = made(at, 16), made(at, 16)
    with on(3, 11):
        for aim in ({"people": [at.other]}, {"unit": at.unit}):
            first, second = started(at, together, **aim), started(at, single, **aim)
            list(run_lines(first))
            for key in BulkLine.objects.filter(bulk=second).order_by("pk").values_list("pk", flat=True):
                do_line(key, actor=at.lead)
            states = [list(bulk.lines.order_by("pk").values_list("state", "code")) for bulk in (first, second)]
            assert states[0] == states[1]
            assert left(together) == left(single)
    assert not list(faults_of_clocks())


@pytest.mark.covers("CMP-12")
def test_three_hundred_mixed_ones_change_hands_in_few_statements_and_come_back() -> None:
    with on(3):
        at = office()
        third = UserFactory(unit=at.unit, role="COMPLAINT_HANDLER")
        cases = made(at, 300)
        had = dict(Complaint.objects.values_list("pk", "handler"))
    with on(3, 11):
        bulk = started(at, cases, people=[at.other, third])
        run = JobRun.objects.get(job="complaints.bulk")
        steps = run_lines(bulk)
        with CaptureQueriesContext(connection) as seen:
            next(steps)  # the first hundred
        mail_or_stranger = sum(one.channel == "EMAIL" or one.customer_id is None for one in cases[:100])
        assert len(seen.captured_queries) <= 80 + 12 * mail_or_stranger
        del steps  # killed: the rest follows
        run_job(run.pk)
        assert Counter(bulk.lines.values_list("state", flat=True)) == {"DONE": 300}
        shares = Counter(Complaint.objects.values_list("handler", flat=True))
        assert set(shares) == {at.other.pk, third.pk} and max(shares.values()) - min(shares.values()) <= 1
        told = Counter(OutMessage.objects.values_list("template", flat=True))
        assert told["complaint_assigned"] + told["complaint_new_handler"] == 300
        accept = Clock.objects.filter(kind="accept", state="RUNNING")
        not_accepted = Complaint.objects.filter(state="ASSIGNED").count()
        assert accept.count() == not_accepted == 300 - 75
        assert set(accept.values_list("due_at", flat=True)) == {moment(3, 12), moment(3, 13)}  # gold: one hour
        assert not Rejection.objects.filter(state="ASKED").exists()
    with on(3, 12):
        undo_bulk(bulk.pk, actor=at.lead)
        run_job(JobRun.objects.filter(job="complaints.bulk").latest("pk").pk)
        assert Counter(bulk.lines.values_list("state", flat=True)) == {"UNDONE": 300}
        assert dict(Complaint.objects.values_list("pk", "handler")) == had
    assert not list(faults_of_clocks())
