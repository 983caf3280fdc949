"""`{% draft_field %}`: a text area whose text survives sign-out, another PC and a crashed browser."""

from __future__ import annotations

from typing import Any

from django import forms, template
from django.template.context import Context
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from foundation.common import ids
from foundation.ui.parts.forms import DraftState
from foundation.ui.parts.forms import field as plain_field
from foundation.ui.wording import say_moment
from staff.drafts import Place, held, token_of

register = template.Library()


@register.simple_tag(takes_context=True)
def draft_field(
    context: Context, bound: forms.BoundField, code: str, customer: int | None = None, of: Any = "", **more: Any
) -> SafeString:
    """`{% field %}` for a text area with a draft. `code`: the app's word for the place; `customer`: whom it is about;
    `of`: which one, where there are several. A draft that is there fills an empty form; the view that saves the text
    calls `staff.drafts.forget_draft` for the same place. Other arguments as for `{% field %}`. Where no request is at
    hand, the field has no draft."""
    request = context.get("request")
    if request is None:
        return plain_field(bound, **more)
    place = Place(code, customer, str(of))
    there = held(request, place)
    note, unsaved = "", False
    if there is not None and bound.form.is_bound:
        unsaved = bound.value() != there.text
    elif there is not None and there.text:
        bound.form.initial[bound.name] = there.text
        note = _("Draft of %(moment)s brought back") % {"moment": say_moment(there.saved_at)}
    state = DraftState(
        url=reverse("staff:draft-save"),
        token=token_of(request.user, place),
        stamp=ids.to_text(there.stamp) if there else "",
        note=note,
        other=there.replaced if there else "",
        unsaved=unsaved or (there is None and bound.form.is_bound and bool(bound.value())),
    )
    return plain_field(bound, draft=state, **more)
