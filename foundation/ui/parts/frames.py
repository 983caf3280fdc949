"""Boxes: card, notice, empty state, dialog, pairs of label and value, and the capture of the page title."""

from __future__ import annotations

from functools import cache
from typing import Any

from django import template
from django.template.context import Context
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from foundation.ui.context import NavLink, Shell, html_language
from foundation.ui.parts.formats import DASH
from foundation.ui.parts.marks import attributes, btn, icon, optional_icon, tone_class
from foundation.ui.widgetry import said
from foundation.ui.wording import month_word, weekday_word

register = template.Library()
NOTICE_ICONS = {
    "": "info",
    "info": "info",
    "ok": "circle-check",
    "warn": "triangle-alert",
    "danger": "circle-alert",
    "violet": "info",
}


@register.simple_tag
def html_lang() -> str:
    """The value of `<html lang>`."""
    return html_language()


@register.simple_tag(takes_context=True)
def frame(context: Context, part: str) -> SafeString:
    """A part of what stands around every page of the shell: head, side, top, tabbar or dialogs."""
    shell: Shell = context["shell"]
    return shell.frame(part, context.get("csrf_token", ""))


@register.simple_tag
def nav_link(link: NavLink, look: str) -> SafeString:
    """A place of the menu. `look`: its class; only the side menu's carry the letter of their `g` sequence."""
    here = ' aria-current="page"' if link.current else ""
    go = f' data-go="{said(link.item.key_hint)}"' if look == "nav-a" and link.item.key_hint else ""
    return SafeString(
        f'<a class="{look}" href="{said(link.href)}"{here}{go}>{icon(link.item.icon)}'
        f"<span>{said(link.item.label)}</span>{link.badge}</a>"
    )


@register.simple_tag
def script_words() -> SafeString:
    """The words scripts say, as `data-t-*` attributes of one hidden element."""
    return _script_words(get_language())


@cache
def _script_words(_language: str | None) -> SafeString:
    months = "|".join(month_word(number) for number in range(1, 13))
    # Scripts count weekdays from Sunday.
    weekdays = "|".join(weekday_word(number) for number in (6, 0, 1, 2, 3, 4, 5))
    words = {
        "data_t_left": _("Left %(span)s"),
        "data_t_over": _("Over %(span)s"),
        "data_t_span": _("%(days)s d %(hours)s h"),
        "data_t_copied": _("Copied"),
        "data_t_failed": _("That did not work. What you typed is still here. Reference: %(ref)s"),
        "data_t_slow": _("No answer after 8 seconds. What you typed is still here; please try again."),
        "data_t_offline": _("No connection. What you typed is still here; please try again."),
        "data_t_forbidden": _("You may not do this."),
        "data_t_drafting": _("Saving draft…"),
        "data_t_drafted": _("Draft saved %(time)s"),
        "data_t_draft_other": _("Draft saved %(time)s, over another text of yours from another window"),
        "data_t_undrafted": _("Draft not saved"),
        "data_t_picked": _("%(n)s selected"),
        "data_t_every": _("All %(n)s selected"),
        "data_t_breached": _("A clock on this page has run out: %(what)s"),
        "data_t_date": pgettext("date", "%(weekday)s, %(month)s %(day)s, %(year)s"),
        "data_t_months": months,
        "data_t_weekdays": weekdays,
    }
    return format_html('<div id="words" hidden{}></div>', attributes(words))


@register.simple_block_tag(takes_context=True)
def titled(context: Context, content: str) -> SafeString:
    """The `<title>`; remembers the text as `page_title`, so that the heading needs no second block."""
    context["page_title"] = SafeString(" ".join(content.split()))
    return format_html("<title>{} · {}</title>", context["page_title"], _("Service desk"))


@register.simple_block_tag(takes_context=True)
def beside(context: Context, content: str) -> SafeString:
    """The side column of a page; nothing at all when the page has none."""
    inner = content.strip()
    if not inner:
        return SafeString("")
    return format_html('<aside class="aside" aria-label="{}">{}</aside>', _("Related"), SafeString(inner))


