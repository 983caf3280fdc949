"""Trying a clock: hours, a limit and what happens, typed; out come due moment, time run, time left, and why. Nothing is
written; the answer is that of `manage clock_try` (docs/try.md)."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods

from foundation.calendars.definition import Calendar, check_zone
from foundation.calendars.limits import Runs
from foundation.calendars.queries import calendar_for, list_calendars
from foundation.calendars.trying import WEEKDAYS, try_clock
from foundation.calendars.windows import DAY, Window, read_windows
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.trying import BadCase
from foundation.ui.wording import say_span, weekday_word
from staff.requests import StaffRequest

UNITS: dict[str, Any] = {
    "hours": gettext_lazy("hours"),
    "working_days": gettext_lazy("working days"),
    "calendar_days": gettext_lazy("days of 24 hours"),
    "end_of_day": gettext_lazy("days, to the end of the day"),
}
STATES: dict[str, Any] = {
    "running": (gettext_lazy("It runs"), "info", "clock"),
    "paused": (gettext_lazy("It stands still"), "info", "circle-pause"),
    "met": (gettext_lazy("In time"), "ok", "circle-check"),
    "breached": (gettext_lazy("Late"), "danger", "circle-alert"),
}
SHAPE = "%Y-%m-%d %H:%M"


class ClockForm(forms.Form):
    """A written case. With a stored calendar its hours are taken, not the typed ones."""

    calendar = forms.ChoiceField(label=gettext_lazy("Hours of a calendar"), required=False)
    zone = forms.CharField(label=gettext_lazy("or a zone of its own"), max_length=64, initial="Asia/Shanghai")
    exceptions = forms.CharField(
        label=gettext_lazy("Exceptions, one a line"),
        required=False,
        max_length=5_000,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=gettext_lazy("Like 2026-10-01 for a closed day, 2026-10-10 09:00-12:00 for own hours."),
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("The clock runs"),
        choices=[
            (Runs.WORKING.value, gettext_lazy("in working hours")),
            (Runs.CALENDAR.value, gettext_lazy("day and night")),
        ],
    )
    amount = forms.DecimalField(label=gettext_lazy("Time limit"), initial=48, max_digits=12, decimal_places=6)
    unit = forms.ChoiceField(label=gettext_lazy("Unit of the limit"), choices=list(UNITS.items()))
    events = forms.CharField(
        label=gettext_lazy("What happens, one a line"),
        max_length=20_000,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=gettext_lazy(
            "Moment and event: start, pause, resume, stop, retarget; a retarget names its limit, as "
            "“2026-11-23 10:00 retarget 24 hours”."
        ),
    )
    now = forms.CharField(label=gettext_lazy("Seen from"), max_length=40)

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        field = self.fields["calendar"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", _("typed below")), *((one.code, str(one)) for one in list_calendars())]
        for number, day in enumerate(WEEKDAYS):
            hours = "09:00-18:00" if number < 5 else ""
            self.fields[day] = forms.CharField(
                label=weekday_word(number), required=False, max_length=200, initial=hours
            )

    @property
    def week(self) -> list[Any]:
        """The fields of the days."""
        return [self[day] for day in WEEKDAYS]

    def case(self) -> dict[str, Any]:
        """The case as `manage clock_try` takes it. Raises RuleBroken and BadCase for what does not read."""
        asked = self.cleaned_data
        hours = _hours_of(calendar_for(asked["calendar"])) if asked["calendar"] else self._typed()
        zone = ZoneInfo(check_zone(hours["zone"]))
        case = {
            **hours,
            "kind": asked["kind"],
            "target": _target(asked["amount"], asked["unit"]),
            "events": [_event(line, zone) for line in asked["events"].splitlines() if line.strip()],
            "now": _moment(asked["now"], zone),
        }
        if asked["kind"] == Runs.CALENDAR and not asked["calendar"]:
            case.pop("windows")
            case.pop("exceptions")
        return case

    def _typed(self) -> dict[str, Any]:
        asked = self.cleaned_data
        days = []
        for line in asked["exceptions"].splitlines():
            if line.strip():
                day, _space, text = line.strip().partition(" ")
                days.append({"date": day, "windows": _pairs(read_windows(text))})
        windows = {day: _pairs(read_windows(asked[day])) for day in WEEKDAYS}
        return {"zone": asked["zone"], "windows": windows, "exceptions": days}


def _hours_of(calendar: Calendar) -> dict[str, Any]:
    """A stored calendar as a case writes it."""
    return {
        "zone": calendar.zone,
        "windows": {day: _pairs(windows) for day, windows in zip(WEEKDAYS, calendar.weekly, strict=True)},
        "exceptions": [
            {"date": day.isoformat(), "windows": _pairs(calendar.windows_of(day))}
            for day in sorted({special.date for special in calendar.days})
        ],
        "day_minutes": calendar.day_minutes,
    }


def _pairs(windows: tuple[Window, ...]) -> list[list[str]]:
    return [[_time(window.start), _time(window.end if window.end <= DAY else window.end - DAY)] for window in windows]


def _time(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _target(amount: Any, unit: str) -> dict[str, Any]:
    number = int(amount) if amount == int(amount) else float(amount)
    if unit == "end_of_day":
        return {"calendar_days": number, "end_of_day": True}
    return {unit: number}


def _moment(text: str, zone: ZoneInfo) -> str:
    """A typed moment with its zone; what does not read stays, so that the engine says so."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return text.strip()
    return (moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)).isoformat()


