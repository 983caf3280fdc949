"""Cases of any number beside the generated operator: a year of them, one in ten open.

Of a million some 2,500 fall due on a day and as many come in, so that boards and figures of a month count what they
would in life. The first ten thousand are those of one desk, the others of ten, one a branch; each handler has about
forty open cases however many there are in all, so a desk grows with its cases and pages are full at both sizes. Rows
are made by INSERT … SELECT from one pattern row a table, a piece in each of two connections; everything is a
function of the case's index.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db import connection, models, transaction

from bench.bulk import bare_tables, copies
from bench.desks import add_handlers, desk, make_desks, of_desk
from bench.world import BRANCHES, cores
from complaints.lifecycle import OWNER_KIND, Act, ClockKind
from complaints.models import Callback, Cause, Complaint, ComplaintMove, Entry, Solution
from customers.models import Customer
from foundation.calendars.clocks import start_clock
from foundation.calendars.limits import Runs, Target
from foundation.calendars.marks import Marks
from foundation.calendars.models import Clock, ClockEvent, ClockMark
from foundation.common import clock
from foundation.common.ids import first_id_at
from interactions.models import Topic
from staff.models import User

FEW = 10_000  # as many cases one desk has
OPEN_OF = 10  # one case in this many is open
EACH = 40  # open cases of one handler
PIECE = 20_000
AGE = timedelta(hours=40)  # of the pattern
PATTERN = "CPBENCH"
# Twenty open cases in a row stand so.
STATES = (
    ["ACKNOWLEDGED"] * 2 + ["ASSESSED", "ASSIGNED"] + ["INVESTIGATING"] * 9 + ["PAUSED"] * 2
    + ["SOLUTION_PROPOSED", "DECIDED", "DISPUTED"] + ["CALLBACK"] * 2
)  # fmt: skip
POOL = 3  # the first of them have no handler yet
CHANNELS = ["HOTLINE", "HALL_OWN", "WEB", "EMAIL", "SOCIAL"]
SAID = "The bill of this month has a charge nobody can explain to me. I have asked at the hall and by telephone twice. "
_patterns: dict[type[models.Model], int] = {}


def organisation() -> None:
    """The desks, and a pattern of each kind of row."""
    make_desks()
    _make_patterns(User.objects.get(username="desk0-0"))


def begun() -> datetime:
    """The moment the cases are made for: each open one's mark of 75 % is due then, and nothing else."""
    return Complaint.objects.get(number=PATTERN).received_at + AGE


