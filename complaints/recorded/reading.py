"""One row of a file to one case as it was recorded, or what is wrong with it. No database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from complaints.lifecycle import State
from complaints.recorded.mapping import RECORDED_ENDED, CaseMapping
from complaints.services.intake import subject_of
from customers.imports.problems import Problem
from customers.imports.specs import Cells, Spec, cells_of
from customers.imports.values import BadValue
from foundation.common import clock

MINUTE = timedelta(minutes=1)
# What a row names that only the database knows.
NAMED = ("topic", "cause", "customer", "customer_no", "service_no", "unit", "owner")
REMEMBERED = 500  # values of a column read before: most columns have few different ones


@dataclass
class CaseRow:
    """A good row. `columns`: what it says of the case; `names`: what it names by code or number, by field; `places`:
    the column each field came from."""

    line: int
    source_no: str
    columns: dict[str, Any] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    places: dict[str, str] = field(default_factory=dict)

    def problem(self, target: str, words: str, value: str = "") -> Problem:
        """What is wrong with one field."""
        return Problem(self.line, self.places.get(target, target), words, value)


class CaseReader:
    """Reads rows of one file by one mapping. `as_of`: the day the file describes, after which nothing happened."""

    def __init__(self, mapping: CaseMapping, header: Sequence[str], *, as_of: date, now: datetime) -> None:
        self.mapping = mapping
        self.header = list(header)
        self.mapped = frozenset(mapping.columns())
        self.latest = min(clock.business_midnight(as_of + timedelta(days=1)) - MINUTE, now)
        self._read: dict[int, dict[str, Any]] = {}

    def read(self, line: int, row: Sequence[str]) -> CaseRow | list[Problem]:
        """The case of a row, or everything that is wrong with it."""
        asked = _("Every row needs the number of the complaint in its source, at most %(longest)s characters.")
        cell = cells_of(line, row, self.header, self.mapping, self.mapped, asked)
        if not isinstance(cell, Cells):
            return cell
        problems: list[Problem] = []
        made = CaseRow(line, cell(self.mapping.key_column))
        made.places = {spec.target: spec.column or spec.target for spec in self.mapping.case}
        found = self._values(self.mapping.case, cell, problems)
        facts = self._values(self.mapping.facts, cell, problems)
        if facts:
            found["facts_given"] = facts
        made.names = {name: found.pop(name) for name in NAMED if name in found}
        made.columns = found
        problems += self._check(made, bad={problem.column for problem in problems})
        if problems:
            return problems
        self._finish(made)
        return made

    def _values(self, specs: Sequence[Spec], cell: Cells, problems: list[Problem]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for spec in specs:
            text = spec.text(cell)
            if not text:
                continue
            known = self._read.setdefault(id(spec), {})
            if text not in known:
                try:
                    value = spec.value(text)
                except BadValue as bad:
                    column = spec.column or spec.target
                    problems.append(Problem(cell.line, column, str(bad), cell(column) or text))
                    continue
                if len(text) > 60 or len(known) >= REMEMBERED:
                    found[spec.target] = value
                    continue
                known[text] = value
            if known[text] not in ("", None):
                found[spec.target] = known[text]
        return found

    def _check(self, made: CaseRow, bad: set[str]) -> list[Problem]:
        """What no case is without, and time travel (D§26: refused with its reason, never silently mended). `bad`:
        columns that were refused already."""
        wrong = []
        given = made.columns
        for target in ("received_at", "channel"):
            if target not in given and made.places[target] not in bad:
                wrong.append(made.problem(target, _("must be filled.")))
        text_place = made.places.get("text", made.places.get("subject", "text"))
        if not given.get("text") and not given.get("subject") and text_place not in bad:
            wrong.append(Problem(made.line, text_place, _("must be filled: what was complained of?")))
        received = given.get("received_at")
        for target in ("received_at", "answered_at", "closed_at"):
            at = given.get(target)
            if at is None:
                continue
            if at > self.latest:
                words = _("lies after %(moment)s.") % {"moment": _shown(self.latest)}
                wrong.append(made.problem(target, words, _shown(at)))
            elif received is not None and at < received:
                words = _("lies before the receipt on %(moment)s.") % {"moment": _shown(received)}
                wrong.append(made.problem(target, words, _shown(at)))
        state = given.get("state")
        if state is not None and state not in RECORDED_ENDED and "closed_at" in given:
            words = _("does not go with a moment of closing.")
            wrong.append(made.problem("state", words, str(State(state).label)))
        if "solved" in given and (state or State.CLOSED) != State.CLOSED:
            wrong.append(made.problem("solved", _("is said of closed complaints only."), given["solved"]))
        return wrong

    def _finish(self, made: CaseRow) -> None:
        """What follows from what is said: an end without its moment is known by the day the file describes."""
        given = made.columns
        given["text"] = given.get("text") or given["subject"]
        given.setdefault("subject", subject_of(given["text"]))
        given.setdefault("state", State.CLOSED.value)
        if "answered_at" in given:
            given["decided_at"] = given["answered_at"]


def _shown(at: datetime) -> str:
    return f"{at.astimezone(clock.BUSINESS_ZONE):%Y-%m-%d %H:%M}"
