"""The month-end file, line by line (docs/import.md): CSV with a line of a bill in each row, or NDJSON with a bill."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from io import TextIOWrapper
from typing import IO, Any

from billing.mirror.pieces import Partial, Unusable, day_in, exact, short
from billing.mirror.reading import Line, bill_values, late_fee_of, read, read_line
from foundation.common.errors import RuleBroken

COLUMNS = (
    "billId", "billNo", "accountId", "month", "billDate", "dueDate", "lineType", "lineName", "serviceNo", "amount",
)  # fmt: skip
LONGEST_LINE = 1_048_576
MOST_LINES = 500
HEAD = COLUMNS[:6]


@dataclass(frozen=True)
class FileBill:
    """A bill of the file; `line` is where it begins, the header of a CSV being line 1."""

    line: int
    external_id: str
    account_ref: str
    bill_no: str
    month: date
    bill_date: date
    due_date: date
    amount: Decimal
    lines: tuple[Line, ...]

    @property
    def late_fee(self) -> Decimal:
        return late_fee_of(self.lines, self.amount)

    @property
    def total(self) -> Decimal:
        return sum((line.amount for line in self.lines), Decimal("0.00"))


@dataclass(frozen=True)
class Wrong:
    """A row that cannot be used."""

    line: int
    fault: Mapping[str, str]


def read_file(file: IO[bytes], month: date | None) -> Iterator[FileBill | Wrong]:
    """The bills of a file, and its wrong rows, in order; `month`: when given, the only one allowed. A wrong row of a
    CSV takes its whole bill. Raises RuleBroken billing.bad_file when it is neither of both."""
    text = TextIOWrapper(file, encoding="utf-8-sig", newline="")
    try:
        first = text.readline(LONGEST_LINE)
        rows = _ndjson(text, first) if first.lstrip().startswith("{") else _csv(text, first)
        for one in rows:
            if isinstance(one, FileBill) and month is not None and one.month != month:
                yield Wrong(one.line, {"field": "month", "code": "month", "value": f"{one.month:%Y-%m}"})
            else:
                yield one
    except UnicodeDecodeError:
        raise RuleBroken("billing.bad_file", "UTF-8") from None
    finally:
        text.detach()


# --- NDJSON -------------------------------------------------------------------------------------------------------


def _ndjson(text: TextIOWrapper, line: str) -> Iterator[FileBill | Wrong]:
    number = 0
    while line:
        number += 1
        if len(line) >= LONGEST_LINE:
            raise RuleBroken("billing.bad_file", f"line {number}")
        if line.strip():
            yield _object(number, line)
        line = text.readline(LONGEST_LINE)


def _object(number: int, line: str) -> FileBill | Wrong:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return Wrong(number, {"field": "", "code": "json", "value": ""})
    try:
        if not isinstance(told, dict):
            raise Unusable("", "object")
        return _of_resource(number, told) if "taxIncludedAmount" in told else _of_row(number, told)
    except Unusable as wrong:
        return Wrong(number, wrong.fault)
    except Partial:
        return Wrong(number, {"field": "", "code": "missing", "value": ""})


def _of_resource(number: int, told: dict[str, Any]) -> FileBill:
    """A customerBill as TM Forum writes it."""
    said = read("customerBill", told)
    told_of = {name: said.values[name] for name in ("bill_no", "month", "bill_date", "due_date", "amount")}
    return FileBill(number, said.external_id, said.account_ref, lines=said.lines, **told_of)


def _of_row(number: int, told: dict[str, Any]) -> FileBill:
    lines = told.get("lines")
    if not isinstance(lines, list):
        raise Unusable("lines", "list")
    if len(lines) > MOST_LINES:
        raise Unusable("lines", "too_many")
    read_lines = tuple(_line(one, f"lines[{place}]") for place, one in enumerate(lines))
    return _bill(number, told, read_lines, exact(told.get("amount"), "amount"))


def _line(told: Any, place: str) -> Line:
    if not isinstance(told, dict):
        raise Unusable(place, "object")
    return read_line(told.get("lineType"), told.get("lineName"), told.get("serviceNo"), told.get("amount"), place)


def _bill(number: int, told: Mapping[str, Any], lines: tuple[Line, ...], amount: Decimal) -> FileBill:
    for name in ("billId", "accountId", "month", "billDate", "dueDate"):
        if not told.get(name):
            raise Unusable(name, "missing")
    month, bill_date, due = (
        day_in(told["month"] if len(str(told["month"])) > 7 else f"{told['month']}-01", "month"),
        day_in(told["billDate"], "billDate"),
        day_in(told["dueDate"], "dueDate"),
    )
    values = bill_values(month=month, bill_date=bill_date, due_date=due, amount=amount, remaining=amount, state="")
    if "\0" in json.dumps(told, default=str):
        raise Unusable("", "json")
    return FileBill(
        number,
        short(told["billId"], "billId"),
        short(told["accountId"], "accountId"),
        short(told.get("billNo") or "", "billNo"),
        values["month"],
        bill_date,
        due,
        amount,
        lines,
    )


# --- CSV ----------------------------------------------------------------------------------------------------------


def _csv(text: TextIOWrapper, first: str) -> Iterator[FileBill | Wrong]:
    header = [name.strip() for name in next(csv.reader([first]), [])]
    if unknown := [name for name in COLUMNS if name not in header]:
        raise RuleBroken("billing.bad_file", ", ".join(unknown))
    group: list[tuple[int, dict[str, str]]] = []
    rows = csv.reader(text)
    number = 1
    while True:
        try:
            cells = next(rows)
        except StopIteration:
            break
        except csv.Error:
            yield Wrong(rows.line_num + 1, {"field": "", "code": "columns", "value": ""})
            continue
        number = rows.line_num + 1
        if not cells:
            continue
        if len(cells) != len(header):
            yield Wrong(number, {"field": "", "code": "columns", "value": str(len(cells))})
            continue
        row = dict(zip(header, cells, strict=True))
        if group and group[0][1]["billId"] != row["billId"]:
            yield _group(group)
            group = []
        group.append((number, row))
        if len(group) > MOST_LINES:
            yield Wrong(number, {"field": "lines", "code": "too_many", "value": ""})
            group = []
    if group:
        yield _group(group)


def _group(group: list[tuple[int, dict[str, str]]]) -> FileBill | Wrong:
    """The bill of some rows; their amounts make its own."""
    first, head = group[0]
    at = first
    try:
        lines = []
        for number, row in group:
            at = number
            if any(row[name] != head[name] for name in HEAD):
                raise Unusable("billId", "again", head["billId"])
            lines.append(read_line(row["lineType"], row["lineName"], row["serviceNo"], row["amount"].strip(), "line"))
        at = first
        total = sum((line.amount for line in lines), Decimal("0.00"))
        return _bill(first, head, tuple(lines), exact(total, "amount"))
    except Unusable as wrong:
        return Wrong(at, wrong.fault)
