"""Shapes of input of appeals and mediation."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from complaints.lifecycle import MediationState
from complaints.outside.mediation import Party
from complaints.services.mediating import Duty
from complaints.sharing.forms import CaseNumberField, words
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


DUTIES = (1, 2, 3)  # rows of what we owe by an agreement
# Which fields a step of a mediation asks for; the form has those of the steps that may follow.
_ASKED: dict[str, tuple[str, ...]] = {
    MediationState.BOTH_AGREED: ("party",),
    MediationState.REFUSED: ("party",),
    MediationState.SESSION: ("session_at",),
    MediationState.AGREED: ("agreement", *(f"{name}_{n}" for n in DUTIES for name in ("duty", "by"))),
}


class MoveMediationForm(forms.Form):
    """The next step of a mediation; `states`: those that may follow, with their words."""

    state = forms.ChoiceField(label=_("Next step"))
    party = forms.ChoiceField(label=_("Which side"), choices=[("", "–"), *Party.choices], required=False)
    session_at = MomentField(label=_("Moment of the session"), required=False)
    agreement = forms.CharField(label=_("What both signed"), max_length=20_000, required=False, widget=words(3))

    def __init__(self, *args: Any, states: list[tuple[str, Any]], **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["state"] = forms.ChoiceField(label=_("Next step"), choices=states)
        asked = {name for state, _words in states for name in _ASKED.get(state, ())}
        for name in [name for name in self.fields if name != "state" and name not in asked]:
            del self.fields[name]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for n in DUTIES:
            if data.get(f"duty_{n}") and not data.get(f"by_{n}"):
                self.add_error(f"by_{n}", _("Say by when."))
        return data

    def duties(self) -> list[Duty]:
        """What we owe by the agreement, of a valid form."""
        data = self.cleaned_data
        return [Duty(data[f"duty_{n}"], None, data[f"by_{n}"]) for n in DUTIES if data.get(f"duty_{n}")]


for _n in DUTIES:
    MoveMediationForm.base_fields |= {
        f"duty_{_n}": forms.CharField(label=_("What we owe by it"), max_length=200, required=False),
        f"by_{_n}": MomentField(label=_("By when"), required=False),
    }
