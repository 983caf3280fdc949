"""The rows of the customer list, written by Python: a page shows fifty of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from customers.birthday_words import say_coming
from customers.birthdays import birthday_of, next_birthday
from customers.labels import QUALITY_MARKS, TIERS
from customers.models import Customer
from customers.views.showing import STATUS_TONES
from foundation.ui.addresses import row_address
from foundation.ui.parts.formats import or_dash
from foundation.ui.parts.marks import icon, tag
from foundation.ui.widgetry import said
from foundation.ui.wording import say_choice
from staff.masking import masked_name

register = template.Library()


@register.simple_tag
def customer_rows(rows: Sequence[Customer], birthdays: Any = "", opened: Collection[int] = ()) -> SafeString:
    """The rows of the table, names masked; with `birthdays` the next one of each. Loaded with them: manager, facts.
    `opened`: ids of those a colleague has open now."""
    heads = tuple(said(_(word)) for word in ("Number", "Segment", "City", "Manager"))
    eye = f" {icon('eye', 's', _('Somebody has this open'))}"
    return SafeString(
        "".join(
            _row(row, *heads, more=(_coming(row) if birthdays else "") + (eye if row.pk in opened else ""))
            for row in rows
        )
    )


def _coming(row: Customer) -> str:
    """When the customer has a birthday next, as a tag."""
    birthday = birthday_of(row)
    day = next_birthday(birthday) if birthday else None
    return f" {tag(say_coming(day), 'info', 'cake')}" if day else ""


def _row(row: Customer, number: str, segment: str, city: str, manager: str, *, more: str) -> str:
    tier = row.facts.tier if hasattr(row, "facts") else ""
    marks = "".join(f"{tag(QUALITY_MARKS.get(mark, mark), 'warn')} " for mark in row.quality_marks)
    owner = row.manager.name if row.manager is not None else ""
    shown_tier = f" {tag(TIERS.get(tier, tier), 'violet')}" if tier else ""
    status = tag(say_choice(Customer.Status, row.status), STATUS_TONES[Customer.Status(row.status)])
    return (
        '<tr role="row" data-row><td role="cell" class="main-c">'
        f'<a class="main-a" data-main href="{row_address("customers:customer-detail", row.pk)}">'
        f"{masked_name(row.name, row.customer_type)}</a>{shown_tier}{more}</td>"
        f'<td role="cell" class="nowrap" data-label="{number}">{said(row.number)}</td>'
        f'<td role="cell" data-label="{segment}">{said(say_choice(Customer.Segment, row.segment))}</td>'
        f'<td role="cell" data-label="{city}">{said(or_dash(row.home_city))}</td>'
        f'<td role="cell">{status}</td>'
        f'<td role="cell" data-label="{manager}">{said(or_dash(owner))}</td><td role="cell">{marks}</td></tr>'
    )
