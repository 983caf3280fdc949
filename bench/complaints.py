"""The sweep over open complaints beside the bare pass that writes the same rows (design §7).

1,000,000 cases, 100,000 of them open, each of those past a mark of its service clock: the team lead is brought each.
The bare pass puts finished copies of the rows the sweep wrote back into the same tables by one INSERT … SELECT a
table, and changes marks and cases by one UPDATE each. It looks nobody up and takes no locks of its own.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import connection, models

from bench.everybody import figure, timed
from bench.table import Figure
from complaints import watching
from complaints.lifecycle import OWNER_KIND, ClockKind
from complaints.models import Complaint, ComplaintMove, Escalation, EscalationTold, Seat
from foundation.calendars.clocks import start_clock
from foundation.calendars.limits import Runs, Target
from foundation.calendars.marks import Marks
from foundation.calendars.models import Clock, ClockMark
from foundation.common import clock
from outreach.models import Notification
from staff.models import OrgUnit, RoleAssignment, Team, TeamMember, User

WRITTEN: tuple[type[models.Model], ...] = (Escalation, EscalationTold, Seat, Notification, ComplaintMove)
PEOPLE = ("COMPLAINT_HANDLER", "TEAM_LEAD", "DEPT_HEAD")


def measure(cases: int = 1_000_000, still_open: int = 100_000) -> list[Figure]:
    """Load the cases and sweep the open ones once."""
    load(cases, still_open)
    now = clock.now()
    for model in (Complaint, Clock, ClockMark):
        _run(f"ANALYZE {model._meta.db_table}")
    before = {model: model.objects.count() for model in WRITTEN}  # type: ignore[attr-defined]  # every model has it
    done: list[int] = []
    ours = timed(lambda: done.extend(iter(lambda: watching.sweep(now), 0)))
    if sum(done) != still_open or Escalation.objects.count() - before[Escalation] != still_open:
        raise SystemExit("the sweep did not act on every mark once")
    return [figure("complaints sweep", ours, _bare(now), f"{still_open:,} open of {cases:,}, ")]


def load(cases: int, still_open: int) -> None:
    """`cases` copies of one case, of which `still_open` are open with a service clock at 75 %."""
    unit = OrgUnit.objects.order_by("no").first()
    assert unit is not None
    people = {role: _person(role, unit) for role in PEOPLE}
    team = Team.objects.create(unit=unit, name="Complaints of the benchmark", lead=people["TEAM_LEAD"])
    TeamMember.objects.create(team=team, user=people["COMPLAINT_HANDLER"])
    now = clock.now()
    first = Complaint.objects.create(
        number="CPBENCH",
        channel="HOTLINE",
        received_at=now - timedelta(hours=37),
        subject="Charged twice",
        text="Charged twice.",
        owner=people["COMPLAINT_HANDLER"],
        handler=people["COMPLAINT_HANDLER"],
        work_unit=unit,
        unit_no=unit.no,
        work_unit_no=unit.no,
        state="INVESTIGATING",
        public_code="bench",
    )
    _copy(Complaint, first.pk, still_open, number="'CPB' || n", public_code="'b' || n")
    ended = {"state": "'WITHDRAWN'", "closed_at": "received_at", "handler_id": "NULL"}
    _copy(Complaint, first.pk, cases - still_open, number="'CPE' || n", public_code="'e' || n", **ended)
    marks = Marks(percents=(75, 100, 150))
    begun = start_clock(
        OWNER_KIND,
        first.pk,
        ClockKind.SERVICE,
        target=Target.hours(48),
        runs=Runs.CALENDAR,
        at=now - timedelta(hours=37),
        actor=None,
        marks=marks,
    )
    with connection.cursor() as cursor:
        columns = [field.column for field in Clock._meta.concrete_fields]
        given = {"id": "make_id()", "owner_id": "c.id"}
        cursor.execute(
            f"INSERT INTO clock ({_names(columns)})"
            f" SELECT {_picked(columns, given, 'k')}"
            " FROM complaints_complaint c, clock k WHERE k.id = %s AND c.number LIKE 'CPB%%' AND c.number <> 'CPBENCH'",
            [begun.pk],
        )
        columns = [field.column for field in ClockMark._meta.concrete_fields]
        given = {"id": "make_id()", "clock_id": "k.id"}
        cursor.execute(
            f"INSERT INTO clock_mark ({_names(columns)})"
            f" SELECT {_picked(columns, given, 'm')}"
            " FROM clock k, clock_mark m WHERE m.clock_id = %s AND k.owner_kind = %s AND k.id <> %s",
            [begun.pk, OWNER_KIND, begun.pk],
        )
    ClockMark.objects.filter(clock=begun).delete()  # the pattern is no case of the figures


def _names(columns: list[str]) -> str:
    return ", ".join(f'"{column}"' for column in columns)


def _picked(columns: list[str], given: dict[str, str], table: str) -> str:
    return ", ".join(given.get(column, f'{table}."{column}"') for column in columns)


def _person(role: str, unit: OrgUnit) -> User:
    name = f"bench-{role.lower()}"
    user = User.objects.create(username=name, name=name, staff_no=f"B{role}"[:16], unit=unit)
    RoleAssignment.objects.create(user=user, role=role, unit=unit)
    return user


def _copy(model: type[models.Model], key: int, copies: int, **given: str) -> None:
    columns = [field.column for field in model._meta.concrete_fields if not field.generated]
    changed: dict[str, Any] = {"id": "make_id()", **given}
    picked = ", ".join(changed.get(column, column) for column in columns)
    _run(
        f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) SELECT {picked}"
        f" FROM {model._meta.db_table}, generate_series(1, {copies}) AS n WHERE id = {key}"
    )


def _bare(now: Any) -> float:
    """Seconds the same rows take when nothing is worked out."""
    tables = [model._meta.db_table for model in WRITTEN]
    for table in tables:
        _run(f"CREATE TEMP TABLE bench_{table} AS SELECT * FROM {table}")
    for table in reversed(tables):
        _run(f"DELETE FROM {table}")
    seconds = sum(timed(lambda name=table: _run(f"INSERT INTO {name} SELECT * FROM bench_{name}")) for table in tables)
    seconds += timed(lambda: _run(f"UPDATE clock_mark SET passed_at = '{now.isoformat()}' WHERE passed_at IS NOT NULL"))
    cases = "UPDATE complaints_complaint SET version = version + 1, level = 1 WHERE closed_at IS NULL AND level = 1"
    return seconds + timed(lambda: _run(cases))


def _run(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)
