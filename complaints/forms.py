"""Shapes of input of the desk: replies, notes, properties."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from complaints.services.changing import AMOUNT_DIGITS
from complaints.services.talking import LONGEST_NOTE, LONGEST_REPLY, WRITTEN
from customers.models.subscriptions import ProductLine
from interactions.lifecycle import Channel
from interactions.models import Topic
from interactions.queries import topic_choices


class ReplyForm(forms.Form):
    """Words to the complainant."""

    reply = forms.CharField(
        label=_("Reply to the customer"), max_length=LONGEST_REPLY, widget=forms.Textarea(attrs={"rows": 4})
    )
    channel = forms.ChoiceField(
        label=pgettext_lazy("channel", "By"),
        choices=[(code.value, code.label) for code in Channel if code in WRITTEN],
        initial=Channel.SMS,
    )


class NoteForm(forms.Form):
    """Words that stay in the house."""

    note = forms.CharField(label=_("Internal note"), max_length=LONGEST_NOTE, widget=forms.Textarea(attrs={"rows": 4}))


class TopicField(forms.TypedChoiceField):
    """A topic in use; its value is the topic."""

    def __init__(self, **more: Any) -> None:
        super().__init__(choices=topic_choices, coerce=str, empty_value="", **more)

    def clean(self, value: Any) -> Any:
        code = super().clean(value)
        return Topic.objects.get(code=code) if code else None

    def prepare_value(self, value: Any) -> Any:
        return value.code if isinstance(value, Topic) else value


class PropertiesForm(forms.Form):
    """What is told of a case and can be put right. `version`, `copy`: of what the person saw."""

    subject = forms.CharField(label=_("Subject"), max_length=120)
    topic = TopicField(label=_("Topic"), required=False)
    product_line = forms.ChoiceField(label=_("Product line"), choices=[("", "–"), *ProductLine.choices], required=False)
    brand = forms.CharField(label=_("Brand"), max_length=40, required=False)
    area = forms.CharField(label=_("Area"), max_length=40, required=False)
    demand = forms.CharField(label=_("What the customer wants"), max_length=400, required=False)
    amount = forms.DecimalField(
        label=_("Amount in question (CNY)"),
        min_value=0,
        max_digits=AMOUNT_DIGITS,
        decimal_places=2,
        required=False,
    )
    disputed_fee = forms.BooleanField(label=_("The customer disputes a fee"), required=False)
    version = forms.IntegerField(widget=forms.HiddenInput)
    copy = forms.CharField(widget=forms.HiddenInput, required=False)

    def changes(self) -> dict[str, Any]:
        """The cleaned values as the service takes them."""
        data = {name: value for name, value in self.cleaned_data.items() if name not in ("version", "copy", "topic")}
        topic = self.cleaned_data["topic"]
        return {**data, "topic_id": topic.pk if topic is not None else None}
