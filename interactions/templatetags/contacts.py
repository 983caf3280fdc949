"""What the customer's page needs of interactions."""

from __future__ import annotations

from django import template

from customers.models import Customer
from interactions.forms import QuickLogForm, note_form
from staff.models import User

register = template.Library()


@register.simple_tag
def contact_note_form(customer: Customer, user: User) -> QuickLogForm:
    """A fresh form for the quick note: two queries, topics and colleagues."""
    return note_form(user, customer.pk)
