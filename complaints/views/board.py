"""The supervisor's board and the wallboard (ui-guide 12.17): the same figures, each with the list behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from complaints.board import PEOPLE_SHOWN, TOPIC_DAYS, Board, TopicCount
from complaints.filters import NOBODY
from complaints.kpis import Part, Span
from complaints.kpis.spans import HOUR
from complaints.risks import TONES, Risk
from complaints.views.behind import behind_url
from complaints.views.board_people import load_rows
from foundation.common import clock
from foundation.common.doors import requires
from foundation.policies.reading import policy
from foundation.ui.htmx import wants_fragment
from foundation.ui.parts.charts import Chart, HBar, Series
from foundation.ui.parts.lists import Tab, trend
from foundation.ui.wording import say_date, say_span
from staff.models import User
from staff.requests import StaffRequest

PERIODS: dict[str, tuple[Any, Callable[[Any], Span]]] = {
    "today": (gettext_lazy("Today"), Span.today),
    "week": (gettext_lazy("This week"), Span.this_week),
    "month": (gettext_lazy("This month"), Span.this_month),
}
FIRST_HOUR, LAST_HOUR = 8, 19
WALL_SECONDS, UNITS_SHOWN = 15, 8


def queue_url(**asked: Any) -> str:
    """The queue with a view and filters."""
    return f"{reverse('complaints:queue')}?{urlencode({'view': 'all', **asked})}"


@require_GET
@requires("complaints.figures")
def board(request: StaffRequest) -> HttpResponse:
    """What is late, what comes next, who carries what, what came and went; every number opens its rows."""
    key = request.GET.get("period", "")
    key = key if key in PERIODS else "today"
    now = clock.now()
    figures = Board(request.user, now, PERIODS[key][1](now))
    context = shown(figures) | {
        "period": key,
        "periods": [Tab(words, f"?period={one}", current=one == key) for one, (words, _span) in PERIODS.items()],
        "may_assign": request.user.has_perm("complaints.assign"),
        "people": load_rows(figures)[:PEOPLE_SHOWN],
    }
    part = "#results" if wants_fragment(request) else ""
    return render(request, f"complaints/board.html{part}", context)


@require_GET
@requires("complaints.figures")
def wall(request: StaffRequest) -> HttpResponseBase:
    """The figures of today for a screen on the wall: no controls, no names of anybody. `?seen=`: 204 while they are as
    they were read; the page says by itself when no answer comes."""
    return wall_of(request, request.user, reverse("complaints:wall"))


def wall_of(request: HttpRequest, user: User, address: str) -> HttpResponseBase:
    """The wallboard with the figures `user` sees, which asks `address` for newer ones."""
    now = clock.now()
    figures = Board(user, now, Span.today(now))
    context = on_wall(figures)
    version = sha256(repr(context).encode()).hexdigest()[:16]
    if request.GET.get("seen") == version and wants_fragment(request):
        return HttpResponse(status=204)
    context |= {"now": now, "version": version, "every": WALL_SECONDS, "fresh_for": WALL_SECONDS * 3}
    context |= {"zone": clock.BUSINESS_ZONE.key, "address": address}
    part = "#results" if wants_fragment(request) else ""
    return render(request, f"complaints/wall.html{part}", context)


def on_wall(figures: Board) -> dict[str, Any]:
    """The same figures without the lists behind them, and what is open by unit instead of by person."""
    found = shown(figures)
    units: dict[str, list[int]] = {}
    for group in figures.groups:
        one = units.setdefault(group.unit, [0, 0])
        one[0] += group.open
        one[1] += group.late
    heavy = sorted(units.items(), key=lambda one: (-one[1][0], one[0]))[:UNITS_SHOWN]
    return {
        "unit": figures.user.unit.name,
        "kpis": [{name: one[name] for name in one if not name.endswith("href")} for one in found["kpis"]],
        "reasons": [(str(label), number, tone) for label, number, _url, tone in found["reasons"][2:]],  # two are above
        "foot": [(label, value) for label, value, _url in (found["foot"][0], *found["foot"][2:])],
        "hourly": _unlinked(found["hourly"]),
        "line": _unlinked(found["line"]),
        "units": [HBar(name, held, change=_("late %(n)s") % {"n": late}) for name, (held, late) in heavy],
        **{name: found[name] for name in ("present", "workers", "over")},
    }


def _unlinked(chart: Chart) -> Chart:
    return replace(chart, series=[Series(row.label, row.values) for row in chart.series])


def shown(figures: Board) -> dict[str, Any]:
    """What both boards show: plain values with the addresses of their rows."""
    return {
        "now": figures.now,
        "kpis": _kpis(figures),
        "reasons": [
            (one.label, number, queue_url(risk=one.value), TONES.get(one, "") if number else "")
            for one, number in figures.reasons.items()
        ],
        "pressing": figures.pressing,
        "all_pressing": queue_url(risk=Risk.ANY),
        "foot": _foot(figures),
        "hourly": _hourly(figures),
        "line": _line(figures),
        "topics": _topics(figures),
        "present": figures.present,
        "workers": len(figures.workers),
        "over": figures.over,
    }


def _kpis(figures: Board) -> list[dict[str, Any]]:
    """The six figures on top."""
    late, soon, span = figures.total("late"), figures.total("soon"), figures.span
    of, missed = figures.due.get(None, (0, 0))
    rate, aim = figures.on_time(), policy("complaints.aim.on_time")
    over, following = figures.longest_over, figures.next_in
    return [
        {
            "label": _("Breached"),
            "value": late,
            "icon": "circle-alert",
            "tone": "danger" if late else "",
            "href": queue_url(view="breached"),
            "note": _("longest over %(span)s") % {"span": say_span(over.total_seconds())} if over else "",
        },
        {
            "label": _("Due in 30 minutes"),
            "value": soon,
            "icon": "alarm-clock",
            "tone": "warn" if soon else "",
            "href": queue_url(risk=Risk.DUE_SOON),
            "note": _("next in %(span)s") % {"span": say_span(following.total_seconds())} if following else "",
        },
        {
            "label": _("Cases open"),
            "value": figures.total("open"),
            "icon": "inbox",
            "href": queue_url(),
            "note": _("the oldest since %(day)s") % {"day": say_date(clock.today(figures.oldest))}
            if figures.oldest
            else "",
        },
        {
            "label": _("Cases closed"),
            "value": figures.closed,
            "icon": "circle-check",
            "href": behind_url("closed", span),
            "note": _("received %(n)s") % {"n": figures.received},
            "note_href": behind_url("received", span),
        },
        {
            "label": _("On-time rate"),
            "value": None if rate is None else f"{rate:.1f}",
            "unit": "" if rate is None else "%",
            "icon": "timer",
            "tone": "warn" if rate is not None and rate < aim else "",
            "href": behind_url("on_time", span),
            "note": _("aim %(aim)s %%, missed %(missed)s of %(of)s") % {"aim": aim, "missed": missed, "of": of},
            "note_href": behind_url("on_time", span, Part.NO),
        },
        {
            "label": _("Satisfaction"),
            "value": None if figures.score is None else f"{figures.score:.2f}",
            "icon": "star",
            "href": behind_url("score", span),
            "note": _("%(n)s callbacks with a score") % {"n": figures.scored},
        },
    ]


def _foot(figures: Board) -> list[tuple[Any, str, str]]:
    """The line below the load: label, value, address."""
    _n, mean, most = figures.times
    return [
        (_("Nobody has it yet"), str(figures.pooled), queue_url(handler=NOBODY)),
        (_("Hand-overs unanswered"), str(figures.reasons[Risk.OFFERED]), queue_url(risk=Risk.OFFERED)),
        (_("Mean time to the answer"), _hours(mean), behind_url("mean_time", figures.span)),
        (_("Nine of ten answered within"), _hours(most), behind_url("p90_time", figures.span)),
    ]


def _hours(value: float | None) -> str:
    return "–" if value is None else say_span(value * 3600)


def _hourly(figures: Board) -> Chart:
    """Received and closed today by hour; hours of the night only where something happened."""
    counts = figures.hourly
    shown_hours = sorted({*range(FIRST_HOUR, LAST_HOUR + 1), *counts})
    midnight = clock.business_midnight(clock.today(figures.now)).astimezone(clock.BUSINESS_ZONE)
    spans = [Span(midnight + HOUR * hour, midnight + HOUR * (hour + 1)) for hour in shown_hours]
    columns = []
    for number, (code, label) in enumerate((("received", _("Received")), ("closed", _("Cases closed")))):
        values = [counts.get(hour, (0, 0))[number] for hour in shown_hours]
        columns.append(Series(label, values, [behind_url(code, span) for span in spans]))
    return Chart(_("Received and closed today, by hour"), [f"{hour}:00" for hour in shown_hours], columns)


def _line(figures: Board) -> Chart:
    """The on-time rate of the last days beside its aim."""
    days = figures.line_days
    rates = [figures.on_time(day) for day in days]
    known = [rate for rate in rates if rate is not None]
    bottom = max(0, int(min(known, default=90) // 10 * 10) - 10)
    return Chart(
        _("On-time rate, 14 days"),
        [f"{day.month}/{day.day}" for day in days],
        [
            Series(
                _("On-time rate"),
                [None if rate is None else round(rate, 1) for rate in rates],
                [behind_url("on_time", Span.of_days(day, day)) for day in days],
            )
        ],
        unit="%",
        goal=policy("complaints.aim.on_time"),
        goal_label=_("Aim"),
        bottom=bottom,
    )


def _topics(figures: Board) -> list[HBar]:
    """Topics of the last week with the change against the week before, both with their rows."""
    lately = Span.last_days(figures.now, TOPIC_DAYS)
    before = Span(Span.last_days(figures.now, 2 * TOPIC_DAYS).start, lately.start)
    rows = []
    for one in figures.topics:
        asked = {"topic": one.code or NOBODY}
        href = behind_url("received", lately, **asked)
        rows.append(
            HBar(
                _name(one),
                one.now,
                href,
                format_html('<a href="{}">{}</a>', behind_url("received", before, **asked), _change(one)),
                format_html('<a href="{}">{}</a>', href, one.now),
            )
        )
    return rows


def _name(one: TopicCount) -> str:
    return (one.name_en if (get_language() or "").startswith("en") else one.name_zh) or _("none yet")


def _change(one: TopicCount) -> SafeString:
    """The change in per cent, with the number of the week before for readers."""
    words = _("%(n)s the week before") % {"n": one.before}
    if not one.before:
        return format_html('<span class="trend" title="{}">{}</span>', words, _("new"))
    change = round((one.now - one.before) * 100 / one.before)
    return format_html('<span title="{}">{}</span>', words, trend(change, f"{abs(change)}%", "down"))
