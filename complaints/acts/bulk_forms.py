"""What is asked before an act on many cases."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from complaints.acts.forms import UnitChoice
from complaints.filters import units_seen
from complaints.lifecycle import Grade, GradeReason
from complaints.models import BulkAct
from outreach.forms import MomentField
from outreach.queries import colleague_names
from staff.models import User


class AssignManyForm(forms.Form):
    """The colleagues who are there, by load; people who share the cases; or the pool of a unit."""

    field_order = ("spread", "people", "unit", "note")
    people = forms.TypedMultipleChoiceField(
        label=_("Colleagues who share them"), coerce=int, required=False, widget=forms.CheckboxSelectMultiple
    )
    spread = forms.BooleanField(
        label=_("Spread by load"),
        required=False,
        help_text=_(
            "Each case goes to the least loaded colleague of its unit who is there, below the limit, with the skill it"
            " needs."
        ),
    )
    unit = UnitChoice(label=_("or the pool of a unit"), required=False)
    note = forms.CharField(label=_("Message to whoever takes it"), max_length=200, required=False)

    def __init__(self, data: Any = None, *, user: User, **more: Any) -> None:
        super().__init__(data, **more)
        people, unit = self.fields["people"], self.fields["unit"]
        assert isinstance(people, forms.TypedMultipleChoiceField)
        assert isinstance(unit, UnitChoice)
        people.choices = colleague_names(user)
        unit.offer(units_seen(user))

    def clean_people(self) -> list[User]:
        """The people in the order of their names."""
        return list(User.objects.filter(pk__in=self.cleaned_data["people"]).select_related("unit").order_by("name"))


class UrgeManyForm(forms.Form):
    note = forms.CharField(label=_("What is ordered"), max_length=200)
    due_at = MomentField(label=_("Reply due"))

    def __init__(self, data: Any = None, *, user: User, **more: Any) -> None:
        super().__init__(data, **more)


class RaiseManyForm(forms.Form):
    grade = forms.ChoiceField(label=_("Grade"), choices=Grade.choices, initial=Grade.UPGRADED)
    reason = forms.ChoiceField(label=_("Why this grade"), choices=[one for one in GradeReason.choices if one[0]])
    note = forms.CharField(label=_("Reason in words"), max_length=200, required=False)

    def __init__(self, data: Any = None, *, user: User, **more: Any) -> None:
        super().__init__(data, **more)


class ConfirmManyForm(forms.Form):
    """Nothing is asked: each case keeps the topic that was suggested for it."""

    def __init__(self, data: Any = None, *, user: User, **more: Any) -> None:
        super().__init__(data, **more)


FORMS: dict[str, Any] = {
    BulkAct.ASSIGN: AssignManyForm,
    BulkAct.URGE: UrgeManyForm,
    BulkAct.RAISE: RaiseManyForm,
    BulkAct.CONFIRM: ConfirmManyForm,
}
