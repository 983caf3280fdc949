"""Shapes of input of the follow-up pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from customers.contact_wishes import unwanted_at
from customers.models import Customer
from foundation.ui.widgets import MomentInput
from outreach.lifecycle import MEETS_CUSTOMER, AttemptOutcome, FollowUpKind
from outreach.models import FollowUp
from outreach.queries import colleagues_of
from staff.models import User


class MomentField(forms.DateTimeField):
    """A moment in the zone the user reads: picked, or typed as 2026-11-22 13:00."""

    widget = MomentInput
    input_formats = ("%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")

    def __init__(self, **more: Any) -> None:
        super().__init__(input_formats=self.input_formats, **more)


class _OwnerForm(forms.Form):
    """A form that names a colleague of `user`."""

    def __init__(self, *args: Any, user: User, **more: Any) -> None:
        super().__init__(*args, **more)
        field = self.fields["owner"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = colleagues_of(user)


class MindsWishes(forms.Form):
    """A form that plans a moment with a customer: one the customer does not want is asked about once more (D§5.7)."""

    MOMENT = "due_at"

    despite_wish = forms.BooleanField(label=_("The customer agrees this time: plan it all the same"), required=False)
    asks_despite = False

    def minds(self, customer: Customer | None, kind: str) -> bool:
        """Whether the moment may be planned; where not, the form says what the customer asked for. After
        `is_valid()`."""
        despite, at = self.cleaned_data.pop("despite_wish"), self.cleaned_data.get(self.MOMENT)
        if despite or at is None or customer is None or kind not in MEETS_CUSTOMER:
            return True
        wish = unwanted_at(customer.contact_times.all(), at)
        if wish is None:
            return True
        self.asks_despite = True
        words = gettext("The customer does not want to be reached then (%(days)s %(from)s–%(to)s).")
        said = {"days": wish.get_days_display(), "from": f"{wish.starts:%H:%M}", "to": f"{wish.ends:%H:%M}"}
        self.add_error(self.MOMENT, words % said)
        return False


class FollowUpForm(MindsWishes, _OwnerForm):
    kind = forms.ChoiceField(label=_("Kind"), choices=FollowUpKind.choices)
    subject = forms.CharField(label=_("What is owed"), max_length=200)
    owner = forms.ModelChoiceField(label=_("Owner"), queryset=User.objects.none(), empty_label=None)
    due_at = MomentField(label=_("Due"))
    priority = forms.TypedChoiceField(
        label=_("Priority"), choices=FollowUp.Priority.choices, coerce=int, initial=FollowUp.Priority.NORMAL
    )


class AttemptForm(MindsWishes):
    """One try; `then` says whether the follow-up is over."""

    MOMENT = "next_at"

    outcome = forms.ChoiceField(label=_("Outcome"), choices=AttemptOutcome.choices)
    note = forms.CharField(label=_("Note"), max_length=400, required=False, widget=forms.Textarea(attrs={"rows": 2}))
    next_at = MomentField(label=_("Next try"), required=False)


class ResultForm(forms.Form):
    result = forms.CharField(
        label=_("Result"), max_length=400, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )


class RescheduleForm(MindsWishes):
    due_at = MomentField(label=_("New moment"))
    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)


class ReassignForm(_OwnerForm):
    owner = forms.ModelChoiceField(label=_("New owner"), queryset=User.objects.none())
    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)


class CancelForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=200)
