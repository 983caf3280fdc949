"""Shapes of input of what is done to a case, one form a verb. Each is made for a person and a case."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from complaints.filters import units_seen
from complaints.forms import TopicField
from complaints.lifecycle import (
    CALL_RESULTS,
    NEEDS_AUTHORITY,
    Grade,
    GradeReason,
    HandoverRole,
    MeasureKind,
    Path,
    PauseReason,
    Proof,
)
from complaints.models import Callback, Cause, Complaint, Solution
from complaints.services.closing import needs_lesson
from complaints.services.proving import needs_proof
from foundation.common import clock
from interactions.lifecycle import Channel
from interactions.matter_forms import ColleagueField
from interactions.people_queries import colleagues_offered
from outreach.forms import MomentField
from outreach.lifecycle import AttemptOutcome
from staff.models import OrgUnit, User
from staff.policies import settlement_limit

LONGEST_WORDS = 4_000
LONGEST_REASON = 400
MOST_UNITS = 300
MEASURES = 3  # rows of a new solution
MONEY = (*NEEDS_AUTHORITY, MeasureKind.REFUND)


class UnitChoice(forms.TypedChoiceField):
    """A unit of the tree; its value is the unit. The form says which are offered."""

    def __init__(self, **more: Any) -> None:
        super().__init__(coerce=int, empty_value=None, **more)

    def offer(self, units: Any) -> None:
        """Offer these units."""
        self.choices = [("", ""), *units.values_list("pk", "name")[:MOST_UNITS]]

    def clean(self, value: Any) -> Any:
        key = super().clean(value)
        return OrgUnit.objects.get(pk=key) if key is not None else None


class ActForm(forms.Form):
    """What a verb asks; nothing by default."""

    colleagues: tuple[str, ...] = ()
    own_units: tuple[str, ...] = ()
    all_units: tuple[str, ...] = ()
    with_self: tuple[str, ...] = ()

    def __init__(self, data: Any = None, *, user: User, case: Complaint, **more: Any) -> None:
        super().__init__(data, **more)
        self.case = case
        if self.colleagues:
            people = colleagues_offered(user, but=case.about_staff_id)
            for name in self.colleagues:
                field = self.fields[name]
                assert isinstance(field, ColleagueField)
                own = [(str(user.pk), user.name)] if name in self.with_self else []
                field.offer([*own, *people])
        for name in self.own_units:
            self._units(name, units_seen(user))
        for name in self.all_units:
            self._units(name, OrgUnit.objects.filter(closed_on=None).order_by("no"))

    def _units(self, name: str, units: Any) -> None:
        field = self.fields[name]
        assert isinstance(field, UnitChoice)
        field.offer(units)


def _reason(label: Any = None, *, required: bool = True) -> forms.CharField:
    return forms.CharField(label=label or _("Reason"), max_length=LONGEST_REASON, required=required)


def _words(label: Any) -> forms.CharField:
    return forms.CharField(label=label, max_length=LONGEST_WORDS, widget=forms.Textarea(attrs={"rows": 5}))


class AssessForm(ActForm):
    topic = TopicField(label=_("Topic"))
    grade = forms.ChoiceField(label=_("Grade"), choices=Grade.choices)
    grade_reason = forms.ChoiceField(
        label=_("Why this grade"), choices=[("", "–"), *(one for one in GradeReason.choices if one[0])], required=False
    )
    path = forms.ChoiceField(label=_("Path"), choices=Path.choices)

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        case = self.case
        told = {"topic": case.topic, "grade": case.grade, "grade_reason": case.grade_reason, "path": case.path}
        self.initial.update(told)


class CustomerForm(ActForm):
    number = forms.CharField(
        label=_("Number of the customer"),
        max_length=24,
        help_text=_("Only customers you see; the complaint is theirs from now on."),
    )


class AssignForm(ActForm):
    colleagues, own_units, with_self = ("to",), ("unit",), ("to",)
    to = ColleagueField(label=_("Colleague"), required=False)
    unit = UnitChoice(label=_("or the pool of a unit"), required=False)
    note = _reason(_("Message to whoever takes it"), required=False)


class PauseForm(ActForm):
    reason = forms.ChoiceField(label=_("What we wait for"), choices=PauseReason.choices)
    until = MomentField(label=_("Until"), required=False)
    evidence = _reason(_("What shows it"))


class ReasonForm(ActForm):
    reason = _reason()


class WordsForm(ActForm):
    """Words to or of the customer."""

    words = _words(_("In the customer's words"))


class AnswerForm(ActForm):
    words = _words(_("Answer to the customer"))

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        if self.is_bound:
            return
        found = Solution.objects.filter(complaint=self.case, dropped_at=None).order_by("-pk").first()
        if found is not None:
            lines = [found.finding, found.reason, *(one.text for one in found.measures.order_by("pk"))]
            self.initial["words"] = "\n".join(line for line in lines if line)


class ReopenForm(WordsForm):
    because_of_handling = forms.BooleanField(label=_("Because of how it was handled"), required=False)


def _limit_in_words(user: User) -> str:
    """What the person may settle alone (D§3.4)."""
    limit = settlement_limit(user)
    if limit is None:
        return gettext("You may settle any amount.")
    words = gettext("Compensation and waivers of one matter: you may settle %(limit)s CNY; above that a lead approves.")
    return words % {"limit": limit}


class ProposeForm(ActForm):
    """A finding and up to three measures; a measure without words is none."""

    finding = forms.CharField(
        label=_("What we found"), max_length=LONGEST_WORDS, widget=forms.Textarea(attrs={"rows": 4})
    )
    reason = _reason(_("Why so"), required=False)
    proof = forms.ChoiceField(label=_("How the customer confirmed the order"), choices=Proof.choices, required=False)
    proof_note = forms.CharField(
        label=_("When, and where that lies"),
        max_length=400,
        required=False,
        help_text=_("The proof lies with us: without it the fee is refunded."),
    )
    colleagues = tuple(f"owner_{n}" for n in range(1, MEASURES + 1))
    with_self = colleagues

    def __init__(self, data: Any = None, *, user: User, case: Complaint, **more: Any) -> None:
        self.user = user
        super().__init__(data, user=user, case=case, **more)
        self.initial.update({f"owner_{n}": user.pk for n in range(1, MEASURES + 1)})
        self.proves = needs_proof(case)
        if not self.proves:
            del self.fields["proof"], self.fields["proof_note"]
        self.limit = _limit_in_words(user)

    def rows(self) -> list[list[Any]]:
        """The fields of each measure, bound."""
        return [
            [self[f"{part}_{n}"] for part in ("kind", "text", "amount", "owner", "due")] for n in range(1, MEASURES + 1)
        ]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        measures = []
        for n in range(1, MEASURES + 1):
            text = data.get(f"text_{n}", "")
            if not text:
                continue
            kind = data.get(f"kind_{n}") or MeasureKind.FIX
            if kind in MONEY and not data.get(f"amount_{n}"):
                self.add_error(f"amount_{n}", _("Money needs an amount."))
            measures.append(
                {
                    "kind": kind,
                    "text": text,
                    "amount": data.get(f"amount_{n}"),
                    "owner": data.get(f"owner_{n}") or self.user,
                    "due_at": data.get(f"due_{n}") or clock.now() + timedelta(days=3),
                }
            )
        plain = {name: data.get(name, "") for name in ("finding", "reason", "proof", "proof_note")}
        return {**plain, "measures": measures}


for _n in range(1, MEASURES + 1):
    ProposeForm.base_fields |= {
        f"kind_{_n}": forms.ChoiceField(label=_("Measure"), choices=MeasureKind.choices, required=False),
        f"text_{_n}": forms.CharField(label=_("What is done"), max_length=400, required=False),
        f"amount_{_n}": forms.DecimalField(
            label=_("Amount (CNY)"), min_value=0, max_digits=12, decimal_places=2, required=False
        ),
        f"owner_{_n}": ColleagueField(label=_("By whom"), required=False),
        f"due_{_n}": MomentField(label=_("By when"), required=False),
    }


class TryForm(ActForm):
    outcome = forms.ChoiceField(
        label=_("How the try ended"),
        choices=[(code.value, code.label) for code in AttemptOutcome if code != AttemptOutcome.REACHED],
    )


class SendCallbackForm(ActForm):
    colleagues, with_self = ("to",), ("to",)
    to = ColleagueField(label=_("Colleague"))
    way = forms.ChoiceField(label=_("How"), choices=Callback.Way.choices, initial=Callback.Way.VISIT)


class CallbackForm(ActForm):
    way = forms.TypedChoiceField(
        label=_("How the customer was asked"),
        choices=Callback.Way.choices,
        empty_value="",
        required=False,
    )
    solved = forms.ChoiceField(label=_("Is it solved?"), choices=[(one.value, one.label) for one in CALL_RESULTS])
    told_of_progress = forms.TypedChoiceField(
        label=_("Was the customer told of the progress?"),
        choices=[("", "–"), ("1", _("yes")), ("0", _("no"))],
        coerce=lambda value: value == "1",
        empty_value=None,
        required=False,
    )
    satisfaction = forms.TypedChoiceField(
        label=_("Satisfaction with the result"),
        choices=[("", "–"), *((n, n) for n in range(1, 6))],
        coerce=int,
        empty_value=None,
        required=False,
    )
    attitude = forms.TypedChoiceField(
        label=_("Satisfaction with our attitude"),
        choices=[("", "–"), *((n, n) for n in range(1, 6))],
        coerce=int,
        empty_value=None,
        required=False,
    )
    said = _reason(_("What the customer said"), required=False)

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        if not self.is_bound:
            self.initial["way"] = self.case.callbacks.order_by("pk").values_list("way", flat=True).last()


NEEDED = _("One sentence for the library: what is to be done otherwise, or that nothing is.")
NOT_NEEDED = _("An ordinary complaint that was in time and did not come back may be closed without.")


class CloseForm(ActForm):
    all_units = ("responsible_unit",)
    cause = forms.ModelChoiceField(label=_("Cause"), queryset=Cause.objects.none())
    responsible_unit = UnitChoice(label=_("Responsible unit"))
    lesson = _reason(_("What we learn from it"), required=False)

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        lesson = self.fields["lesson"]
        lesson.required = needs_lesson(self.case)
        lesson.help_text = NEEDED if lesson.required else NOT_NEEDED
        cause = self.fields["cause"]
        assert isinstance(cause, forms.ModelChoiceField)
        cause.queryset = Cause.objects.offered().order_by("order", "pk")


class CloseGroupForm(CloseForm):
    words = _words(_("What the customers of the group are told"))


class TakeUpForm(ActForm):
    colleagues, with_self = ("to",), ("to",)
    to = ColleagueField(label=_("Colleague"))


class RejectForm(ActForm):
    reason = _reason()
    referral = _reason(_("Right contact given"))


class GradeForm(ActForm):
    grade = forms.ChoiceField(label=_("Grade"), choices=Grade.choices)
    reason_code = forms.ChoiceField(
        label=_("Why this grade"), choices=[("", "–"), *(one for one in GradeReason.choices if one[0])], required=False
    )
    reason = _reason(_("Reason in words"), required=False)


class ContactForm(ActForm):
    channel = forms.ChoiceField(label=pgettext_lazy("channel", "By"), choices=Channel.choices)
    text = forms.CharField(label=_("What was said"), max_length=LONGEST_WORDS, widget=forms.Textarea(attrs={"rows": 4}))
    reached = forms.BooleanField(label=_("The customer was reached"), required=False, initial=True)


class PartForm(ActForm):
    all_units = ("unit",)
    unit = UnitChoice(label=_("Unit"))
    ask = forms.CharField(label=_("What the unit is to find out or do"), max_length=1_000)
    budget_minutes = forms.IntegerField(label=_("Budget in working minutes"), min_value=1, required=False)


class PromiseForm(ActForm):
    colleagues, with_self = ("owner",), ("owner",)
    text = forms.CharField(label=_("What was promised"), max_length=200)
    due_at = MomentField(label=_("By when"))
    owner = ColleagueField(label=_("Who keeps it"), required=False)


class OrderForm(ActForm):
    colleagues = ("to",)
    to = ColleagueField(label=_("To"))
    text = forms.CharField(label=_("What is ordered"), max_length=400)
    due_at = MomentField(label=_("Reply due"))


class OfferForm(ActForm):
    colleagues, all_units = ("to",), ("to_unit",)
    role = forms.ChoiceField(label=_("As whom"), choices=HandoverRole.choices, initial=HandoverRole.HANDLER)
    to = ColleagueField(label=_("Colleague"), required=False)
    to_unit = UnitChoice(label=_("or whoever of a unit accepts"), required=False)
    note = _reason(_("What the next one must know"))
    until = MomentField(label=_("Answer by"), required=False)


class GiveForm(ActForm):
    colleagues, with_self = ("to",), ("to",)
    role = forms.ChoiceField(label=_("As whom"), choices=HandoverRole.choices, initial=HandoverRole.HANDLER)
    to = ColleagueField(label=_("Colleague"))
    reason = _reason()


class ItemForm(ActForm):
    """One thing of the case: an approval, a measure, a promise, a part."""

    item = forms.CharField(widget=forms.HiddenInput, max_length=13)


class ItemReasonForm(ItemForm):
    reason = _reason()


class ItemResultForm(ItemForm):
    result = _reason(_("What was done"))
