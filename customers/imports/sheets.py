"""The first sheet of an XLSX workbook as rows of text, guarded against workbooks made to fill the memory."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from typing import IO, Any
from xml.etree.ElementTree import ParseError

from django.utils.translation import gettext as _

from customers.imports.problems import Problem
from customers.imports.values import BadValue, text_of
from foundation.jobs.running import BadInput

MB = 1 << 20
MOST_PARTS = 2_000
MOST_RATIO = 200  # text in sheets packs 10 to 50 times
SMALL = 20 * MB  # below it the ratio says nothing
STRINGS_MB = 256  # openpyxl holds the shared strings in memory
Rows = Iterator[tuple[int, "list[str] | Problem"]]


def sheet_rows(file: IO[bytes], *, limit_mb: int) -> tuple[list[str], Rows, list[str]]:
    """Header, rows with their numbers, and notes. Raises BadInput for what is no workbook, or too large unpacked."""
    from openpyxl import load_workbook  # 11 MB only a reader of workbooks needs
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        _guard(file, limit_mb)
        book = load_workbook(file, read_only=True, data_only=False, keep_links=False)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError, ParseError, OSError) as error:
        raise BadInput(
            "imports.broken_file", _("This is not a readable XLSX workbook. Save it again as XLSX or CSV (UTF-8).")
        ) from error
    if not book.worksheets:
        raise BadInput("imports.empty", _("The workbook has no sheet with cells."))
    notes = []
    if len(book.worksheets) > 1:
        notes.append(_("Only the first sheet, “%(name)s”, was read.") % {"name": book.worksheets[0].title[:40]})
    cells = book.worksheets[0].iter_rows(values_only=True)
    try:
        header = [str(value) if value is not None else "" for value in next(cells, ())]
    except (ParseError, zipfile.BadZipFile, ValueError) as error:
        raise BadInput("imports.broken_file", _("The first sheet cannot be read.")) from error
    return header, _rows(cells), notes


def _rows(cells: Iterator[tuple[Any, ...]]) -> Rows:
    line = 1
    while True:
        line += 1
        try:
            values = next(cells)
        except StopIteration:
            return
        except (ParseError, zipfile.BadZipFile, ValueError) as error:
            raise BadInput(
                "imports.broken_file", _("The sheet cannot be read from line %(line)s on.") % {"line": line}
            ) from error
        try:
            row = [text_of(value) for value in values]
        except BadValue:
            yield line, _first_bad(line, values)
            continue
        if any(text.strip() for text in row):
            yield line, row


def _first_bad(line: int, values: tuple[Any, ...]) -> Problem:
    for index, value in enumerate(values, start=1):
        try:
            text_of(value)
        except BadValue as bad:
            return Problem(line, _("column %(number)s") % {"number": index}, str(bad))
    raise AssertionError("no bad cell")


def _guard(file: IO[bytes], limit_mb: int) -> None:
    with zipfile.ZipFile(file) as archive:
        parts = archive.infolist()
        unpacked = sum(part.file_size for part in parts)
        packed = sum(part.compress_size for part in parts) or 1
        strings = sum(part.file_size for part in parts if part.filename.endswith("sharedStrings.xml"))
        if (
            len(parts) > MOST_PARTS
            or unpacked > limit_mb * MB
            or strings > STRINGS_MB * MB
            or (unpacked > SMALL and unpacked / packed > MOST_RATIO)
        ):
            words = _("Unpacked, the workbook would hold %(size)s MB. Save the table as CSV (UTF-8) instead.")
            raise BadInput("imports.too_large", words % {"size": max(1, unpacked // MB)})
    file.seek(0)
