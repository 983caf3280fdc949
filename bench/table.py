"""The table of figures: each beside its limit, measured in the same minutes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One measured value against its budget. `value` and `limit` share `unit`; lower is better unless `at_least`."""

    work: str
    what: str
    value: float
    limit: float
    unit: str
    at_least: bool = False
    note: str = ""

    @property
    def kept(self) -> bool:
        return self.value >= self.limit if self.at_least else self.value <= self.limit


def render(figures: list[Figure]) -> str:
    """The figures as aligned text, one line each."""
    head = ("work", "figure", "measured", "budget", "", "note")
    rows = [
        (
            figure.work,
            figure.what,
            f"{figure.value:,.2f} {figure.unit}",
            f"{'>=' if figure.at_least else '<='} {figure.limit:,.2f}",
            "kept" if figure.kept else "BROKEN",
            figure.note,
        )
        for figure in figures
    ]
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in [head, *rows]
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])
