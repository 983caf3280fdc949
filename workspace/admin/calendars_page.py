"""Work calendars: the weekly hours, the year at a glance, single days, and the import of a year's holidays."""

from __future__ import annotations

from calendar import Calendar as Months
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods

from foundation.calendars import services as calendars
from foundation.calendars.models import WorkCalendar, WorkCalendarDay
from foundation.calendars.queries import calendar_versions, list_calendars, missing_next_year, year_view
from foundation.calendars.windows import read_windows
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken


class DayForm(forms.Form):
    """Make one date special, or ordinary again."""

    day = forms.DateField(label=_("Day"), widget=forms.DateInput(attrs={"type": "date"}))
    kind = forms.ChoiceField(
        label=_("What it is"),
        choices=[("", _("An ordinary day (exception removed)")), *WorkCalendarDay.Kind.choices],
        required=False,
    )
    windows = forms.CharField(
        label=_("Own hours"),
        required=False,
        max_length=200,
        help_text=_("Like 09:00-12:00, 13:00-17:00; only for days with own hours."),
    )
    note = forms.CharField(label=_("Reason"), max_length=120)


class WeekForm(forms.Form):
    """The hours of the seven weekdays; an empty day is closed, hours may run over midnight."""

    note = forms.CharField(label=_("Reason"), max_length=120)

    def __init__(self, *args: Any, calendar: WorkCalendar, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        windows: dict[int, list[str]] = {}
        for row in calendar.windows.order_by("weekday", "start_minute"):
            windows.setdefault(row.weekday, []).append(str(row))
        for weekday, name in WEEKDAYS.items():
            self.fields[f"day{weekday}"] = forms.CharField(
                label=name, required=False, max_length=200, initial=", ".join(windows.get(weekday, []))
            )
        self.order_fields([f"day{weekday}" for weekday in range(7)])

    def weekly(self) -> list[Any]:
        """The windows of Monday to Sunday. Raises RuleBroken for words that are no hours."""
        return [read_windows(self.cleaned_data[f"day{weekday}"]) for weekday in range(7)]


@require_GET
@requires("calendars.view")
def calendar_list(request: HttpRequest) -> HttpResponse:
    """All calendars, and which lack next year's holidays (a warning from 1 December, D§26)."""
    context = {"calendars": list_calendars(), "missing": missing_next_year(clock.today()), "year": clock.today().year}
    return render(request, "workspace/calendar_list.html", context)


@require_http_methods(["GET", "POST"])
@requires("calendars.view")
def calendar_year(request: HttpRequest, code: str, year: int) -> HttpResponse:
    """One year of a calendar; with "calendars.change" also the form for a day and the import of the year."""
    calendar = WorkCalendar.objects.filter(code=code).first()
    if calendar is None or not date.min.year < year < date.max.year:
        raise Http404
    act = request.POST.get("act", "")
    form = DayForm(request.POST if act == "day" else None)
    week = WeekForm(request.POST if act == "week" else None, calendar=calendar, prefix="week")
    refused = ""
    if request.method == "POST":
        if not request.user.has_perm("calendars.change"):
            raise PermissionDenied("calendars.change")
        try:
            if _carry_out(act, code, year, form, week, request.user):
                return redirect(request.path)
        except RuleBroken as no:
            refused = no.message
    context = {
        "calendar": calendar,
        "year": year,
        "months": _months(code, year),
        "weekday_letters": list(WEEKDAYS_ABBR.values()),
        "special": WorkCalendarDay.objects.filter(calendar=calendar, date__year=year).order_by("date", "kind"),
        "versions": calendar_versions(code)[:20],
        "form": form,
        "week": week,
        "refused": refused,
        "may_change": request.user.has_perm("calendars.change"),
    }
    return render(
        request, "workspace/calendar_year.html", context, status=422 if form.errors or week.errors or refused else 200
    )


def _carry_out(act: str, code: str, year: int, form: DayForm, week: WeekForm, actor: Any) -> bool:
    if act == "import":
        calendars.import_year(code, year, actor=actor)
        return True
    if act == "day" and form.is_valid():
        _change_day(code, form.cleaned_data, actor)
        return True
    if act == "week" and week.is_valid():
        calendars.change_calendar(code, actor=actor, weekly=week.weekly(), note=week.cleaned_data["note"])
        return True
    return False


def _change_day(code: str, asked: dict[str, Any], actor: Any) -> None:
    if not asked["kind"]:
        calendars.clear_day(code, asked["day"], actor=actor, note=asked["note"])
        return
    windows = read_windows(asked["windows"]) if asked["windows"] else ()
    calendars.set_day(code, asked["day"], asked["kind"], windows=windows, actor=actor, note=asked["note"])


def _months(code: str, year: int) -> list[tuple[date, list[list[Any]]]]:
    days = {view.date: view for view in year_view(code, year)}
    weeks = Months(firstweekday=0)
    return [
        (
            date(year, month, 1),
            [
                [days.get(day) if day.month == month else None for day in week]
                for week in weeks.monthdatescalendar(year, month)
            ],
        )
        for month in range(1, 13)
    ]
