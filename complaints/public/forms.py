"""Shapes of input of the public pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from complaints.intake.forms import FilesField
from complaints.services.intake import LONGEST_TEXT
from customers import normal
from foundation.common.errors import RuleBroken


class ComplainForm(forms.Form):
    """A complaint by the customer's own hand."""

    token = forms.CharField(max_length=40, widget=forms.HiddenInput)
    text = forms.CharField(
        label=_("What happened"),
        widget=forms.Textarea(attrs={"rows": 8}),
        max_length=LONGEST_TEXT,
        help_text=_("What, where and since when. No passwords, please, and no document numbers."),
    )
    demand = forms.CharField(label=_("What you want from us"), max_length=400, required=False)
    name = forms.CharField(label=_("Your name"), max_length=80, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    phone = forms.CharField(
        label=_("Your telephone number"),
        max_length=24,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel"}),
    )
    email = forms.CharField(
        label=_("Your e-mail address"),
        max_length=120,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "email", "inputmode": "email"}),
    )
    evidence = FilesField(label=_("Files"))
    consent = forms.BooleanField(
        label=_("I agree that this is used to look into my complaint and to answer me, and for nothing else."),
        error_messages={"required": _("Without this we may not work on your complaint. You can also call us.")},
    )

    def clean_phone(self) -> str:
        text = self.cleaned_data["phone"].strip()
        return self._said(text, lambda: normal.phone(text, kind="PHONE")) if text else ""

    def clean_email(self) -> str:
        text = self.cleaned_data["email"].strip()
        return self._said(text, lambda: normal.email(text)) if text else ""

    @staticmethod
    def _said(text: str, read: Any) -> str:
        try:
            return str(read())
        except RuleBroken as no:
            raise forms.ValidationError(no.message) from no

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not data.get("phone") and not data.get("email") and not {"phone", "email"} & set(self.errors):
            self.add_error("phone", gettext("Give us a telephone number or an e-mail address, so that we can answer."))
        return data


class StatusForm(forms.Form):
    number = forms.CharField(
        label=_("Number of the complaint"),
        max_length=40,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )
    code = forms.CharField(
        label=pgettext_lazy("status page", "Code"),
        max_length=60,
        help_text=_("Ten letters and digits from our message."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )


class UrgeForm(forms.Form):
    words = forms.CharField(
        label=_("What you want to add"), max_length=1_000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )


class ObjectForm(forms.Form):
    words = forms.CharField(label=_("Why you do not agree"), max_length=4_000, widget=forms.Textarea(attrs={"rows": 4}))


class CoupleForm(forms.Form):
    """The code of a screen."""

    code = forms.CharField(label=_("Code of the screen"), max_length=24)