def _event(line: str, zone: ZoneInfo) -> dict[str, Any]:
    """A line "2026-11-23 10:00 pause CUSTOMER_INFO" as an event."""
    words = line.split()
    # The time may stand apart from the day, or behind a T.
    taken = 2 if len(words) > 1 and words[1][:1].isdigit() and "T" not in words[0] else 1
    at, rest = _moment(" ".join(words[:taken]), zone), words[taken:]
    event: dict[str, Any] = {"at": at, "type": rest[0].lower() if rest else ""}
    if event["type"] == "retarget":
        if len(rest) < 3:
            raise BadCase(_("A retarget names its limit, as 24 hours."))
        unit = "_".join(rest[2:]).lower()
        try:
            event["target"] = _target(float(rest[1]), unit)
        except ValueError:
            raise BadCase(_("A retarget names its limit, as 24 hours.")) from None
    elif len(rest) > 1:
        event["reason"] = " ".join(rest[1:])
    return event


@require_http_methods(["GET", "POST"])
@requires("policies.view")
def clock_try(request: StaffRequest) -> HttpResponse:
    """The form and, once sent, the answer."""
    today = clock.now().astimezone(clock.BUSINESS_ZONE).replace(minute=0)
    start = today.replace(hour=9)
    initial = {"events": f"{start.strftime(SHAPE)} start", "now": today.strftime(SHAPE), "calendar": ""}
    form = ClockForm(request.POST if request.method == "POST" else None, initial=initial)
    answer: dict[str, Any] | None = None
    line = ""
    if request.method == "POST" and form.is_valid():
        try:
            case = form.case()
            answer, line = try_clock(case), json.dumps(case, ensure_ascii=False)
        except (RuleBroken, BadCase) as no:
            form.add_error(None, str(no))
    context = {"form": form, "answer": answer, "line": line, **(_shown(answer) if answer else {})}
    return render(request, "workspace/clock_try.html", context, status=422 if form.errors else 200)


def _shown(answer: dict[str, Any]) -> dict[str, Any]:
    words, tone, icon = STATES[answer["state"]]
    return {
        "state": words,
        "tone": tone,
        "icon": icon,
        "due": datetime.fromisoformat(answer["due"]).strftime(SHAPE + ":%S %Z").strip() if answer["due"] else "",
        "elapsed": say_span(answer["elapsed_minutes"] * 60),
        "remaining": say_span(answer["remaining_minutes"] * 60),
        "why": [step["words"] for step in answer["why"]],
    }
