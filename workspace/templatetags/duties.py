"""Duties of all kinds as rows of one list."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import cast

from django import template
from django.utils.safestring import SafeString

from complaints import faces
from complaints.lifecycle import State
from complaints.queries import Line as CaseLine
from foundation.common import clock
from foundation.ui.addresses import row_address
from foundation.ui.parts.marks import icon
from foundation.ui.widgetry import said
from foundation.ui.wording import say_choice
from outreach.queries import Line as FollowUpLine
from outreach.templatetags.followups import followup_rows
from staff.masking import masked_name
from workspace.duties import Duty, is_case

register = template.Library()


@register.simple_tag
def duty_rows(duties: Iterable[Duty], now: datetime) -> SafeString:
    """The rows of the list, in its order."""
    return SafeString(
        "".join(_case(one) if is_case(one) else followup_rows([cast(FollowUpLine, one)], now) for one in duties)
    )


def _case(row: CaseLine) -> str:
    late = row.next_due_at is not None and row.next_due_at <= clock.now()
    name = masked_name(row.customer__name or row.contact_name, row.customer__customer_type)
    parts = [f"<span>{row.number}</span>", f"<span>{said(say_choice(State, row.state))}</span>"]
    if name:
        parts.append(f"<span>{said(name)}</span>")
    return (
        f'<li data-row><span class="row-i{" -danger" if late else ""}">{icon("inbox")}</span><div class="row-b">'
        f'<div class="row-t"><a href="{row_address("complaints:case", row.pk)}" data-main>{said(row.subject)}</a>'
        f'{faces.grade_tag(row.grade)}</div><div class="row-s">{"".join(parts)}</div></div>'
        f"{faces.case_clock(row, row.next_due_at)}</li>"
    )