def load_cases(low: int, high: int, say: Callable[[str], None]) -> None:
    """Make the cases low <= index < high with history, words, clocks and marks; then VACUUM and ANALYZE."""
    desks = 1 if high <= FEW else BRANCHES
    each = max(1, -(-(high - low) // OPEN_OF // desks // EACH))
    first = {b: len(of_desk(b)) if low else 0 for b in range(desks)}
    for b in range(desks):
        add_handlers(b, len(of_desk(b)), first[b] + each)
    values = _values() | {
        "desk_count": desks,
        "handlers": [pk for b in range(desks) for pk in of_desk(b)[first[b] : first[b] + each]],
        "of_desk": each,
    }
    bounds = [*range(low, high, PIECE), high]
    with bare_tables(_patterns), ThreadPoolExecutor(cores()) as pool:
        for _done in pool.map(lambda piece: _load(*piece, values), pairwise(bounds)):
            pass
        say("cases made; indexes and references")
    say("VACUUM and ANALYZE")
    tables = {model._meta.db_table for model in (*_patterns, User)}
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM (ANALYZE) {', '.join(sorted(tables))}")


def open_cases(cases: int) -> int:
    """How many of so many cases are open."""
    return -(-cases // OPEN_OF)


def long_history(case: Complaint, lines: int) -> None:
    """Give a case that many more lines of history, half of them said and half done."""
    values = _values() | {"case": case.pk}
    for model, columns in (
        (Entry, {"id": "make_id()", "complaint_id": "%(case)s"}),
        (ComplaintMove, {"id": "make_id()", "complaint_id": "%(case)s", "act": "'REMINDED'"}),
    ):
        _insert(model, columns, f"generate_series(1, {lines // 2}) AS n", values)


def _load(low: int, high: int, values: dict[str, Any]) -> None:
    try:
        with transaction.atomic():
            _piece(low, high, values)
    finally:
        connection.close()  # the thread's own


def _piece(low: int, high: int, values: dict[str, Any]) -> None:
    """One run of cases. `n % 10 = 0` is open; `k` counts the open ones, so what depends on it is spread evenly."""
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bench_case")
        cursor.execute(_CASES, values | {"low": low, "high": high})
        cursor.execute("ANALYZE bench_case")
    open_or = "CASE WHEN n.open THEN {} ELSE {} END".format
    ended_or_none = open_or("NULL", "{}").format
    _insert(
        Complaint,
        {
            "id": "n.id",
            "number": "to_char(n.received_at, '\"CPB\"YYYYMMDD') || lpad(n.n::text, 9, '0')",
            "public_code": "'b' || n.n",
            "customer_id": "n.customer",
            "channel": "n.channel",
            "received_at": "n.received_at",
            "registered_at": "n.received_at",
            "topic_id": "n.topic",
            "text": "repeat(%(said)s, 1 + (n.n %% 4)::int)",
            "state": "n.state",
            "grade": "n.grade",
            "grade_reason": "CASE n.grade WHEN 'ORDINARY' THEN '' WHEN 'MAJOR' THEN 'AMOUNT' ELSE 'BREACH' END",
            "raised_at": "CASE WHEN n.grade = 'MAJOR' THEN n.received_at END",
            "pause_reason": "CASE n.state WHEN 'PAUSED' THEN 'THIRD_PARTY' ELSE '' END",
            "pause_until": "CASE n.state WHEN 'PAUSED' THEN n.due_at END",
            "area": "CASE n.n / 10 %% 200 WHEN 7 THEN 'Pudong' ELSE '' END",
            "owner_id": "n.owner",
            "unit_no": "n.unit_no",
            "handler_id": open_or("n.handler", "NULL"),
            "last_handler_id": ended_or_none("n.handler"),
            "work_unit_id": "n.desk",
            "work_unit_no": "n.desk_no",
            "service_due_at": open_or("CASE n.state WHEN 'PAUSED' THEN NULL ELSE n.due_at END", "NULL"),
            "statutory_due_at": open_or("n.law_at", "NULL"),
            "next_due_at": open_or("CASE n.state WHEN 'PAUSED' THEN n.law_at ELSE n.due_at END", "NULL"),
            "service_late": "n.missed",
            "closed_at": ended_or_none("n.ended_at"),
            "first_contact_at": ended_or_none("n.received_at + interval '2 hours'"),
            "answered_at": "CASE n.state WHEN 'CLOSED' THEN n.answered_at END",
            "decided_at": "CASE n.state WHEN 'CLOSED' THEN n.answered_at END",
            "reopened": "n.again::int",
            "cause_id": "CASE n.state WHEN 'CLOSED' THEN (%(causes)s::int[])[1 + n.n %% cardinality(%(causes)s)] END",
            "responsible_unit_id": "CASE n.state WHEN 'CLOSED' THEN n.desk END",
            "solved": "CASE n.state WHEN 'CLOSED' THEN 'YES' ELSE '' END",
            "satisfaction": "CASE n.state WHEN 'CLOSED' THEN 1 + n.n %% 5 END",
        },
        "bench_case n",
        values,
    )
    _history(values)
    _clocks(values)


def _history(values: dict[str, Any]) -> None:
    """What was said and done; of a closed one its solution, and the call after it, as a few were closed twice."""
    for step, act in enumerate((Act.REGISTER, Act.ASSESS, Act.INVESTIGATE, Act.DECIDE)):
        _move(act, f"n.received_at + interval '{step} hours'", values)
    closed = "n.state = 'CLOSED'"
    _move(Act.CLOSE, "n.ended_at", values, closed, new="CLOSED")
    _move(Act.CLOSE, "n.ended_at - interval '20 hours'", values, "n.again", new="CLOSED")
    _move(Act.REOPEN, "n.ended_at - interval '10 hours'", values, "n.again", new="REOPENED")
    columns = {"id": "make_id(n.received_at)", "complaint_id": "n.id", "at": "n.received_at", "text": "%(said)s"}
    _insert(Entry, columns, "bench_case n", values)
    columns = {"id": "n.solution", "complaint_id": "n.id", "at": "n.answered_at", "told_at": "n.answered_at"}
    _insert(Solution, columns | {"by_id": "n.handler"}, "bench_case n", values, closed)
    reached = "CASE WHEN n.n %% 25 <> 3 THEN n.ended_at - interval '1 hour' END"
    columns = {
        "id": "make_id(n.answered_at)",
        "complaint_id": "n.id",
        "solution_id": "n.solution",
        "due_at": "n.answered_at + interval '1 day'",
        "reached_at": reached,
        "done_at": "n.ended_at - interval '1 hour'",
        "by_id": "n.owner",
        "solved": "CASE WHEN n.n %% 25 = 3 THEN 'UNREACHABLE' WHEN n.n %% 25 = 4 THEN 'NO' ELSE 'YES' END",
        "satisfaction": "CASE WHEN n.n %% 25 <> 3 THEN 1 + n.n %% 5 END",
    }
    _insert(Callback, columns, "bench_case n", values, closed)


def _move(act: Act, at: str, values: dict[str, Any], where: str = "true", new: str = "") -> None:
    columns = {"id": f"make_id({at})", "complaint_id": "n.id", "at": at, "act": f"'{act.value}'", "new": f"'{new}'"}
    _insert(ComplaintMove, columns, "bench_case n", values, where)


def _clocks(values: dict[str, Any]) -> None:
    """The service clock and the law's, of an ended case stopped. The mark of 75 %% of each running service clock is due
    now."""
    given = {"id": "n.clock", "owner_id": "n.id", "started_at": "n.received_at", "due_at": "n.due_at"}
    given |= {"missed_at": "CASE WHEN n.missed THEN n.due_at END"}
    running = given | {
        "state": "CASE n.state WHEN 'PAUSED' THEN 'PAUSED' ELSE 'RUNNING' END",
        "left": "CASE n.state WHEN 'PAUSED' THEN interval '8 hours' END",
        "running_since": "CASE n.state WHEN 'PAUSED' THEN NULL ELSE n.received_at END",
        "due_at": "CASE n.state WHEN 'PAUSED' THEN NULL ELSE n.due_at END",
        "stopped_at": "NULL",
    }
    law = given | {"id": "n.law", "kind": f"'{ClockKind.STATUTORY}'", "due_at": "n.law_at", "missed_at": "NULL"}
    going = law | {"state": "'RUNNING'", "running_since": "n.received_at", "stopped_at": "NULL"}
    stopped = {"running_since": "NULL", "stopped_at": "n.ended_at"}
    judged = "CASE WHEN n.state <> 'CLOSED' THEN 'STOPPED' WHEN n.missed THEN 'MISSED' ELSE 'MET' END"
    _insert(Clock, running, "bench_case n", values, "n.open")
    _insert(Clock, going, "bench_case n", values, "n.open")
    _insert(Clock, given | stopped | {"state": judged}, "bench_case n", values, "NOT n.open")
    kept = "CASE n.state WHEN 'CLOSED' THEN 'MET' ELSE 'STOPPED' END"
    _insert(Clock, law | stopped | {"state": kept}, "bench_case n", values, "NOT n.open")
    event = {"id": "make_id()", "clock_id": "n.clock", "at": "n.received_at"}
    _insert(ClockEvent, event, "bench_case n", values)
    _insert(ClockEvent, event | {"clock_id": "n.law"}, "bench_case n", values, "n.open")
    due_at = "CASE n.state WHEN 'PAUSED' THEN NULL ELSE {} END".format
    for amount, due, passed in (
        (75, due_at("%(now)s - (1 + n.k %% 600) * interval '1 second'"), "NULL"),
        (100, due_at("n.due_at"), "CASE WHEN n.missed THEN %(now)s::timestamptz END"),
        (150, due_at("n.due_at + interval '3 days'"), "NULL"),
    ):
        columns = {"id": "make_id()", "clock_id": "n.clock", "amount": str(amount), "due_at": due, "passed_at": passed}
        _insert(ClockMark, columns, "bench_case n", values, "n.open")


# One open case in five came in the last eight days, as many a day as of the ended ones before; the others earlier.
# Open ones fall due from two days ago to 38 to come, as many on each day; ended ones fell due a week after receipt,
# and one in 23 was ended a day too late.
_CASES = """
CREATE TEMP TABLE bench_case AS
SELECT t.*, (open AND state <> 'PAUSED' AND due_at < %(now)s) OR (NOT open AND ended_at > due_at) AS missed,
  NOT open AND state = 'CLOSED' AND n %% 41 = 7 AS again, ended_at - interval '1 day' AS answered_at,
  make_id() AS clock, make_id() AS law, make_id() AS solution
FROM (
SELECT n, open, k, make_id(received_at) AS id, received_at,
  CASE WHEN open THEN (%(states)s::text[])[1 + k %% 20] WHEN n %% 10 = 1 THEN 'WITHDRAWN' ELSE 'CLOSED' END AS state,
  CASE WHEN k %% 33 = 0 THEN 'MAJOR' WHEN k %% 20 = 1 THEN 'UPGRADED' ELSE 'ORDINARY' END AS grade,
  CASE WHEN n %% 400 = 399 THEN 'PARTNER' ELSE (%(channels)s::text[])[1 + k * 7 %% 5] END AS channel,
  CASE WHEN open THEN %(now)s::timestamptz + (k * 7919 %% 960 - 48) * interval '1 hour'
    + (k %% 3600) * interval '1 second' ELSE received_at + interval '7 days' END AS due_at,
  CASE WHEN open THEN %(now)s::timestamptz + (3 + k %% 12) * interval '1 day'
    ELSE received_at + interval '15 days' END AS law_at,
  received_at + interval '1 hour' + CASE WHEN n %% 23 = 5 AND received_at < %(now)s::timestamptz - interval '9 days'
    THEN 8 ELSE 1 + n %% 4 END * interval '1 day' AS ended_at,
  (%(topics)s::int[])[1 + k * 31 %% cardinality(%(topics)s)] AS topic,
  %(first)s + ((n * 7919 %% %(customers)s)::bigint << 22) AS customer,
  (%(owners)s::int[])[1 + k / 20 %% %(desk_count)s * %(of_branch)s + n * 131 %% %(of_branch)s] AS owner,
  (%(owner_nos)s::int[])[1 + k / 20 %% %(desk_count)s * %(of_branch)s + n * 131 %% %(of_branch)s] AS unit_no,
  (%(desks)s::int[])[1 + k / 20 %% %(desk_count)s] AS desk,
  (%(desk_nos)s::int[])[1 + k / 20 %% %(desk_count)s] AS desk_no,
  CASE WHEN NOT open OR k %% 20 >= %(pool)s THEN (%(handlers)s::int[])[
    1 + k / 20 %% %(desk_count)s * %(of_desk)s + k / 20 / %(desk_count)s %% %(of_desk)s] END AS handler
FROM (
  SELECT n, n %% 10 = 0 AS open, n / 10 AS k,
    CASE WHEN n %% 10 <> 0
        THEN %(now)s::timestamptz - interval '7 days' - (n::bigint * 7919 %% 8573) * interval '1 hour'
      WHEN n %% 50 = 0 THEN %(now)s::timestamptz - (1 + n / 50 %% 192) * interval '1 hour'
      ELSE %(now)s::timestamptz - interval '8 days' - (n / 10 * 7 %% 1441) * interval '1 hour' END
      - (n %% 3599) * interval '1 second' AS received_at
  FROM generate_series(%(low)s::bigint, %(high)s::bigint - 1) AS n
) s
) t
"""


def _values() -> dict[str, Any]:
    """What the statements need beside the index."""
    desks = [desk(b) for b in range(BRANCHES)]
    halls = list(
        User.objects.filter(username__regex=r"^s\d+$").order_by("unit__no", "pk").values_list("pk", "unit__no")
    )
    first = Customer.objects.order_by("pk").values_list("pk", flat=True).first()
    return {
        "now": begun(),
        "states": STATES,
        "channels": CHANNELS,
        "topics": list(Topic.objects.filter(parent__isnull=False).order_by("pk").values_list("pk", flat=True)),
        "causes": list(Cause.objects.filter(parent__isnull=False).order_by("pk").values_list("pk", flat=True)),
        "customers": Customer.objects.count(),
        "first": first,
        "owners": [pk for pk, _no in halls],
        "owner_nos": [no for _pk, no in halls],
        "of_branch": len(halls) // BRANCHES,
        "desks": [one.pk for one in desks],
        "desk_nos": [one.no for one in desks],
        "pool": POOL,
        "said": SAID,
        "kind": OWNER_KIND,
    }


def _make_patterns(handler: User) -> None:
    """One row of each table, owned by a case that is withdrawn at once: no figure counts it."""
    at = clock.now() - AGE
    case = Complaint.objects.create(
        id=first_id_at(at),
        number=PATTERN,
        channel="HOTLINE",
        received_at=at,
        closed_at=at,
        state="WITHDRAWN",
        subject="The bill is too high",
        text=SAID,
        owner=handler,
        work_unit=handler.unit,
        unit_no=handler.unit.no,
        work_unit_no=handler.unit.no,
        public_code="bench",
        facts_given={"month": "2026-10", "amount": "38"},
    )
    readings = {"service": {"elapsed": 60, "remaining": 2_820}, "statutory": {"elapsed": 60, "remaining": 21_540}}
    move = ComplaintMove.objects.create(
        complaint=case, at=at, act="REGISTER", actor=handler, handler=handler, unit=handler.unit, readings=readings
    )
    entry = Entry.objects.create(complaint=case, kind="INBOUND", channel="HOTLINE", text=SAID, by=handler, at=at)
    started = start_clock(
        OWNER_KIND,
        case.pk,
        ClockKind.SERVICE,
        target=Target.hours(48),
        runs=Runs.CALENDAR,
        at=at,
        actor=None,
        marks=Marks(percents=(75,)),
    )
    event = ClockEvent.objects.get(clock=started)
    mark = ClockMark.objects.get(clock=started)
    ClockMark.objects.filter(pk=mark.pk).update(passed_at=at)
    Clock.objects.filter(pk=started.pk).update(state="MET", running_since=None, stopped_at=at)
    answer = Solution.objects.create(complaint=case, finding="The charge is wrong", by=handler, at=at, told_at=at)
    call = Callback.objects.create(
        complaint=case, solution=answer, due_at=at, reached_at=at, done_at=at, by=handler, solved="YES"
    )
    rows = (case, move, entry, started, event, mark, answer, call)
    _patterns.update({type(row): row.pk for row in rows})


def _insert(
    model: type[models.Model], given: dict[str, str], source: str, values: dict[str, Any], where: str = "true"
) -> None:
    copies(model, _patterns[model], given, source, values, where)
