"""Shapes of input of the first-ask and suggestion pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from foundation.ui.widgets import DayInput
from interactions.stages import VERDICTS, ToldHow, WhyNot
from outreach.forms import MomentField
from staff.models import User


class ColleagueField(forms.TypedChoiceField):
    """A colleague who can take work; the form says whose. The names stand in one short list."""

    def __init__(self, **more: Any) -> None:
        super().__init__(coerce=int, empty_value=None, **more)

    def offer(self, people: list[Any]) -> None:
        """Offer these people: choices (id, name), or groups of them."""
        self.choices = [("", ""), *people]

    def clean(self, value: Any) -> Any:
        key = super().clean(value)
        return User.objects.select_related("unit").get(pk=key) if key is not None else None


class _ColleagueForm(forms.Form):
    def __init__(self, *args: Any, people: list[Any], **more: Any) -> None:
        super().__init__(*args, **more)
        for field in self.fields.values():
            if isinstance(field, ColleagueField):
                field.offer(people)


class AnswerForm(forms.Form):
    answer = forms.CharField(label=_("Answer"), max_length=4_000, widget=forms.Textarea(attrs={"rows": 3}))
    told_how = forms.ChoiceField(
        label=_("Customer told"), choices=[("", _("not yet")), *ToldHow.choices], required=False
    )


class TellForm(forms.Form):
    told_how = forms.ChoiceField(label=_("Customer told"), choices=ToldHow.choices)


class PassOnForm(_ColleagueForm):
    handler = ColleagueField(label=_("Colleague"))
    due_at = MomentField(label=_("Other time named to the customer"), required=False)
    note = forms.CharField(label=_("Message to the colleague"), max_length=200, required=False)


class OfferForm(_ColleagueForm):
    to = ColleagueField(label=_("Colleague"))
    note = forms.CharField(label=_("Message to the colleague"), max_length=200, required=False)


class OrderForm(_ColleagueForm):
    to = ColleagueField(label=_("New owner"))
    reason = forms.CharField(label=_("Reason"), max_length=200, required=False)


class RefuseForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=200)


class ReferForm(forms.Form):
    referral = forms.CharField(label=_("Right contact given"), max_length=200)


class SecureForm(forms.Form):
    note = forms.CharField(label=_("Whom you informed, and when"), max_length=400)


class DecideForm(forms.Form):
    verdict = forms.ChoiceField(label=_("Decision"), choices=[(code.value, code.label) for code in VERDICTS])
    wish = forms.CharField(label=_("What is to be improved"), max_length=400, required=False)
    why_not = forms.ChoiceField(label=_("Why not adopted"), choices=[("", _("none")), *WhyNot.choices], required=False)
    reason = forms.CharField(label=_("Reason in words"), max_length=400, required=False)


class SuggestionAnswerForm(forms.Form):
    told_how = forms.ChoiceField(label=_("Author told"), choices=ToldHow.choices, initial=ToldHow.MESSAGE)
    answer = forms.CharField(
        label=_("What you told the author"),
        help_text=_("Not needed for a message: its words are made from the decision."),
        max_length=4_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        required=False,
    )


class PeriodForm(forms.Form):
    """The filter of the figures: what to group by, and which days."""

    BY = (
        ("day", _("Day")),
        ("unit", _("Unit")),
        ("channel", _("Channel")),
        ("person", _("Person")),
        ("kind", _("Kind")),
    )
    by = forms.ChoiceField(label=_("Grouped by"), choices=BY, required=False)
    first = forms.DateField(label=_("From"), required=False, widget=DayInput())
    last = forms.DateField(label=_("To"), required=False, widget=DayInput())
