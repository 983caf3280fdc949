"""Monthly figures of complaints against a naive recount; numbers open their rows; months are frozen (D§25)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlparse

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from complaints import freezing
from complaints.kpis import KPIS, Part
from complaints.kpis.causes import repeated_causes
from complaints.kpis.month import counted, figures_of
from complaints.kpis.rates import mean_lines
from complaints.kpis.slicing import MONTHLY, in_scope, month_rows, narrowed
from complaints.lifecycle import Act, State
from complaints.models import (
    AppealCase,
    Callback,
    Complaint,
    ComplaintMove,
    LineCount,
    MonthCase,
    MonthClosing,
    Solution,
)
from customers.models import Subscription
from foundation.common import clock
from interactions.models import Topic
from outreach.bellkinds import shown as bell_shown
from outreach.models import Notification
from staff.models import User
from tests.complaints.cases import Office, case, cause, moment, office
from tests.complaints.test_kpis import timed
from tests.factories import CustomerFactory, UserFactory

pytestmark = pytest.mark.django_db
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


@pytest.mark.covers("CMP-16", "CMP-33", "CMP-25")
def test_every_figure_equals_a_naive_recount_and_opens_its_rows(client_for: ClientFor) -> None:
    here, _there = world()
    with clock.travel(NOW):
        head, coordinator = here.head, UserFactory(role="COORDINATOR", language="en")
        everything = list(Complaint.objects.all())
        mine = [one for one in everything if one.unit_no == here.unit.no]
        assert mine and len(mine) * 2 == len(everything)
        for user, cases in ((head, mine), (coordinator, everything)):
            client = client_for(user)
            shown = {
                one.code: one for one in figures_of(user, MARCH, frozen=False, before=FEBRUARY, before_frozen=False)
            }
            for code in OUTCOME:
                yes, of = naive(code, cases)
                assert of, code
                rows = month_rows(user, code, MARCH, frozen=False)
                assert set(rows.values_list("row_case", flat=True)) == of, code
                figure = shown[code].counted
                assert figure.of == len(of), code
                if KPIS[code].numerator is not None:
                    assert 0 < len(yes) < len(of), code  # the world tells them apart
                    assert figure.yes == len(yes), code
                    assert shown[code].value == pytest.approx(100 * len(yes) / len(of))
                    found = set(narrowed(rows, Part.YES).values_list("row_case", flat=True))
                    assert found == yes, code
        # Every number of every split opens exactly its rows.
        client = client_for(head)
        page = client.get("/complaints/analysis/?month=2026-03")
        assert page.status_code == 200
        for code in ("escalation", "mean_time", "reopening"):
            yes, of = naive(code, mine) if code in OUTCOME else (set(), set())
            for by in ("topic", "unit", "responsible", "person", "team", "channel", "brand", "cause", "grade", "area"):
                page = client.get(f"/complaints/analysis/{code}/?month=2026-03&by={by}")
                lines = page.context["lines"]
                total: Counter[str] = Counter()
                for one in lines:
                    parts = ("all", "yes", "no") if KPIS[code].numerator is not None else ("all",)
                    counts = {"all": one["line"].of, "yes": one["line"].yes, "no": one["line"].no}
                    for part in parts:
                        got = opened(client, one["links"][part])
                        assert len(got) == counts[part], (code, by, part)
                        total[part] += len(got)
                if code in OUTCOME:
                    assert (total["all"], total["yes"]) == (len(of), len(yes)), (code, by)
                    assert opened(client, page.context["sum"]["links"]["yes"]) == yes
        # By naive hand: by brand, those without one too.
        page = client.get("/complaints/analysis/complaints/?month=2026-03&by=brand")
        by_brand = Counter(one.brand for one in mine if one.pk in naive("complaints", mine)[1])
        assert {one["line"].key: one["line"].of for one in page.context["lines"]} == by_brand
        # By day of the business zone: of what came, was answered, was due, was reached.
        page = client.get("/complaints/analysis/complaints/?month=2026-03&by=day")
        came = [one for one in mine if one.pk in naive("complaints", mine)[1]]
        by_day = Counter(clock.today(one.received_at).isoformat() for one in came)
        assert [(one["line"].key, one["line"].of) for one in page.context["lines"]] == sorted(by_day.items())
        for code in ("complaints", "satisfaction", "callback", "closed", "on_time"):
            for one in client.get(f"/complaints/analysis/{code}/?month=2026-03&by=day").context["lines"]:
                assert one["line"].key.startswith("2026-03"), code
                assert len(opened(client, one["links"]["all"])) == one["line"].of
        assert client.get("/complaints/analysis/reopening/?month=2026-03&by=day").status_code == 404
        for url in (
            "/complaints/analysis/none/", "/complaints/analysis/complaints/?by=none",
            "/complaints/analysis/rows/?figure=complaints&part=none",
            "/complaints/analysis/rows/?figure=repeated&key=x",
            "/complaints/analysis/rows/?figure=complaints&part=yes", "/complaints/analysis/repeated/",
        ):  # fmt: skip
            assert client.get(url).status_code == 404, url
        assert client.get("/complaints/analysis/rows/?figure=complaints&by=topic&key=none").status_code == 404
        assert opened(client, "/complaints/analysis/rows/?figure=complaints&month=2026-03&by=topic&key=999") == set()
        assert client_for(here.agent).get("/complaints/analysis/").status_code == 403
        empty = client_for(head).get("/complaints/analysis/?month=2024-01")
        values = {card.label: card.value for card in empty.context["cards"]}
        assert values["Escalation rate"] is None and values["Complaints"] == "0"
        assert values["Complaints per 10,000 lines"] is None


@pytest.mark.covers("CMP-16", "CMP-21")
def test_a_month_is_counted_until_the_fifth_and_then_stands(client_for: ClientFor) -> None:
    here, there = world()
    april = moment(32, 9)
    with clock.travel(april):
        head = here.head
        live = counted(head, MARCH, frozen=False)
        freezing.close_month(MARCH)
        assert MonthClosing.objects.get(month=MARCH).frozen_at is None
        assert not Notification.objects.filter(kind="complaint.month_ready").exists()
    late = case(here, received_at=moment(31, 23))  # data that come late
    with clock.travel(moment(35, 9)):
        assert counted(head, MARCH, frozen=False)["complaints"].of == live["complaints"].of + 1
        page = client_for(head).get("/complaints/analysis/?month=2026-03")
        assert "figures may change until the 5th" in page.content.decode()
        freezing.count_figure(MARCH, "complaints")
    with clock.travel(moment(37, 1)):  # the night after the 5th of April
        before = counted(head, MARCH, frozen=False)
        freezing.close_month(MARCH)
        closing = MonthClosing.objects.get(month=MARCH)
        assert closing.frozen_at == clock.now()
        frozen = counted(head, MARCH, frozen=True)
        assert {code: (one.of, one.yes) for code, one in frozen.items()} == {
            code: (one.of, one.yes) for code, one in before.items()
        }
        for code in ("mean_time", "p90_time", "first_contact", "score"):
            assert frozen[code].measure == (
                None if before[code].measure is None else pytest.approx(before[code].measure)
            )
        assert freezing.freeze(MARCH) is False
        with pytest.raises(ValueError, match="frozen"):
            freezing.count_figure(MARCH, "complaints")
        rung = Notification.objects.filter(kind="complaint.month_ready")
        people = {here.lead.pk, here.head.pk, here.boss.pk, there.lead.pk, there.head.pk, there.boss.pk}
        assert people <= set(rung.values_list("user", flat=True)) and rung.filter(user=here.agent).count() == 0
        mine = rung.get(user=head)
        answer = client_for(head).get(bell_shown(mine).url)
        assert answer["Location"] == "/complaints/analysis/?month=2026-03"
    # Whatever happens now, March stands, number and rows.
    Complaint.objects.filter(pk=late.pk).update(topic=Topic.objects.get(code="NETWORK.COVERAGE"), grade="UPGRADED")
    case(here, received_at=moment(31, 22))
    with clock.travel(moment(40)):
        head = User.objects.get(pk=head.pk)
        assert MARCH not in freezing.months_to_do(clock.today())
        client = client_for(head)
        page = client.get("/complaints/analysis/?month=2026-03")
        assert "frozen: these figures stand" in page.content.decode()
        assert {card.label: card.value for card in page.context["cards"]}["Complaints"] == str(frozen["complaints"].of)
        days = client.get("/complaints/analysis/complaints/?month=2026-03&by=day").context["lines"]
        assert sum(one["line"].of for one in days) == frozen["complaints"].of
        page = client.get("/complaints/analysis/complaints/?month=2026-03&by=topic")
        found: set[int] = set()
        for one in page.context["lines"]:
            rows = opened(client, one["links"]["all"])
            assert len(rows) == one["line"].of
            found |= rows
        assert late.pk in found and len(found) == frozen["complaints"].of
        assert counted(head, MARCH, frozen=True)["escalation"].yes == frozen["escalation"].yes


def test_late_runs_missed_months_and_lines(client_for: ClientFor) -> None:
    here, _there = world()
    for number in range(30):
        Subscription.objects.create(
            customer=CustomerFactory(unit=here.unit), service_no=f"139{number:08d}", product_line="MOBILE",
            activated_on=date(2026, 1, 1) if number < 20 else date(2026, 3, 10),
            terminated_on=date(2026, 3, 20) if number < 4 else None, status="TERMINATED" if number < 4 else "ACTIVE",
        )  # fmt: skip
    # Nothing ran until the 9th of April: counted once, late; a month counted in time is frozen as it was counted.
    with clock.travel(moment(40)):
        today = clock.today()
        assert MARCH in freezing.months_to_do(today)
        freezing.close_month(MARCH)
        closing = MonthClosing.objects.get(month=MARCH)
        assert closing.frozen_at is not None and closing.counted_at is not None
        assert MARCH not in freezing.months_to_do(today)
        rows = MonthCase.objects.filter(month=MARCH).count()
        assert rows == sum(one.of for one in counted(here.boss, MARCH, frozen=True).values())
        for day in freezing.lines_to_count(today):
            freezing.count_lines(day)
        assert freezing.lines_to_count(today) == [today]
        freezing.count_lines(today)
        counts = dict(LineCount.objects.filter(unit_no=here.unit.no).values_list("day", "lines"))
        assert counts[MARCH] == 20 and counts[date(2026, 4, 1)] == 26 and counts[today] == 26
        assert mean_lines(here.head, [FEBRUARY, MARCH]) == {FEBRUARY: 20.0, MARCH: 23.0}
        page = client_for(here.head).get("/complaints/analysis/?month=2026-03")
        cards = {card.label: card.value for card in page.context["cards"]}
        came = counted(here.head, MARCH, frozen=True)["complaints"].of
        assert cards["Complaints per 10,000 lines"] == f"{came * 10_000 / 23:.2f}"
        assert cards["Appeals per million lines"] == f"{1_000_000 / 23:.2f}"


@pytest.mark.covers("CMP-16", "CMP-17")
def test_repeated_causes_are_flagged_by_unit_and_thirty_days(client_for: ClientFor) -> None:
    with clock.travel(moment(-9)):
        here, there = office(), office()
    wrong, gap = cause("WRONG_BILL"), cause("COVERAGE_GAP")
    for day in (-20, 5, 9):  # three within thirty days, one of them in February
        closed(here, day, cause=wrong)
    for day in (2, 3):
        closed(here, day, cause=gap)
    closed(there, 4, cause=gap)  # of another unit
    for day in (-27, 1, 30):
        closed(there, day, cause=wrong)  # never three within thirty days
    with clock.travel(NOW):
        found = repeated_causes(here.boss, MARCH)
        assert [(one.cause_id, one.unit_id, one.in_month, one.most) for one in found] == [
            (wrong.pk, here.unit.pk, 2, 3)
        ]
        assert found[0].last_at == moment(9)
        client = client_for(here.boss)
        page = client.get("/complaints/analysis/?month=2026-03")
        assert "repeats" in page.content.decode()
        (one,) = page.context["repeated"]
        rows = opened(client, one["href"])
        assert len(rows) == 2 and set(Complaint.objects.filter(pk__in=rows).values_list("cause", flat=True)) == {
            wrong.pk
        }
        assert {bar.value for bar in page.context["causes"]} == {3, 4}
        for bar in page.context["causes"]:
            assert len(opened(client, bar.href)) == bar.value
        assert repeated_causes(there.head, MARCH) == []


def test_the_pages_cost_the_same_for_few_and_many(client_for: ClientFor) -> None:
    here, _there = world()

    def cost(client: Client, url: str) -> int:
        client.get(url)
        with CaptureQueriesContext(connection) as seen:
            assert client.get(url).status_code == 200
        return len(seen.captured_queries)

    with clock.travel(NOW):
        client = client_for(here.head)
        urls = (
            "/complaints/analysis/?month=2026-03", "/complaints/analysis/escalation/?month=2026-03&by=person",
            "/complaints/analysis/rows/?figure=complaints&month=2026-03&by=topic",
        )  # fmt: skip
        for number in range(6):  # a cause that repeats: its names are one more question
            closed(here, 20 + number, cause=cause("CAUSE0"))
        few = [cost(client, url) for url in urls]
        for number in range(70):
            closed(here, 1 + number % 28, cause=cause(f"CAUSE{number % 12}"))
        assert [cost(client, url) for url in urls] == few
        assert max(few) <= 15, few
        assert set(MONTHLY) <= set(KPIS) and in_scope(here.head).count() > 70
        assert parse_qs(urlparse(client.get(urls[2]).context["back"]).query) == {"month": ["2026-03"]}
