"""What mapping files share, whatever their rows become: where a field comes from, and how that is written down."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from customers.imports.problems import Problem
from customers.imports.values import LONGEST_CELL, BadValue, Reader
from foundation.ui.wording import join_words

LONGEST_KEY = 64
_SPEC_KEYS = {"column", "constant", "template", "values", "rename", "when", "minus_months"}
_HOLE = re.compile(r"\{([^{}]+)\}")
Cell = Callable[[str], str]


@dataclass(frozen=True)
class When:
    """A field or block that counts only when a column holds one of certain values (small letters)."""

    column: str
    among: frozenset[str]


@dataclass(frozen=True)
class Spec:
    """Where one field comes from: a column, a constant or a template, then a table of values, then its reader.
    `values` names all there may be; `rename` other spellings of some."""

    target: str
    reader: Reader
    column: str = ""
    constant: str = ""
    template: str = ""
    values: dict[str, str] | None = None
    rename: dict[str, str] | None = None
    when: When | None = None
    minus_months: str = ""

    def columns(self) -> Iterator[str]:
        """The columns of the file it reads."""
        if self.column:
            yield self.column
        if self.minus_months:
            yield self.minus_months
        if self.when:
            yield self.when.column
        yield from _HOLE.findall(self.template)

    def text(self, cell: Cell) -> str:
        """What stands in the row for it; "" where it does not count."""
        if self.when and cell(self.when.column).lower() not in self.when.among:
            return ""
        return self.constant or (cell(self.column) if self.column else fill(self.template, cell))

    def value(self, text: str) -> Any:
        """The typed value of such a text. Raises BadValue."""
        if self.values is not None:
            chosen = self.values.get(text.lower())
            if chosen is None:
                raise BadValue(_("is not one of: %(choices)s.") % {"choices": join_words(self.values)})
            text = chosen
        elif self.rename is not None:
            text = self.rename.get(text.lower(), text)
        return self.reader(text)


@dataclass(frozen=True, kw_only=True)
class FileMapping:
    """One mapping file, checked and ready."""

    key: str
    titles: dict[str, str]
    source: str
    key_column: str
    may_miss_columns: bool = False
    ignored: frozenset[str] = field(default_factory=frozenset)

    @property
    def title(self) -> str:
        """Its name in the active language."""
        return self.titles["en" if (get_language() or "").startswith("en") else "zh"]

    def specs(self) -> Iterator[Spec]:
        """Every field it fills."""
        raise NotImplementedError

    def columns(self) -> list[str]:
        """Every column the mapping reads, the key first."""
        found = dict.fromkeys([self.key_column])
        for spec in self.specs():
            found.update(dict.fromkeys(spec.columns()))
        return list(found)

    def required_columns(self) -> list[str]:
        """What a file must have: all of it, or only the key when columns may be missing."""
        return [self.key_column] if self.may_miss_columns else self.columns()


def heading(key: str, text: dict[str, Any]) -> dict[str, Any]:
    """What every mapping says of itself, as arguments. Raises KeyError for what it lacks."""
    return {
        "key": key,
        "titles": {"en": text["title"], "zh": text.get("title_zh", text["title"])},
        "source": text["source"],
        "key_column": text["key"],
        "may_miss_columns": text.get("may_miss_columns", False),
        "ignored": frozenset(text.get("ignored", [])),
    }


def specs_of(table: dict[str, Any], fields: dict[str, Reader]) -> tuple[Spec, ...]:
    """The fields of a table. Raises ValueError naming what it cannot use."""
    return tuple(_spec(target, given, fields) for target, given in table.items())


def _spec(target: str, given: str | dict[str, Any], fields: dict[str, Reader]) -> Spec:
    if target not in fields:
        raise ValueError(f"{target} is no field; there are {', '.join(fields)}")
    if isinstance(given, str):  # the short form: the name of a column
        given = {"column": given}
    if unknown := given.keys() - _SPEC_KEYS:
        raise ValueError(f"{target}: {', '.join(sorted(unknown))} is not understood")
    if not given.keys() & {"column", "constant", "template"}:
        raise ValueError(f"{target} needs a column, a constant or a template")
    return Spec(
        target=target,
        reader=fields[target],
        column=given.get("column", ""),
        constant=str(given.get("constant", "")),
        template=given.get("template", ""),
        values=_small(given.get("values")),
        rename=_small(given.get("rename")),
        when=when_of(given.get("when")),
        minus_months=given.get("minus_months", ""),
    )


def _small(table: dict[str, str] | None) -> dict[str, str] | None:
    return None if table is None else {key.lower(): value for key, value in table.items()}


def when_of(given: dict[str, Any] | None) -> When | None:
    """A condition, or None where there is none."""
    if given is None:
        return None
    return When(given["column"], frozenset(value.lower() for value in given["among"]))


def fill(template: str, cell: Cell) -> str:
    """`template` with its {columns} filled; "" when one of them is empty."""
    empty = False

    def put(found: re.Match[str]) -> str:
        nonlocal empty
        text = cell(found[1])
        empty = empty or not text
        return text

    made = _HOLE.sub(put, template)
    return "" if empty else made


@dataclass(frozen=True)
class Cells:
    """One row of a file by the names of its columns."""

    line: int
    found: dict[str, str]

    def __call__(self, name: str) -> str:
        return self.found.get(name, "")


def cells_of(
    line: int, row: Sequence[str], header: Sequence[str], mapping: FileMapping, mapped: frozenset[str], asked: str
) -> Cells | list[Problem]:
    """The cells of a row, or why it cannot be read at all. `mapped`: the columns the mapping reads; `asked`: the words
    for a row without its key."""
    width = len(header)
    if len(row) > width and any(cell.strip() for cell in row[width:]):
        words = _("The row has %(found)s cells, the first line has %(columns)s: quote cells that hold a comma.")
        return [Problem(line, "", words % {"found": len(row), "columns": width})]
    cells = dict(zip(header, map(str.strip, row), strict=False))
    problems = [
        Problem(line, name, _unusable(text), text[:100])
        for name, text in cells.items()
        if len(text) > LONGEST_CELL or (text[:1] == "=" and name in mapped)
    ]
    key = cells.get(mapping.key_column, "")
    if not key or len(key) > LONGEST_KEY:
        problems.append(Problem(line, mapping.key_column, asked % {"longest": LONGEST_KEY}, key))
    return problems or Cells(line, cells)


def _unusable(text: str) -> str:
    """Why a cell that is too long or begins with an equals sign is refused."""
    if len(text) > LONGEST_CELL:
        return _("%(length)s characters; a cell holds at most %(longest)s. Look for a missing closing quote.") % {
            "length": len(text),
            "longest": LONGEST_CELL,
        }
    return _("is a formula. Paste the values instead.")
