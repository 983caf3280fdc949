"""The shape of a request to change data; the rules are in the services."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from customers.lines import masked_number
from customers.models import ChangeRequest, Customer, Subscription

_NONE: list[tuple[str, Any]] = [("", "–")]


class ChangeRequestForm(forms.Form):
    """Who asks on which channel, how that was verified, which field becomes what."""

    channel = forms.ChoiceField(label=_("Channel"), choices=ChangeRequest.Channel.choices)
    asked_by = forms.CharField(
        label=_("Asked by"), max_length=200, strip=False, help_text=_("The customer, or who acts for them.")
    )
    verified = forms.ChoiceField(label=_("Verified by"), choices=ChangeRequest.Verified.choices)
    field = forms.ChoiceField(label=_("What shall change"), choices=ChangeRequest.Field.choices)
    new = forms.CharField(
        label=_("New value"),
        max_length=254,
        required=False,
        strip=False,
        help_text=_("A date as 1990-03-07."),
        widget=forms.TextInput({"autocomplete": "off"}),
    )
    document = forms.ChoiceField(
        label=_("Document, when it changes"), choices=[*_NONE, *Customer.IdType.choices], required=False
    )
    line = forms.ChoiceField(label=_("Line, when its owner changes"), required=False)
    new_owner = forms.CharField(
        label=_("Customer or phone number of the new owner"),
        max_length=64,
        required=False,
        strip=False,
        widget=forms.TextInput({"autocomplete": "off"}),
    )

    def __init__(self, *args: Any, lines: list[Subscription], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["line"].choices = [*_NONE, *((row.ref, masked_number(row)) for row in lines)]  # type: ignore[attr-defined]
        self.lines = {row.ref: row.pk for row in lines}

    def answer(self) -> dict[str, Any]:
        """The cleaned values as the service takes them, without the new owner."""
        data = self.cleaned_data
        told = {name: data[name] for name in ("channel", "asked_by", "verified", "field", "new", "document")}
        return told | {"subscription_id": self.lines.get(data["line"])}
