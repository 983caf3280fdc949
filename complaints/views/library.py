"""The library of complaints: solved cases and what they taught, by words and by what they were about (CMP-15)."""

from __future__ import annotations

import secrets
from typing import Any

from django.http import HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from complaints.library.asking import LINK, LONGEST, PARAMETERS, Search, search_of
from complaints.library.queries import CLOSED, OPEN, alike, shelved, shown
from complaints.library.words import asked_words
from complaints.models import Complaint
from complaints.queries import case_numbered
from customers.models import SearchLink
from customers.normal import without_marks
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.ids import from_text
from foundation.common.paging import keyset_page
from foundation.ui.htmx import wants_fragment
from foundation.ui.parts.lists import Tab
from staff.exports.registry import said_filters
from staff.requests import StaffRequest

PAGE = 25


@require_GET
@never_cache
@requires("complaints.view")
def library(request: StaffRequest) -> HttpResponseBase:
    """The cases that hold the words and meet the filters, newest first; with `like=` those most like a case."""
    user = request.user
    if wanted := request.GET.get("like", ""):
        return _alike(request, wanted)
    search = search_of(user, request.GET)
    context: dict[str, Any] = {"filter": search.filter.form, "which": search.which, "search": search, "link": LINK}
    context |= {"chips": _chips(search), "clear": f"?in={search.which}", "query": search.query.urlencode()}
    if not search.lost:
        try:
            page = keyset_page(
                shown(search.rows), after=request.GET.get("after"), size=PAGE, streams=search.view.streams
            )
        except RuleBroken:
            return redirect(f"{request.path}?{search.query.urlencode()}")
        context |= {"page": page, "shelf": shelved(page.items)}
    if wants_fragment(request):
        return render(request, "complaints/library.html#results", context)
    context["tabs"] = _tabs(search)
    return render(request, "complaints/library.html", context)


@require_POST
@requires("complaints.view")
def library_search(request: StaffRequest) -> HttpResponseBase:
    """Keep the words for an hour and leave for their page: what was typed never stands in an address or a log. A full
    case number leads to its case."""
    text = " ".join(without_marks(request.POST.get("q", "")).split())[:LONGEST]
    query = QueryDict(request.POST.get("query", "")[:500], mutable=True)
    asked = QueryDict(mutable=True)
    for name in (*PARAMETERS, "in"):
        if name != LINK and (value := query.get(name, "")):
            asked[name] = value[:60]
    case = case_numbered(text)
    if case is not None and Complaint.objects.visible_to(request.user).filter(pk=case.pk).exists():
        return redirect("complaints:case", case.pk)
    if text and not asked_words(text):
        asked["in"] = asked.get("in", CLOSED)
        return _no_words(request, text, asked)
    if text:
        link = SearchLink.objects.create(token=secrets.token_urlsafe(24), user_id=request.user.pk, query=text)
        asked[LINK] = link.token
    return redirect(f"{reverse('complaints:library')}?{asked.urlencode()}")


def _no_words(request: StaffRequest, text: str, asked: QueryDict) -> HttpResponse:
    search = search_of(request.user, asked)
    context = {
        "filter": search.filter.form,
        "which": search.which,
        "search": search,
        "typed": text,
        "refusal": _("Type a word of two characters or more; numbers alone are not searched."),
        "tabs": _tabs(search),
        "clear": f"?in={search.which}",
        "chips": _chips(search),
        "query": asked.urlencode(),
    }
    return render(request, "complaints/library.html", context, status=422)


def _alike(request: StaffRequest, wanted: str) -> HttpResponse:
    """Solved cases like one the user sees."""
    try:
        key = from_text(wanted)
    except ValueError:
        key = 0
    rows = Complaint.objects.visible_to(request.user).select_related("topic")
    case = get_object_or_404(rows, pk=key)
    return render(
        request,
        "complaints/library.html",
        {"like": case, "shelf": shelved(alike(request.user, case)), "which": CLOSED, "clear": f"?in={CLOSED}"},
    )


def _tabs(search: Search) -> list[Tab]:
    tabs = []
    for which, words, icon in ((CLOSED, _("Solved"), "book-open"), (OPEN, _("Open"), "inbox")):
        query = search.query.copy()
        query["in"] = which
        tabs.append(Tab(words, f"?{query.urlencode()}", current=which == search.which, icon=icon))
    return tabs


def _chips(search: Search) -> list[tuple[str, str]]:
    """The filters that hold, in words, each with the address without it."""
    if not search.filter.is_valid():
        return []
    labels = {str(field.label): name for name, field in search.filter.form.fields.items()}
    chips = []
    for label, value in said_filters(search.filter):
        without = search.query.copy()
        without.pop(labels[label], None)
        chips.append((f"{label}{_(': ')}{value}", f"?{without.urlencode()}"))
    if search.typed:
        without = search.query.copy()
        without.pop(LINK, None)
        chips.insert(0, (f"{_('Words')}{_(': ')}{search.typed}", f"?{without.urlencode()}"))
    return chips
