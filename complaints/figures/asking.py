"""What a page of figures was asked: the figure, the month, the split, one line of it, which part; the rows behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.exporting import CASES
from complaints.kpis.base import KPIS, Part
from complaints.kpis.causes import behind_repeated
from complaints.kpis.lines import names_of
from complaints.kpis.slicing import (
    BY_DAY,
    DIMENSIONS,
    MONTHLY,
    NUMBERED,
    frozen_among,
    is_day,
    is_number,
    key_of,
    month_rows,
    narrowed,
)
from complaints.kpis.spans import month_of
from complaints.models import Complaint
from complaints.models.figures import FIGURES_RIGHT
from foundation.common import clock
from foundation.common.errors import RuleBroken
from staff.exports.registry import Exportable, register_exportable
from staff.models import User

REPEATED = "repeated"  # not a figure: the cases of a cause that comes again in a unit


@dataclass(frozen=True)
class Asked:
    """`by` and `key`: one line of a split, "" for what has none; without `by` all of them. For REPEATED the key is
    "cause-unit"."""

    code: str
    month: date
    by: str
    key: str
    part: str


def asked_of(code: str, given: Mapping[str, Any]) -> Asked | None:
    """What an address asks; None for a figure, a split or a part there is not."""
    by, part = str(given.get("by", "")), str(given.get("part", "") or Part.ALL)
    if code not in (*MONTHLY, REPEATED) or part not in Part.values or (by and by not in DIMENSIONS):
        return None
    if part != Part.ALL and (code == REPEATED or KPIS[code].numerator is None):
        return None
    month = month_of(str(given.get("month", "")), clock.today())
    key = str(given.get("key", ""))[:60]
    if code == REPEATED and not _pair(key):
        return None
    if by in NUMBERED and key and not is_number(key):
        return None
    if by == "day" and (code not in BY_DAY or (key and not is_day(key))):
        return None
    return Asked(code, month, by, key, part)


def _pair(key: str) -> tuple[int, int] | None:
    cause, _dash, unit = key.partition("-")
    return (int(cause), int(unit)) if is_number(cause) and is_number(unit) else None


def _query(asked: Asked) -> dict[str, str]:
    query = {"figure": asked.code, "month": f"{asked.month:%Y-%m}", "by": asked.by, "key": asked.key}
    if asked.part != Part.ALL:
        query["part"] = asked.part
    return {name: value for name, value in query.items() if value}


def rows_url(asked: Asked) -> str:
    """The list behind a number."""
    return f"{reverse('complaints:figure-rows')}?{urlencode(_query(asked))}"


def split_url(code: str, month: date, by: str) -> str:
    """A figure of a month, split."""
    return f"{reverse('complaints:figure', args=[code])}?{urlencode({'month': f'{month:%Y-%m}', 'by': by})}"


def rows_behind(user: User, asked: Asked) -> QuerySet[Complaint]:
    """The cases of a number, in no order. Two queries with the one whether the month is frozen."""
    if asked.code == REPEATED:
        cause, unit = _pair(asked.key) or (0, 0)
        return behind_repeated(user, asked.month, cause, unit)
    frozen = asked.month in frozen_among([asked.month])
    rows = month_rows(user, asked.code, asked.month, frozen=frozen)
    found = narrowed(rows, asked.part, asked.by, asked.key)
    return Complaint.objects.filter(pk__in=found.order_by().values("row_case"))


def said_of(asked: Asked) -> list[tuple[str, str]]:
    """The same in words, a label and a value each."""
    said = [(_("Month"), f"{asked.month:%Y-%m}")]
    if asked.code == REPEATED:
        cause, unit = _pair(asked.key) or (0, 0)
        return [
            (_("Repeated cause"), names_of("cause", [cause])[cause]),
            (_("Responsible unit"), names_of("unit", [unit])[unit]),
            *said,
        ]
    if asked.by:
        key = key_of(asked.by, asked.key)
        said.append((str(DIMENSIONS[asked.by].label), names_of(asked.by, [key])[key]))
    if asked.part != Part.ALL:
        said.append((_("Part"), str(Part(asked.part).label)))
    return said


def _of_file(query: QueryDict) -> Asked:
    asked = asked_of(query.get("figure", "complaints"), query)
    if asked is None:
        raise RuleBroken("exports.bad_filters", _("The filters of the list cannot be understood; set them again."))
    return asked


def _said(query: QueryDict) -> list[tuple[str, str]]:
    asked = _of_file(query)
    label = KPIS[asked.code].label if asked.code in KPIS else _("Repeated cause")
    return [(_("Figure"), str(label)), *said_of(asked)]


FIGURE_ROWS = Exportable(
    name="complaint-figure",
    title=gettext_lazy("Complaints behind a figure"),
    right=FIGURES_RIGHT,
    url_name="complaints:figure-rows",
    columns=CASES.columns,
    rows=lambda user, query: rows_behind(user, _of_file(query)).order_by("-received_at", "-pk"),
    filters=lambda _user, query: _said(query),
    parameters=("figure", "month", "by", "key", "part"),
    customers=("customer_id",),
)


def register() -> None:
    """Make the file known."""
    register_exportable(FIGURE_ROWS)
