"""What the pages of administration share: a form page that tells broken rules, and acts by POST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from foundation.common.errors import NotAllowed, RuleBroken


def form_page(
    request: HttpRequest,
    form: forms.Form,
    save: Callable[[dict[str, Any]], str | HttpResponse],
    *,
    title: Any,
    back: str,
    submit: Any = "",
    crumb: Any = "",
    note: Any = "",
) -> HttpResponse:
    """A page with one form.

    `save(cleaned)` calls the service and returns where to go, or the answer; a broken rule is told on top of the form
    (422), nothing is lost. `back`: the page above, called `crumb`.
    """
    if request.method == "POST" and form.is_valid():
        try:
            there = save(form.cleaned_data)
            return redirect(there) if isinstance(there, str) else there
        except NotAllowed:
            raise
        except RuleBroken as no:
            form.add_error(None, no.message)
    context = {"form": form, "title": title, "back": back, "submit": submit or _("Save"), "crumb": crumb, "note": note}
    return render(request, "staff/form.html", context, status=422 if form.errors else 200)


def act(request: HttpRequest, do: Callable[[], Any], *, done: Any, to: str) -> HttpResponse:
    """Carry out one act of a POST and go to `to`; `done` or the broken rule is said there."""
    try:
        do()
    except NotAllowed:
        raise
    except RuleBroken as no:
        messages.error(request, no.message)
    else:
        messages.success(request, str(done))
    return redirect(to)
