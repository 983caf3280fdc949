"""The stream of a case and the values that open where they stand, written by Python."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import groupby
from typing import Any

from django import template
from django.template.context import Context
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from complaints.case_queries import Told
from complaints.lifecycle import (
    DONE,
    Act,
    ClockKind,
    Deed,
    EntryKind,
    GradeReason,
    MediationState,
    State,
    label_of,
)
from complaints.models import CaseChange, Complaint, ComplaintMove, Entry
from complaints.services.changing import FIELDS, in_words
from foundation.ui.addresses import row_address
from foundation.ui.parts.formats import or_dash, when
from foundation.ui.parts.marks import btn, icon, tag, tone_class
from foundation.ui.widgetry import said
from foundation.ui.wording import local, say_choice, say_day
from interactions.lifecycle import Channel

register = template.Library()
# Of each kind of entry: icon, tone of the icon, tag (words are made below), tone and icon of the tag, box.
_FACES: dict[str, tuple[str, str, str, str, str]] = {
    EntryKind.INBOUND: ("phone-incoming", "info", "", "", ' class="tl-box"'),
    EntryKind.REPLY: ("send", "ok", "info", "send", ' class="tl-box -reply"'),
    EntryKind.NOTE: ("lock", "warn", "warn", "lock", ' class="tl-box -note"'),
    EntryKind.URGE: ("megaphone", "warn", "warn", "megaphone", ' class="tl-box"'),
    EntryKind.CONTACT: ("phone-outgoing", "ok", "info", "phone-outgoing", ' class="tl-box"'),
}
_MOVE_FACES: dict[str, tuple[str, str]] = {
    Act.REGISTER: ("file-plus", "info"),
    Act.ASSIGN: ("user-check", "info"),
    Act.PAUSE: ("circle-pause", ""),
    Act.RESUME: ("circle-play", "info"),
    Act.DECIDE: ("message-square-text", "ok"),
    Act.DISPUTE: ("message-square-warning", "danger"),
    Act.CLOSE: ("circle-check", "ok"),
    Act.REOPEN: ("rotate-ccw", "warn"),
    Deed.GRADED: ("flag", "warn"),
    Deed.ESCALATED: ("trending-up", "danger"),
}


@register.simple_tag(takes_context=True)
def case_stream(context: Context, case: Complaint, told: list[Told], name: str, texts: bool = True) -> SafeString:
    """The stream, oldest first, by days. `name`: how the complainant is called here; `texts`: with the words the case
    began with, where the stream reaches back to its beginning."""
    lines: list[tuple[datetime, str]] = [(_at(one), _line(context, case, one, name)) for one in told]
    if texts:
        lines.insert(0, (case.received_at, _beginning(case, name)))
    days = "".join(
        f'<h3 class="tl-d">{said(say_day(day))}</h3><ol class="tl">{"".join(line for _at_, line in group)}</ol>'
        for day, group in groupby(lines, key=lambda line: local(line[0]).date())
    )
    return SafeString(days)


def _at(one: Told) -> datetime:
    return one.at


def _li(
    at: datetime, title: Any, drawn: str, tone: str, text: str, tags: str = "", box: str = "", foot: str = ""
) -> str:
    head = f'<div class="tl-h"><b>{said(title)}</b>{tags}{when(at, "time")}</div>'
    body = f'<p class="tl-x fold -pre" data-fold>{said(text)}</p>' if text else ""
    return f'<li><span class="tl-i{tone_class(tone)}">{icon(drawn)}</span><div{box}>{head}{body}{foot}</div></li>'


def _beginning(case: Complaint, name: str) -> str:
    tags = tag(say_choice(Channel, case.channel), "", "")
    return _li(case.received_at, name, "phone-incoming", "info", case.text, tags, ' class="tl-box"')


def _line(context: Context, case: Complaint, one: Told, name: str) -> str:
    if isinstance(one, Entry):
        return _entry(context, case, one, name)
    if isinstance(one, ComplaintMove):
        return _move(one)
    return _change(one)


def _entry(context: Context, case: Complaint, one: Entry, name: str) -> str:
    drawn, tone, tag_tone, tag_icon, box = _FACES[one.kind]
    words = {
        EntryKind.INBOUND: _("From the customer"),
        EntryKind.REPLY: _("To the customer"),
        EntryKind.NOTE: _("Internal note, not seen by the customer"),
        EntryKind.URGE: _("Customer urges"),
        EntryKind.CONTACT: _("Spoke with the customer"),
    }[EntryKind(one.kind)]
    if one.channel:
        words = f"{words} · {say_choice(Channel, one.channel)}"
    from_outside = one.kind in (EntryKind.INBOUND, EntryKind.URGE)
    who = name if from_outside else one.by.name if one.by is not None else _("The system")
    foot = ""
    if from_outside and one.by is not None:
        foot = f'<p class="tl-w">{said(_("Written down by %(name)s") % {"name": one.by.name})}</p>'
    if one.kind == EntryKind.REPLY:
        foot = _fate(context, one)
    return _li(one.at, who, drawn, tone, one.text, tag(words, tag_tone, tag_icon, "line"), box, foot)


def _fate(context: Context, one: Entry) -> str:
    """How far a reply has come; while it waits, its writer may take it back."""
    if one.taken_back_at is not None:
        return f'<p class="tl-w with-i">{icon("undo-2", "s")} {said(_("Taken back before it left"))}</p>'
    if one.left_at is not None:
        return f'<p class="tl-w with-i">{icon("check", "s")} {said(_("Left"))} {when(one.left_at, "time")}</p>'
    if one.by_id != context["request"].user.pk:
        return f'<p class="tl-w">{said(_("Leaves in a moment"))}</p>'
    address = row_address("complaints:reply-undo", one.pk)
    token = said(context.get("csrf_token", ""))
    back = btn(_("Undo"), icon="undo-2", small=True)
    return (
        f'<form class="tl-w line" method="post" action="{address}"><input type="hidden" name="csrfmiddlewaretoken" '
        f'value="{token}"><span>{said(_("Leaves in a moment"))}</span>{back}</form>'
    )


def _move(one: ComplaintMove) -> str:
    drawn, tone = _MOVE_FACES.get(one.act, ("circle-dot", ""))
    label = DONE.get(one.act) or label_of(Deed, one.act)
    who = one.actor.name if one.actor is not None else _("The clock")
    parts = []
    if one.old and one.new and one.old != one.new:
        parts.append(f"{say_choice(State, one.old)} → {say_choice(State, one.new)}")
    if one.act in (Act.ASSIGN, Deed.CLAIMED, Deed.ORDERED, Deed.OFFER_TAKEN):
        parts.append(one.handler.name if one.handler is not None else one.unit.name if one.unit is not None else "")
    if one.on_behalf_of is not None:
        parts.append(_("for %(name)s") % {"name": one.on_behalf_of.name})
    if one.act == Deed.MEDIATION:
        parts.append(say_choice(MediationState, one.reason))
    elif one.reason:
        parts.append(one.reason if one.actor is not None else _clocks_reason(one.reason))
    return _li(one.at, f"{who} · {label}", drawn, tone, " · ".join(part for part in parts if part))


def _clocks_reason(reason: str) -> str:
    """What the clock wrote, in words: a kind of clock with its mark, or the reason of a grade."""
    first, _space, mark = reason.partition(" ")
    if first in ClockKind.values:
        return f"{say_choice(ClockKind, first)} {mark}".strip()
    return say_choice(GradeReason, reason)


def _change(one: CaseChange) -> str:
    label = _("Taken back: %(field)s") if one.undone_of_id else _("Changed: %(field)s")
    words = f"{or_dash(in_words(one.field, one.old))} → {or_dash(in_words(one.field, one.new))}"
    return _li(one.at, f"{one.actor.name} · {label % {'field': FIELDS.get(one.field, one.field)}}", "pencil", "", words)


@register.simple_tag
def case_property(
    case: Complaint, field: str, may_change: bool, shown: Mapping[str, Any], saved: bool = False, focus: bool = False
) -> SafeString:
    """One value as it stands: a link that opens it, for those who may change it."""
    return SafeString(property_row(case, field, str(shown.get(field, "")), may_change, saved=saved, focus=focus))


def property_row(
    case: Complaint, field: str, words: str, may_change: bool, *, saved: bool = False, focus: bool = False
) -> str:
    """The same as text; `saved`: it was changed just now."""
    label, text = said(FIELDS[field]), said(or_dash(words))
    name = field.removesuffix("_id")
    if may_change:
        mark = (
            f'<span class="t-ok">{icon("check", "s")}<span class="sr">{said(_("Saved"))}</span></span>' if saved else ""
        )
        edit = f"{row_address('complaints:edit', case.pk)}#id_{name}"
        text = (
            f'{mark}<a class="inl" href="{edit}" hx-get="{row_address("complaints:case", case.pk)}inline/{field}/"'
            f' hx-target="#inline-{field}" hx-swap="outerHTML"{" data-focus" if focus else ""}>{icon("pencil", "s")}'
            f'<span>{text}<span class="sr"> · {said(_("Change"))}: {label}</span></span></a>'
        )
    return f'<div class="kv" id="inline-{field}"><dt>{label}</dt><dd>{text}</dd></div>'
