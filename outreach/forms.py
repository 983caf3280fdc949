"""Shapes of input of the follow-up pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from foundation.ui.widgets import MomentInput
from outreach.lifecycle import AttemptOutcome, FollowUpKind
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


class FollowUpForm(_OwnerForm):
    kind = forms.ChoiceField(label=_("Kind"), choices=FollowUpKind.choices)
    subject = forms.CharField(label=_("What is owed"), max_length=200)
    owner = forms.ModelChoiceField(label=_("Owner"), queryset=User.objects.none(), empty_label=None)
    due_at = MomentField(label=_("Due"))
    priority = forms.TypedChoiceField(
        label=_("Priority"), choices=FollowUp.Priority.choices, coerce=int, initial=FollowUp.Priority.NORMAL
    )


class AttemptForm(forms.Form):
    """One try; `then` says whether the follow-up is over."""

    outcome = forms.ChoiceField(label=_("Outcome"), choices=AttemptOutcome.choices)
    note = forms.CharField(label=_("Note"), max_length=400, required=False, widget=forms.Textarea(attrs={"rows": 2}))
    next_at = MomentField(label=_("Next try"), required=False)


class ResultForm(forms.Form):
    result = forms.CharField(
        label=_("Result"), max_length=400, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )


class RescheduleForm(forms.Form):
    due_at = MomentField(label=_("New moment"))
    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)


class ReassignForm(_OwnerForm):
    owner = forms.ModelChoiceField(label=_("New owner"), queryset=User.objects.none())
    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)


class CancelForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=200)
