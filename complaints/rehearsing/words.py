"""Drafts in words: what would be written, and where it would hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _

from foundation.calendars.models import WorkCalendar, WorkCalendarDay
from foundation.calendars.windows import as_pairs, check_windows, write_windows
from foundation.common.errors import RuleBroken
from foundation.common.ids import to_text
from foundation.common.sentences import join_words
from foundation.policies.kinds import Kind, as_text, from_stored
from foundation.policies.models import Draft, PolicySetting
from foundation.policies.registry import definition
from foundation.ui.wording import say_date, say_moment, weekday_word
from staff.models import OrgUnit

Frozen = dict[str, Any]


@dataclass(frozen=True)
class DraftSaid:
    """A draft in words. `ref`: its id as it stands in an address."""

    ref: str
    kind: str
    title: str
    change: str
    where: str = ""

    @property
    def in_line(self) -> str:
        """All in one line."""
        return " · ".join(part for part in (self.title, self.change, self.where) if part)


def say_drafts(drafts: Iterable[Frozen]) -> list[DraftSaid]:
    """Drafts (as `foundation.policies.drafting.frozen` gives them) in words; two queries for any number."""
    rows = list(drafts)
    units = OrgUnit.objects.in_bulk({number for row in rows if (number := _unit_of(row)) is not None})
    codes = {row["subject"] for row in rows if row["kind"] == Draft.Kind.CALENDAR}
    calendars = {one.code: one for one in WorkCalendar.objects.filter(code__in=codes)} if codes else {}
    return [_say(row, units, calendars) for row in rows]


def _unit_of(row: Frozen) -> int | None:
    if row["kind"] == Draft.Kind.STAFFING:
        return int(row["subject"])
    if row["kind"] == Draft.Kind.POLICY and row["content"]["scope"] == PolicySetting.Scope.UNIT:
        return int(row["content"]["ref"])
    return None


def _say(row: Frozen, units: dict[int, OrgUnit], calendars: dict[str, WorkCalendar]) -> DraftSaid:
    ref, kind, content = to_text(int(row["id"])), str(Draft.Kind(row["kind"]).label), row["content"]
    unit = units.get(_unit_of(row) or 0)
    if row["kind"] == Draft.Kind.STAFFING:
        return DraftSaid(ref, kind, str(unit or row["subject"]), _staffing(content))
    if row["kind"] == Draft.Kind.CALENDAR:
        return DraftSaid(ref, kind, str(calendars.get(row["subject"], row["subject"])), _calendar(content["edit"]))
    where = str(unit) if unit else content["ref"]
    begins = ""
    if content["from"]:
        begins = _("from %(moment)s") % {"moment": say_moment(datetime.fromisoformat(content["from"]))}
    return DraftSaid(
        ref,
        kind,
        policy_title(row["subject"]),
        value_in_words(row["subject"], content["value"]),
        join_words(part for part in (where, begins) if part),
    )


def policy_title(key: str) -> str:
    """The title of a policy, the key where no app defines it any more."""
    try:
        return str(definition(key).title)
    except RuleBroken:
        return key


def value_in_words(key: str, value: Any) -> str:
    """A stored value of a policy as people read it; of a table that it changes."""
    if value is None:
        return _("own value taken back")
    try:
        policy = definition(key)
    except RuleBroken:
        return str(value)
    if policy.kind == Kind.TABLE:
        rows = value if isinstance(value, list) else [value]
        used = next((row for row in rows if isinstance(row, dict) and row.get("use")), None)
        return str(used["rule"]) if used else _("another table")
    text = as_text(policy, from_stored(policy, value))
    return f"{text} {_(policy.unit)}" if policy.unit else text


def _calendar(edit: dict[str, Any]) -> str:
    if edit["act"] == "import":
        return _("public holidays of %(year)s") % {"year": edit["year"]}
    if edit["act"] == "week":
        return say_week(edit["weekly"])
    day = say_date(date.fromisoformat(edit["day"]))
    if edit["act"] == "clear":
        return _("%(day)s: an ordinary day") % {"day": day}
    kind = str(WorkCalendarDay.Kind(edit["kind"]).label)
    hours = write_windows(check_windows(as_pairs(edit["windows"])))
    return _("%(day)s: %(kind)s") % {"day": day, "kind": f"{kind} {hours}".strip()}


def say_week(weekly: list[list[list[int]]]) -> str:
    """Hours of a week, equal neighbouring days together."""
    return join_words(f"{days} {hours}" for days, hours in _grouped([_hours(windows) for windows in weekly]) if hours)


def _hours(windows: list[list[int]]) -> str:
    return write_windows(check_windows(as_pairs(windows)))


def _grouped(hours: list[str]) -> list[tuple[str, str]]:
    groups: list[tuple[int, int, str]] = []
    for day, text in enumerate(hours):
        if groups and groups[-1][2] == text:
            groups[-1] = (groups[-1][0], day, text)
        else:
            groups.append((day, day, text))
    return [
        (weekday_word(first) if first == last else f"{weekday_word(first)}–{weekday_word(last)}", text)
        for first, last, text in groups
    ]


def _staffing(content: dict[str, Any]) -> str:
    shifts = []
    for shift in content["shifts"]:
        hours = [_hours(shift["windows"]) if day in shift["days"] else "" for day in range(7)]
        when = join_words(f"{days} {text}" for days, text in _grouped(hours) if text)
        shifts.append(_("%(people)s people %(when)s") % {"people": shift["people"], "when": when})
    minutes = _("%(minutes)s min a case") % {"minutes": content["minutes"]}
    return join_words([minutes, *shifts])
