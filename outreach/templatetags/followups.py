"""The rows of follow-ups, written by Python: a list shows fifty of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from foundation.ui.addresses import row_address
from foundation.ui.parts.formats import when
from foundation.ui.parts.marks import btn, icon, sla, tag
from foundation.ui.widgetry import said
from outreach.lifecycle import FollowUpKind, FollowUpState
from outreach.models import FollowUp
from staff.templatetags.masking import masked

register = template.Library()
ICONS = {
    FollowUpKind.CALLBACK: "phone-outgoing",
    FollowUpKind.CARE_CALL: "heart-handshake",
    FollowUpKind.VISIT: "map-pin",
    FollowUpKind.REMINDER: "alarm-clock",
}
HIGH = FollowUp.Priority.HIGH


@register.simple_tag
def followup_rows(rows: Iterable[FollowUp], now: datetime) -> SafeString:
    """The rows of a list, folded. Loaded with them: owner, customer, handed_to."""
    return SafeString("".join(_row(row, now) for row in rows))


@register.simple_block_tag
def followup_row(content: str, row: FollowUp, now: datetime) -> SafeString:
    """One row; `content` is what it is unfolded with, if anything."""
    return SafeString(_row(row, now, content.strip()))


@register.simple_tag
def followup_icon(kind: str) -> SafeString:
    """The icon of a kind."""
    return icon(ICONS.get(FollowUpKind(kind), "list-checks"))


def _row(row: FollowUp, now: datetime, unfolded: str = "") -> str:
    running = row.state == FollowUpState.OPEN
    ink = " -ok" if row.state == FollowUpState.DONE else " -danger" if running and row.due_at <= now else ""
    detail = row_address("outreach:followup-detail", row.pk)
    marks = tag(row.get_priority_display(), "warn") if running and row.priority <= HIGH else ""
    if not running:
        marks = tag(row.get_state_display(), "ok")
    return (
        f'<li id="followup-{row.ref}-row" data-row><span class="row-i{ink}">{followup_icon(row.kind)}</span>'
        f'<div class="row-b"><div class="row-t"><a href="{detail}" data-main>{said(row.subject)}</a>{marks}</div>'
        f'<div class="row-s">{_line(row)}</div>{unfolded}</div>'
        f"{_end(row, detail, folded=not unfolded) if running else when(row.closed_at)}</li>"
    )


def _end(row: FollowUp, detail: str, *, folded: bool) -> str:
    badge = sla(row.due_at, start=row.created_at)
    if not folded:
        return badge
    here = f"{row_address('outreach:followup-row', row.pk)}?open=1"
    return badge + btn(
        _("Log attempt"),
        icon="phone",
        href=detail,
        small=True,
        hx_get=here,
        hx_target="closest li",
        hx_swap="outerHTML",
    )


def _line(row: FollowUp) -> str:
    parts = [f"<span>{said(row.get_kind_display())}</span><span>{said(row.number)}</span>"]
    if row.customer is not None:
        page = row_address("customers:customer-detail", row.customer.pk)
        parts.append(f'<a href="{page}">{masked("name", row.customer.name)}</a>')
    parts.append(f"<span>{said(row.owner.name)}</span>")
    if row.handed_to is not None:
        parts.append(tag(_("with %(name)s") % {"name": row.handed_to.name}, "danger", "user-round"))
    if row.attempts:
        words = ngettext("%(counter)s attempt", "%(counter)s attempts", row.attempts) % {"counter": row.attempts}
        last = f"{_(': ')}{said(row.get_last_outcome_display())}" if row.last_outcome else ""
        parts.append(f"<span>{said(words)}{last}</span>")
    return "".join(parts)
