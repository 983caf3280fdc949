"""The queue of cases: views, filters, kept views, and whether it has changed since it was read (ui-guide §5 Queue)."""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from complaints import presence
from complaints.filters import CaseFilter
from complaints.models import SavedView
from complaints.queries import (
    VIEW_TONES,
    VIEW_WORDS,
    WORK_RIGHT,
    Line,
    View,
    counts_of,
    first_lines,
    said_count,
    view_of,
)
from complaints.services.bulk import MOST_CASES
from complaints.services.ground import APPROVE_RIGHT
from complaints.services.views_kept import drop_view, keep_view
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.paging import Page, count_of, keyset_page
from foundation.ui.htmx import wants_fragment
from foundation.ui.parts.forms import every_step
from foundation.ui.parts.lists import Tab
from outreach.queries import teams_of
from staff.exports.registry import said_filters
from staff.requests import StaffRequest
from staff.rights import rights_of

PAGE = 50
NO_COUNT = ("closed",)
PARAMETERS = ("view", *CaseFilter.base_filters)


def asked_of(given: Any) -> QueryDict:
    """What of an address names a view: the tab and the filters that hold; everything else is left out."""
    query = QueryDict(mutable=True)
    for name in PARAMETERS:
        if value := str(given.get(name, "")).strip()[:60]:
            query[name] = value
    return query


def view_key(user: Any, query: QueryDict) -> str:
    """The tab an address names; for who works on cases their own ones, for others all, when it names none."""
    key = query.get("view", "")
    if key in VIEW_WORDS:
        return key
    return "mine" if user.has_perm("complaints.take") else "all"


@require_GET
@requires("complaints.view")
def queue(request: StaffRequest) -> HttpResponseBase:
    """The cases of a view by the time left. `?part=fresh&seen=`: 204 while the page is as it was read, else a bar that
    loads it anew; `?part=total`: the step that selects the whole view, counted when somebody is about to."""
    user = request.user
    key = view_key(user, asked_of(request.GET))
    asked = asked_of({**request.GET.dict(), "view": key})
    view = view_of(user, key)
    found = CaseFilter(asked, view.rows, request=request)
    if request.GET.get("part") == "total":
        return HttpResponse(_whole_view(found, view))
    try:
        page: Page[Line] = keyset_page(
            found.qs, after=request.GET.get("after"), size=PAGE, fetch=partial(first_lines, user, key)
        )
    except RuleBroken:
        return redirect(f"{request.path}?view={key}")
    seen = _digest(page)
    if request.GET.get("part") == "fresh":
        if request.GET.get("seen") == seen:
            return HttpResponse(status=204)
        return render(request, "complaints/queue.html#fresh", {"query": asked.urlencode(), "seen": seen, "stale": True})
    chips = _chips(found, asked, key)
    context: dict[str, Any] = {
        "page": page,
        "view": key,
        "filter": found.form,
        "filtered": bool(chips),
        "chips": chips,
        "clear": f"?view={key}",
        "more_filters": any(asked.get(name) for name in ("unit", "late", "risk", "brand", "area")),
        "query": asked.urlencode(),
        "seen": seen,
        "now": clock.now(),
        "opened": presence.open_elsewhere(user, [row.pk for row in page.items]),
        "may_claim": user.has_perm(WORK_RIGHT),
        **_bulk_of(user, page, asked),
    }
    if wants_fragment(request):
        return render(request, "complaints/queue.html#results", context)
    tabs = _tabs(user, key, asked)
    context |= {"tabs": tabs, "teams": [], "may_intake": user.has_perm("complaints.take")}
    context["kept_here"] = any(tab.current and tab.icon for tab in tabs)  # the system's own views wear no icon
    if user.has_perm("complaints.assign"):
        context["teams"] = list(teams_of(user).filter(lead=user))
    return render(request, "complaints/queue.html", context)


def _whole_view(found: CaseFilter, view: View) -> str:
    """The step that selects the whole view; nothing where it has more than may be changed at once."""
    total = count_of(found.qs, view.streams, MOST_CASES + 1)
    return every_step(total) if 0 < total <= MOST_CASES else ""


