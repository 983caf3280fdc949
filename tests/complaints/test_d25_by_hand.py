"""The table of D§25 line by line: each figure of complaints as its card says it, against a count over plain rows."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from complaints.figures import freezing
from complaints.models import AppealCase, Callback, Complaint, ComplaintMove, LineCount, Part
from customers.models import Subscription
from foundation.calendars.clocks import mark_missed
from foundation.calendars.models import Clock
from foundation.common import clock
from tests.complaints.cases import case, moment
from tests.complaints.figure_world import DAY, END, HOUR, NOW, START, ClientFor, world
from tests.complaints.test_kpis import timed
from tests.factories import CustomerFactory

pytestmark = pytest.mark.django_db
Row = dict[str, Any]


def inside(at: datetime | None) -> bool:
    return at is not None and START <= at < END


def percent(part: int, of: int) -> str | None:
    return f"{100 * part / of:.1f}" if of else None


@pytest.mark.covers("REP-05", "CMP-16", "CMP-25", "CMP-33")
def test_every_line_of_the_table_is_what_a_count_over_plain_rows_gives(client_for: ClientFor) -> None:
    here, there = world()
    for at in (here, there):
        answered = [
            case(at, "DECIDED", received_at=moment(day), answered_at=moment(day) + HOUR * hours)
            for day, hours in ((3, 10), (9, 47), (12, 60), (21, 200))
        ]
        for one, hours in zip(answered, (10, 47, 60, 200), strict=True):
            timed(one, "service", one.received_at, 48, one.received_at + HOUR * hours)
            timed(one, "statutory", one.received_at, 24 * 15, one.received_at + HOUR * hours)
        late = case(at, "INVESTIGATING", received_at=moment(4))
        timed(late, "service", moment(4), 48, None)
        timed(late, "statutory", moment(4), 24 * 15, None)
        timed(case(at, "INVESTIGATING", received_at=moment(29)), "service", moment(29), 24 * 5, None)  # due in April
        AppealCase.objects.create(
            complaint=answered[0], body="MIIT", reference=f"Z{at.unit.pk}", received_at=moment(-3),
            due_on=date(2026, 3, 9), internal_due_at=moment(7),
        )  # fmt: skip
        for due, done in ((5, 4), (6, 7), (8, None)):
            Part.objects.create(
                complaint=late, ask="x", budget_minutes=60, unit=at.unit, unit_no=at.unit.no, due_at=moment(due),
                state="DONE" if done else "OPEN", done_at=moment(done) if done else None,
            )  # fmt: skip
        for number in range(40):
            Subscription.objects.create(
                customer=CustomerFactory(unit=at.unit), service_no=f"1{at.unit.pk % 10**6:06d}{number:04d}",
                product_line="MOBILE", activated_on=date(2026, 1 if number < 30 else 3, 10), status="ACTIVE",
            )  # fmt: skip
    with clock.travel(NOW):
        mark_missed(NOW, owner_kind="CASE")
        freezing.count_missing_lines(clock.today())
        client = client_for(here.head)
        cards = {card.label: card.value for card in client.get("/complaints/analysis/?month=2026-03").context["cards"]}
        support = client.get("/complaints/support/?month=2026-03").context["sum"]
        called = client.get("/complaints/callbacks/?month=2026-03").context["sum"]

    cases: dict[int, Row] = {
        row["id"]: row for row in Complaint.objects.filter(work_unit=here.unit).values() if row["state"] != "MERGED"
    }
    came = [
        row for row in cases.values()
        if inside(row["received_at"]) and row["state"] != "OUT_OF_SCOPE" and not row["is_parent"]
    ]  # fmt: skip
    moves: dict[int, list[Row]] = {key: [] for key in cases}
    for row in ComplaintMove.objects.order_by("at").values():
        moves.get(row["complaint_id"], []).append(row)
    calls: dict[int, list[Row]] = {key: [] for key in cases}
    for row in Callback.objects.order_by("id").values("complaint_id", "due_at", "done_at", "asked_at", "reached_at",
                                                      "solved", "satisfaction", "solution__final"):  # fmt: skip
        calls.get(row["complaint_id"], []).append(row)
    clocks = [row for row in Clock.objects.values() if row["owner_kind"] == "CASE" and row["owner_id"] in cases]
    lines = dict(LineCount.objects.filter(unit_no=here.unit.no).values_list("day", "lines"))
    assert [lines[day] for day in (date(2026, 3, 1), date(2026, 3, 31))] == [30, 40]

    expected: dict[str, str | None] = {}
    # Complaint rate, appeal rate: over the mean of active lines.
    appeals = [
        row for row in AppealCase.objects.values() if row["complaint_id"] in cases and inside(row["received_at"])
    ]
    expected["Complaints"] = str(len(came))
    expected["Complaints per 10,000 lines"] = f"{len(came) * 10_000 / 35:.2f}"
    expected["Appeals"] = str(len(appeals))
    expected["Appeals per million lines"] = f"{len(appeals) * 1_000_000 / 35:.2f}"
    # On-time and statutory rate: of those due in the month, the open ones that are overdue among them.
    for label, kind in (("On-time rate", "service"), ("Statutory rate", "statutory")):
        due, missed = set(), set()
        for row in clocks:
            over = row["missed_at"] is not None or (row["state"] == "RUNNING" and row["due_at"] < NOW)
            if row["kind"] == kind and inside(row["due_at"]) and (over or row["state"] in ("MET", "MISSED")):
                due.add(row["owner_id"])
                missed |= {row["owner_id"]} if over else set()
        expected[label] = percent(len(due - missed), len(due))
    # Mean and ninetieth percentile from receipt to the answer, calendar hours.
    took = sorted(
        (row["answered_at"] - row["received_at"]) / HOUR for row in cases.values() if inside(row["answered_at"])
    )
    place = 0.9 * (len(took) - 1)
    low = int(place)
    expected["Mean time to the answer"] = f"{sum(took) / len(took):.1f}"
    expected["Nine of ten answered within"] = f"{took[low] + (took[low + 1] - took[low]) * (place - low):.1f}"
    # Progress: no gap between notices over 48 hours, of the cases open longer than that.
    gap = timedelta(hours=48)
    long = {
        key for key, row in cases.items()
        if not row["is_parent"] and row["received_at"] < NOW - gap
        and (row["closed_at"] is None or row["closed_at"] >= max(START, row["received_at"] + gap))
    }  # fmt: skip
    gaps = {
        row["owner_id"] for row in clocks if row["kind"] == "progress" and inside(row["due_at"]) and row["missed_at"]
    }
    expected["Progress compliance"] = percent(len(long - gaps), len(long))
    # Reopening by the month of the closing.
    ended = {key for key, rows in moves.items() if any(row["new"] == "CLOSED" and inside(row["at"]) for row in rows)}
    back = {
        key for key in ended
        if any(
            first["new"] == "CLOSED" and inside(first["at"]) and later["act"] == "REOPEN"
            and first["at"] < later["at"] <= first["at"] + 30 * DAY
            for first in moves[key] for later in moves[key]
        )
    }  # fmt: skip
    expected["Reopening rate"] = percent(len(back), len(ended))
    # Callbacks.
    reached = {key: [row for row in rows if inside(row["reached_at"])] for key, rows in calls.items()}
    reached = {key: rows for key, rows in reached.items() if rows}
    returned = [
        key for key, rows in reached.items() if any(r["solved"] == "NO" and not r["solution__final"] for r in rows)
    ]
    content = [key for key, rows in reached.items() if (rows[-1]["satisfaction"] or 0) >= 4]
    tried = {key: [bool(row["done_at"] or row["asked_at"]) for row in rows
                   if inside(row["due_at"]) and (row["due_at"] <= NOW or row["done_at"] or row["asked_at"])]
             for key, rows in calls.items()}  # fmt: skip
    owed = [key for key, rows in tried.items() if rows]
    some = [key for key in owed if any(tried[key])]
    through = [key for key in some if any(row["reached_at"] for row in calls[key] if inside(row["due_at"]))]
    expected["Callback return rate"] = percent(len(returned), len(reached))
    expected["Complaint satisfaction"] = percent(len(content), len(reached))
    expected["Callback rate"] = percent(sum(all(tried[key]) for key in owed), len(owed))
    expected["Reach rate"] = percent(len(through), len(some))
    # The same by callback instead of by case, as the report has them: one called twice counts twice.
    single = [row for rows in reached.values() for row in rows]
    gone_back = [row for row in single if row["solved"] == "NO" and not row["solution__final"]]
    good = [row for row in single if row["satisfaction"] >= 4]
    assert len(single) > len(reached) and called["line"].counts["reached"] == len(single)
    assert called["shares"]["returned"] == pytest.approx(100 * len(gone_back) / len(single))
    assert called["shares"]["satisfied"] == pytest.approx(100 * len(good) / len(single))
    # Repeat and escalation.
    complaining = {row["customer_id"] for row in came if row["customer_id"]}
    kept = [row for row in cases.values() if row["state"] != "OUT_OF_SCOPE" and not row["is_parent"]]
    again = {
        one["customer_id"] for one in came for other in kept
        if one["customer_id"] and one["customer_id"] == other["customer_id"] and one["topic_id"] == other["topic_id"]
        and one["id"] != other["id"] and timedelta(0) <= one["received_at"] - other["received_at"] <= 90 * DAY
    }  # fmt: skip
    expected["Repeat rate"] = percent(len(again), len(complaining))
    expected["Escalation rate"] = percent(sum(row["grade"] in ("UPGRADED", "SKIP_LEVEL") for row in came), len(came))
    assert {label: cards[label] for label in expected} == expected
    assert None not in expected.values() and not {"0.0", "100.0"} & {
        value for label, value in expected.items() if label != "Statutory rate"
    }
    # Support unit SLA: parts on time of those due.
    parts = [row for row in Part.objects.values() if row["complaint_id"] in cases and inside(row["due_at"])]
    in_time = [row for row in parts if row["done_at"] and row["done_at"] <= row["due_at"]]
    assert (support["line"].counts["all"], support["shares"]["on_time"]) == (
        3,
        pytest.approx(100 * len(in_time) / len(parts)),
    )
