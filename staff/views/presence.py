"""Who is there: shifts, absences, delegates, and handing over all work of one person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.paging import keyset_page
from foundation.ui.htmx import wants_fragment
from foundation.ui.parts.lists import Tab
from staff.admin_forms import AbsenceForm, DelegateForm, EndForm, HandoverForm, ShiftForm, tomorrow_morning
from staff.handover import open_work
from staff.models import Shift, User
from staff.picking import say_person
from staff.queries import absences_asked, absences_visible, monday_of, shifts_of_week
from staff.services import absences, handover, shifts
from staff.signin import actor_of
from staff.views.pages import act, form_page

WEEK = timedelta(days=7)


@require_GET
@requires("staff.absence")
def shift_list(request: HttpRequest) -> HttpResponse:
    """One week of shifts of one's people."""
    first = monday_of(request.GET.get("week", ""))
    page = keyset_page(shifts_of_week(actor_of(request), first), after=request.GET.get("after"), size=100)
    context = {"page": page, "first": first, "before": first - WEEK, "next": first + WEEK, "now": clock.now()}
    template = "staff/shift_list.html" + ("#results" if wants_fragment(request) else "")
    return render(request, template, context)


@require_http_methods(["GET", "POST"])
@requires("staff.absence")
def shift_new(request: HttpRequest) -> HttpResponse:
    """Plan the same hours on some weekdays."""

    def save(cleaned: dict[str, Any]) -> str:
        planned = shifts.plan_shifts(actor=actor_of(request), **cleaned)
        messages.success(request, _("%(n)s shifts are planned.") % {"n": len(planned)})
        return reverse("staff:shift-list") + f"?week={cleaned['first_day'].isoformat()}"

    day = clock.today()
    form = ShiftForm(
        request.POST or None, viewer=actor_of(request), initial={"first_day": day, "last_day": day + timedelta(days=6)}
    )
    return form_page(request, form, save, title=_("Plan shifts"), back=reverse("staff:shift-list"), crumb=_("Shifts"))


@require_POST
@requires("staff.absence")
def shift_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a shift off the plan."""
    shift = get_object_or_404(Shift, pk=pk)
    get_object_or_404(User.objects.visible_to(actor_of(request), "staff.absence"), pk=shift.user_id)
    to = reverse("staff:shift-list") + f"?week={clock.today(shift.starts_at).isoformat()}"
    return act(
        request, lambda: shifts.remove_shift(pk, actor=actor_of(request)), done=_("The shift is removed."), to=to
    )


@require_GET
@requires("staff.absence")
def absence_list(request: HttpRequest) -> HttpResponse:
    """Absences of one's people: now and to come, or past ones."""
    now, past = clock.now(), request.GET.get("when") == "past"
    page = keyset_page(absences_asked(actor_of(request), past=past), after=request.GET.get("after"), size=50)
    here = reverse("staff:absence-list")
    tabs = [Tab(_("Now and to come"), here, not past), Tab(_("Past"), f"{here}?when=past", past)]
    lines = [(row, row.covers(now), absences.transfer_due(row) if not past else None) for row in page.items]
    template = "staff/absence_list.html" + ("#results" if wants_fragment(request) else "")
    return render(request, template, {"page": page, "lines": lines, "tabs": tabs, "past": past})


@require_http_methods(["GET", "POST"])
@requires("staff.absence")
def absence_new(request: HttpRequest) -> HttpResponse:
    """Enter an absence; what is to be known is said afterwards."""
    viewer = actor_of(request)

    def save(cleaned: dict[str, Any]) -> str:
        _check_people(viewer, cleaned["user"])
        made = absences.create_absence(actor=viewer, **cleaned)
        for words in made.warnings:
            messages.warning(request, words)
        return reverse("staff:absence-detail", args=[made.absence.pk])

    known = User.objects.visible_to(viewer).filter(pk=_number(request.GET.get("user", ""))).first()
    initial = {"user": say_person(known) if known else "", "starts_at": tomorrow_morning()}
    form = AbsenceForm(request.POST or None, viewer=viewer, initial=initial)
    back = reverse("staff:absence-list")
    return form_page(request, form, save, title=_("New absence"), back=back, crumb=_("Absences"))


@require_GET
@requires("staff.absence")
def absence_detail(request: HttpRequest, pk: int) -> HttpResponse:
    """One absence: delegate, end, work to be handed over."""
    return render(request, "staff/absence_detail.html", _absence(request, pk))


@require_POST
@requires("staff.absence")
def absence_act(request: HttpRequest, pk: int, what: str) -> HttpResponse:
    """Set the delegate, end the absence, or note that its work has new owners."""
    context, actor = _absence(request, pk), actor_of(request)
    if what == "transferred":
        to = reverse("staff:absence-detail", args=[pk])
        return act(request, lambda: absences.mark_transferred(pk, actor=actor), done=_("Noted."), to=to)
    form = DelegateForm(request.POST, viewer=actor) if what == "delegate" else EndForm(request.POST)
    if form.is_valid():
        try:
            if what == "delegate":
                for words in absences.set_delegate(pk, actor=actor, **form.cleaned_data).warnings:
                    messages.warning(request, words)
                return redirect("staff:absence-detail", pk)
            left = absences.end_absence(pk, actor=actor, **form.cleaned_data)
            return redirect("staff:absence-detail", pk) if left is not None else redirect("staff:absence-list")
        except RuleBroken as no:
            form.add_error(None, no.message)
    return render(request, "staff/absence_detail.html", context | {f"{what}_form": form}, status=422)


@require_http_methods(["GET", "POST"])
@requires("staff.reassign")
def user_handover(request: HttpRequest, pk: int) -> HttpResponse:
    """Everything one person owns, and giving all of it to another in one act."""
    viewer = actor_of(request)
    person = get_object_or_404(User.objects.visible_to(viewer, "staff.reassign").select_related("unit"), pk=pk)
    form = HandoverForm(request.POST or None, viewer=viewer)
    if request.method == "POST" and form.is_valid():
        try:
            moved = handover.reassign_all(person.pk, actor=viewer, to=form.cleaned_data["to"])
        except NotAllowed as no:
            raise PermissionDenied(no.code) from no
        except RuleBroken as no:
            form.add_error(None, no.message)
        else:
            said = _("%(n)s pieces of work now belong to %(name)s.")
            messages.success(request, said % {"n": sum(moved.values()), "name": form.cleaned_data["to"].name})
            return redirect("staff:user-handover", pk)
    work = open_work(person)
    context = {"person": person, "form": form, "work": work, "total": sum(count for _kind, count in work)}
    return render(request, "staff/user_handover.html", context, status=422 if form.errors else 200)


def _absence(request: HttpRequest, pk: int) -> dict[str, Any]:
    viewer = actor_of(request)
    absence = get_object_or_404(absences_visible(viewer), pk=pk)
    over = absence.ends_at is not None and absence.ends_at <= clock.now()
    initial = {"delegate": say_person(absence.delegate) if absence.delegate else ""}
    return {
        "absence": absence,
        "over": over,
        "warnings": [] if over else absences.warnings_of(absence),
        "transfer_due": absences.transfer_due(absence),
        "delegate_form": DelegateForm(viewer=viewer, initial=initial),
        "end_form": EndForm(),
        "may_reassign": viewer.has_perm("staff.reassign"),
    }


def _check_people(viewer: User, person: User) -> None:
    if not User.objects.visible_to(viewer, "staff.absence").filter(pk=person.pk).exists():
        raise RuleBroken("absences.not_yours", _("You may enter absences of your own people only."))


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0
