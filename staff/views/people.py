"""Accounts and roles."""

from __future__ import annotations

from typing import Any

from allauth.mfa.models import Authenticator
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.paging import keyset_page
from foundation.ui.htmx import wants_fragment
from staff.admin_forms import NewUserForm, RoleForm, UserFilter, UserForm
from staff.handover import open_work
from staff.models import RoleAssignment, User
from staff.picking import say_unit
from staff.policies import settlement_limit
from staff.queries import user_rows
from staff.services import passwords, users
from staff.signin import actor_of
from staff.views.pages import act, form_page


@require_GET
@requires("staff.view")
def user_list(request: HttpRequest) -> HttpResponse:
    """The people one looks after."""
    form = UserFilter(request.GET)
    asked = form.cleaned_data if form.is_valid() else {}
    page = keyset_page(user_rows(actor_of(request), **asked), after=request.GET.get("after"), size=50)
    template = "staff/user_list.html" + ("#results" if wants_fragment(request) else "")
    return render(
        request,
        template,
        {"form": form, "page": page, "filtered": any(asked.values()), "may": request.user.has_perm("staff.administer")},
    )


@require_GET
@requires("staff.view")
def user_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One person: account, roles, work; acts for administrators."""
    person = _person(request, pk)
    return render(request, "staff/user_detail.html", _detail(person, request))


@require_http_methods(["GET", "POST"])
@requires("staff.administer")
def user_new(request: HttpRequest) -> HttpResponse:
    """Open an account; the password is shown once."""

    def save(cleaned: dict[str, Any]) -> HttpResponse:
        person, password = users.create_user(actor=actor_of(request), **cleaned)
        return _show_password(request, person, password) if password else redirect("staff:user-detail", person.pk)

    form = NewUserForm(request.POST or None)
    return form_page(request, form, save, title=_("New account"), back=reverse("staff:user-list"), crumb=_("People"))


@require_http_methods(["GET", "POST"])
@requires("staff.administer")
def user_edit(request: HttpRequest, pk: int) -> HttpResponse:
    """Change a person's facts."""
    person = _person(request, pk)
    initial = {field: getattr(person, field) for field in users.FIELDS}
    initial |= {"unit": say_unit(person.unit), "skills": ", ".join(person.skills)}
    form = UserForm(request.POST or None, initial=initial)
    there = reverse("staff:user-detail", args=[pk])

    def save(cleaned: dict[str, Any]) -> str:
        users.change_user(pk, actor=actor_of(request), **cleaned)
        return there

    return form_page(
        request, form, save, title=_("Change %(name)s") % {"name": person.name}, back=there, crumb=person.name
    )


@require_POST
@requires("staff.administer")
def role_grant(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a role."""
    person, form = _person(request, pk), RoleForm(request.POST)
    if form.is_valid():
        try:
            users.grant_role(pk, actor=actor_of(request), **form.cleaned_data)
            return redirect("staff:user-detail", pk)
        except RuleBroken as no:
            form.add_error(None, no.message)
    return render(request, "staff/user_detail.html", _detail(person, request) | {"role_form": form}, status=422)


@require_POST
@requires("staff.administer")
def role_end(request: HttpRequest, pk: int, held: int) -> HttpResponse:
    """Take a role away at once."""
    person = _person(request, pk)
    get_object_or_404(RoleAssignment, pk=held, user=person)
    to = reverse("staff:user-detail", args=[pk])
    return act(request, lambda: users.end_role(held, actor=actor_of(request)), done=_("The role has ended."), to=to)


@require_POST
@requires("staff.administer")
def user_act(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """One act on an account: close, open, password, second-factor, unlock, sessions."""
    person, actor = _person(request, pk), actor_of(request)
    to = reverse("staff:user-detail", args=[pk])
    if what == "password":
        try:
            return _show_password(request, person, passwords.reset_password(pk, actor=actor))
        except RuleBroken as no:
            return render(
                request, "staff/user_detail.html", _detail(person, request) | {"refused": no.message}, status=422
            )
    acts = {
        "close": (users.deactivate_user, _("The account is closed.")),
        "open": (users.reactivate_user, _("The account is open again.")),
        "second-factor": (passwords.reset_second_factor, _("The second factors are removed.")),
        "unlock": (passwords.unlock_user, _("Failed sign-ins are forgotten.")),
        "sessions": (passwords.end_sessions, _("All sessions have ended.")),
    }
    if what not in acts:
        raise Http404
    do, done = acts[what]
    return act(request, lambda: do(pk, actor=actor), done=done, to=to)


def _person(request: HttpRequest, pk: int) -> User:
    factors = Authenticator.objects.filter(user=OuterRef("pk")).exclude(type="recovery_codes")
    people = User.objects.visible_to(actor_of(request)).select_related("unit")
    counted = factors.order_by().values("user").annotate(many=Count("pk")).values("many")
    return get_object_or_404(people.annotate(factors=Coalesce(Subquery(counted), 0)), pk=pk)


def _detail(person: User, request: HttpRequest) -> dict[str, Any]:
    viewer = actor_of(request)
    may = viewer.has_perm("staff.administer")
    return {
        "person": person,
        "roles": person.role_assignments.select_related("unit").order_by("-from_day", "role"),
        "teams": person.team_memberships.select_related("team").order_by("-from_day")[:5],
        "absences": person.absences.select_related("delegate").order_by("-starts_at")[:5],
        "limit": settlement_limit(person),
        "factors": getattr(person, "factors", 0) if may else 0,
        "work": open_work(person),
        "may": may and person.pk != viewer.pk,
        "may_edit": may,
        "may_reassign": viewer.has_perm("staff.reassign"),
        "may_absence": viewer.has_perm("staff.absence"),
        "role_form": RoleForm(initial={"unit": say_unit(person.unit)}),
    }


def _show_password(request: HttpRequest, person: User, password: str) -> HttpResponse:
    return render(request, "staff/user_password.html", {"person": person, "password": password})
