"""The tree of units and the teams in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.paging import keyset_page
from foundation.ui.htmx import wants_fragment
from staff.admin_forms import HeadForm, MemberForm, MoveForm, NewTeamForm, NewUnitForm, TeamForm, UnitForm
from staff.models import OrgUnit, Team, TeamMember, UnitFormerNo
from staff.picking import say_person, say_unit
from staff.queries import teams_visible, unit_tree
from staff.rights import sight_of
from staff.services import teams, units
from staff.services.users import ADMINISTER
from staff.signin import actor_of
from staff.views.pages import act, form_page


@require_GET
@requires("staff.view")
def unit_list(request: HttpRequest) -> HttpResponse:
    """The tree, as far as one sees it."""
    viewer = actor_of(request)
    context = {
        "lines": unit_tree(viewer),
        "restamping": UnitFormerNo.objects.exists(),
        "may": viewer.has_perm(ADMINISTER),
    }
    return render(request, "staff/unit_list.html", context)


@require_http_methods(["GET", "POST"])
@requires("staff.administer")
def unit_new(request: HttpRequest) -> HttpResponse:
    """Make a unit."""

    def save(cleaned: dict[str, Any]) -> str:
        made = units.create_unit(actor=actor_of(request), **cleaned)
        return reverse("staff:unit-detail", args=[made.pk])

    form = NewUnitForm(request.POST or None, initial={"calendar_code": "STANDARD"})
    return form_page(request, form, save, title=_("New unit"), back=reverse("staff:unit-list"), crumb=_("Units"))


@require_GET
@requires("staff.view")
def unit_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One unit: facts, heads, teams; forms for administrators."""
    return render(request, "staff/unit_detail.html", _unit(request, pk))


@require_POST
@requires("staff.administer")
def unit_act(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """Change (edit), move, close a unit, or set its head."""
    context = _unit(request, pk)
    unit, actor = context["unit"], actor_of(request)
    if what == "close":
        to = reverse("staff:unit-detail", args=[pk])
        return act(request, lambda: units.close_unit(unit.pk, actor=actor), done=_("The unit is closed."), to=to)
    forms: dict[str, tuple[Form, Callable[..., Any]]] = {
        "edit": (UnitForm(request.POST, prefix="edit"), units.change_unit),
        "move": (MoveForm(request.POST, prefix="move"), units.move_unit),
        "head": (HeadForm(request.POST, prefix="head", viewer=actor), units.set_unit_head),
    }
    form, do = forms[what]
    if form.is_valid():
        try:
            do(pk, actor=actor, **form.cleaned_data)
            return redirect("staff:unit-detail", pk)
        except RuleBroken as no:
            form.add_error(None, no.message)
    return render(request, "staff/unit_detail.html", context | {f"{what}_form": form}, status=422)


@require_GET
@requires("staff.view")
def team_list(request: HttpRequest) -> HttpResponse:
    """Teams one looks after or belongs to."""
    rows = teams_visible(actor_of(request)).order_by("name", "pk")
    page = keyset_page(rows, after=request.GET.get("after"), size=50)
    template = "staff/team_list.html" + ("#results" if wants_fragment(request) else "")
    return render(request, template, {"page": page, "may": request.user.has_perm(ADMINISTER)})


@require_http_methods(["GET", "POST"])
@requires("staff.administer")
def team_new(request: HttpRequest) -> HttpResponse:
    """Make a team."""

    def save(cleaned: dict[str, Any]) -> str:
        made = teams.create_team(actor=actor_of(request), **cleaned)
        return reverse("staff:team-detail", args=[made.pk])

    form = NewTeamForm(request.POST or None, viewer=actor_of(request))
    return form_page(request, form, save, title=_("New team"), back=reverse("staff:team-list"), crumb=_("Teams"))


@require_GET
@requires("staff.view")
def team_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One team and who works in it."""
    return render(request, "staff/team_detail.html", _team(request, pk))


@require_POST
@requires("staff.administer")
def team_act(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """Change a team (edit), or let somebody join."""
    context, actor = _team(request, pk), actor_of(request)
    forms: dict[str, tuple[Form, Callable[..., Any]]] = {
        "edit": (TeamForm(request.POST, prefix="edit", viewer=actor), teams.change_team),
        "join": (MemberForm(request.POST, prefix="join", viewer=actor), teams.join_team),
    }
    form, do = forms[what]
    if form.is_valid():
        try:
            do(pk, actor=actor, **form.cleaned_data)
            return redirect("staff:team-detail", pk)
        except RuleBroken as no:
            form.add_error(None, no.message)
    return render(request, "staff/team_detail.html", context | {f"{what}_form": form}, status=422)


@require_POST
@requires("staff.administer")
def team_leave(request: HttpRequest, pk: int, member: int) -> HttpResponse:
    """Let somebody leave a team at the end of today."""
    team = get_object_or_404(teams_visible(actor_of(request)), pk=pk)
    row = get_object_or_404(TeamMember, pk=member, team=team)
    to = reverse("staff:team-detail", args=[pk])
    done = _("The membership ends today.")
    return act(
        request, lambda: teams.leave_team(row.pk, actor=actor_of(request), last_day=clock.today()), done=done, to=to
    )


def _unit(request: HttpRequest, pk: int) -> dict[str, Any]:
    viewer = actor_of(request)
    seen = OrgUnit.objects.filter(sight_of(viewer, "staff.view").rows(unit_no="no", owner=None))
    unit = get_object_or_404(seen.select_related("parent"), pk=pk)
    facts = {name: getattr(unit, name) for name in ("name", "function", "area", "calendar_code")}
    return {
        "unit": unit,
        "heads": unit.heads.select_related("user").order_by("-from_day")[:10],
        "below": unit.children.order_by("no")[:200],
        "teams": unit.teams.select_related("lead").order_by("name"),
        "may": viewer.has_perm("staff.administer"),
        "edit_form": UnitForm(initial=facts, prefix="edit"),
        "move_form": MoveForm(prefix="move", initial={"parent": say_unit(unit.parent) if unit.parent else ""}),
        "head_form": HeadForm(prefix="head", viewer=viewer),
    }


def _team(request: HttpRequest, pk: int) -> dict[str, Any]:
    viewer = actor_of(request)
    team: Team = get_object_or_404(teams_visible(viewer), pk=pk)
    return {
        "team": team,
        "members": team.memberships.select_related("user").order_by("-from_day", "pk")[:200],
        "today": clock.today(),
        "may": viewer.has_perm("staff.administer"),
        "edit_form": TeamForm(prefix="edit", viewer=viewer, initial={"name": team.name, "lead": say_person(team.lead)}),
        "join_form": MemberForm(prefix="join", viewer=viewer),
    }
