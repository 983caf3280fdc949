"""Who carries how much: the people of the board with the lists behind their numbers, and the page of all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from complaints.board import Board
from complaints.kpis import Span
from complaints.team.load import Worker
from complaints.views.behind import behind_url
from foundation.common import clock
from foundation.common.doors import requires
from foundation.ui.htmx import wants_fragment
from foundation.ui.parts.lists import Tab, bar
from staff.requests import StaffRequest

MOST_SHOWN = 300
VIEWS: dict[str, Any] = {
    "all": _("Everybody"),
    "over": _("Over the limit"),
    "present": _("Present"),
    "away": _("Away"),
}
DOTS = {"present": "ok", "away": "warn", "off": "violet"}


@dataclass(frozen=True)
class LoadRow:
    """One person with the addresses of their numbers."""

    worker: Worker
    load: SafeString
    open_url: str
    late_url: str
    closed_url: str

    @property
    def dot(self) -> str:
        """The tone of their state."""
        return DOTS[self.worker.state]


def load_rows(figures: Board) -> list[LoadRow]:
    """Everybody of the board, who is most in need first."""
    queue = reverse("complaints:queue")
    rows = []
    for one in figures.workers:
        tone = "danger" if one.is_over else "warn" if one.open * 5 > one.limit * 4 else ""
        rows.append(
            LoadRow(
                one,
                bar(one.open / one.limit, tone),
                f"{queue}?{urlencode({'view': 'all', 'handler': one.pk})}",
                f"{queue}?{urlencode({'view': 'breached', 'handler': one.pk})}",
                behind_url("closed", figures.span, handler=one.pk),
            )
        )
    return rows


def in_view(rows: list[LoadRow], view: str) -> list[LoadRow]:
    """The people behind a tab."""
    if view == "over":
        return [row for row in rows if row.worker.is_over]
    if view == "present":
        return [row for row in rows if row.worker.state == "present"]
    if view == "away":
        return [row for row in rows if row.worker.away]
    return rows


@require_GET
@requires("complaints.figures")
def load(request: StaffRequest) -> HttpResponse:
    """Everybody of the area with what they carry, against the limit."""
    view = request.GET.get("view", "")
    view = view if view in VIEWS else "all"
    now = clock.now()
    rows = load_rows(Board(request.user, now, Span.today(now)))
    people = {key: in_view(rows, key) for key in VIEWS}
    context = {
        "people": people[view][:MOST_SHOWN],
        "view": view,
        "cut": len(people[view]) > MOST_SHOWN,
        "tabs": [Tab(words, f"?view={key}", key == view, len(people[key])) for key, words in VIEWS.items()],
        "may_assign": request.user.has_perm("complaints.assign"),
        "now": now,
    }
    part = "#results" if wants_fragment(request) else ""
    return render(request, f"complaints/load.html{part}", context)
