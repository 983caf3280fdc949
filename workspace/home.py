"""My desk: what to do next, by role (ui-guide §12.2)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from customers.models import Customer
from customers.recent import recently_viewed
from foundation.calendars.queries import missing_next_year
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.ids import first_id_at, to_text
from foundation.jobs.models import JobRun
from foundation.jobs.queries import beat_silence, title_of
from foundation.ui.htmx import wants_fragment
from interactions.models import Interaction
from outreach.queries import followups_in_view, listed
from staff.models import Reveal, User
from staff.requests import StaffRequest
from staff.rights import sight_of
from workspace.admin.jobs_page import runs_of
from workspace.duties import Duty, by_deadline, due_of, is_case, next_cases
from workspace.figures import Figure, desk_figures, first_ask_figures, run_figures
from workspace.team import members, people_of, with_counts

NEXT_SHOWN = 10
CONTACTS_SHOWN = 6
VIEWED_SHOWN = 6
TEAM_SHOWN = 8
TEAM_READ = 200  # of a larger staff the desk looks at the first; the board has all of them
FAILED_FOR = timedelta(days=7)
FAILED_SHOWN = 5
REVEALS_FOR = timedelta(days=1)
REVEALS_SHOWN = 6
SILENT_SECONDS = 60  # beat ticks every ten


@dataclass(frozen=True)
class Desk:
    """The part that changes by itself: figures and the next duties."""

    figures: list[Figure]
    rows: list[Duty]

    @property
    def figures_seen(self) -> str:
        """What a browser shows of the figures: by it the next poll sees whether anything changed."""
        return "-".join(str(figure.number) for figure in self.figures)

    @property
    def rows_seen(self) -> str:
        """The same for the rows; a rescheduled or taken one changes it."""
        state = ",".join(f"{to_text(row.pk)}:{int(due_of(row).timestamp())}:{_turn(row)}" for row in self.rows)
        return hashlib.sha256(state.encode()).hexdigest()[:16]


def desk_of(user: User) -> Desk:
    """Figures and next duties of the user: own, of those acted for, handed over; cases among them."""
    mine = followups_in_view(user, "mine")
    rows = by_deadline(listed(mine)[:NEXT_SHOWN], next_cases(user, NEXT_SHOWN), NEXT_SHOWN)
    return Desk(desk_figures(user), rows)


def _turn(row: Duty) -> int:
    """What grows when something is done about a duty."""
    turn: int = row.version if is_case(row) else row.attempts  # type: ignore[union-attr]  # no negative guard
    return turn


@require_GET
@requires("workspace.home")
def home(request: StaffRequest) -> HttpResponse:
    """The desk. `?part=figures` is its live part: 204 while nothing changed, and a bar over the list when the duties
    did; `?part=next` loads the list anew."""
    user, now = request.user, clock.now()
    works = user.has_perm("outreach.work")
    desk = desk_of(user) if works else None
    context: dict[str, Any] = {"now": now, "desk": desk}
    part = request.GET.get("part", "")
    if wants_fragment(request) and part in ("figures", "next"):
        if desk is None or (part == "figures" and _same(request, desk)):
            return HttpResponse(status=204)
        context["stale"] = part == "figures" and request.GET.get("rows") != desk.rows_seen
        return render(request, f"workspace/home.html#{part}", context)
    context |= {
        "may_find": user.has_perm("customers.find"),
        "viewed": recently_viewed(user, most=VIEWED_SHOWN) if user.has_perm("customers.view") else None,
        "first_ask": first_ask_figures(user) if user.has_perm("interactions.handle") else [],
        "contacts": _recent_contacts(user) if user.has_perm("interactions.take") else None,
    }
    if user.has_perm("workspace.board"):
        context |= _team(user, now)
    context |= _oversight(user, now)
    return render(request, "workspace/home.html", context)


def _same(request: StaffRequest, desk: Desk) -> bool:
    return request.GET.get("figures") == desk.figures_seen and request.GET.get("rows") == desk.rows_seen


def _recent_contacts(user: User) -> list[tuple[Interaction, bool]]:
    """The user's last contacts, and whether the customer of each may still be opened."""
    recent = list(
        Interaction.objects.filter(staff=user).select_related("customer", "topic").order_by("-pk")[:CONTACTS_SHOWN]
    )
    sight, now = sight_of(user, "customers.view"), clock.now()
    return [
        (
            contact,
            contact.opens_until > now
            or (
                contact.customer is not None
                and sight.covers(unit_no=contact.customer.unit_no, owner_id=contact.customer.manager_id)
            ),
        )
        for contact in recent
    ]


def _team(user: User, now: datetime) -> dict[str, Any]:
    """The lead's part: who carries most, and who is away with nobody named to stand in."""
    people = list(with_counts(people_of(user), user).order_by("unit__no", "pk")[:TEAM_READ])
    team = members(people, now)
    return {
        "team": team[:TEAM_SHOWN],
        "team_more": max(0, len(team) - TEAM_SHOWN),
        "uncovered": [member for member in team if member.is_uncovered],
        "may_reassign": user.has_perm("staff.reassign"),
    }


def _oversight(user: User, now: datetime) -> dict[str, Any]:
    """For those who run the installation or watch over data: what failed, what will be missing, what was revealed."""
    found: dict[str, Any] = {}
    if user.has_perm("jobs.control") or user.has_perm("policies.change"):
        silence = beat_silence()
        found["beat_silence"] = silence if silence is None or silence > SILENT_SECONDS else 0
        found["run_figures"] = run_figures(user, runs_of(user))
        found["failed_runs"] = [(run, title_of(run)) for run in _failed(user, now)]
        found["missing_years"] = missing_next_year(clock.today(now))
        found["runs_installation"] = True
    if user.has_perm("audit.view") and user.has_perm("customers.reveal"):
        found["reveals"] = _reveals(now)
    return found


def _failed(user: User, now: datetime) -> QuerySet[JobRun]:
    rows = runs_of(user).filter(state=JobRun.State.FAILED, pk__gte=first_id_at(now - FAILED_FOR))
    return rows.order_by("-id")[:FAILED_SHOWN]


def _reveals(now: datetime) -> list[tuple[Reveal, str]]:
    """The newest reveals of the last day with the customers' numbers."""
    rows = list(Reveal.objects.filter(at__gt=now - REVEALS_FOR).select_related("user").order_by("-pk")[:REVEALS_SHOWN])
    known = {row.customer_id for row in rows}
    numbers = dict(Customer.objects.filter(pk__in=known).values_list("pk", "number"))
    return [(row, numbers.get(row.customer_id, "")) for row in rows]
