"""Shapes of input of the intake page and the public pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from complaints.behalf import Authority
from complaints.intake.files import ACCEPT
from complaints.lifecycle import Grade, GradeReason
from complaints.models import Complaint, RequiredFact
from complaints.services.intake import LONGEST_FACT, LONGEST_TEXT
from customers.models import Customer, Subscription
from foundation.common.ids import from_text
from foundation.common.prepared import read
from interactions.lifecycle import Channel
from interactions.models import Topic
from outreach.forms import MomentField
from outreach.queries import colleague_names
from staff.models import User

FACT = "fact_"
OTHER_TOPIC = "-"
# Group cases are made from several; nobody takes one.
GRADES = [Grade.ORDINARY, Grade.MAJOR, Grade.SKIP_LEVEL, Grade.UPGRADED]


class TopicField(forms.CharField):
    """A topic by its code, one that may be chosen; read by its key, for lists are for showing."""

    def clean(self, value: Any) -> Topic | None:
        code = super().clean(value)
        if not code:
            return None
        topic = Topic.objects.select_related("parent").filter(code=code[:40]).first()
        if topic is None:
            raise forms.ValidationError(gettext("Choose one of the values offered."))
        if not topic.is_offered:
            raise forms.ValidationError(gettext("This topic was retired. Choose another one."))
        return topic


class FilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files, perhaps none."""

    widget = FilesInput

    def __init__(self, **more: Any) -> None:
        super().__init__(
            required=False, widget=FilesInput(attrs={"multiple": True, "accept": ACCEPT}), allow_empty_file=True, **more
        )

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        given = data if isinstance(data, list | tuple) else [data] if data else []
        return [super(FilesField, self).clean(one, initial) for one in given]


class PersonField(forms.ChoiceField):
    """A colleague by id; the names stand in the list only when the page is shown."""

    def clean(self, value: Any) -> User | None:
        text = str(value or "")
        if not text:
            return None
        person = User.objects.people().filter(pk=int(text)).first() if text.isdecimal() and len(text) < 10 else None
        if person is None:
            raise forms.ValidationError(gettext("Choose one of the values offered."))
        return person


class CaseField(forms.CharField):
    """Another case by its short id; whose it is the service looks."""

    def clean(self, value: Any) -> Complaint | None:
        text = super().clean(value)
        if not text:
            return None
        try:
            found = Complaint.objects.filter(pk=from_text(text[:13])).first()
        except ValueError:
            found = None
        if found is None:
            raise forms.ValidationError(gettext("There is no complaint with this number."))
        return found


