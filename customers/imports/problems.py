"""Wrong rows: what stands in the downloadable list, in words a clerk can act on."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from foundation.common.cells import safe_cell

SHOWN = 80  # characters of a wrong value repeated in the list


@dataclass(frozen=True)
class Problem(Exception):
    """One wrong cell or row: the line of the file, the column (or ""), what is wrong with what to do, the value."""

    line: int
    column: str
    words: str
    value: str = ""


class ErrorList:
    """Collects problems into a CSV file as they come; counts rows, not cells."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = 0
        self._last_line = 0
        # With a byte-order mark, or spreadsheets read Chinese as Latin.
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow([pgettext("of a file", "Line"), _("Column"), _("What is wrong"), _("Value")])

    def add(self, problems: Iterable[Problem]) -> None:
        """Write problems; those of one line that follow each other count as one row."""
        for problem in problems:
            if problem.line != self._last_line:
                self.rows += 1
                self._last_line = problem.line
            value = problem.value[:SHOWN] + ("…" if len(problem.value) > SHOWN else "")
            cells = [problem.column, problem.words, value.replace("\x00", "")]
            self._writer.writerow([problem.line, *(safe_cell(cell) for cell in cells)])

    def __enter__(self) -> ErrorList:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
