"""Files row by row: CSV and XLSX with real types, headers in both languages, and nothing that is a formula."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from django.conf import settings
from django.utils import timezone, translation

from foundation.common import clock
from foundation.common.cells import looks_like_formula, safe_cell
from staff.exports.models import Export
from staff.exports.registry import Column

SHEET_ROWS = 1_048_576  # the most one sheet of a workbook holds
LONGEST_CELL = 32_767
SUFFIXES = {Export.Format.XLSX: "xlsx", Export.Format.CSV: "csv"}


class Writer(Protocol):
    """Takes the rows of a file one after another; leaving the `with` block makes it whole."""

    def __enter__(self) -> Writer: ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def write(self, row: Sequence[Any]) -> None: ...


def heading(label: Any) -> str:
    """The name of a column in every language of the product, the default one first; once where they are equal."""
    said = []
    codes = [code for code, _name in settings.LANGUAGES]
    for code in sorted(codes, key=lambda code: code != settings.LANGUAGE_CODE):
        with translation.override(code):
            words = str(label)
        if words not in said:
            said.append(words)
    return " / ".join(said)


def writer_to(path: Path, file_format: str, columns: Sequence[Column]) -> Writer:
    """The writer of a format; the headings are those of `columns`."""
    headings = [heading(column.label) for column in columns]
    return Workbook(path, headings) if file_format == Export.Format.XLSX else Table(path, headings)


def plain(value: Any) -> Any:
    """A cell of a spreadsheet's types: text, whole and decimal numbers, days, moments of the business zone."""
    if isinstance(value, datetime):
        return timezone.make_naive(value, clock.BUSINESS_ZONE).replace(microsecond=0)
    if value is None or isinstance(value, bool | int | Decimal | date):
        return value
    text = str(value)[:LONGEST_CELL]
    return text if text.isprintable() else "".join(one for one in text if one.isprintable() or one == "\n")


class Table:
    """CSV in UTF-8, with a byte-order mark, or spreadsheets read Chinese as Latin."""

    def __init__(self, path: Path, headings: Sequence[str]) -> None:
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow([safe_cell(words) for words in headings])

    def write(self, row: Sequence[Any]) -> None:
        self._writer.writerow([_csv_cell(plain(value)) for value in row])

    def __enter__(self) -> Table:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def _csv_cell(value: Any) -> Any:
    if isinstance(value, str):
        return safe_cell(value)
    return value.isoformat(" ") if isinstance(value, datetime) else value


class Workbook:
    """XLSX, written to the disk as it comes; a full sheet is followed by another."""

    def __init__(self, path: Path, headings: Sequence[str]) -> None:
        from openpyxl import Workbook as Book  # 11 MB only a writer of workbooks needs
        from openpyxl.cell import WriteOnlyCell

        self.path, self.headings = path, headings
        self._cell = WriteOnlyCell
        self._book = Book(write_only=True)
        self._sheet: Any = None
        self._rows = SHEET_ROWS
        self._next_sheet()

    def _next_sheet(self) -> None:
        self._sheet = self._book.create_sheet()
        self._sheet.freeze_panes = "A2"
        for index, words in enumerate(self.headings):
            self._sheet.column_dimensions[_letters(index)].width = max(12, min(40, len(words) + 4))
        # The library keeps a sheet in a temporary file: in the run's folder, which is removed even after a kill.
        before, tempfile.tempdir = tempfile.tempdir, str(self.path.parent)
        try:
            self._sheet.append(list(self.headings))
        finally:
            tempfile.tempdir = before
        self._rows = 1

    def write(self, row: Sequence[Any]) -> None:
        if self._rows == SHEET_ROWS:
            self._next_sheet()
        self._sheet.append([self._guarded(plain(value)) for value in row])
        self._rows += 1

    def _guarded(self, value: Any) -> Any:
        """Text that looks like a formula as text that stays one, when edited too."""
        if not isinstance(value, str) or not looks_like_formula(value):
            return value
        cell = self._cell(self._sheet, value=value)
        cell.data_type = "s"
        cell.quotePrefix = True
        return cell

    def __enter__(self) -> Workbook:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._book.save(self.path)
            return
        for sheet in self._book.worksheets:  # else its temporary file stays
            sheet.close()


def _letters(index: int) -> str:
    """A, B, … Z, AA, AB …"""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
