"""Months are counted until the 5th of the next one and then stand, numbers and rows (D§25)."""

from __future__ import annotations

import random
from datetime import date
from threading import Event
from typing import Any

import pytest
from django.db.models import F
from django.test import Client

from complaints.figures import freezing
from complaints.kpis.month import counted
from complaints.kpis.rates import mean_lines
from complaints.lifecycle import Act, State
from complaints.models import (
    Callback,
    CaseTime,
    Complaint,
    LineCount,
    MonthCall,
    MonthCase,
    MonthClosing,
    MonthPart,
    MonthTime,
    Part,
)
from customers.models import Subscription
from foundation.common import clock
from interactions.models import Topic
from outreach.bellkinds import shown as bell_shown
from outreach.models import Notification
from staff.models import User
from tests.complaints.cases import case, moment, office
from tests.complaints.figure_world import (
    FEBRUARY,
    MARCH,
    ClientFor,
    closed,
    ended,
    opened,
    world,
)
from tests.complaints.forking import Forked
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db


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
        with pytest.raises(freezing.FrozenMonth):
            freezing.count_figure(MARCH, "complaints")
        rung = Notification.objects.filter(kind="complaint.month_ready")
        people = {here.lead.pk, here.head.pk, here.boss.pk, there.lead.pk, there.head.pk, there.boss.pk}
        assert people <= set(rung.values_list("user", flat=True)) and rung.filter(user=here.agent).count() == 0
        # Everybody hears of their own area, as their page shows it.
        for person in (head, there.lead, here.boss):
            told, own = rung.get(user=person), counted(person, MARCH, frozen=True)
            assert told.params == {
                "month": "2026-03", "complaints": own["complaints"].of, "on_time": None,
                "satisfaction": pytest.approx(100 * own["satisfaction"].yes / own["satisfaction"].of),
            }  # fmt: skip
        assert rung.get(user=here.lead).params["complaints"] == rung.get(user=there.lead).params["complaints"] + 1
        assert bell_shown(rung.get(user=there.lead)).title == (
            f"Your area in 2026-03: complaints {counted(there.lead, MARCH, frozen=True)['complaints'].of}, on time –,"
            " satisfied 66.7%"
        )
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


def reports_of(client: Client, *, rows: bool = True) -> dict[str, Any]:
    """Every number of the reports of March, with the rows it opens."""
    found: dict[str, Any] = {}
    for name, splits in (("callbacks", ("topic", "caller")), ("support", ("unit", "person"))):
        for by in splits:
            page = client.get(f"/complaints/{name}/?month=2026-03&by={by}")
            for line in [*page.context["lines"], page.context["sum"]]:
                for number, url, _words, _share in line["links"] if rows else []:
                    found[url] = frozenset(row.pk for row in client.get(url).context["page"].items)
                    assert len(found[url]) == number, url
                found[f"{name} {by} {line['line'].key}"] = line["line"]
    for by in ("person", "unit"):
        for line, url in client.get(f"/complaints/times/?month=2026-03&by={by}").context["lines"]:
            found[url] = opened(client, url)
            assert len(found[url]) == line.cases
            found[f"times {by} {line.key}"] = line
    voices = client.get("/complaints/experience/?month=2026-03").context["lines"]
    found["voices"] = {one.key: (one.complaints, one.reached, one.satisfied, one.satisfaction) for one in voices}
    return found


@pytest.mark.covers("CMP-12", "CMP-22", "CMP-25", "SUR-12")
def test_callbacks_support_units_and_time_used_stand_with_their_month(client_for: ClientFor) -> None:
    here, there = world()
    one, gone = case(here, State.INVESTIGATING, received_at=moment(2)), closed(here, 5, handler=here.other)
    CaseTime.objects.create(
        complaint=gone, person=here.other, unit=here.unit, minutes=90, working=60, paused=5, times=1
    )
    given = {"complaint": one, "ask": "x", "budget_minutes": 60, "unit": there.unit, "unit_no": there.unit.no}
    late = Part.objects.create(**given, due_at=moment(8))
    Part.objects.create(**given, due_at=moment(9), done_at=moment(9, 9), state="DONE", minutes_used=50)
    with clock.travel(moment(37, 1)):
        clients = [client_for(user) for user in (here.head, there.head)]
        live = [reports_of(client, rows=client is clients[0]) for client in clients]
        assert len(live[0]) > 40 and live[0] != live[1]
        assert "may change until the 5th" in clients[0].get("/complaints/support/?month=2026-03").content.decode()
        freezing.close_month(MARCH)
        assert [reports_of(client, rows=False) for client in clients] == [
            {name: value for name, value in one.items() if not isinstance(value, frozenset)} for one in live
        ]
    # Whatever comes after: numbers and rows stay.
    Callback.objects.filter(reached_at__isnull=False).update(satisfaction=1, solved="NO", attitude=1, by=there.lead)
    Callback.objects.filter(done_at=None).update(done_at=moment(30), solved="UNREACHABLE")
    Part.objects.filter(pk=late.pk).update(done_at=moment(7), state="DONE", unit=here.unit)
    CaseTime.objects.update(minutes=1, working=1)
    Complaint.objects.exclude(topic=None).update(topic=Topic.objects.get(code="NETWORK.SPEED"), brand="moved")
    Complaint.objects.filter(pk=gone.pk).update(closed_at=moment(34))
    with clock.travel(moment(40)):
        clients = [client_for(User.objects.get(pk=user.pk)) for user in (here.head, there.head)]
        assert [reports_of(client, rows=client is clients[0]) for client in clients] == live
        for name in ("callbacks", "support", "times"):
            assert "these figures stand" in clients[0].get(f"/complaints/{name}/?month=2026-03").content.decode()
        with pytest.raises(freezing.FrozenMonth):
            freezing.count_report(MARCH, "support")


