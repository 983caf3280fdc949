"""Cases of any number beside the generated operator: one in ten open, the others ended in the two years behind.

Ten complaint desks, one a branch, work on what its halls and hotline took. Each handler has about forty open cases
however many there are in all, so a desk grows with its cases as in life. Rows are made by INSERT … SELECT from one
pattern row a table, a piece in each of two connections; everything is a function of the case's index.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db import connection, models, transaction

from bench.world import BRANCHES, UNITS_A_BRANCH, cores
from complaints.lifecycle import OWNER_KIND, Act, ClockKind
from complaints.models import Cause, Complaint, ComplaintMove, Entry
from customers.models import Customer
from foundation.calendars.clocks import start_clock
from foundation.calendars.limits import Runs, Target
from foundation.calendars.marks import Marks
from foundation.calendars.models import Clock, ClockEvent, ClockMark
from foundation.common import clock
from foundation.common.ids import first_id_at
from interactions.models import Topic
from staff.models import OrgUnit, RoleAssignment, Team, TeamMember, User

OPEN_OF = 10  # one case in this many is open
EACH = 40  # open cases of one handler
PIECE = 20_000
AGE = timedelta(hours=40)  # of the pattern
PATTERN = "CPBENCH"
YEARS_BEHIND = 2
# Twenty open cases in a row stand so.
STATES = (
    ["ACKNOWLEDGED"] * 2 + ["ASSESSED", "ASSIGNED"] + ["INVESTIGATING"] * 9 + ["PAUSED"] * 2
    + ["SOLUTION_PROPOSED", "DECIDED", "DISPUTED"] + ["CALLBACK"] * 2
)  # fmt: skip
POOL = 3  # the first of them have no handler yet
CHANNELS = ["HOTLINE", "HALL_OWN", "WEB", "EMAIL", "SOCIAL"]
SAID = "The bill of this month has a charge nobody can explain to me. I have asked at the hall and by telephone twice. "
PEOPLE = {"desk_lead": "TEAM_LEAD", "desk_head": "DEPT_HEAD", "desk_boss": "DIRECTOR"}
_patterns: dict[type[models.Model], int] = {}


def organisation() -> None:
    """Heads of the desks, a handler of each, and a pattern of each kind of row."""
    for b in range(BRANCHES):
        unit, branch = desk(b), OrgUnit.objects.get(code=f"B{b}")
        for name, role in PEOPLE.items():
            _person(f"{name}{b}", role, branch if role == "DIRECTOR" else unit)
    _handlers(0, 1)
    handler = User.objects.get(username="desk0-0")
    _make_patterns(handler)


def begun() -> datetime:
    """The moment the cases are made for: each open one's mark of 75 % is due then, and nothing else."""
    return Complaint.objects.get(number=PATTERN).received_at + AGE


def desk(branch: int) -> OrgUnit:
    """The unit of a branch that works on complaints."""
    return OrgUnit.objects.get(code=f"B{branch}H{UNITS_A_BRANCH - 1}")


