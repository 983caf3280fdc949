"""Acts on many cases: what is selected, what would happen, doing it, and taking it back."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from complaints.acts.bulk_forms import FORMS
from complaints.filters import CaseFilter
from complaints.models import BulkAct, BulkChange, BulkLine, Complaint
from complaints.queries import view_of
from complaints.services.bulk import (
    AT_ONCE,
    MOST_CASES,
    aim_bulk,
    begin_bulk,
    confirm_bulk,
    run_lines,
    undo_bulk,
)
from complaints.team.load import limits_of
from complaints.views.queue import asked_of, view_key
from foundation.common.doors import requires
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.ids import from_text
from foundation.jobs.models import JobRun
from foundation.ui.htmx import wants_fragment
from interactions.models import Topic
from interactions.views.acting import done
from staff.exports.registry import Asking, filtered
from staff.requests import StaffRequest

REFUSED_SHOWN = 50
SHARES_SHOWN = 40
S = BulkLine.State


@require_POST
@requires("complaints.assess")
def bulk_start(request: StaffRequest) -> HttpResponseBase:
    """The cases picked, or all of the view; leads to the page that asks what is to be done with them."""
    asked = asked_of(QueryDict(request.POST.get("query", "")))
    back = f"{reverse('complaints:queue')}?{asked.urlencode()}"
    try:
        ids = _every(request, asked) if request.POST.get("every") else _picked(request)
        bulk = begin_bulk(ids, actor=request.user, act=request.POST.get("act", ""))
    except NotAllowed as no:
        raise PermissionDenied(str(no.message)) from no
    except RuleBroken as no:
        messages.error(request, str(no.message))
        return redirect(back)
    return redirect("complaints:bulk-detail", bulk.pk)


def _picked(request: StaffRequest) -> list[int]:
    found = []
    for text in request.POST.getlist("pick")[: MOST_CASES + 1]:
        try:
            found.append(from_text(text[:13]))
        except ValueError:
            continue
    return found


def _every(request: StaffRequest, asked: QueryDict) -> list[int]:
    """All cases of the view as it is filtered: those the page would show."""
    view = view_of(request.user, view_key(request.user, asked))
    rows = filtered(CaseFilter(asked, view.seen, request=Asking(request.user, asked)))
    return list(rows.values_list("pk", flat=True)[: MOST_CASES + 1])


def _own(request: StaffRequest, pk: int) -> BulkChange:
    return get_object_or_404(BulkChange.objects.select_related("unit"), pk=pk, actor=request.user)


@require_GET
@requires("complaints.assess")
def bulk_detail(request: StaffRequest, pk: int) -> HttpResponse:
    """What is selected and what would happen; later how far it has come, and what was refused."""
    return _page(request, _own(request, pk))


def _page(request: StaffRequest, bulk: BulkChange, form: Any = None, status: int = 200) -> HttpResponse:
    counts = Counter(dict(bulk.lines.values_list("state").annotate(n=Count("pk"))))
    refused = bulk.lines.filter(state__in=[S.REFUSED, S.KEPT]).select_related("complaint").order_by("pk")
    running = bulk.confirmed_at is not None and bulk.done_at is None
    undoing = bulk.undo_asked_at is not None and bulk.undone_at is None
    context = {
        "bulk": bulk,
        "total": counts.total(),
        "waiting": counts[S.WAITING],
        "done": counts[S.DONE],
        "undone": counts[S.UNDONE],
        "kept": counts[S.KEPT],
        "refused_number": counts[S.REFUSED],
        "refused": list(refused[:REFUSED_SHOWN]),
        "shares": shares_of(bulk),
        "topics": topics_of(bulk),
        "background": max(counts[S.WAITING], counts[S.DONE]) > AT_ONCE,
        "run": JobRun.objects.filter(pk=bulk.run_id).first() if bulk.run_id and (running or undoing) else None,
        "running": running or undoing,
        "undoable": bulk.done_at is not None and bulk.undo_asked_at is None,
        "form": form if form is not None or bulk.confirmed_at else FORMS[bulk.act](user=request.user),
    }
    part = "#state" if wants_fragment(request) else ""
    return render(request, f"complaints/bulk_detail.html{part}", context, status=status)


def topics_of(bulk: BulkChange) -> list[tuple[str, int]]:
    """The topics that are confirmed with how many cases each, the most first."""
    if bulk.act != BulkAct.CONFIRM:
        return []
    rows = bulk.lines.exclude(state=S.REFUSED).order_by().values_list("complaint__topic").annotate(n=Count("pk"))
    found = dict(rows.order_by("-n")[:SHARES_SHOWN])
    names = Topic.objects.in_bulk([key for key in found if key is not None])
    return [(str(names[key]), number) for key, number in found.items() if key is not None]


def shares_of(bulk: BulkChange) -> list[tuple[str, int, int, int]]:
    """Who gets how many, who gets most first: name, cases, open ones they carry afterwards, the limit. The last two are
    worked out for a spread that is not confirmed yet, else 0."""
    given = bulk.lines.exclude(state=S.REFUSED).filter(new_handler__isnull=False)
    people = given.values_list("new_handler", "new_handler__name", "new_handler__unit").annotate(n=Count("pk"))
    rows = list(people.order_by("-n", "new_handler__name")[:SHARES_SHOWN])
    if not bulk.spread or bulk.confirmed_at is not None:
        return [(name, number, 0, 0) for _key, name, _unit, number in rows]
    held = (
        Complaint.objects.open().filter(handler__in=[row[0] for row in rows]).exclude(pk__in=given.values("complaint"))
    )
    kept = dict(held.order_by().values_list("handler").annotate(n=Count("pk")))
    limits = limits_of(row[2] for row in rows)
    return [(name, number, kept.get(key, 0) + number, limits[unit]) for key, name, unit, number in rows]


@require_POST
@requires("complaints.assess")
def bulk_aim(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Say what is to be done; the page then shows who gets how many, and who is refused."""
    bulk = _own(request, pk)
    form = FORMS[bulk.act](request.POST, user=request.user)
    if done(form, lambda data: aim_bulk(pk, actor=request.user, **data)):
        return redirect("complaints:bulk-detail", pk)
    return _page(request, bulk, form, status=422)


@require_POST
@requires("complaints.assess")
def bulk_run(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Do it: here up to 100 cases, in the background above that."""
    _own(request, pk)
    return _through(request, pk, lambda: confirm_bulk(pk, actor=request.user))


@require_POST
@requires("complaints.assess")
def bulk_undo(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Take it back as a whole."""
    _own(request, pk)
    return _through(request, pk, lambda: undo_bulk(pk, actor=request.user))


def _through(request: StaffRequest, pk: int, ask: Any) -> HttpResponseBase:
    try:
        bulk = ask()
        if bulk.run_id is None or JobRun.objects.get(pk=bulk.run_id).ended:
            for _done in run_lines(bulk):
                pass
    except RuleBroken as no:
        messages.error(request, str(no.message))
    else:
        messages.success(request, _("It goes on in the background.") if _in_background(pk) else _("Done."))
    return redirect("complaints:bulk-detail", pk)


def _in_background(pk: int) -> bool:
    run_id = BulkChange.objects.values_list("run_id", flat=True).get(pk=pk)
    return run_id is not None and JobRun.objects.unfinished().filter(pk=run_id).exists()
