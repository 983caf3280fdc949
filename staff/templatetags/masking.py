"""`{% customer_name customer %}` and `{% masked kind value clear=… %}`: how personal data gets into a template."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

from staff.masking import masked as mask
from staff.masking import masked_name

register = template.Library()


@register.simple_tag
def masked(kind: str, value: str | None, clear: bool = False) -> SafeString:
    """A name, company, phone, account, address, e-mail or id behind its mask; in clear only when the view says so."""
    return conditional_escape(mask(kind, value, clear=bool(clear)))


@register.simple_tag
def customer_name(customer: Any, clear: bool = False) -> SafeString:
    """The name of a customer, person or company, behind its mask; in clear only when the view says so."""
    return conditional_escape(masked_name(customer.name, customer.customer_type, clear=bool(clear)))
