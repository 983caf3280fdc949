"""Work calendars: the weekly hours, the year at a glance, single days, and the import of a year's holidays."""

from __future__ import annotations

from calendar import Calendar as Months
from collections import Counter
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET, require_http_methods

from foundation.calendars.definition import FIRST_YEAR, LAST_YEAR
from foundation.calendars.models import WorkCalendar, WorkCalendarDay
from foundation.calendars.queries import DayView, calendar_versions, list_calendars, missing_next_year, year_view
from foundation.calendars.windows import read_windows
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.policies.drafting import activate_draft, day_edit, draft_calendar, import_edit, week_edit
from foundation.policies.moving import touched
from foundation.ui.wording import month_word, weekday_word
from staff.models import User
from staff.requests import StaffRequest
from workspace.admin.draft_jobs import start_counting

VERSIONS_SHOWN = 12


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

    def edit(self) -> dict[str, Any]:
        """The edit asked for. Raises RuleBroken for words that are no hours."""
        asked = self.cleaned_data
        return day_edit(asked["day"], asked["kind"], read_windows(asked["windows"]))

    def done(self) -> str:
        """What to tell afterwards."""
        if not self.cleaned_data["kind"]:
            return gettext("The day is ordinary again.")
        return gettext("The day was changed.")


class WeekForm(forms.Form):
    """The hours of the seven weekdays; an empty day is closed, hours may run over midnight."""

    note = forms.CharField(label=_("Reason"), max_length=120)

    def __init__(self, *args: Any, calendar: WorkCalendar, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        hours = weekly_hours(calendar)
        for weekday in range(7):
            self.fields[f"day{weekday}"] = forms.CharField(
                label=weekday_word(weekday), required=False, max_length=200, initial=hours[weekday]
            )
        self.order_fields([f"day{weekday}" for weekday in range(7)])

    def edit(self) -> dict[str, Any]:
        """The edit asked for. Raises RuleBroken for words that are no hours."""
        return week_edit(read_windows(self.cleaned_data[f"day{weekday}"]) for weekday in range(7))

    def done(self) -> str:
        """What to tell afterwards."""
        return gettext("The weekly hours were changed.")


def weekly_hours(calendar: WorkCalendar) -> list[str]:
    """The windows of Monday to Sunday as they are typed."""
    found: dict[int, list[str]] = {}
    for row in calendar.windows.all():
        found.setdefault(row.weekday, []).append(str(row))
    return [", ".join(found.get(weekday, [])) for weekday in range(7)]


@dataclass(frozen=True)
class Month:
    """A month of the year page: its name and its weeks from Monday, None outside the month."""

    name: str
    weeks: list[list[DayView | None]]


@require_GET
@requires("calendars.view")
def calendar_list(request: StaffRequest) -> HttpResponse:
    """All calendars, and which lack next year's holidays (a warning from 1 December, D§26)."""
    today = clock.today()
    rows = [(calendar, _groups(weekly_hours(calendar))) for calendar in list_calendars()]
    context = {"rows": rows, "missing": missing_next_year(today), "year": today.year}
    return render(request, "workspace/calendar_list.html", context)


def _groups(hours: list[str]) -> list[tuple[str, str]]:
    """Neighbouring weekdays with the same hours as one: ("Mon–Fri", "09:00-18:00")."""
    groups: list[tuple[int, int, str]] = []
    for weekday, text in enumerate(hours):
        if groups and groups[-1][2] == text:
            groups[-1] = (groups[-1][0], weekday, text)
        else:
            groups.append((weekday, weekday, text))
    return [
        (weekday_word(first) if first == last else f"{weekday_word(first)}–{weekday_word(last)}", text)
        for first, last, text in groups
        if text
    ]


@require_http_methods(["GET", "POST"])
@requires("calendars.view")
def calendar_year(request: StaffRequest, code: str, year: int) -> HttpResponse:
    """One year of a calendar; with "calendars.change" also the forms for a day, the week and the import of the year."""
    calendar = WorkCalendar.objects.filter(code=code).prefetch_related("windows").first()
    if calendar is None or not FIRST_YEAR <= year <= LAST_YEAR:
        raise Http404
    act = request.POST.get("act", "")
    forms_of = {
        "day": DayForm(request.POST if act == "day" else None),
        "week": WeekForm(request.POST if act == "week" else None, calendar=calendar, prefix="week"),
    }
    refused = ""
    if request.method == "POST":
        if not request.user.has_perm("calendars.change"):
            raise PermissionDenied("calendars.change")
        try:
            address = _decide(act, code, year, forms_of, request)
        except RuleBroken as no:
            address, refused = "", no.message if act == "import" else ""
            if not refused:
                forms_of[act].add_error(None, no.message)
        if address:
            return redirect(address)
    versions = calendar_versions(code)[:VERSIONS_SHOWN]
    people = User.objects.in_bulk({version.created_by_id for version in versions if version.created_by_id})
    context = {
        "calendar": calendar,
        "year": year,
        "earlier": year - 1 if year > FIRST_YEAR else None,
        "later": year + 1 if year < LAST_YEAR else None,
        "months": _months(code, year),
        "weekdays": [weekday_word(weekday) for weekday in range(7)],
        "hours": [(weekday_word(weekday), text) for weekday, text in enumerate(weekly_hours(calendar))],
        "today": clock.today(),
        "special": WorkCalendarDay.objects.filter(calendar=calendar, date__year=year).order_by("date", "kind"),
        "versions": [(version, people.get(version.created_by_id or 0)) for version in versions],
        "form": forms_of["day"],
        "week": forms_of["week"],
        "refused": refused,
        "may_change": request.user.has_perm("calendars.change"),
    }
    wrong = refused or any(form.errors for form in forms_of.values())
    return render(request, "workspace/calendar_year.html", context, status=422 if wrong else 200)


def _decide(act: str, code: str, year: int, forms_of: dict[str, Any], request: StaffRequest) -> str:
    """Where to go on; "" when the form is wrong. What clocks run by is looked at first. Raises RuleBroken."""
    if act == "import":
        edit, note = import_edit(year), ""
    elif act not in forms_of:
        raise SuspiciousOperation("no such act on a calendar")
    elif not forms_of[act].is_valid():
        return ""
    else:
        edit, note = forms_of[act].edit(), forms_of[act].cleaned_data["note"]
    try:
        draft = draft_calendar(code, edit, actor=request.user, note=note)
    except RuleBroken as no:
        if no.code != "calendars.same":
            raise
    else:
        if touched(draft).exists():
            start_counting(draft, actor=request.user)
            return reverse("workspace:draft-detail", args=[draft.pk])
        activate_draft(draft.pk, actor=request.user)
    messages.success(request, _imported(code, year) if act == "import" else forms_of[act].done())
    return request.path


def _imported(code: str, year: int) -> str:
    kinds = Counter(WorkCalendarDay.objects.filter(calendar__code=code, date__year=year).values_list("kind", flat=True))
    words = gettext("%(holidays)s holidays and %(makeups)s make-up days are in the table of %(year)s.") % {
        "holidays": kinds[WorkCalendarDay.Kind.HOLIDAY.value],
        "makeups": kinds[WorkCalendarDay.Kind.MAKEUP.value],
        "year": year,
    }
    if kinds[WorkCalendarDay.Kind.MAKEUP.value]:
        return words
    return words + " " + gettext("Make-up days are not announced yet.")


def _months(code: str, year: int) -> list[Month]:
    days = {view.date: view for view in year_view(code, year)}
    weeks = Months(firstweekday=0)
    return [
        Month(
            month_word(month),
            [
                [days.get(day) if day.month == month else None for day in week]
                for week in weeks.monthdatescalendar(year, month)
            ],
        )
        for month in range(1, 13)
    ]