def _bulk_of(user: Any, page: Page[Line], asked: QueryDict) -> dict[str, Any]:
    """Whether acts on many are offered, and where the step to all of a view longer than its page comes from."""
    acts = [right for right in ("complaints.assign", "complaints.assess") if user.has_perm(right)]
    has_more = bool(page.next_cursor) or not page.is_first
    return {
        "picks": bool(acts),
        "total_from": f"{reverse('complaints:queue')}?{asked.urlencode()}&part=total" if has_more else "",
        "may_assign": "complaints.assign" in acts,
        "may_raise": "complaints.assess" in acts,
        "may_confirm": "complaints.assess" in acts and any(row.source for row in page.items),
    }


def _digest(page: Page[Line]) -> str:
    state = ",".join(f"{row.pk}:{row.version}" for row in page.items)
    return sha256(state.encode()).hexdigest()[:16]


def _tabs(user: Any, key: str, asked: QueryDict) -> list[Tab]:
    rights = rights_of(user)
    needs = {"pool": WORK_RIGHT, "decide": APPROVE_RIGHT}
    keys = [one for one in VIEW_WORDS if needs.get(one) is None or needs[one] in rights]
    counts = counts_of(user, [one for one in keys if one not in NO_COUNT])
    named = {name for name in asked if name != "view"}
    kept = list(SavedView.objects.filter(user=user) | SavedView.objects.filter(team__in=teams_of(user)))
    here = asked.urlencode()
    in_kept = any(view.query == here for view in kept)
    tabs = [
        Tab(
            words,
            f"?view={one}",
            current=one == key and not (named and in_kept),
            count=said_count(counts[one]) if one in counts else None,
            tone=VIEW_TONES.get(one, "") if counts.get(one) else "",
        )
        for one, words in VIEW_WORDS.items()
        if one in keys
    ]
    tabs += [
        Tab(view.name, f"?{view.query}", current=view.query == here, icon="users" if view.team_id else "bookmark")
        for view in sorted(kept, key=lambda view: (view.team_id or 0, view.name))
    ]
    return tabs


def _chips(found: CaseFilter, asked: QueryDict, key: str) -> list[tuple[str, str]]:
    """The filters that hold, in words, each with the address without it."""
    if not found.is_valid():
        return []
    labels = {str(field.label): name for name, field in found.form.fields.items()}
    chips = []
    for label, value in said_filters(found):
        without = asked.copy()
        without.pop(labels[label], None)
        without["view"] = key
        chips.append((f"{label}{_(': ')}{value}", f"?{without.urlencode()}"))
    return chips


@require_POST
@requires("complaints.view")
def view_save(request: StaffRequest) -> HttpResponseBase:
    """Keep the view that is open under a name, for oneself or the team one leads."""
    asked = asked_of(QueryDict(request.POST.get("query", "")))
    asked["view"] = view_key(request.user, asked)
    team = None
    if chosen := request.POST.get("team", ""):
        team = teams_of(request.user).filter(pk=chosen).first() if chosen.isdecimal() and len(chosen) < 10 else None
        if team is None:
            raise Http404
    try:
        keep_view(actor=request.user, name=request.POST.get("name", ""), query=asked.urlencode(), team=team)
        messages.success(request, _("The view is kept."))
    except RuleBroken as no:
        messages.error(request, str(no.message))
    return redirect(f"{reverse('complaints:queue')}?{asked.urlencode()}")


@require_POST
@requires("complaints.view")
def view_drop(request: StaffRequest) -> HttpResponseBase:
    """Forget the kept view that is open."""
    asked = asked_of(QueryDict(request.POST.get("query", "")))
    own = SavedView.objects.filter(query=asked.urlencode())
    own = own.filter(user=request.user) | own.filter(team__in=teams_of(request.user))
    view = own.order_by("team_id").first()
    if view is None:
        raise Http404
    try:
        drop_view(view.pk, actor=request.user)
        messages.success(request, _("The view is removed."))
    except RuleBroken as no:
        messages.error(request, str(no.message))
    return redirect(f"{reverse('complaints:queue')}?view={view_key(request.user, asked)}")
