"""The rows of the queue, written by Python: a page shows fifty of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from complaints import faces
from complaints.lifecycle import State
from complaints.queries import Line
from customers.labels import TIERS
from foundation.common.ids import to_text
from foundation.ui.addresses import row_address
from foundation.ui.parts.formats import or_dash, when
from foundation.ui.parts.marks import avatar, btn, icon, tag
from foundation.ui.widgetry import said
from foundation.ui.wording import say_choice
from staff.masking import masked_name

register = template.Library()
register.simple_tag(faces.grade_tag, name="grade_tag")
register.simple_tag(faces.state_tag, name="case_state")
register.simple_tag(faces.channel_line, name="channel_line")
register.simple_tag(faces.case_clock, name="case_clock")
register.simple_tag(to_text, name="ref")


@register.simple_tag
def tier_tag(tier: str) -> SafeString:
    """The tier of a customer as a tag."""
    return tag(TIERS.get(tier, tier), "violet", "crown")


@register.simple_tag
def case_rows(
    rows: Iterable[Line], opened: Collection[int] = (), may_claim: bool = False, query: str = "", picks: bool = False
) -> SafeString:
    """The rows of a page. `opened`: cases somebody else has open; `query`: the view they are opened from; `picks`: with
    boxes for acts on many."""
    return SafeString("".join(case_row(row, opened, may_claim, query, picks=picks) for row in rows))


def case_row(row: Line, opened: Collection[int] = (), may_claim: bool = False, query: str = "", *, picks: bool) -> str:
    """One case."""
    ref = to_text(row.pk)
    address = row_address("complaints:case", row.pk)
    page = f"{address}?{said(query)}" if query else address
    box = ""
    if picks:
        words = said(_("Select %(number)s") % {"number": row.number})
        box = (
            '<td role="cell" class="pick"><label class="check">'
            f'<input type="checkbox" name="pick" value="{ref}" data-pick><span class="sr">{words}</span></label></td>'
        )
    topic = row.topic__name_en if (get_language() or "").startswith("en") else row.topic__name_zh
    return (
        f'<tr role="row" data-row id="case-{ref}-row">{box}'
        f'<td role="cell">{faces.case_clock(row, row.next_due_at)}</td>'
        f'<td role="cell" class="main-c"><a class="main-a" data-main href="{page}">{said(row.subject)}</a>'
        f'<div class="sub"><span class="nowrap">{row.number}</span>{_about(row, row.pk in opened)}</div></td>'
        f'<td role="cell">{faces.grade_tag(row.grade)}</td>'
        f'<td role="cell" data-label="{said(_("Topic"))}">{said(or_dash(topic))}</td>'
        f'<td role="cell" class="wide-only">{said(or_dash(row.area))}</td>'
        f'<td role="cell" class="wide-only">{faces.channel_line(row.channel)}</td>'
        f'<td role="cell" class="nowrap">{said(say_choice(State, row.state))}</td>'
        f'<td role="cell">{_handler(row, may_claim)}</td>'
        f'<td role="cell" class="end-c nowrap mut">{when(row.closed_at or row.received_at)}</td></tr>'
    )


def _about(row: Line, is_open: bool) -> str:
    name = row.customer__name
    masked = masked_name(name or row.contact_name, row.customer__customer_type)
    parts = [f"<span>{said(masked or _('Unknown caller'))}</span>"]
    if row.customer__facts__tier:
        parts.append(tier_tag(row.customer__facts__tier))
    if row.source:
        parts.append(tag(_("record of the past"), "mute", "history"))
    if row.urges:
        words = ngettext("urged once", "urged %(n)s times", row.urges)
        parts.append(tag(words % {"n": row.urges}, "warn", "megaphone"))
    if row.reopened:
        words = ngettext("reopened once", "reopened %(n)s times", row.reopened)
        parts.append(tag(words % {"n": row.reopened}, "warn", "rotate-ccw"))
    if row.closed_at is not None and (row.service_late or row.statutory_late):
        parts.append(tag(_("late"), "danger"))
    if is_open:
        words = said(_("Somebody has this case open"))
        parts.append(f'<span class="t-violet" title="{words}">{icon("eye", "s", words)}</span>')
    return "".join(parts)


def _handler(row: Line, may_claim: bool) -> str:
    if row.handler__name is not None:
        return f'<span class="person">{avatar(row.handler__name)}<span>{said(row.handler__name)}</span></span>'
    unit = f'<span class="small mut">{said(row.work_unit__name)}</span>'
    if not may_claim or row.closed_at is not None or row.state not in (State.ASSIGNED, State.ASSESSED, State.REOPENED):
        return unit
    claim = row_address("complaints:act-claim", row.pk)
    return btn(
        _("Claim"),
        small=True,
        formaction=claim,
        formmethod="post",
        hx_post=claim,
        hx_target="closest tr",
        hx_swap="outerHTML",
        hx_params="none",
        title=_("Waits in %(unit)s") % {"unit": row.work_unit__name},
    )
