"""One act on a row of a list the operator keeps: a topic, a cause, a wording."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django import forms
from django.core.exceptions import SuspiciousOperation
from django.db.models import Model

from foundation.common.errors import RuleBroken
from foundation.common.kept_lists import stamp_of
from staff.requests import StaffRequest

Acts = Mapping[str, tuple[Callable[..., Any], str]]


def carry_out(
    request: StaffRequest,
    row: Model,
    form: forms.Form,
    acts: Acts,
    *,
    field_of: Callable[[RuleBroken], str | None] = lambda _no: None,
) -> tuple[str, str]:
    """Do the `act` of a POST, one of `acts`: the service by its name, and what to tell when it was done.

    A bound form gives the words of the row; what is refused then stands on it, beside `field_of`. Returns what was
    refused without a form, and what to tell; both "" where the form says why. Raises SuspiciousOperation for an act
    there is not.
    """
    act = request.POST.get("act", "")
    if act not in acts:
        raise SuspiciousOperation("no such act on a row of a list")
    if form.is_bound and not form.is_valid():
        return "", ""
    service, words = acts[act]
    try:
        service(row.pk, actor=request.user, **(form.cleaned_data if form.is_bound else {}))
    except RuleBroken as no:
        if not form.is_bound:
            return str(no.message), ""
        if no.code == "lists.stale":  # the next save is made knowing what stands there now
            row.refresh_from_db()
            form.data = {**form.data, "stamp": stamp_of(row)}
        form.add_error(field_of(no), no.message)
        return "", ""
    return "", words
