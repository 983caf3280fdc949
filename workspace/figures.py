"""Figures that lead to the list behind them: what is counted and what the link shows are the same rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Func, IntegerField, QuerySet
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from foundation.common import clock
from foundation.jobs.models import JobRun
from foundation.jobs.queries import job_list
from foundation.ui.parts.marks import SOON_SECONDS
from interactions.matter_queries import desk_rows
from outreach.filters import FollowUpFilter
from outreach.queries import desk_counts, followups_in_view
from staff.models import User

CAP = 500


def capped(rows: QuerySet[Any]) -> Func:
    """The number of `rows` as an expression that counts at most one above `CAP`, so that a heap costs no more."""
    some = rows.order_by().values("pk")[: CAP + 1]
    return Func(ArraySubquery(some), function="CARDINALITY", output_field=IntegerField())


def say_count(number: int) -> str:
    """A counted number in words: "500+" beyond the cap."""
    return f"{CAP}+" if number > CAP else str(number)


def list_url(**asked: object) -> str:
    """The list of follow-ups filtered so (view, due, kind, owner, done)."""
    return f"{reverse('outreach:followup-list')}?{urlencode(asked)}"


@dataclass(frozen=True)
class Figure:
    """A key figure of the desk. `number` is at most one above the cap."""

    key: str
    label: Any
    icon: str
    tone: str
    number: int
    url: str

    @property
    def said(self) -> str:
        return say_count(self.number)

    @property
    def shown_tone(self) -> str:
        """The alarm colour only where there is something."""
        return self.tone if self.number else ""


_DESK: tuple[tuple[str, Any, str, str, dict[str, str]], ...] = (
    ("overdue", _("Overdue"), "circle-alert", "danger", {"due": "overdue"}),
    ("soon", _("Due in 30 minutes"), "alarm-clock", "warn", {"due": "soon"}),
    ("mine", _("My open duties"), "inbox", "", {}),
    ("callbacks", _("Call-backs"), "phone-outgoing", "", {"kind": "CALLBACK"}),
)


_BOARD: tuple[tuple[str, Any, str, str, str, dict[str, str]], ...] = (
    ("overdue", _("Overdue"), "circle-alert", "danger", "all", {"due": "overdue"}),
    ("soon", _("Due in 30 minutes"), "alarm-clock", "warn", "all", {"due": "soon"}),
    ("open", _("Open"), "inbox", "", "all", {}),
    ("done", _("Done today"), "circle-check", "", "closed", {"done": "today"}),
)


def counted(user: User, rows: list[QuerySet[Any]]) -> tuple[int, ...]:
    """The capped numbers of `rows` in one query; it needs some one row to stand on, the user's own."""
    return tuple(User.objects.filter(pk=user.pk).values_list(*(capped(some) for some in rows)).get())


def desk_figures(user: User) -> list[Figure]:
    """The four counts of the desk out of the "mine" view of the list: one query, by hand, for the desk asks it all
    day."""
    now = clock.now()
    counts = desk_counts(user, now, now + timedelta(seconds=SOON_SECONDS), CAP + 1)
    return [
        Figure(key, label, icon, tone, number, list_url(view="mine", **asked))
        for (key, label, icon, tone, asked), number in zip(_DESK, counts, strict=True)
    ]


def board_figures(user: User) -> list[Figure]:
    """The counts of everything the user sees, as the board shows them: one query."""
    views = {view: followups_in_view(user, view) for view in ("all", "closed")}
    rows = [FollowUpFilter(asked, views[view]).qs for _key, _label, _icon, _tone, view, asked in _BOARD]
    return [
        Figure(key, label, icon, tone, number, list_url(view=view, **asked))
        for (key, label, icon, tone, view, asked), number in zip(_BOARD, counted(user, rows), strict=True)
    ]


_FIRST_ASK: dict[str, tuple[Any, str, str, str, dict[str, str]]] = {
    "offered": (_("Offered to me"), "route", "warn", "interactions:matter-list", {"view": "offered"}),
    "mine": (_("I answer for"), "user-round-check", "", "interactions:matter-list", {"view": "mine"}),
    "handling": (_("I work on"), "wrench", "", "interactions:matter-list", {"view": "handling"}),
    "suggestions": (_("My suggestions to answer"), "lightbulb", "", "interactions:suggestion-list", {"view": "mine"}),
}


def first_ask_figures(user: User) -> list[Figure]:
    """First-ask matters and suggestions the user must see to, out of the board's own views: one query.

    A figure of nothing is left out: most people have none, and the desk begins with what is to be done.
    """
    rows = desk_rows(user)
    counts = counted(user, [some for _key, some in rows])
    figures = []
    for (key, _some), number in zip(rows, counts, strict=True):
        if not number:
            continue
        label, icon, tone, name, asked = _FIRST_ASK[key]
        figures.append(Figure(key, label, icon, tone, number, f"{reverse(name)}?{urlencode(asked)}"))
    return figures


_RUNS: tuple[tuple[str, Any, str, str], ...] = (
    (JobRun.State.WAITING, _("Waiting work"), "clock", ""),
    (JobRun.State.RUNNING, _("Running work"), "loader", ""),
    (JobRun.State.FAILED, _("Failed work"), "circle-alert", "danger"),
)


def run_figures(user: User, runs: QuerySet[JobRun]) -> list[Figure]:
    """Background work out of `runs` (those the user sees) by state: one query."""
    counts = counted(user, [job_list(runs, state=state) for state, _label, _icon, _tone in _RUNS])
    return [
        Figure(state, label, icon, tone, number, f"{reverse('workspace:run-list')}?{urlencode({'state': state})}")
        for (state, label, icon, tone), number in zip(_RUNS, counts, strict=True)
    ]
