"""Dates, spans and money as text with their absolute meaning attached."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from foundation.ui import wording
from foundation.ui.widgetry import said

register = template.Library()
DASH = "–"
_STYLES: dict[str, Callable[[datetime], str]] = {
    "since": wording.say_since,
    "time": wording.say_time,
    "moment": wording.say_moment,
    "stamp": lambda moment: wording.local(moment).strftime("%Y-%m-%d %H:%M"),
}


def _time_element(moment: date | datetime, text: str, title: str) -> SafeString:
    stamp = wording.local(moment).isoformat(timespec="minutes") if isinstance(moment, datetime) else moment.isoformat()
    return SafeString(f'<time datetime="{stamp}" title="{said(title)}">{said(text)}</time>')


@register.simple_tag
def when(moment: datetime | None, style: str = "since") -> SafeString | str:
    """A moment. `style`: "since" (12 minutes ago), "time" (10:24), "moment" (Sun, Nov 22 10:24),
    "stamp" (2026-11-22 10:24). The absolute moment is always in the title; a dash for None."""
    if moment is None:
        return DASH
    return _time_element(moment, _STYLES[style](moment), wording.say_moment(moment))


@register.simple_tag(name="date")
def date_tag(day: date | datetime | None, style: str = "words") -> SafeString | str:
    """A day. `style`: "words" (Sun, Nov 22), "iso" (2026-11-22), "day" (Today, Sun, Nov 22). A dash for None."""
    if day is None:
        return DASH
    plain = wording.local(day).date() if isinstance(day, datetime) else day
    text = {"words": wording.say_date, "iso": date.isoformat, "day": wording.say_day}[style](plain)
    return _time_element(plain, text, wording.say_date(plain))


@register.simple_tag
def span(seconds: float | None) -> str:
    """A length of time: `0:42`, `3 d 4 h`; a dash for None."""
    return DASH if seconds is None else wording.say_span(seconds)


@register.simple_tag
def money(amount: Decimal | int | None) -> SafeString:
    """CNY: `¥ 36.20`; a dash for None; refuses floats (TypeError)."""
    return format_html('<span class="nowrap">{}</span>', wording.say_money(amount))


@register.filter
def listed(words: Iterable[Any]) -> str:
    """Words as a list in the active language: `a, b, c`."""
    return wording.join_words(words)


@register.filter
def or_dash(value: Any) -> Any:
    """The value, or a dash where there is none."""
    return DASH if value in (None, "") else value
