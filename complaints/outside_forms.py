"""Shapes of input of appeals and mediation."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from complaints.sharing_forms import CaseNumberField, words
from foundation.ui.widgets import DayInput
from outreach.forms import MomentField


class AppealForm(forms.Form):
    body = forms.CharField(label=_("Authority"), max_length=60)
    reference = forms.CharField(label=_("Its reference"), max_length=60)
    text = forms.CharField(label=_("What it writes"), max_length=20_000, widget=words(6))
    due_on = forms.DateField(label=_("Its date, if it names one"), required=False, widget=DayInput)


class LinkAppealForm(forms.Form):
    case = CaseNumberField(label=_("Number of our complaint (empty: a new skip-level one)"), required=False)


class ResponseForm(forms.Form):
    text = forms.CharField(label=_("Our response"), max_length=20_000, widget=words(8))


class DenyForm(forms.Form):
    reason = forms.CharField(label=_("What is to be changed"), max_length=400)


class MoveAppealForm(forms.Form):
    state = forms.ChoiceField(label=_("Next step"))
    outcome = forms.CharField(label=_("How it ended"), max_length=400, required=False)

    def __init__(self, *args: Any, states: list[Any] | None = None, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["state"] = forms.ChoiceField(label=_("Next step"), choices=states or [])


class MoveMediationForm(forms.Form):
    state = forms.ChoiceField(label=_("Next step"))
    session_at = MomentField(label=_("Moment of the session"), required=False)
    agreement = forms.CharField(label=_("What both signed"), max_length=20_000, required=False, widget=words(3))
    duty = forms.CharField(label=_("What we owe by it"), max_length=200, required=False)
    duty_by = MomentField(label=_("By when"), required=False)

    def __init__(self, *args: Any, states: list[Any] | None = None, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["state"] = forms.ChoiceField(label=_("Next step"), choices=states or [])
