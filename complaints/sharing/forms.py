"""Shapes of input where a case is shared: parts, hand-overs, promises, orders, merges, groups, asking for mediation."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from complaints.lifecycle import HandoverRole, LinkKind
from complaints.models import Complaint
from complaints.outside.mediation import Party
from interactions.matter_forms import ColleagueField
from interactions.models import Topic
from outreach.forms import MomentField
from staff.models import OrgUnit


def words(rows: int) -> forms.Textarea:
    """A field of several lines."""
    return forms.Textarea(attrs={"rows": rows})


class UnitChoice(forms.TypedChoiceField):
    """A unit out of a short list the form is given."""

    def __init__(self, **more: Any) -> None:
        super().__init__(coerce=int, empty_value=None, **more)

    def clean(self, value: Any) -> Any:
        key = super().clean(value)
        return OrgUnit.objects.get(pk=key) if key is not None else None


class ChosenForm(forms.Form):
    """A form whose people and units are handed in."""

    def __init__(
        self, *args: Any, people: list[Any] | None = None, units: list[Any] | None = None, **more: Any
    ) -> None:
        super().__init__(*args, **more)
        for field in self.fields.values():
            if isinstance(field, ColleagueField):
                field.offer(people or [])
            elif isinstance(field, UnitChoice):
                field.choices = [("", ""), *(units or [])]


class FinishPartForm(forms.Form):
    answer = forms.CharField(label=_("Answer of the unit"), max_length=10_000, widget=words(4))


class PassPartForm(ChosenForm):
    unit = UnitChoice(label=_("Next unit"))
    answer = forms.CharField(label=_("Answer of the unit"), max_length=10_000, widget=words(3))
    ask = forms.CharField(label=_("What the next unit is asked"), max_length=1_000, widget=words(2))


class ReturnPartForm(forms.Form):
    reason = forms.CharField(label=_("What is missing"), max_length=400, widget=words(2))


class GivePartForm(ChosenForm):
    unit = UnitChoice(label=_("Unit"))
    ask = forms.CharField(label=_("What the unit is asked"), max_length=1_000, widget=words(3))
    budget_minutes = forms.IntegerField(label=_("Working minutes"), min_value=1, required=False)


class OfferForm(ChosenForm):
    role = forms.ChoiceField(label=_("What is handed over"), choices=HandoverRole.choices, initial=HandoverRole.HANDLER)
    to = ColleagueField(label=_("Colleague"), required=False)
    to_unit = UnitChoice(label=_("Or a whole unit"), required=False)
    note = forms.CharField(label=_("What they must know"), max_length=400, required=False, widget=words(2))


class OrderCaseForm(ChosenForm):
    role = forms.ChoiceField(label=_("What is handed over"), choices=HandoverRole.choices, initial=HandoverRole.HANDLER)
    to = ColleagueField(label=_("Colleague"))
    reason = forms.CharField(label=_("Reason"), max_length=400, required=False)


class RefuseOfferForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=400)


class DecideUnitForm(ChosenForm):
    unit = UnitChoice(label=_("Responsible unit"))
    reason = forms.CharField(label=_("Why this unit"), max_length=400)


class PromiseForm(forms.Form):
    text = forms.CharField(label=_("What was promised"), max_length=200)
    due_at = MomentField(label=_("By when"))


class DropPromiseForm(forms.Form):
    reason = forms.CharField(label=_("Why it is not owed any more"), max_length=400)


class OrderReplyForm(ChosenForm):
    to = ColleagueField(label=_("Colleague"))
    text = forms.CharField(label=_("What is ordered"), max_length=400, widget=words(2))
    due_at = MomentField(label=_("Reply due"))


class ReplyForm(forms.Form):
    text = forms.CharField(label=_("Reply"), max_length=400, widget=words(2))


class CaseNumberField(forms.CharField):
    """Another case by its full number."""

    def __init__(self, **more: Any) -> None:
        super().__init__(max_length=20, **more)

    def clean(self, value: Any) -> Any:
        number = super().clean(value)
        if not number:
            return None
        found = Complaint.objects.filter(number__iexact=number.strip()).first()
        if found is None:
            raise forms.ValidationError(gettext("There is no complaint with this number."))
        return found


class MergeForm(forms.Form):
    master = CaseNumberField(label=_("Number of the master"))


class LinkForm(forms.Form):
    kind = forms.ChoiceField(
        label=_("How"), choices=[(kind.value, kind.label) for kind in (LinkKind.REPEAT, LinkKind.RELATED)]
    )
    other = CaseNumberField(label=_("Number of the other complaint"))


class GroupForm(forms.Form):
    parent = CaseNumberField(label=_("Number of the group"))


class LeaveGroupForm(forms.Form):
    reason = forms.CharField(label=_("Why its cause is another one"), max_length=400)


class SplitForm(forms.Form):
    text = forms.CharField(label=_("The other matter"), max_length=4_000, widget=words(3))
    topic = forms.ModelChoiceField(label=_("Topic"), queryset=Topic.objects.none())

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        field = self.fields["topic"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = Topic.objects.filter(active=True, parent__isnull=False).order_by(
            "parent__order", "order", "pk"
        )


class MediationForm(forms.Form):
    body = forms.CharField(label=_("Who mediates"), max_length=60)
    asked_by = forms.ChoiceField(label=_("Who asks for it"), choices=Party.choices)
