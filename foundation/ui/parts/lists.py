"""Tabs, switches, pagers, sort heads, timelines, steps, checklists, key figures and meters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

from django import template
from django.http import QueryDict
from django.template.context import Context
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from foundation.ui import wording
from foundation.ui.parts.formats import when
from foundation.ui.parts.marks import attributes, btn, count, icon, optional_icon, tone_class
from foundation.ui.widgetry import said

register = template.Library()


@dataclass(frozen=True)
class Tab:
    """A tab or one choice of a switch: a link, with a count where there is one."""

    label: Any
    href: str
    current: bool = False
    count: int | str | None = None
    tone: str = ""
    icon: str = ""


def _links(items: Iterable[Tab], more: dict[str, Any]) -> SafeString:
    return format_html_join(
        "",
        '<a href="{}"{}{}>{}<span>{}</span>{}</a>',
        (
            (
                tab.href,
                attributes({"aria_current": "page" if tab.current else None}),
                attributes(more | ({"hx_get": tab.href} if "hx_target" in more else {})),
                optional_icon(tab.icon),
                tab.label,
                count(tab.count, tab.tone),
            )
            for tab in items
        ),
    )


@register.simple_tag
def tabs(items: Sequence[Tab], label: Any, **more: Any) -> SafeString:
    """Views of one thing, as links. `label` names the group; with `hx_target=` the links also ask by htmx."""
    return format_html('<nav class="tabs" aria-label="{}">{}</nav>', label, _links(items, more))


@register.simple_tag
def seg(items: Sequence[Tab], label: Any, **more: Any) -> SafeString:
    """A few choices of which one holds, as links."""
    return format_html('<nav class="seg" aria-label="{}">{}</nav>', label, _links(items, more))


@register.simple_tag(takes_context=True)
def pager(context: Context, page: Any, target: str = "#results", noun: Any = "") -> str:
    """Links around a keyset page (`foundation.common.paging.Page`); `target`: what htmx replaces."""
    query: QueryDict = context["request"].GET.copy()
    query.pop("after", None)
    first = f"?{query.urlencode()}" if query else "?"
    if page.next_cursor:
        query["after"] = page.next_cursor
    return render_to_string(
        "ui/pager.html",
        {
            "page": page,
            "first_url": first,
            "next_url": f"?{query.urlencode()}" if page.next_cursor else "",
            "target": target,
            "shown": len(page.items),
            "noun": noun,
        },
    )


@register.simple_tag(takes_context=True)
def sort_head(context: Context, label: Any, key: str, default: str = "", target: str = "", cls: str = "") -> SafeString:
    """A `<th>` whose link sorts by `key`: ascending first, then descending (`?sort=-key`).

    `default`: the order without a `sort` parameter. `target`: what htmx replaces.
    """
    query: QueryDict = context["request"].GET.copy()
    current = query.get("sort", default)
    state = {key: "ascending", f"-{key}": "descending"}.get(current)
    query.pop("after", None)
    query["sort"] = f"-{key}" if state == "ascending" else key
    href = f"?{query.urlencode()}"
    more = {"hx_get": href, "hx_target": target, "hx_push_url": "true"} if target else {}
    arrow = {"ascending": "arrow-up", "descending": "arrow-down"}.get(state or "", "")
    return format_html(
        '<th scope="col"{}><a href="{}"{}>{}{}</a></th>',
        attributes({"aria_sort": state, "class": cls or None}),
        href,
        attributes(more),
        label,
        optional_icon(arrow, "s"),
    )


@dataclass(frozen=True)
class Entry:
    """One line of a timeline. `text` and `title` are plain or safe; `box`: "", "box" or "note" (internal)."""

    at: datetime
    title: Any
    icon: str = "circle"
    tone: str = ""
    text: Any = ""
    who: Any = ""
    tags: Sequence[Any] = ()
    href: str = ""
    box: str = ""


@dataclass(frozen=True)
class Day:
    day: date
    label: str
    entries: list[Entry]


def days_of(entries: Iterable[Entry]) -> list[Day]:
    """Entries (newest first) grouped by the day the user reads."""
    grouped = groupby(entries, key=lambda entry: wording.local(entry.at).date())
    return [Day(day, wording.say_day(day), list(group)) for day, group in grouped]


@register.simple_tag
def timeline(entries: Iterable[Entry], earlier_url: str = "", id: str = "timeline") -> str:
    """One stream, newest first, grouped by day. `earlier_url`: where the next part is, if there is one."""
    days = "".join(
        f'<h3 class="tl-d">{said(day.label)}</h3>\n<ol class="tl">{"".join(map(_entry, day.entries))}</ol>'
        for day in days_of(entries)
    )
    return SafeString(
        f'<div class="tls" id="{said(id)}">{days}{_earlier(id, earlier_url) if earlier_url else ""}</div>'
    )


def _entry(entry: Entry) -> str:
    box = {"": "", "note": ' class="tl-box -note"'}.get(entry.box, ' class="tl-box"')
    title = f'<a href="{said(entry.href)}">{said(entry.title)}</a>' if entry.href else said(entry.title)
    text = f'<p class="tl-x fold" data-fold>{said(entry.text)}</p>' if entry.text else ""
    who = f'<p class="tl-w">{said(entry.who)}</p>' if entry.who else ""
    head = f'<div class="tl-h"><b>{title}</b>{"".join(map(said, entry.tags))}{when(entry.at, "time")}</div>'
    ink = f'<span class="tl-i{tone_class(entry.tone)}">{icon(entry.icon)}</span>'
    return f"<li>{ink}<div{box}>{head}{text}{who}</div></li>"


def _earlier(id: str, url: str) -> SafeString:
    target = f"#{id}-earlier"
    link = btn(_("Earlier"), icon="history", href=url, small=True, hx_get=url, hx_target=target, hx_swap="outerHTML")
    return format_html('<p class="center" id="{}-earlier">{}</p>', id, link)


@dataclass(frozen=True)
class Step:
    """A station of a process. `state`: "done", "now", "next" or "failed"."""

    label: Any
    state: str = "next"
    note: Any = ""


@register.simple_tag
def steps(items: Sequence[Step], label: Any = "") -> SafeString:
    """How far a process has come."""
    words = {"done": _("done"), "now": _("now"), "next": _("to come"), "failed": _("failed")}
    marks = {"done": "check", "failed": "x"}
    return format_html(
        '<ol class="steps"{}>{}</ol>',
        attributes({"aria_label": label or None}),
        format_html_join(
            "",
            '<li class="-{}"{}><span class="step-n" aria-hidden="true">{}</span><b>{}</b>'
            '<span class="sr"> ({})</span>{}</li>',
            (
                (
                    step.state,
                    attributes({"aria_current": "step" if step.state == "now" else None}),
                    icon(marks[step.state], "s") if step.state in marks else number,
                    step.label,
                    words[step.state],
                    format_html('<small class="mut">{}</small>', step.note) if step.note else "",
                )
                for number, step in enumerate(items, 1)
            ),
        ),
    )


@dataclass(frozen=True)
class Check:
    """One point of a checklist; `href` leads to where it is done."""

    label: Any
    done: bool
    href: str = ""


@register.simple_tag
def checklist(items: Sequence[Check]) -> SafeString:
    """What is done and what is still open."""
    return format_html(
        '<ul class="checklist">{}</ul>',
        format_html_join(
            "",
            '<li{}>{}<span>{}<span class="sr"> ({})</span></span></li>',
            (
                (
                    attributes({"class": "-done" if item.done else None}),
                    icon("circle-check" if item.done else "circle-dot"),
                    format_html('<a href="{}">{}</a>', item.href, item.label) if item.href else item.label,
                    _("done") if item.done else _("open"),
                )
                for item in items
            ),
        ),
    )


@register.simple_tag
def trend(change: Decimal | int | float | None, text: Any = "", good: str = "up") -> SafeString:
    """A change with an arrow. `good`: which direction is welcome ("up", "down" or "" for neither)."""
    if change is None or change == 0:
        return SafeString('<span class="trend">–</span>')
    way = "up" if change > 0 else "down"
    tone = "" if not good else f" -{way}-{'good' if way == good else 'bad'}"
    return format_html(
        '<span class="trend{}">{}<span class="sr">{} </span>{}</span>',
        tone,
        icon("triangle") if way == "up" else icon("triangle", "flip"),
        _("up") if way == "up" else _("down"),
        text or abs(change),
    )


@register.simple_tag
def kpi(
    label: Any,
    value: Any,
    icon: str = "",
    tone: str = "",
    unit: str = "",
    note: Any = "",
    href: str = "",
    change: Any = "",
    note_href: str = "",
) -> SafeString:
    """A key figure. `href`: the list behind it; `change`: the HTML of `{% trend … as x %}`; `note`: a small line;
    `note_href`: the list behind the number in it."""
    inner = format_html(
        '<span class="kpi-l">{}<span>{}</span></span><span class="kpi-v">{}{}</span>',
        optional_icon(icon),
        label,
        "–" if value is None else value,
        format_html("<small>{}</small>", unit) if unit else "",
    )
    shape = tone_class(tone)
    if note_href:
        link = format_html('<a class="kpi-s" href="{}">{}<span>{}</span></a>', note_href, change, note)
        return format_html(
            '<div class="card kpi{}"><a class="kpi-m" href="{}">{}</a>{}</div>', shape, href, inner, link
        )
    said = format_html("<span>{}</span>", note) if note else ""
    inner = format_html('{}<span class="kpi-s">{}{}</span>', inner, change, said)
    if href:
        return format_html('<a class="card kpi{}" href="{}">{}</a>', shape, href, inner)
    return format_html('<div class="card kpi{}">{}</div>', shape, inner)


def bar(share: float, tone: str = "") -> SafeString:
    """A horizontal bar filled to `share` (0 to 1)."""
    width = round(max(0.0, min(1.0, share)) * 100, 1)
    return format_html(
        '<svg class="bar{}" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        '<rect width="{}" height="6" rx="1"/></svg>',
        tone_class(tone),
        f"{width:g}",
    )


@register.simple_tag
def meter(
    label: Any, value: float | Decimal, of: float | Decimal, text: Any = "", unit: Any = "", tone: str = ""
) -> SafeString:
    """How much of something is used: words and a bar. `tone` "" turns to warn from 80 % by itself."""
    share = float(value) / float(of) if of else 0.0
    shown = text or format_html("<b>{}</b> / {} {}", value, of, unit)
    return format_html(
        '<div class="meter"><div class="meter-h"><span>{}</span><span>{}</span></div>{}</div>',
        label,
        shown,
        bar(share, tone or ("warn" if share >= 0.8 else "")),
    )
