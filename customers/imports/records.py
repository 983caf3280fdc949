"""One row of a file to one checked record: what the archive gets from it, or what is wrong with it. No database."""

from __future__ import annotations

import calendar
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from customers.imports.answers import check_consent
from customers.imports.mapping import AS_OF, USAGE_FIELDS, Block, Mapping
from customers.imports.problems import Problem
from customers.imports.specs import Cell, Cells, Spec, cells_of, fill
from customers.imports.values import (
    BadValue,
    read_code,
    read_contact,
    read_fee,
    read_id_number,
    read_integer,
)
from customers.models import Subscription

NAME_MISSING = "NAME_MISSING"
LONGEST_TENURE = 1_200  # months
REMEMBERED = 500  # values of a column read before: most columns have few different ones


@dataclass(frozen=True)
class Staff:
    """What codes in a file may name: units by code, members of staff by account or staff number."""

    units: dict[str, tuple[int, int]]
    managers: dict[str, int]


@dataclass
class Record:
    """A good row. `data` overrides what the archive holds, `defaults` serve a new customer only."""

    line: int
    source_no: str
    data: dict[str, Any] = field(default_factory=dict)
    defaults: dict[str, Any] = field(default_factory=dict)
    id_number: str = ""
    points: list[dict[str, str]] = field(default_factory=list)
    addresses: list[dict[str, str]] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)
    consents: list[dict[str, Any]] = field(default_factory=list)