def load_cases(low: int, high: int, say: Callable[[str], None]) -> None:
    """Make the cases low <= index < high with history, words, clocks and marks; then VACUUM and ANALYZE."""
    _handlers(len(_of_desk(0)), max(1, -(-high // OPEN_OF // BRANCHES // EACH)))
    values = _values()
    bounds = [*range(low, high, PIECE), high]
    with _unchecked(), ThreadPoolExecutor(cores()) as pool:
        for _done in pool.map(lambda piece: _load(*piece, values), pairwise(bounds)):
            pass
    say("cases made; VACUUM and ANALYZE")
    tables = {model._meta.db_table for model in (*_patterns, Complaint, User)}
    with connection.cursor() as cursor:
        cursor.execute(f"VACUUM (ANALYZE) {', '.join(sorted(tables))}")


@contextmanager
def _unchecked() -> Iterator[None]:
    """References are checked once for all rows at the end: row by row they take half of the time."""
    with connection.cursor() as cursor:
        tables = [model._meta.db_table for model in _patterns]
        cursor.execute(
            "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE contype = 'f' AND conrelid = ANY(%s::regclass[]) ORDER BY 1, 2",
            [tables],
        )
        found = cursor.fetchall()
        cursor.execute("; ".join(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"' for table, name, _words in found))
        yield
        cursor.execute(
            "; ".join(f'ALTER TABLE {table} ADD CONSTRAINT "{name}" {words}' for table, name, words in found)
        )


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
            "service_late": "n.open AND n.due_at < %(now)s",
            "closed_at": ended_or_none("n.ended_at"),
            "decided_at": ended_or_none("n.ended_at"),
            "cause_id": "CASE n.state WHEN 'CLOSED' THEN (%(causes)s::int[])[1 + n.n %% cardinality(%(causes)s)] END",
            "responsible_unit_id": "CASE n.state WHEN 'CLOSED' THEN n.desk END",
            "solved": "CASE n.state WHEN 'CLOSED' THEN 'YES' ELSE '' END",
            "satisfaction": "CASE n.state WHEN 'CLOSED' THEN 1 + n.n %% 5 END",
        },
        "bench_case n",
        values,
    )
    for step, act in enumerate((Act.REGISTER, Act.ASSESS, Act.INVESTIGATE, Act.DECIDE)):
        at = f"n.received_at + interval '{step} hours'"
        columns = {"id": f"make_id({at})", "complaint_id": "n.id", "at": at, "act": f"'{act.value}'"}
        _insert(ComplaintMove, columns, "bench_case n", values)
    columns = {"id": "make_id(n.received_at)", "complaint_id": "n.id", "at": "n.received_at", "text": "%(said)s"}
    _insert(Entry, columns, "bench_case n", values)
    _clocks(values)


def _clocks(values: dict[str, Any]) -> None:
    """Of each open case the service clock and the law's, of an ended one the service clock, stopped in time. The mark
    of 75 %% of each running service clock is due now."""
    given = {"id": "make_id()", "owner_id": "n.id", "started_at": "n.received_at", "due_at": "n.due_at"}
    going = given | {"stopped_at": "NULL", "running_since": "n.received_at", "state": "'RUNNING'"}
    running = going | {
        "state": "CASE n.state WHEN 'PAUSED' THEN 'PAUSED' ELSE 'RUNNING' END",
        "left": "CASE n.state WHEN 'PAUSED' THEN interval '8 hours' END",
        "running_since": "CASE n.state WHEN 'PAUSED' THEN NULL ELSE n.received_at END",
        "due_at": "CASE n.state WHEN 'PAUSED' THEN NULL ELSE n.due_at END",
        "missed_at": "CASE WHEN n.state <> 'PAUSED' AND n.due_at < %(now)s THEN n.due_at END",
    }
    _insert(Clock, running, "bench_case n", values, where="n.open")
    law = going | {"kind": f"'{ClockKind.STATUTORY}'", "due_at": "n.law_at"}
    _insert(Clock, law, "bench_case n", values, where="n.open")
    stopped = given | {"state": "'MET'", "running_since": "NULL", "stopped_at": "n.ended_at"}
    _insert(Clock, stopped, "bench_case n", values, where="NOT n.open")
    source = "bench_case n JOIN clock k ON k.owner_id = n.id AND k.owner_kind = %(kind)s"
    _insert(ClockEvent, {"id": "make_id()", "clock_id": "k.id", "at": "k.started_at"}, source, values)
    for amount, due, passed in (
        (75, "CASE WHEN k.due_at IS NOT NULL THEN %(now)s - (1 + n.k %% 600) * interval '1 second' END", "NULL"),
        (100, "k.due_at", "CASE WHEN k.due_at < %(now)s THEN %(now)s::timestamptz END"),
        (150, "k.due_at + interval '3 days'", "NULL"),
    ):
        columns = {"id": "make_id()", "clock_id": "k.id", "amount": str(amount), "due_at": due, "passed_at": passed}
        _insert(ClockMark, columns, source, values, where=f"n.open AND k.kind = '{ClockKind.SERVICE}'")


_CASES = """
CREATE TEMP TABLE bench_case AS
SELECT n, open, k, make_id(received_at) AS id, received_at,
  CASE WHEN open THEN (%(states)s::text[])[1 + k %% 20] WHEN n %% 10 = 1 THEN 'WITHDRAWN' ELSE 'CLOSED' END AS state,
  CASE WHEN k %% 33 = 0 THEN 'MAJOR' WHEN k %% 20 = 1 THEN 'UPGRADED' ELSE 'ORDINARY' END AS grade,
  CASE WHEN n %% 400 = 399 THEN 'PARTNER' ELSE (%(channels)s::text[])[1 + k * 7 %% 5] END AS channel,
  %(now)s::timestamptz + (k * 7919 %% 168 - 8) * interval '1 hour' + (k %% 3600) * interval '1 second' AS due_at,
  %(now)s::timestamptz + (3 + k %% 12) * interval '1 day' AS law_at,
  received_at + (2 + n %% 5) * interval '1 day' AS ended_at,
  (%(topics)s::int[])[1 + k * 31 %% cardinality(%(topics)s)] AS topic,
  %(first)s + ((n * 7919 %% %(customers)s)::bigint << 22) AS customer,
  (%(owners)s::int[])[1 + n * 131 %% cardinality(%(owners)s)] AS owner,
  (%(owner_nos)s::int[])[1 + n * 131 %% cardinality(%(owner_nos)s)] AS unit_no,
  (%(desks)s::int[])[1 + k / 20 %% 10] AS desk, (%(desk_nos)s::int[])[1 + k / 20 %% 10] AS desk_no,
  CASE WHEN NOT open OR k %% 20 >= %(pool)s THEN
    (%(handlers)s::int[])[1 + k / 20 %% 10 * %(of_desk)s + k / 200 %% %(of_desk)s] END AS handler
FROM (
  SELECT n, n %% 10 = 0 AS open, n / 10 AS k,
    CASE WHEN n %% 10 = 0 THEN %(now)s::timestamptz - (2 + n / 10 %% 72) * interval '1 hour'
      ELSE %(now)s::timestamptz - interval '8 days' - (n::bigint * 7919 %% (%(years)s * 8700)) * interval '1 hour' END
      + (n %% 3600) * interval '1 second' AS received_at
  FROM generate_series(%(low)s::bigint, %(high)s::bigint - 1) AS n
) s
"""


def _values() -> dict[str, Any]:
    """What the statements need beside the index."""
    desks = [desk(b) for b in range(BRANCHES)]
    handlers = [_of_desk(b) for b in range(BRANCHES)]
    halls = User.objects.filter(username__regex=r"^s\d+$").order_by("pk").values_list("pk", "unit__no")
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
        "desks": [one.pk for one in desks],
        "desk_nos": [one.no for one in desks],
        "handlers": [pk for people in handlers for pk in people],
        "of_desk": len(handlers[0]),
        "pool": POOL,
        "years": YEARS_BEHIND,
        "said": SAID,
        "kind": OWNER_KIND,
    }


def _of_desk(branch: int) -> list[int]:
    """The handlers of a desk in the order they came."""
    people = User.objects.filter(username__startswith=f"desk{branch}-").order_by("pk")
    return list(people.values_list("pk", flat=True))


def _handlers(low: int, high: int) -> None:
    """Handlers of every desk, those of numbers low to high."""
    for b in range(BRANCHES):
        unit = desk(b)
        names = [f"desk{b}-{n}" for n in range(low, high)]
        people = User.objects.bulk_create(
            User(username=name, name=f"Handler {name[4:]}", staff_no=name, unit=unit) for name in names
        )
        RoleAssignment.objects.bulk_create(
            RoleAssignment(user=person, role="COMPLAINT_HANDLER", unit=unit) for person in people
        )
        lead = User.objects.get(username=f"desk_lead{b}")
        team, _new = Team.objects.get_or_create(unit=unit, lead=lead, defaults={"name": f"Complaints {b}"})
        day = clock.today()
        TeamMember.objects.bulk_create(TeamMember(team=team, user=person, from_day=day) for person in people)


def _person(name: str, role: str, unit: OrgUnit) -> User:
    user = User.objects.create(username=name, name=name, staff_no=name, unit=unit)
    RoleAssignment.objects.create(user=user, role=role, unit=unit)
    return user


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
    rows = (case, move, entry, started, event, mark)
    _patterns.update({type(row): row.pk for row in rows})


def _insert(
    model: type[models.Model], given: dict[str, str], source: str, values: dict[str, Any], where: str = "true"
) -> None:
    """As many copies of the pattern row as `source` has rows, with the given columns worked out for each."""
    table = model._meta.db_table
    columns = [field.column for field in model._meta.concrete_fields if not field.generated]
    picked = ", ".join(given.get(column, f'p."{column}"') for column in columns)
    names = ", ".join(f'"{column}"' for column in columns)
    sql = (
        f"INSERT INTO {table} ({names}) SELECT {picked}"
        f" FROM (SELECT * FROM {table} WHERE id = %(pattern)s) p, {source} WHERE {where}"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, values | {"pattern": _patterns[model]})
