"""Two branches with cases around both ends of March 2026, and the figures of that month counted case by case."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from django.test import Client

from complaints.lifecycle import Act, State
from complaints.models import (
    AppealCase,
    Callback,
    Complaint,
    ComplaintMove,
    Solution,
)
from foundation.common import clock
from interactions.models import Topic
from staff.models import User
from tests.complaints.cases import Office, case, cause, moment, office
from tests.complaints.test_kpis import timed
from tests.factories import CustomerFactory

ClientFor = Callable[[User], Client]
MARCH, FEBRUARY = date(2026, 3, 1), date(2026, 2, 1)
START, END = moment(1, 0), moment(32, 0)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
NOW = moment(31, 12)


def ended(one: Complaint, at: datetime, act: str = Act.CLOSE) -> ComplaintMove:
    """A move of the history at a moment."""
    with clock.travel(at):
        new = {Act.CLOSE: State.CLOSED, Act.REOPEN: State.REOPENED}[act]
        return ComplaintMove.objects.create(complaint=one, act=act, new=new, at=at)


def closed(at: Office, day: int, **columns: Any) -> Complaint:
    """A case closed on a day of March."""
    one = case(at, State.CLOSED, **{"received_at": moment(day) - 3 * DAY, **columns})
    Complaint.objects.filter(pk=one.pk).update(closed_at=moment(day))
    ended(one, moment(day))
    return one


def call(one: Complaint, due: datetime, **columns: Any) -> Callback:
    final = columns.pop("final", False)
    dropped = None if one.solutions.filter(dropped_at=None).count() == 0 else due
    told = Solution.objects.create(
        complaint=one, finding="So", by=one.owner, told_at=due, final=final, dropped_at=dropped
    )
    return Callback.objects.create(complaint=one, solution=told, due_at=due, **columns)


def world() -> tuple[Office, Office]:
    """Two branches with cases around both ends of March: merged, not ours, withdrawn, of a group, reopened, repeated,
    called back, appealed, without news."""
    with clock.travel(moment(-9)):
        here, there = office(), office()
    for at in (here, there):
        topic, other = Topic.objects.get(code="BILLING.AMOUNT"), Topic.objects.get(code="NETWORK.COVERAGE")
        again = CustomerFactory(unit=at.unit)
        case(at, received_at=moment(1, 0) - timedelta(seconds=1))  # the last second of February
        first = case(at, received_at=moment(1, 0), customer=again, topic=topic, brand="GoTone", area="Wenzhou")
        second = case(
            at, State.INVESTIGATING, received_at=moment(20), customer=again, topic=topic, grade="UPGRADED",
            grade_reason="UNSATISFIED", first_contact_at=moment(20) + 5 * HOUR,
        )  # fmt: skip
        timed(second, "progress", moment(22), 48, None)  # no news for two days: a gap
        case(at, received_at=moment(30), customer=again, topic=other)
        late = CustomerFactory(unit=at.unit)
        case(at, received_at=moment(1) - 80 * DAY, customer=late, topic=topic)
        case(at, received_at=moment(5), customer=late, topic=topic)
        case(at, State.MERGED, received_at=moment(6), merged_into=first)
        case(at, State.OUT_OF_SCOPE, received_at=moment(7), reason="x")
        case(at, State.WITHDRAWN, received_at=moment(8), grade="SKIP_LEVEL", grade_reason="AUTHORITY")
        parent = case(at, State.INVESTIGATING, received_at=moment(9), is_parent=True, customer=None, grade="GROUP")
        case(at, State.INVESTIGATING, received_at=moment(9), parent=parent, grade="GROUP", channel="WEB")
        # Closed in March; one reopened in time, one too late, one closed and reopened and closed again.
        closed(at, 3, cause=cause("COVERAGE_GAP"))
        back = closed(at, 4)
        ended(back, moment(10), Act.REOPEN)
        Complaint.objects.filter(pk=back.pk).update(state="REOPENED", closed_at=None, reopened=1)
        slow = closed(at, 1)
        ended(slow, moment(32, 11), Act.REOPEN)
        Complaint.objects.filter(pk=slow.pk).update(reopened=1)
        twice = closed(at, 11)
        ended(twice, moment(12), Act.REOPEN)
        ended(twice, moment(18))
        Complaint.objects.filter(pk=twice.pk).update(closed_at=moment(18), reopened=1)
        before = closed(at, -3)  # February's, reopened in March
        ended(before, moment(2), Act.REOPEN)
        Complaint.objects.filter(pk=before.pk).update(state="REOPENED", closed_at=None, reopened=1)
        # Callbacks: solved, not solved, our last word, not reached, not tried, due in April.
        good, bad, last, out, left, next_one = (case(at, State.CALLBACK, received_at=moment(2)) for _number in range(6))
        done = {"done_at": moment(14), "reached_at": moment(14)}
        call(good, moment(13), **done, solved="YES", satisfaction=5, attitude=4, told_of_progress=True)
        call(bad, moment(13), **done, solved="NO", satisfaction=2, attitude=5, told_of_progress=False)
        call(bad, moment(20), done_at=moment(21), reached_at=moment(21), solved="YES", satisfaction=4)
        call(last, moment(13), **done, solved="NO", satisfaction=1, final=True)
        call(out, moment(13), done_at=moment(19), solved="UNREACHABLE")
        call(left, moment(13))
        call(next_one, moment(33))
        AppealCase.objects.create(
            complaint=first, body="MIIT", reference=f"A{at.unit.pk}", received_at=moment(15), due_on=date(2026, 3, 25),
            internal_due_at=moment(23),
        )  # fmt: skip
    return here, there


def naive(code: str, cases: list[Complaint]) -> tuple[set[int], set[int]]:
    """Which cases count, of which, a case at a time: as D§25 reads."""
    masters = [one for one in cases if one.state != "MERGED"]
    came = [
        one for one in masters
        if START <= one.received_at < END and one.state != "OUT_OF_SCOPE" and not one.is_parent
    ]  # fmt: skip
    calls = {one.pk: list(one.callbacks.order_by("pk")) for one in masters}

    def reached(one: Complaint) -> list[Callback]:
        return [row for row in calls[one.pk] if row.reached_at and START <= row.reached_at < END]

    def due(one: Complaint) -> list[Callback]:
        return [
            row for row in calls[one.pk]
            if START <= row.due_at < END and (row.due_at <= NOW or row.done_at or row.asked_at)
        ]  # fmt: skip

    def closings(one: Complaint) -> list[datetime]:
        return [row.at for row in one.moves.all() if row.new == "CLOSED" and START <= row.at < END]

    if code in ("complaints", "escalation"):
        yes = [one for one in came if code == "complaints" or one.grade in ("UPGRADED", "SKIP_LEVEL")]
        of = came
    elif code == "repeat":
        latest: dict[int, Complaint] = {}
        for one in sorted(came, key=lambda one: (one.received_at, one.pk)):
            if one.customer_id:
                latest[one.customer_id] = one
        of = list(latest.values())
        everything = [one for one in masters if one.state != "OUT_OF_SCOPE" and not one.is_parent]
        yes = [
            one for one in of
            if any(
                a.customer_id == b.customer_id == one.customer_id and a.topic_id == b.topic_id and a.pk != b.pk
                and a.received_at - 90 * DAY <= b.received_at <= a.received_at
                for a in came for b in everything
            )
        ]  # fmt: skip
    elif code == "progress":
        of = [
            one for one in masters
            if not one.is_parent and one.received_at < NOW - 48 * HOUR
            and (one.closed_at is None or (one.closed_at > one.received_at + 48 * HOUR and one.closed_at >= START))
        ]  # fmt: skip
        yes = [one for one in of if one.grade != "UPGRADED"]  # the only one with a gap
    elif code in ("reopening",):
        of = [one for one in masters if closings(one)]
        yes = [
            one for one in of
            if any(
                a < row.at <= a + 30 * DAY for a in closings(one) for row in one.moves.all() if row.act == "REOPEN"
            )
        ]  # fmt: skip
    elif code in ("satisfaction", "callback_return"):
        of = [one for one in masters if reached(one)]
        if code == "satisfaction":
            yes = [one for one in of if reached(one)[-1].satisfaction >= 4]
        else:
            yes = [one for one in of if any(row.solved == "NO" and not row.solution.final for row in reached(one))]
    elif code == "callback":
        of = [one for one in masters if due(one)]
        yes = [one for one in of if all(row.done_at or row.asked_at for row in due(one))]
    elif code == "reach":
        of = [one for one in masters if any(row.done_at or row.asked_at for row in due(one))]
        yes = [one for one in of if any(row.reached_at for row in due(one))]
    elif code == "appeals":
        of = yes = [one for one in masters if one.appeals.filter(received_at__gte=START, received_at__lt=END).exists()]
    else:
        assert code == "first_contact"
        of = yes = [one for one in came if one.first_contact_at]
    return {one.pk for one in yes}, {one.pk for one in of}


OUTCOME = (
    "complaints", "escalation", "repeat", "progress", "reopening", "callback", "reach", "callback_return",
    "satisfaction", "first_contact", "appeals",
)  # fmt: skip


def opened(client: Client, url: str) -> set[int]:
    """The cases a list shows, over all its pages, none twice."""
    found: list[int] = []
    address: str = url
    while address:
        page = client.get(address)
        assert page.status_code == 200, address
        found += [row.pk for row in page.context["page"].items]
        cursor = page.context["page"].next_cursor
        address = f"{url}&after={cursor}" if cursor else ""
    assert len(found) == len(set(found))
    return set(found)