class RowReader:
    """Reads rows of one file by one mapping."""

    def __init__(self, mapping: Mapping, header: Sequence[str], *, as_of: date, today: date, staff: Staff) -> None:
        self.mapping = mapping
        self.as_of = as_of
        self.latest = min(as_of, today)
        self.staff = staff
        self.header = list(header)
        self.mapped = frozenset(mapping.columns())
        self._read: dict[int, dict[str, Any]] = {}

    def read(self, line: int, row: Sequence[str]) -> Record | list[Problem]:
        """The record of a row, or everything that is wrong with it."""
        cell = cells_of(
            line,
            row,
            self.header,
            self.mapping,
            self.mapped,
            _("Every row needs the customer's own number here, at most %(longest)s characters."),
        )
        if not isinstance(cell, Cells):
            return cell
        problems: list[Problem] = []
        record = Record(line, cell(self.mapping.key_column))
        self._customer(record, cell, problems)
        self._contacts(record, cell, problems)
        self._addresses(record, cell, problems)
        self._lines(record, cell, problems)
        self._consents(record, cell, problems)
        return problems or record

    def _customer(self, record: Record, cell: Cell, problems: list[Problem]) -> None:
        found = self._values(self.mapping.customer, record, cell, problems)
        number = found.pop("id_number", "")
        if number:
            try:
                kind = found.get("id_type") or ("LICENCE" if found.get("customer_type") == "ENTERPRISE" else "ID_CARD")
                record.id_number = read_id_number(number, kind)
                found["id_type"], found["id_last4"] = kind, record.id_number[-4:]
            except BadValue as bad:
                problems.append(Problem(record.line, self._column("id_number"), str(bad), "***"))
        if (code := found.pop("unit", None)) is not None:
            unit = self.staff.units.get(code)
            if unit is None:
                words = _("is no unit's code. Create the unit first, or leave the cell empty.")
                problems.append(Problem(record.line, self._column("unit"), words, code))
            else:
                found["unit_id"], found["unit_no"] = unit
        if (code := found.pop("manager", None)) is not None:
            manager = self.staff.managers.get(code)
            if manager is None:
                words = _("is no account or number of staff.")
                problems.append(Problem(record.line, self._column("manager"), words, code))
            else:
                found["manager_id"] = manager
        birth = found.get("birth_date")
        if birth and birth > self.latest:
            words = _("lies after %(day)s.") % {"day": self.latest.isoformat()}
            problems.append(Problem(record.line, self._column("birth_date"), words, birth.isoformat()))
        if found.get("segment") is None and found.get("customer_type") == "ENTERPRISE":
            record.defaults["segment"] = "ENTERPRISE"
        if "name" not in found:
            record.defaults["name"] = fill(self.mapping.missing_name.replace("{key}", record.source_no), cell)[:200]
            record.defaults["quality_marks"] = [NAME_MISSING]
        record.data = found

    def _contacts(self, record: Record, cell: Cell, problems: list[Problem]) -> None:
        for block in self.mapping.contacts:
            if not self._counts(block, cell):
                continue
            found = self._values(block.specs, record, cell, problems)
            if "kind" in found and "value" in found:
                try:
                    value = read_contact(found["kind"], found["value"])
                    record.points.append({"kind": found["kind"], "value": value})
                except BadValue as bad:
                    column = self._block_column(block, "value")
                    problems.append(Problem(record.line, column, str(bad), found["value"]))

    def _addresses(self, record: Record, cell: Cell, problems: list[Problem]) -> None:
        for block in self.mapping.addresses:
            if self._counts(block, cell):
                found = self._values(block.specs, record, cell, problems)
                if found.keys() - {"kind"}:
                    is_company = record.data.get("customer_type") == "ENTERPRISE"
                    record.addresses.append({"kind": "OFFICE" if is_company else "HOME"} | found)

    def _lines(self, record: Record, cell: Cell, problems: list[Problem]) -> None:
        for block in self.mapping.lines:
            if not self._counts(block, cell):
                continue
            found = self._values(block.specs, record, cell, problems)
            if not found.keys() - {"product_line"}:
                continue
            if "service_no" not in found:
                words = _("This row tells of a service line: give its number.")
                problems.append(Problem(record.line, self._block_column(block, "service_no"), words))
                continue
            if "product_line" not in found:
                found["product_line"] = "MOBILE"
            wrong = self._check_line(record.line, block, found)
            problems += wrong
            if not wrong:
                record.lines.append(_as_line(found))

    def _check_line(self, line: int, block: Block, found: dict[str, Any]) -> list[Problem]:
        """Time travel (D§26: a rejected row with its reason, never silently fixed)."""
        wrong = []
        began, ended = found.get("activated_on"), found.get("terminated_on")

        def refuse(target: str, words: str) -> None:
            value = found[target].isoformat() if isinstance(found[target], date) else str(found[target])
            wrong.append(Problem(line, self._block_column(block, target), words, value))

        for target, day in (("activated_on", began), ("terminated_on", ended)):
            if day and day > self.latest:
                refuse(target, _("lies after %(day)s.") % {"day": self.latest.isoformat()})
        if began:
            before = _("lies before the activation on %(day)s.") % {"day": began.isoformat()}
            if ended and ended < began:
                refuse("terminated_on", before)
            if found.get("contract_end") and found["contract_end"] < began:
                refuse("contract_end", before)
            if found.get("usage_month") and found["usage_month"] < began.replace(day=1):
                refuse("usage_month", before)
        month = found.get("usage_month")
        if month and month > self.latest:
            refuse("usage_month", _("lies after %(day)s.") % {"day": self.latest.isoformat()})
        if not month and found.keys() & set(USAGE_FIELDS):
            target = next(name for name in USAGE_FIELDS if name in found)
            refuse(
                target,
                _("belongs to no month: fill %(column)s.") % {"column": self._block_column(block, "usage_month")},
            )
        status = found.get("status")
        if ended and status in Subscription.LIVE:
            refuse("status", _("does not go with an end on %(day)s.") % {"day": ended.isoformat()})
        if status in {"TERMINATED", "PORTED_OUT"} and not ended:
            refuse(
                "status",
                _("needs the day it ended in %(column)s.") % {"column": self._block_column(block, "terminated_on")},
            )
        return wrong

    def _consents(self, record: Record, cell: Cell, problems: list[Problem]) -> None:
        for block in self.mapping.consents:
            if not self._counts(block, cell):
                continue
            found = self._values(block.specs, record, cell, problems)
            if not found.keys() - {spec.target for spec in block.specs if spec.constant}:
                continue
            wrong = check_consent(found, latest=self.latest, born=record.data.get("birth_date"))
            problems += [
                Problem(record.line, self._block_column(block, target), words, str(found.get(target, "")))
                for target, words in wrong
            ]
            if not wrong:
                record.consents.append(found)

    def _values(self, specs: Sequence[Spec], record: Record, cell: Cell, problems: list[Problem]) -> dict[str, Any]:
        found = {}
        for spec in specs:
            text = spec.text(cell)
            if not text:
                continue
            known = self._read.setdefault(id(spec), {})
            value = known.get(text)
            if value is not None and not spec.minus_months:
                found[spec.target] = value
                continue
            try:
                value = self._value(spec, text, cell)
            except BadValue as bad:
                column = spec.minus_months or spec.column or spec.target
                problems.append(Problem(record.line, column, str(bad), cell(column) or text))
                continue
            if value is not None:
                found[spec.target] = value
                if len(known) < REMEMBERED:
                    known[text] = value
        return found

    def _value(self, spec: Spec, text: str, cell: Cell) -> Any:
        if text == AS_OF:
            day = self.as_of
            if spec.minus_months:
                months = cell(spec.minus_months)
                if not months:
                    return None
                day = months_before(day, read_integer(months))
            return day
        return spec.value(text)

    def _counts(self, block: Block, cell: Cell) -> bool:
        return block.when is None or cell(block.when.column).lower() in block.when.among

    def _column(self, target: str) -> str:
        return next((spec.column for spec in self.mapping.customer if spec.target == target), target)

    def _block_column(self, block: Block, target: str) -> str:
        found = next((spec for spec in block.specs if spec.target == target), None)
        return (found.minus_months or found.column or target) if found else target


def months_before(day: date, months: int) -> date:
    """`day` minus whole months, clipped to the last day of the month (D§1.5)."""
    if months > LONGEST_TENURE:
        raise BadValue(_("must lie between 0 and %(longest)s months.") % {"longest": LONGEST_TENURE})
    total = day.year * 12 + day.month - 1 - months
    year, month = total // 12, total % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


def _as_line(found: dict[str, Any]) -> dict[str, Any]:
    """A service line as the staging table keeps it: its own fields, its plan, one month of use."""
    made: dict[str, Any] = {"product_line": found.pop("product_line"), "service_no": found.pop("service_no")}
    if code := found.pop("plan_code", ""):
        made["plan"] = {
            "code": read_code(code.replace(" ", "-")),
            "name": found.pop("plan_name", code),
            "fee": found.pop("plan_fee", read_fee("0")),
        }
    found.pop("plan_name", None)
    found.pop("plan_fee", None)
    if month := found.pop("usage_month", None):
        made["month"] = month.isoformat()
        made["use"] = {name: found.pop(name) for name in USAGE_FIELDS if name in found}
    if found.get("status") in Subscription.LIVE:
        found["terminated_on"] = None  # a line that lives has no end, whatever an earlier file said
    elif found.get("terminated_on") and "status" not in found:
        found["status"] = "TERMINATED"
    made["data"] = found
    return made