@register.simple_block_tag
def card(
    content: str,
    title: Any = "",
    icon: str = "",
    end: Any = "",
    link: str = "",
    link_text: Any = "",
    flush: bool = False,
    level: int = 2,
    **more: Any,
) -> SafeString:
    """A titled box.

    `end`: text or safe HTML at the right of the title; `link`, `link_text`: a link there. `flush`: no padding
    (tables and `.rows` bring their own). `level`: of the heading. Other arguments become attributes.
    """
    right = [end] if end not in ("", None) else []
    if link:
        right.append(format_html('<a href="{}">{}</a>', link, link_text or _("All")))
    head = SafeString("")
    if title:
        side = format_html('<span class="card-e">{}</span>', _joined(right)) if right else ""
        head = format_html(
            '<div class="card-h">{}<h{}>{}</h{}>{}</div>', optional_icon(icon), level, title, level, side
        )
    body = SafeString(content) if flush else format_html('<div class="card-b">{}</div>', SafeString(content))
    return format_html('<section class="card"{}>{}{}</section>', attributes(more), head, body)


def _joined(parts: list[Any]) -> SafeString:
    return SafeString("".join(format_html("{}", part) for part in parts))


@register.simple_block_tag
def kvs(content: str, shape: str = "") -> SafeString:
    """A list of label and value around `{% kv %}`. `shape`: "", "cols" or "stack"."""
    return format_html('<dl class="kvs{}">{}</dl>', f" -{shape}" if shape else "", SafeString(content))


@register.simple_tag
def kv(label: Any, value: Any, tone: str = "") -> SafeString:
    """One label and its value; a dash where there is none. `tone` colours the value; a word must say the same."""
    shown = DASH if value in (None, "") else value
    ink = format_html(' class="t-{}"', tone) if tone_class(tone) else ""
    return format_html('<div class="kv"><dt>{}</dt><dd{}>{}</dd></div>', label, ink, shown)


@register.simple_block_tag
def notice(content: str, tone: str = "", icon: str = "", **more: Any) -> SafeString:
    """A message that stays on the page: text, then buttons if any. `tone`: info, ok, warn, danger, violet.

    Wrap the words in nothing, or put `<div class="notice-b">` yourself when buttons follow.
    """
    inner = content.strip()
    if 'class="notice-b' not in inner:
        inner = f'<div class="notice-b">{inner}</div>'
    role = "alert" if tone == "danger" else None
    return format_html(
        '<div class="notice{}"{}>{}{}</div>',
        tone_class(tone),
        attributes({"role": role} | more),
        optional_icon(icon or NOTICE_ICONS[tone]),
        SafeString(inner),
    )


@register.simple_tag
def empty_state(title: Any, text: Any = "", icon: str = "inbox", href: str = "", action: Any = "") -> SafeString:
    """Why there is nothing here, and one thing to do about it."""
    return format_html(
        '<div class="empty">{}<b>{}</b>{}{}</div>',
        optional_icon(icon),
        title,
        format_html("<p>{}</p>", text) if text else "",
        btn(action, href=href, small=True) if href else "",
    )


@register.simple_block_tag
def dialog(content: str, id: str, title: Any, wide: bool = False) -> SafeString:
    """A modal dialog, opened by any control with `data-open="id"`; `data-close` inside closes it.

    Write `.dialog-b` and `.dialog-f` (or a form around both) as content; mark Cancel with `autofocus`.
    """
    return format_html(
        '<dialog class="dialog{}" id="{}" aria-labelledby="{}-h"><div class="dialog-h"><h2 id="{}-h">{}</h2>{}</div>'
        "{}</dialog>",
        " -wide" if wide else "",
        id,
        id,
        id,
        title,
        btn(_("Close"), tone="quiet", icon="x", only=True, small=True, type="button", data_close=True),
        SafeString(content),
    )


@register.simple_block_tag
def menu(content: str, label: Any, icon: str = "ellipsis", text: Any = "", small: bool = False) -> SafeString:
    """A button that unfolds `.menu-a` links and buttons. Without `text` it is an icon named by `label`."""
    face = format_html("<span>{}</span>", text) if text else format_html('<span class="sr">{}</span>', label)
    return format_html(
        '<details class="menu"><summary class="btn{}{}"{}>{}{}</summary><div class="menu-list">{}</div></details>',
        "" if text else " -quiet -icon",
        " -s" if small else "",
        attributes({"title": None if text else label}),
        optional_icon(icon),
        face,
        SafeString(content),
    )


@register.simple_tag
def copy(value: str, text: Any = "") -> SafeString:
    """A value that a click copies. The name says what happens and contains the visible text."""
    return format_html(
        '<button class="copy" type="button" data-copy="{}" title="{}">{}{}</button>',
        value,
        _("Copy"),
        text or value,
        icon("copy"),
    )
