"""The check beside the form while a birthday is typed (D§1.12)."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from customers import normal
from customers.birthday_quality import is_impossible, looks_like_filler
from customers.birthday_words import say_coming, say_lunar_of
from customers.birthdays import Birthday, next_birthday
from customers.forms import ArchiveForm
from customers.lunar import lunar_of, say_lunar
from customers.models import Customer
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken

FIELDS = ("birth_date", "lunar_month", "lunar_day", "lunar_leap")


@require_POST
@never_cache
@requires("customers.view")
def birthday_check(request: HttpRequest) -> HttpResponse:
    """What the birthday typed so far means: its lunar day, when it comes next, or why there is no such day."""
    form = ArchiveForm(request.POST)
    form.is_valid()
    for field in FIELDS:
        if field in form.errors:
            return _said(request, refusal=f"{form.fields[field].label}: {form.errors[field][0]}")
    typed = {field: form.cleaned_data.get(field) for field in FIELDS}
    try:
        return _said(request, **_meaning(form.cleaned_data.get("birthday_kind", ""), **typed))
    except RuleBroken as no:
        return _said(request, refusal=no.message)


def _said(request: HttpRequest, **words: Any) -> HttpResponse:
    return render(request, "customers/_birthday_check.html", {"checked": words})


def _meaning(kind: str, *, birth_date: Any, lunar_month: Any, lunar_day: Any, lunar_leap: Any) -> dict[str, Any]:
    """Words for the check; empty while nothing is typed. Raises RuleBroken as the service will."""
    normal.birth_date(birth_date)
    there = lunar_of(birth_date) if birth_date else None
    notes = []
    if birth_date and (is_impossible(birth_date, clock.today()) or looks_like_filler(birth_date, imported=False)):
        notes.append(_("This date is often written when nobody knows the birthday. Ask the customer."))
    if kind != Customer.BirthdayKind.LUNAR:
        if birth_date is None:
            return {}
        birthday = Birthday(False, birth_date.month, birth_date.day)
        lunar = say_lunar_of(birth_date)
    else:
        leap = bool(lunar_leap)
        if there and not lunar_month and not lunar_day:
            lunar_month, lunar_day, leap = there.month, there.day, there.leap
            notes.append(_("The lunar day is taken from the birth date."))
        elif not lunar_month and not lunar_day:
            return {}
        normal.lunar_day(lunar_month, lunar_day, leap=leap)
        birthday = Birthday(True, lunar_month, lunar_day, leap)
        lunar = say_lunar(lunar_month, lunar_day, leap=leap)
        if there and (there.month, there.day, there.leap) != (lunar_month, lunar_day, leap):
            said = {"words": say_lunar(there.month, there.day, leap=there.leap)}
            notes.append(_("The birth date was the lunar %(words)s. Compare the two.") % said)
    coming = next_birthday(birthday)
    return {"lunar": lunar, "coming": say_coming(coming) if coming else "", "notes": notes}
