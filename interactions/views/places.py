"""Where customers reach us: places by unit with their hours, open now or not (INT-02, INT-07)."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from foundation.calendars.queries import calendar_for
from foundation.calendars.working_time import is_working
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from interactions import services
from interactions.models import ContactPlace
from interactions.place_forms import PlaceForm
from staff.picking import say_unit
from staff.requests import StaffRequest

MOST = 500


@require_GET
@requires("places.view")
def place_list(request: StaffRequest) -> HttpResponse:
    """All places, by channel and unit."""
    now = clock.now()
    places = list(
        ContactPlace.objects.filter(active=True).select_related("unit").order_by("channel", "unit__no", "pk")[:MOST]
    )
    calendars = {code: calendar_for(code) for code in {place.calendar_code for place in places}}
    rows = [
        (place, is_working(now, calendars[place.calendar_code]), calendars[place.calendar_code].always_open)
        for place in places
    ]
    context = {"rows": rows, "may_change": request.user.has_perm("places.change")}
    return render(request, "interactions/place_list.html", context)


@require_http_methods(["GET", "POST"])
@requires("places.change")
def place_new(request: StaffRequest) -> HttpResponseBase:
    """Add a place."""
    return _edit(request, None)


@require_http_methods(["GET", "POST"])
@requires("places.change")
def place_edit(request: StaffRequest, number: int) -> HttpResponseBase:
    """Change or close a place."""
    return _edit(request, get_object_or_404(ContactPlace.objects.select_related("unit"), pk=number))


def _edit(request: StaffRequest, place: ContactPlace | None) -> HttpResponseBase:
    initial: dict[str, Any] = {}
    if place is not None:
        initial = {
            name: getattr(place, name)
            for name in ("channel", "name_zh", "name_en", "address", "calendar_code", "active")
        }
        initial["unit"] = say_unit(place.unit)
    form = PlaceForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.save_place(place.pk if place else None, actor=request.user, **form.cleaned_data)
        except RuleBroken as no:
            form.add_error(None, no.message)
        else:
            return redirect("interactions:place-list")
    status = 422 if request.method == "POST" else 200
    return render(request, "interactions/place_edit.html", {"form": form, "place": place}, status=status)
