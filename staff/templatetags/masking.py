"""`{% masked kind value clear=… %}`: the only way personal data gets into a template."""

from __future__ import annotations

from django import template
from django.utils.html import conditional_escape
from django.utils.safestring import SafeString

from staff.masking import masked as mask

register = template.Library()


@register.simple_tag
def masked(kind: str, value: str | None, clear: bool = False) -> SafeString:
    """A name, company, phone, account, address, e-mail or id behind its mask; in clear only when the view says so."""
    return conditional_escape(mask(kind, value, clear=bool(clear)))