@pytest.mark.covers("CMP-16")
def test_each_reopening_in_time_counts_once_in_its_month_or_late_in_another(client_for: ClientFor) -> None:
    with clock.travel(moment(-9)):
        here = office()

    def back(one: Complaint, day: int) -> None:
        ended(one, moment(day), Act.REOPEN)
        Complaint.objects.filter(pk=one.pk).update(reopened=F("reopened") + 1)

    april = date(2026, 4, 1)
    soon, late, before_the_fifth, too_late, never, twice = (closed(here, day) for day in (20, 20, 28, 3, 20, 10))
    back(soon, 25)
    back(twice, 12)
    ended(twice, moment(20))
    back(before_the_fifth, 35)
    with clock.travel(moment(37, 1)):
        freezing.close_month(MARCH)
    back(late, 41)
    back(too_late, 41)
    back(twice, 42)  # counted for March already
    of_april = closed(here, 33)
    back(of_april, 44)

    def rows(client: Client, code: str, month: str, part: str = "") -> set[int]:
        return opened(client, f"/complaints/analysis/rows/?figure={code}&month={month}{part}")

    for at, stands in ((moment(45), False), (moment(67, 1), True)):
        with clock.travel(at):
            if stands:
                freezing.close_month(april)
            client = client_for(User.objects.get(pk=here.head.pk))
            assert rows(client, "reopening", "2026-03", "&part=yes") == {soon.pk, before_the_fifth.pk, twice.pk}
            assert rows(client, "late_reopened", "2026-04") == {late.pk}
            assert rows(client, "late_reopened", "2026-03") == set()
            assert rows(client, "reopening", "2026-04", "&part=yes") == {of_april.pk}
            cards = client.get("/complaints/analysis/?month=2026-04").context["cards"]
            assert {card.label: card.value for card in cards}["Reopened after their month stood"] == "1"
            counted_ones = {soon.pk, before_the_fifth.pk, twice.pk, late.pk, of_april.pk}
            assert counted_ones | {too_late.pk, never.pk} == set(Complaint.objects.values_list("pk", flat=True))


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_again_and_again_freezes_what_one_left_alone_does() -> None:
    here, _there = world()
    Part.objects.create(
        complaint=case(here, State.INVESTIGATING, received_at=moment(2)), ask="x", budget_minutes=60, unit=here.unit,
        unit_no=here.unit.no, due_at=moment(8),
    )  # fmt: skip
    tables = (MonthCase, MonthCall, MonthPart, MonthTime)

    def kept() -> list[Any]:
        return [sorted(map(str, table.objects.values_list(*columns_of(table)))) for table in tables]

    with clock.travel(moment(37, 1)):
        freezing.close_month(MARCH)
        whole = kept()
        assert all(whole[:3])
        for table in (*tables, MonthClosing, Notification):
            table.objects.all().delete()
        chance, kills, partly = random.Random(20260406), 0, 0
        while not MonthClosing.objects.filter(frozen_at__isnull=False).exists():
            steady, doomed = (Forked(lambda: freezing.close_month(MARCH)) for _one in range(2))
            Event().wait(chance.uniform(0.02, 0.4))
            for one in (doomed, steady) if kills < 4 else (doomed,):
                kills += not one.ended()
                one.kill()
            assert steady.wait() in (0, -9)
            partly += MonthCase.objects.exists() and not MonthClosing.objects.filter(counted_at__isnull=False).exists()
        assert kills >= 2 and partly
        assert kept() == whole
        assert Notification.objects.filter(kind="complaint.month_ready", user=here.head).count() == 1
        freezing.close_month(MARCH)
        assert kept() == whole


def columns_of(table: Any) -> list[str]:
    return [field.attname for field in table._meta.concrete_fields if field.attname != "id"]
