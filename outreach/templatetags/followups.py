"""The rows of follow-ups, written by Python: a list shows fifty of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from foundation.common.ids import to_text
from foundation.ui.addresses import row_address
from foundation.ui.moulds import hole
from foundation.ui.parts.formats import when
from foundation.ui.parts.marks import btn, icon, sla, tag
from foundation.ui.widgetry import said
from foundation.ui.wording import say_choice
from outreach.lifecycle import AttemptOutcome, FollowUpKind, FollowUpState
from outreach.models import FollowUp
from outreach.queries import Line, line_of
from staff.masking import masked_name

register = template.Library()
ICONS = {
    FollowUpKind.CALLBACK: "phone-outgoing",
    FollowUpKind.CARE_CALL: "heart-handshake",
    FollowUpKind.VISIT: "map-pin",
    FollowUpKind.REMINDER: "alarm-clock",
}
HIGH = FollowUp.Priority.HIGH
DETAIL, UNFOLD = hole("detail"), hole("unfold")


@register.simple_tag
def followup_rows(rows: Iterable[Line], now: datetime) -> SafeString:
    """The rows of a list, folded."""
    return SafeString("".join(_row(row, now) for row in rows))


@register.simple_block_tag
def followup_row(content: str, row: FollowUp, now: datetime) -> SafeString:
    """One row; `content` is what it is unfolded with, if anything."""
    return SafeString(_row(line_of(row), now, content.strip()))


@register.simple_tag
def followup_icon(kind: str) -> SafeString:
    """The icon of a kind."""
    return icon(ICONS.get(FollowUpKind(kind), "list-checks"))


@register.simple_tag
def followup_kind(kind: str) -> str:
    """What a kind is called."""
    return say_choice(FollowUpKind, kind)


@dataclass(frozen=True)
class _Same:
    """What is the same in all rows of a language: the button, the icons, the mark of what is urgent."""

    button: str
    icons: dict[str, str]
    marks: dict[int, str]


@cache
def _same(_language: str | None) -> _Same:
    return _Same(
        button=btn(
            _("Log attempt"),
            icon="phone",
            href=DETAIL,
            small=True,
            hx_get=UNFOLD,
            hx_target="closest li",
            hx_swap="outerHTML",
        ),
        icons={kind: followup_icon(kind) for kind in FollowUpKind},
        marks={level: tag(level.label, "warn") if level <= HIGH else "" for level in FollowUp.Priority},
    )


def _row(row: Line, now: datetime, unfolded: str = "") -> str:
    same = _same(get_language())
    running = row.state == FollowUpState.OPEN
    ink = " -ok" if row.state == FollowUpState.DONE else " -danger" if running and row.due_at <= now else ""
    detail = row_address("outreach:followup-detail", row.pk)
    mark = same.marks[row.priority] if running else tag(say_choice(FollowUpState, row.state), "ok")
    if running:
        end: str = sla(row.due_at, start=row.created_at)
        if not unfolded:
            unfold = f"{row_address('outreach:followup-row', row.pk)}?open=1"
            end += same.button.replace(DETAIL, detail).replace(UNFOLD, unfold)
    else:
        end = when(row.closed_at)
    return (
        f'<li id="followup-{to_text(row.pk)}-row" data-row><span class="row-i{ink}">{same.icons[row.kind]}</span>'
        f'<div class="row-b"><div class="row-t"><a href="{detail}" data-main>{said(row.subject)}</a>{mark}</div>'
        f'<div class="row-s">{_line(row)}</div>{unfolded}</div>{end}</li>'
    )


def _line(row: Line) -> str:
    parts = [f"<span>{said(say_choice(FollowUpKind, row.kind))}</span><span>{said(row.number)}</span>"]
    if row.customer_id is not None:
        page = row_address("customers:customer-detail", row.customer_id)
        parts.append(f'<a href="{page}">{masked_name(row.customer__name, row.customer__customer_type)}</a>')
    parts.append(f"<span>{said(row.owner__name)}</span>")
    if row.handed_to__name is not None:
        parts.append(tag(_("with %(name)s") % {"name": row.handed_to__name}, "danger", "user-round"))
    if row.attempts:
        words = ngettext("%(counter)s attempt", "%(counter)s attempts", row.attempts) % {"counter": row.attempts}
        last = f"{_(': ')}{said(say_choice(AttemptOutcome, row.last_outcome))}" if row.last_outcome else ""
        parts.append(f"<span>{said(words)}{last}</span>")
    return "".join(parts)
