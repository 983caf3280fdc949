"""What only the pages of `staff` need."""

from __future__ import annotations

import json
from typing import Any

from django import forms, template
from django.core.serializers.json import DjangoJSONEncoder
from django.template.context import Context
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from foundation.policies.reading import policy
from staff.models import User
from staff.picking import PersonField, UnitField

register = template.Library()


@register.simple_tag
def picker_url(bound: forms.BoundField) -> str:
    """Where a field for a person or a unit gets its proposals; empty for other fields."""
    return reverse(bound.field.url_name) if isinstance(bound.field, PersonField | UnitField) else ""


@register.simple_tag(takes_context=True)
def user_act_button(context: Context, person: User, what: str) -> str:
    """The button of one act on an account, which asks first where it hurts."""
    name = {"name": person.name}
    label, icon, tone, sure = {
        "password": (
            _("New password"),
            "key-round",
            "",
            _("%(name)s is signed out everywhere and gets a new password.") % name,
        ),
        "unlock": (_("Open the lock"), "lock-open", "", ""),
        "sessions": (_("End all sessions"), "log-out", "", _("%(name)s is signed out everywhere.") % name),
        "second-factor": (
            _("Remove second factors"),
            "shield-off",
            "danger",
            _("%(name)s signs in with the password alone until a new one is set up.") % name,
        ),
        "close": (
            _("Close the account"),
            "user-x",
            "danger",
            _("%(name)s cannot sign in any more. Open work stays until it is handed over.") % name,
        ),
        "open": (_("Open the account again"), "user-check", "", ""),
    }[what]
    shown = {"person": person, "what": what, "label": label, "icon": icon, "tone": tone, "sure": sure}
    return render_to_string("staff/_user_act.html", shown, request=context["request"])


@register.filter
def as_json(value: Any) -> str:
    """A value as JSON text, for a `data-` attribute (escaped like any text)."""
    return json.dumps(value, cls=DjangoJSONEncoder)


@register.simple_tag
def sign_in_notice() -> str:
    """The operator's own words under the sign-in card (policy `staff.signin_notice`); empty: none."""
    return str(policy("staff.signin_notice"))
