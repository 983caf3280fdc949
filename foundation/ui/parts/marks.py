"""Small marks: icons, tags, counts, avatars, the SLA badge, buttons."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from importlib.resources import files
from io import BytesIO
from typing import Any
from zipfile import ZipFile

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from foundation.common import clock
from foundation.ui.widgetry import said
from foundation.ui.wording import say_moment, say_span

register = template.Library()

TONES = frozenset({"", "danger", "warn", "ok", "info", "violet", "mute"})
SOON_SECONDS = 30 * 60  # ui-guide §5: green needs more than 30 minutes and more than a quarter of the time
SOON_SHARE = 0.25


@cache
def _archive() -> ZipFile:
    return ZipFile(BytesIO(files("lucide").joinpath("lucide.zip").read_bytes()))


@lru_cache(maxsize=512)
def _drawing(name: str) -> str:
    """The inner markup of a lucide icon. Raises ValueError for an unknown name."""
    try:
        text = _archive().read(f"{name}.svg").decode()
    except KeyError:
        raise ValueError(f"there is no icon {name!r}") from None
    inner = text[text.index(">") + 1 : text.rindex("</svg>")]
    return " ".join(inner.split()).replace("> <", "><").replace(" />", "/>")


@lru_cache(maxsize=2048)
def _svg(name: str, extra: str, label: str) -> SafeString:
    says = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html(
        '<svg class="i{}" viewBox="0 0 24 24" width="16" height="16" fill="none" stroke="currentColor" '
        'stroke-linecap="round" stroke-linejoin="round" {}>{}</svg>',
        f" {extra}" if extra else "",
        says,
        mark_safe(_drawing(name)),  # noqa: S308  drawings come from the installed wheel
    )


def tone_class(tone: str) -> str:
    """` -danger` and so on, with its leading space. Raises ValueError for a tone that does not exist."""
    if tone not in TONES:
        raise ValueError(f"there is no tone {tone!r}")
    return f" -{tone}" if tone else ""


def attributes(given: dict[str, Any]) -> SafeString:
    """Keyword arguments as HTML attributes: `hx_get` becomes `hx-get`, True a bare name, None and False nothing."""
    return SafeString(
        "".join(
            f" {_attribute(name)}" if value is True else f' {_attribute(name)}="{said(value)}"'
            for name, value in given.items()
            if value is not None and value is not False
        )
    )


@lru_cache(maxsize=512)
def _attribute(name: str) -> str:
    return said(name.strip("_").replace("_", "-"))


@register.simple_tag
def icon(name: str, size: str = "", label: str = "") -> SafeString:
    """A lucide icon, inlined. `size`: "", "s" (14 px), "l" (20 px). Hidden from readers unless `label`."""
    return _svg(name, f"-{size}" if size else "", str(label))


def optional_icon(name: str, size: str = "") -> SafeString:
    return _svg(name, f"-{size}" if size else "", "") if name else SafeString("")


@register.simple_tag
def tag(text: Any, tone: str = "", icon: str = "", shape: str = "", tip: str = "") -> SafeString:
    """A word on a coloured ground. `shape`: "" or "line"."""
    classes = f"{tone_class(tone)} -{said(shape)}" if shape else tone_class(tone)
    inner = f"{optional_icon(icon)}{said(text)}"
    return SafeString(f'<span class="tag{classes}"{attributes({"title": tip or None})}>{inner}</span>')


@register.simple_tag
def count(number: int | str | None, tone: str = "", label: str = "") -> SafeString:
    """A number in a pill; nothing for None. `label` adds words for readers ("overdue")."""
    if number is None or number == "":
        return SafeString("")
    return format_html(
        '<span class="count{}">{}{}</span>',
        tone_class(tone if number else ""),
        number,
        format_html('<span class="sr"> {}</span>', label) if label else "",
    )


@register.simple_tag
def avatar(name: str, size: str = "") -> SafeString:
    """The first character of a name in a disc; the name itself must stand beside it."""
    classes = f"av -{size}" if size else "av"
    return SafeString(f'<span class="{said(classes)}" aria-hidden="true">{said(str(name)[:1])}</span>')


@register.simple_tag
def person(name: str) -> SafeString:
    """Avatar and name."""
    return format_html('<span class="person">{}<span>{}</span></span>', avatar(name), name)


@register.simple_tag
def kbd(keys: str) -> SafeString:
    """A key hint, a single letter as it stands on the key. Hidden from readers: the control carries
    `aria-keyshortcuts`."""
    shown = keys.upper() if len(keys) == 1 else keys
    return SafeString(f'<kbd class="kbd" aria-hidden="true">{said(shown)}</kbd>')


@register.simple_tag
def btn(
    text: Any,
    tone: str = "",
    icon: str = "",
    href: str = "",
    small: bool = False,
    key: str = "",
    only: bool = False,
    **more: Any,
) -> SafeString:
    """A link (`href`) or a button that looks like one.

    `tone`: "" (plain), "primary", "quiet", "danger", "danger-fill". `key`: single key that presses it.
    `only`: show the icon alone; the text stays as its name. Other arguments become attributes
    (`hx_get=`, `name=`, `value=`, `type=`); a button is `type="submit"` unless said otherwise.
    """
    classes = "btn" + (f" -{tone}" if tone else "") + (" -s" if small else "") + (" -icon" if only else "")
    if key:
        more |= {"data_key": key.lower(), "aria_keyshortcuts": key.upper()}
    if only:
        more |= {"title": text}
    label = f'<span class="sr">{said(text)}</span>' if only else f"<span>{said(text)}</span>"
    inner = f"{optional_icon(icon)}{label}{kbd(key) if key else ''}"
    if href:
        return SafeString(f'<a class="{said(classes)}" href="{said(href)}"{attributes(more)}>{inner}</a>')
    return SafeString(f'<button class="{said(classes)}"{attributes({"type": "submit"} | more)}>{inner}</button>')


@dataclass(frozen=True)
class SlaFace:
    """How a clock looks now: state (ok, soon, over, paused, done), words, icon and filled share of its bar (%)."""

    state: str
    words: str
    icon: str
    share: int


ICONS = {"ok": "clock", "soon": "alarm-clock", "over": "circle-alert", "paused": "circle-pause", "done": "circle-check"}


def sla_face(due: float, target: float | None, state: str, now: float) -> SlaFace:
    """The face of a clock. `due`, `now`: epoch seconds; `target`: its whole length in seconds, if known;
    `state`: "" (running), "paused" or "done". Words come in the active language."""
    left = due - now
    share = max(0, min(100, round(100 * left / target))) if target else 0
    if state == "done":
        return SlaFace("done", _("Done"), ICONS["done"], 100)
    if state == "paused":
        return SlaFace("paused", _("Clock paused"), ICONS["paused"], share)
    if left <= 0:
        return SlaFace("over", _("Over %(span)s") % {"span": say_span(left)}, ICONS["over"], 100)
    calm = left > SOON_SECONDS and (not target or left > SOON_SHARE * target)
    face = "ok" if calm else "soon"
    return SlaFace(face, _("Left %(span)s") % {"span": say_span(left)}, ICONS[face], share)


def epoch(moment: datetime | float) -> float:
    """Epoch seconds of an aware datetime; numbers pass through."""
    return moment.timestamp() if isinstance(moment, datetime) else float(moment)


@register.simple_tag
def sla(
    due: datetime | float | None,
    target: float | None = None,
    state: str = "",
    reason: str = "",
    label: str = "",
    start: datetime | float | None = None,
) -> SafeString:
    """The badge of a clock: icon, words, bar; the browser goes on counting from the server's clock.

    `due`: moment or epoch seconds; nothing is shown for None. `target`: whole length in seconds, or `start`
    instead. `state`: "", "paused" (with `reason` as tip) or "done". `label`: a word above it.
    """
    if due is None:
        return SafeString("")
    due_at = epoch(due)
    if target is None and start is not None:
        target = due_at - epoch(start)
    face = sla_face(due_at, target, state, clock.now().timestamp())
    when = datetime.fromtimestamp(due_at, tz=clock.BUSINESS_ZONE)
    tip = reason or (_("Due %(moment)s") % {"moment": say_moment(when)})
    live = {"data_sla": int(due_at), "data_target": int(target or 0)} if not state else {}
    bar = (
        '<svg class="sla-bar" viewBox="0 0 100 3" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect width="{face.share}" height="3"/></svg>'
    )
    badge = SafeString(
        f'<span class="sla -{face.state}" title="{said(tip)}"{attributes(live)}><span class="sla-w">{icon(face.icon)}'
        f"<span data-w>{said(face.words)}</span></span>{bar if target or face.state == 'over' else ''}</span>"
    )
    return format_html('<span class="sla-l"><span>{}</span>{}</span>', label, badge) if label else badge
