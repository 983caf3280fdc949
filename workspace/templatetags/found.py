"""The lines of the search results, written by Python: a page shows twenty-five, with a customer waiting."""

from __future__ import annotations

from collections.abc import Iterable

from django import template
from django.template.context import Context
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from customers.models import Customer
from customers.views.showing import STATUS_TONES
from foundation.ui.addresses import row_address
from foundation.ui.parts.formats import or_dash
from foundation.ui.parts.marks import tag
from foundation.ui.widgetry import said
from foundation.ui.wording import say_choice
from interactions.lifecycle import Caller, Channel
from staff.masking import masked
from staff.models import OrgUnit
from workspace.marking import marked_line
from workspace.search import Found

register = template.Library()


@register.simple_tag(takes_context=True)
def found_rows(context: Context, found: Iterable[Found]) -> SafeString:
    """The rows of the table: customers of the user's own sight as links, others as one masked line."""
    number, city = said(_("Number")), said(_("City"))
    text = context["text"]
    return SafeString(
        "".join(_outside(line, context) if line.outside else _row(line, text, number, city) for line in found)
    )


def _row(line: Found, text: str, number: str, city: str) -> str:
    customer = line.customer
    cells = marked_line(customer, line.name, text, line.hit)
    status = tag(say_choice(Customer.Status, customer.status), STATUS_TONES[Customer.Status(customer.status)])
    page = row_address("customers:customer-detail", customer.pk)
    value = f' <span class="small tx2 nowrap">{cells.value}</span>' if cells.value else ""
    return (
        '<tr role="row" data-row><td role="cell" class="main-c">'
        f'<a class="main-a" data-main href="{page}">{cells.name}</a></td>'
        f'<td role="cell" class="nowrap" data-label="{number}">{cells.number}</td>'
        f'<td role="cell" data-label="{city}">{cells.city or said(or_dash(""))}</td>'
        f'<td role="cell">{status}</td>'
        f'<td role="cell">{tag(line.how, "info")}{value}</td><td role="cell"></td></tr>'
    )


def _outside(line: Found, context: Context) -> str:
    # The words go back to their owner in a hidden field: "Start contact" needs the full identifier (D§3.1).
    at_the_hall = context["request"].user.unit.function == OrgUnit.Function.HALL
    given = {
        "line": line,
        "number": masked("account", line.customer.number),
        "text": context["text"],
        "may_start": context["may_start"],
        "csrf_token": context["csrf_token"],
        "channel": Channel.HALL_OWN if at_the_hall else Channel.HOTLINE,
        "caller": Caller.CUSTOMER,
    }
    return render_to_string("workspace/_found_outside.html", given)
