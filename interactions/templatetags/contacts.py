"""What the customer's page needs of interactions."""

from __future__ import annotations

from django import template

from customers.models import Customer
from interactions.forms import SummaryForm, folded_note_form

register = template.Library()


@register.simple_tag
def contact_note_form(customer: Customer) -> SummaryForm:
    """A fresh form for the quick note, folded: no query."""
    return folded_note_form(customer.pk)
