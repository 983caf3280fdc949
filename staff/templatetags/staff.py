"""What only the pages of `staff` need."""

from __future__ import annotations

import json
from typing import Any

from django import template
from django.core.serializers.json import DjangoJSONEncoder

from foundation.policies.reading import policy

register = template.Library()


@register.filter
def as_json(value: Any) -> str:
    """A value as JSON text, for a `data-` attribute (escaped like any text)."""
    return json.dumps(value, cls=DjangoJSONEncoder)


@register.simple_tag
def sign_in_notice() -> str:
    """The operator's own words under the sign-in card (policy `signin.notice`); empty: none."""
    return str(policy("signin.notice"))
