"""The shape of what is typed about identity, holds, deaths, relations and households; the rules are in the services."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from customers.labels import LABELS
from customers.lines import masked_number
from customers.models import (
    ActingRole,
    Customer,
    HouseholdMember,
    IdentityCheck,
    ProtectiveHold,
    RelationKind,
    Subscription,
)
from customers.services import ActingPerson
from foundation.common import clock
from foundation.ui.widgets import DayInput

_NONE: list[tuple[str, Any]] = [("", "–")]
_OFF = {"autocomplete": "off"}


class VerifyForm(forms.Form):
    """The document that was compared, and that of somebody who acts besides."""

    how = forms.ChoiceField(label=_("How"), choices=IdentityCheck.How.choices)
    id_type = forms.ChoiceField(label=LABELS["id_type"], choices=[*_NONE, *Customer.IdType.choices], required=False)
    id_number = forms.CharField(
        label=_("Number on the document shown"), max_length=40, required=False, widget=forms.TextInput(_OFF)
    )
    acting_role = forms.ChoiceField(
        label=_("Somebody else shows a document"), choices=[("", _("Nobody")), *ActingRole.choices], required=False
    )
    acting_name = forms.CharField(label=_("Name of this person"), max_length=200, required=False, strip=False)
    acting_document = forms.ChoiceField(
        label=_("Document of this person"), choices=Customer.IdType.choices, required=False
    )
    acting_number = forms.CharField(
        label=_("Number of that document"), max_length=40, required=False, widget=forms.TextInput(_OFF)
    )

    def answer(self) -> dict[str, Any]:
        """The cleaned values as the service takes them."""
        data = self.cleaned_data
        acting = None
        if data["acting_role"]:
            kind = data["acting_document"] or Customer.IdType.ID_CARD
            acting = ActingPerson(data["acting_role"], data["acting_name"], kind, data["acting_number"])
        return {name: data[name] for name in ("how", "id_type", "id_number")} | {"acting": acting}


class RejectForm(forms.Form):
    """Why a document does not hold."""

    how = forms.ChoiceField(label=_("How"), choices=IdentityCheck.How.choices)
    reason = forms.CharField(label=_("Reason"), max_length=200, strip=False)


class ReasonForm(forms.Form):
    """A reason alone."""

    reason = forms.CharField(label=_("Reason"), max_length=200, strip=False)


class HoldForm(forms.Form):
    """Why fraud control holds a customer back."""

    reason = forms.ChoiceField(label=_("Reason"), choices=ProtectiveHold.Reason.choices)
    note = forms.CharField(label=_("Note"), max_length=200, required=False, strip=False)


class DeathForm(forms.Form):
    """What shows a death, and who told."""

    evidence = forms.CharField(
        label=_("Evidence"), max_length=200, strip=False, help_text=_("Certificate and its number.")
    )
    died_on = forms.DateField(label=_("Day of death"), required=False, widget=DayInput)
    relative_name = forms.CharField(label=_("Relative who told"), max_length=200, required=False, strip=False)
    relative_phone = forms.CharField(
        label=_("Phone of the relative"), max_length=40, required=False, widget=forms.TextInput({"inputmode": "tel"})
    )


class RelationForm(forms.Form):
    """Somebody related: a customer by number, or a name with a phone."""

    kind = forms.ChoiceField(label=_("The other is"), choices=RelationKind.choices)
    other = forms.CharField(
        label=_("Customer or phone number of the other"),
        max_length=64,
        required=False,
        strip=False,
        help_text=_("Leave empty when the other is no customer."),
        widget=forms.TextInput(_OFF),
    )
    other_name = forms.CharField(label=_("Name, when no customer"), max_length=200, required=False, strip=False)
    other_phone = forms.CharField(label=_("Phone, when no customer"), max_length=40, required=False)
    line = forms.ChoiceField(label=_("Line (payer, user)"), required=False)
    note = forms.CharField(label=_("Note"), max_length=120, required=False, strip=False)
    consent_evidence = forms.CharField(
        label=_("Consent of the guardian"),
        max_length=200,
        required=False,
        strip=False,
        help_text=_("Number of the signed form; needed under the age of 14."),
    )
    valid_from = forms.DateField(label=_("Since"), widget=DayInput)

    def __init__(self, *args: Any, lines: list[Subscription], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["line"].choices = [*_NONE, *((row.ref, masked_number(row)) for row in lines)]  # type: ignore[attr-defined]
        self.lines = {row.ref: row.pk for row in lines}
        self.initial.setdefault("valid_from", clock.today())

    def answer(self) -> dict[str, Any]:
        """The cleaned values as the service takes them, without the other customer."""
        data = self.cleaned_data
        names = ("kind", "other_name", "other_phone", "note", "consent_evidence", "valid_from")
        return {name: data[name] for name in names} | {"subscription_id": self.lines.get(data["line"])}


class HouseholdForm(forms.Form):
    """Into whose household the customer comes, and as what."""

    head = forms.CharField(
        label=_("Customer or phone number of the head"), max_length=64, strip=False, widget=forms.TextInput(_OFF)
    )
    role = forms.ChoiceField(
        label=_("Part"),
        choices=[choice for choice in HouseholdMember.Role.choices if choice[0] != HouseholdMember.Role.HEAD],
    )
