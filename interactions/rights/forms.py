"""Shapes of input of the pages of rights requests."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from interactions.lifecycle import Channel, Verified
from interactions.rights.lifecycle import RefusalCode, Requester, RightsKind
from interactions.rights.services import LONGEST

HOW = [choice for choice in Verified.choices if choice[0] != Verified.NONE]


class RaiseForm(forms.Form):
    """What is asked, by whom; the identity may have been checked at the window already."""

    kind = forms.ChoiceField(label=_("What is asked"), choices=RightsKind.choices)
    requester = forms.ChoiceField(label=_("Who asks"), choices=Requester.choices, initial=Requester.CUSTOMER)
    channel = forms.ChoiceField(label=_("Channel"), choices=Channel.choices, initial=Channel.HALL_OWN)
    identity_how = forms.ChoiceField(label=_("Identified by"), choices=Verified.choices, initial=Verified.NONE)
    details = forms.CharField(
        label=_("In the customer's words"),
        widget=forms.Textarea(attrs={"rows": 3}),
        required=False,
        max_length=LONGEST,
    )

    def __init__(self, *args: Any, customer: Customer, **more: Any) -> None:
        super().__init__(*args, **more)
        if customer.status == Customer.Status.DECEASED:  # D§5.13
            self._offer("requester", [Requester.RELATIVE])
            self._offer("kind", [RightsKind.ACCESS, RightsKind.CLOSE])
        else:
            self._offer("requester", [code for code in Requester if code != Requester.RELATIVE])

    def _offer(self, name: str, codes: list[Any]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(code.value, code.label) for code in codes]
        field.initial = codes[0]


class IdentityForm(forms.Form):
    how = forms.ChoiceField(label=_("Identified by"), choices=HOW)


class AnswerForm(forms.Form):
    answer = forms.CharField(
        label=_("What the customer is told"), widget=forms.Textarea(attrs={"rows": 4}), max_length=LONGEST
    )


class RefuseForm(forms.Form):
    refusal = forms.ChoiceField(label=_("Ground"), choices=RefusalCode.choices)
    reason = forms.CharField(
        label=_("What the customer is told, and where to object"),
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=LONGEST,
    )