class IntakeForm(forms.Form):
    """A complaint as a clerk takes it. `facts`: the questions of the topic chosen; `lines`: those of the customer."""

    token = forms.CharField(max_length=40, widget=forms.HiddenInput)
    guessed = forms.CharField(max_length=40, required=False, widget=forms.HiddenInput)
    text = forms.CharField(
        label=_("What happened"),
        widget=forms.Textarea(attrs={"rows": 6}),
        max_length=LONGEST_TEXT,
        help_text=_("In the customer's words. The category is suggested while you type."),
    )
    topic = forms.CharField(required=False, max_length=40)
    topic_other = TopicField(label=_("Another category"), required=False, max_length=40)
    channel = forms.ChoiceField(label=_("Channel"), choices=Channel.choices)
    received_at = MomentField(
        label=_("Received"),
        required=False,
        help_text=_("When it first reached us, if that was before now: a postmark."),
    )
    demand = forms.CharField(
        label=_("What the customer wants"), max_length=400, required=False, widget=forms.TextInput()
    )
    amount = forms.DecimalField(
        label=_("Amount at stake, CNY"), max_digits=12, decimal_places=2, min_value=Decimal(0), required=False
    )
    disputed_fee = forms.BooleanField(
        label=_("A fee is disputed: hold it out of collection until the answer"), required=False
    )
    grade = forms.ChoiceField(
        label=_("Grade"), choices=[(code.value, code.label) for code in GRADES], initial=Grade.ORDINARY, required=False
    )
    grade_reason = forms.ChoiceField(
        label=_("Why not ordinary"),
        choices=[("", _("ordinary")), *(choice for choice in GradeReason.choices if choice[0])],
        required=False,
    )
    lines = forms.MultipleChoiceField(
        label=_("Lines it is about"), required=False, widget=forms.CheckboxSelectMultiple()
    )
    brand = forms.CharField(label=_("Brand"), max_length=40, required=False)
    area = forms.CharField(label=_("Area"), max_length=40, required=False)
    repeats = CaseField(required=False)
    contact_name = forms.CharField(label=_("Who complains"), max_length=80, required=False)
    contact_phone = forms.CharField(label=_("Telephone"), max_length=24, required=False)
    contact_email = forms.CharField(label=_("E-mail"), max_length=120, required=False)
    authority = forms.ChoiceField(
        label=_("What shows that they may speak for the customer"), choices=Authority.choices, required=False
    )
    about = PersonField(
        label=_("Complained of"),
        required=False,
        help_text=_("This person sees nothing of the complaint and is given no part in it."),
    )
    about_no = forms.CharField(label=_("Complained of, by staff number"), max_length=32, required=False)
    evidence = FilesField(label=_("Files"))

    def __init__(
        self, *args: Any, user: User, customer: Customer | None, facts: Iterable[RequiredFact] = (), **more: Any
    ) -> None:
        super().__init__(*args, **more)
        self.user, self.customer, self.facts = user, customer, list(facts)
        for fact in self.facts:
            self.fields[FACT + fact.code] = forms.CharField(
                label=str(fact), required=fact.required, max_length=LONGEST_FACT
            )

    def offer(self, lines: Iterable[tuple[int, str]]) -> None:
        """Fill the lists that are only needed to show the page: the customer's lines, the colleagues near by."""
        chosen, about = self.fields["lines"], self.fields["about"]
        assert isinstance(chosen, forms.MultipleChoiceField)
        assert isinstance(about, PersonField)
        chosen.choices = [(str(key), words) for key, words in lines]
        others = [(str(key), name) for key, name in colleague_names(self.user) if key != self.user.pk]
        about.choices = [("", ""), (str(self.user.pk), gettext("Me")), *others]

    def fact_fields(self) -> list[forms.BoundField]:
        """The questions of the topic, to be shown."""
        return [self[FACT + fact.code] for fact in self.facts]

    def _clean_fields(self) -> None:
        # Which lines there are is asked below, of the customer's own.
        self.fields["lines"].valid_value = lambda value: value.isdecimal()  # type: ignore[attr-defined]  # of ChoiceField
        super()._clean_fields()  # type: ignore[misc]  # Django's own hook

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        self._resolve_about(data)
        keys = [int(text) for text in data.get("lines") or [] if len(text) < 19]
        own = Subscription.objects.filter(customer=self.customer, pk__in=keys) if keys and self.customer else []
        data["lines"] = list(own)
        if len(data["lines"]) != len(keys):
            self.add_error(
                "lines", gettext("One of these lines belongs to somebody else: choose lines of this customer.")
            )
        return data

    def _resolve_about(self, data: dict[str, Any]) -> None:
        number = (data.get("about_no") or "").strip()
        if not number:
            return
        person = User.objects.people().filter(staff_no__iexact=number).first()
        if person is None:
            self.add_error("about_no", gettext("Nobody has this staff number."))
        elif data.get("about") not in (None, person):
            self.add_error("about_no", gettext("This is the number of another person than the one chosen."))
        data["about"] = person

    def told(self, topic: Topic | None) -> dict[str, Any]:
        """The keyword arguments of `register_complaint` but for whom it is about."""
        data = self.cleaned_data
        names = (
            "channel",
            "text",
            "received_at",
            "demand",
            "amount",
            "disputed_fee",
            "grade_reason",
            "lines",
            "brand",
            "area",
            "repeats",
        )
        who = ("contact_name", "contact_phone", "contact_email", "authority")
        return {
            **{name: data[name] for name in (*names, *who)},
            "grade": data["grade"] or Grade.ORDINARY,
            "about_staff": data["about"],
            "topic": topic,
            "facts": {fact.code: data.get(FACT + fact.code, "") for fact in self.facts},
            "key": f"intake-{self.user.pk}-{data['token']}",
        }


_FACTS = (
    "JOIN interactions_topic o ON o.id = t.topic_id WHERE t.active AND t.topic_id = ANY(ARRAY[%s, %s]::bigint[])"
    ' ORDER BY o.parent_id NULLS FIRST, t."order", t.id'
)


def facts_for(topic: Topic | None) -> list[RequiredFact]:
    """The questions asked for a topic: those of the one above first."""
    if topic is None:
        return []
    found = read(RequiredFact, _FACTS, [topic.pk, topic.parent_id])
    return list({fact.code: fact for fact in found}.values())


def typed_amount(data: Mapping[str, Any]) -> Decimal | None:
    """The amount as it stands in a form that is still being filled in; None for what is none."""
    try:
        amount = Decimal(str(data.get("amount") or ""))
    except ArithmeticError:
        return None
    return amount if amount.is_finite() else None
