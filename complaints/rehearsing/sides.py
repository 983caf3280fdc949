"""The two sides of a rehearsal: the policies, calendars and staff each reads, as they stand at one moment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from complaints.rules import Recorded, Rule, Subject, rule_anew
from foundation.calendars.clock_record import Rule as StoredRule
from foundation.calendars.definition import Calendar
from foundation.calendars.queries import calendar_for, calendar_of_version
from foundation.common.errors import RuleBroken
from foundation.policies.drafting import calendar_of, place_of
from foundation.policies.models import Draft
from foundation.policies.reading import Place, drafted

Frozen = dict[str, Any]


@dataclass
class Side:
    """One side: what is in force at `at`, with these drafts in its place. Refuses (RuleBroken "complaint.drafts_clash")
    two drafts of one value, calendar or unit's staff."""

    drafts: list[Frozen]
    at: datetime
    policies: dict[Place, Any] = field(default_factory=dict)
    staff: dict[int, Frozen] = field(default_factory=dict)
    _calendars: dict[str, Calendar] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for draft in self.drafts:
            kind = draft["kind"]
            held: dict[Any, Any] = self.policies
            key: Any
            value: Any
            if kind == Draft.Kind.POLICY:
                key, value = place_of(draft), draft["content"]["value"]
            elif kind == Draft.Kind.CALENDAR:
                held, key, value = self._calendars, draft["subject"], calendar_of(draft)
            else:
                held, key, value = self.staff, int(draft["subject"]), draft["content"]
            if key in held:
                raise RuleBroken("complaint.drafts_clash", _("Two drafts of one side decide the same: choose one."))
            held[key] = value

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Policies are read as this side has them."""
        with drafted(self.policies, self.at):
            yield

    def calendar(self, code: str) -> Calendar:
        """The calendar of this side."""
        if code not in self._calendars:
            self._calendars[code] = calendar_for(code, at=self.at)
        return self._calendars[code]

    def ruled(self, kind: str, recorded: StoredRule, started_at: datetime, of: Subject) -> StoredRule:
        """The limit of a recorded START or RETARGET as this side has it. Inside `reading`."""
        known = Recorded(kind, recorded.policy_key, recorded.policy_version, recorded.target, started_at)
        rule = rule_anew(known, of, self.calendar)
        if rule is None:
            if recorded.calendar_version is None:
                return recorded
            return replace(recorded, calendar=self.calendar(calendar_of_version(recorded.calendar_version).code))
        return self.stored(rule, recorded)

    def stored(self, rule: Rule, like: StoredRule) -> StoredRule:
        """A limit of the business as the engine takes it, in this side's hours."""
        calendar = self.calendar(rule.calendar) if rule.calendar else None
        return replace(like, target=rule.target, runs=rule.runs, policy_key=rule.key, calendar=calendar)
