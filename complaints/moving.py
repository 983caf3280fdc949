"""Open clocks of cases when a policy gets another value: the limit each of them gets then (D§1.2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Exists, OuterRef

from complaints.lifecycle import OWNER_KIND
from complaints.models import AppealCase, Complaint
from complaints.rules import AUTHORITY, AUTHORITY_DAYS, FLOOR, LIMITING, SERVICE_SHAPES, Recorded, Subject, rule_anew
from foundation.calendars.clock_record import Rule
from foundation.calendars.limits import Runs
from foundation.calendars.models import Clock
from foundation.calendars.models.clocks import ClockQuerySet
from foundation.calendars.queries import calendar_for, newest_version
from foundation.policies.moving import Limits, limit_by
from foundation.policies.reading import row_in_force
from staff.models import OrgUnit

# Clocks whose limit a policy sets though they name another.
NAMED: dict[str, frozenset[str]] = {
    **{key: frozenset({key, FLOOR}) for key in SERVICE_SHAPES},
    FLOOR: frozenset({FLOOR, *SERVICE_SHAPES}),
    AUTHORITY_DAYS: frozenset({AUTHORITY}),
}


def register() -> None:
    """Make known which policies limit the clocks of cases."""
    limit_by(Limits(LIMITING, clocks_of_policy, ByPolicies))


def clocks_of_policy(key: str) -> ClockQuerySet:
    """The open clocks of cases whose limit `key` may change."""
    return Clock.objects.open().filter(owner_kind=OWNER_KIND, policy_key__in=sorted(NAMED.get(key, {key})))


class ByPolicies:
    """A change: each clock gets the limit the policies say; one query for the cases of a piece."""

    def __init__(self) -> None:
        self._cases: dict[int, Subject] = {}
        self._units: dict[int, OrgUnit] = {}

    def prepare(self, clocks: Sequence[Clock]) -> None:
        """Read the cases of these clocks."""
        letter = Exists(AppealCase.objects.filter(complaint=OuterRef("pk")))
        rows = Complaint.objects.filter(pk__in={one.owner_id for one in clocks}).annotate(letter=letter)
        self._cases = {}
        for row in rows.values("pk", "received_at", "grade", "path", "work_unit_id", "reopened", "returned", "letter"):
            has_date = bool(row["letter"] or row["reopened"] or row["returned"])
            unit = self._unit(row["work_unit_id"])
            self._cases[row["pk"]] = Subject(unit, row["received_at"], row["grade"], row["path"], has_date)

    def _unit(self, pk: int) -> Any:
        if pk not in self._units:
            self._units[pk] = OrgUnit.objects.get(pk=pk)
        return self._units[pk]

    def __call__(self, clock: Clock, rule: Rule) -> Rule:
        subject = self._cases.get(clock.owner_id)
        if subject is None:
            return rule
        recorded = Recorded(clock.kind, rule.policy_key, rule.policy_version, rule.target, clock.started_at)
        new = rule_anew(recorded, subject, calendar_for)
        if new is None or (new.target, new.runs) == (rule.target, rule.runs):
            return rule
        version = None
        if new.runs == Runs.WORKING:
            version = rule.calendar_version or newest_version(new.calendar or subject.unit.calendar_code)
        row = row_in_force(new.key, unit=subject.unit)
        return replace(
            rule,
            target=new.target,
            runs=new.runs,
            calendar_version=version,
            policy_key=new.key,
            policy_version=row.id if row else None,
        )
