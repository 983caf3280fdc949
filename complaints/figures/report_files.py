"""What the lists behind the sums of callbacks and of support units were asked, for their pages and their files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.exporting import topic_in_language
from complaints.figures.callbacks import CALLS, SUPPORT, Report, Split, behind
from complaints.kpis.lines import names_of
from complaints.kpis.slicing import is_number
from complaints.kpis.spans import month_of
from complaints.lifecycle import PartState, Solved
from complaints.models.figures import FIGURES_RIGHT
from foundation.common import clock
from foundation.common.errors import RuleBroken
from staff.exports.registry import Column, Exportable, Kind, in_words, register_exportable
from staff.models import User

NONE = "none"  # the key of a line of what has no topic, no brand…
PLAIN = ("brand", "channel")  # splits whose keys are words
PARAMETERS = ("month", "by", "key", "part")


@dataclass(frozen=True)
class Number:
    """One number of a report: the month, a line of a split ("" for all), which of its numbers."""

    report: Report
    month: date
    by: str
    key: str
    part: str

    @property
    def split(self) -> Split | None:
        return self.report.splits[self.by] if self.by else None

    def rows(self, user: User) -> QuerySet[Any]:
        """The rows it counts."""
        rows = self.report.rows.of(user, self.month)
        return behind(self.report, rows, self.split, self.key, self.report.parts[self.part][1])

    def said(self) -> list[tuple[str, str]]:
        """It in words, a label and a value each."""
        said = [(_("Month"), f"{self.month:%Y-%m}"), (_("Part"), str(self.report.parts[self.part][0]))]
        if self.split is not None:
            key: Any = self.key if not self.key or self.split[2] in PLAIN else int(self.key)
            said.insert(0, (str(self.split[0]), names_of(self.split[2], [key])[key]))
        return said


def number_of(report: Report, given: Mapping[str, Any]) -> Number | None:
    """What an address asks; None for a split, a key or a part there is not."""
    by, key, part = (str(given.get(name, ""))[:60] for name in ("by", "key", "part"))
    part, key = part or "all", "" if key == NONE else key
    if part not in report.parts or (by and by not in report.splits):
        return None
    if by and key and report.splits[by][2] not in PLAIN and not is_number(key):
        return None
    return Number(report, month_of(str(given.get("month", "")), clock.today()), by, key, part)


def _asked(report: Report, query: QueryDict) -> Number:
    asked = number_of(report, query)
    if asked is None:
        raise RuleBroken("exports.bad_filters", _("The filters of the list cannot be understood; set them again."))
    return asked


def _rows(report: Report, user: User, query: QueryDict) -> QuerySet[Any]:
    return _asked(report, query).rows(user).order_by(*report.order)


def _said(report: Report, _user: User, query: QueryDict) -> list[tuple[str, str]]:
    return _asked(report, query).said()


_CASE = (
    Column("number", gettext_lazy("Number"), ("complaint__number",)),
    Column("subject", gettext_lazy("Complaint"), ("complaint__subject",)),
    Column(
        "topic",
        gettext_lazy("Topic"),
        ("x_topic",),
        expressions={"x_topic": partial(topic_in_language, "complaint__topic")},
    ),
)
CALL_FILE = Exportable(
    name="complaint-callbacks",
    title=gettext_lazy("Callbacks behind the number"),
    right=FIGURES_RIGHT,
    url_name="complaints:callback-rows",
    columns=(
        *_CASE,
        Column("result", gettext_lazy("Result"), ("solved",), read=in_words(Solved)),
        Column("satisfaction", gettext_lazy("Satisfaction"), ("satisfaction",), kind=Kind.NUMBER),
        Column("attitude", gettext_lazy("Attitude"), ("attitude",), kind=Kind.NUMBER),
        Column("by", gettext_lazy("Called by"), ("by__name",)),
        Column("due", gettext_lazy("Due"), ("due_at",), kind=Kind.MOMENT),
        Column("done", gettext_lazy("Done"), ("done_at",), kind=Kind.MOMENT),
    ),
    rows=partial(_rows, CALLS),
    filters=partial(_said, CALLS),
    parameters=PARAMETERS,
    customers=("complaint__customer_id",),
)
PART_FILE = Exportable(
    name="complaint-support",
    title=gettext_lazy("Parts behind the number"),
    right=FIGURES_RIGHT,
    url_name="complaints:support-rows",
    columns=(
        *_CASE,
        Column("unit", gettext_lazy("Unit"), ("unit__name",)),
        Column("handler", gettext_lazy("Works on it"), ("handler__name",)),
        Column("state", gettext_lazy("State"), ("state",), read=in_words(PartState)),
        Column("used", gettext_lazy("Minutes used"), ("minutes_used",), kind=Kind.NUMBER),
        Column("budget", gettext_lazy("Budget, minutes"), ("budget_minutes",), kind=Kind.NUMBER),
        Column("due", gettext_lazy("Due"), ("due_at",), kind=Kind.MOMENT),
        Column("done", gettext_lazy("Done"), ("done_at",), kind=Kind.MOMENT),
    ),
    rows=partial(_rows, SUPPORT),
    filters=partial(_said, SUPPORT),
    parameters=PARAMETERS,
    customers=("complaint__customer_id",),
)


def register() -> None:
    """Make the files known."""
    register_exportable(CALL_FILE)
    register_exportable(PART_FILE)
