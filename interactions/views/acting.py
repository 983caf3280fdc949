"""What the pages of contacts, matters and suggestions share: a list under tabs, and one verb asked of a service."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpResponseBase, QueryDict
from django.shortcuts import redirect, render

from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.paging import keyset_page
from foundation.ui.htmx import wants_fragment
from foundation.ui.parts.lists import Tab
from staff.requests import StaffRequest

PAGE = 50


def tabbed_list(
    request: StaffRequest,
    template: str,
    labels: Mapping[str, str],
    rows: Callable[[str], QuerySet[Any]],
    kept: tuple[str, ...] = (),
    **more: Any,
) -> HttpResponseBase:
    """A list whose `?view=` names one of `labels` (the first one when it names none): the whole page, or its results.

    `rows` gives the rows of a view in their total order; `kept` are further parameters a tab leaves in the address.
    A damaged page address leads back to the first page.
    """
    view = request.GET.get("view", "")
    view = view if view in labels else next(iter(labels))
    addresses = {key: _address(request, key, kept) for key in labels}
    try:
        page = keyset_page(rows(view), after=request.GET.get("after"), size=PAGE)
    except RuleBroken:
        return redirect(request.path + addresses[view])
    tabs = [Tab(label, addresses[key], current=key == view) for key, label in labels.items()]
    part = "#results" if wants_fragment(request) else ""
    context = {"page": page, "tabs": tabs, "view": view, "now": clock.now(), **more}
    return render(request, f"{template}{part}", context)


def _address(request: StaffRequest, view: str, kept: tuple[str, ...]) -> str:
    query = QueryDict(mutable=True)
    query["view"] = view
    for name in kept:
        if request.GET.get(name):
            query[name] = request.GET[name]
    return f"?{query.urlencode()}"


def done(form: forms.Form, act: Callable[[dict[str, Any]], object]) -> bool:
    """Ask a service for what a form says. True when it was done; a broken rule stands on the form then.

    Raises PermissionDenied when the service says that it is not theirs to do.
    """
    if not form.is_valid():
        return False
    try:
        act(form.cleaned_data)
    except NotAllowed as no:
        raise PermissionDenied(str(no.message)) from no
    except RuleBroken as no:
        form.add_error(None, no.message)
        return False
    return True
