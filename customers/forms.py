"""The shape of what people type about a customer; the rules are in the services."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from customers.labels import CHANNELS, GENDERS, LABELS, LANGUAGES
from customers.models import (
    Address,
    ConsentChannel,
    ConsentSource,
    ContactPoint,
    ContactTime,
    Customer,
    EvidenceKind,
    Need,
    ProfileField,
    Purpose,
)
from customers.models.consent import CONTACTS
from customers.optional_facts import CODES
from customers.services.second_look import GUARDED_FIELDS
from foundation.ui.widgets import DayInput
from staff.models import User

_NONE: list[tuple[str, Any]] = [("", "–")]
_DOCUMENTS: list[tuple[str, Any]] = [*_NONE, *Customer.IdType.choices]
# Fields of the form that are stored under the same name.
PLAIN_FIELDS = (
    "customer_type",
    "segment",
    "name",
    "short_name",
    "gender",
    "birthday_kind",
    "birth_date",
    "lunar_month",
    "lunar_day",
    "lunar_leap",
    "id_type",
    "home_city",
    "area_type",
    "channel_preference",
)


class ArchiveForm(forms.Form):
    """What both the new and the changed archive ask for."""

    customer_type = forms.ChoiceField(label=LABELS["customer_type"], choices=Customer.Type.choices)
    segment = forms.ChoiceField(label=LABELS["segment"], choices=Customer.Segment.choices)
    name = forms.CharField(label=LABELS["name"], max_length=200, strip=False)
    short_name = forms.CharField(label=LABELS["short_name"], max_length=80, required=False, strip=False)
    gender = forms.ChoiceField(label=LABELS["gender"], choices=[*_NONE, *GENDERS.items()], required=False)
    birthday_kind = forms.ChoiceField(label=LABELS["birthday_kind"], choices=Customer.BirthdayKind.choices)
    birth_date = forms.DateField(label=LABELS["birth_date"], required=False, widget=DayInput)
    lunar_month = forms.IntegerField(label=LABELS["lunar_month"], required=False, min_value=1, max_value=12)
    lunar_day = forms.IntegerField(label=LABELS["lunar_day"], required=False, min_value=1, max_value=30)
    lunar_leap = forms.BooleanField(label=LABELS["lunar_leap"], required=False)
    id_type = forms.ChoiceField(label=LABELS["id_type"], choices=_DOCUMENTS, required=False)
    id_number = forms.CharField(
        label=LABELS["id_number"], max_length=40, required=False, widget=forms.TextInput({"autocomplete": "off"})
    )
    home_city = forms.CharField(label=LABELS["home_city"], max_length=60, required=False, strip=False)
    area_type = forms.ChoiceField(
        label=LABELS["area_type"], choices=[*_NONE, *Customer.AreaType.choices], required=False
    )
    channel_preference = forms.ChoiceField(
        label=LABELS["channel_preference"], choices=[*_NONE, *CHANNELS.items()], required=False
    )

    def fields_of_archive(self) -> dict[str, Any]:
        """The cleaned values under their stored names."""
        return {name: self.cleaned_data[name] for name in PLAIN_FIELDS if name in self.cleaned_data}


class CustomerNewForm(ArchiveForm):
    """A new archive, with the first number."""

    mobile = forms.CharField(
        label=LABELS["mobile"],
        max_length=30,
        required=False,
        widget=forms.TextInput({"inputmode": "tel", "autocomplete": "off"}),
    )
    despite_duplicates = forms.BooleanField(label=_("This is another customer"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial.setdefault("birthday_kind", Customer.BirthdayKind.SOLAR)


class CustomerEditForm(ArchiveForm):
    """An archive being changed; `version` and `copy` are of what is on the screen. An empty ID number: as it is."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    copy = forms.CharField(widget=forms.HiddenInput, required=False)
    status = forms.ChoiceField(label=LABELS["status"], choices=Customer.Status.choices)
    language = forms.ChoiceField(label=LABELS["language"], choices=[*LANGUAGES.items()], required=False)
    manager = forms.ModelChoiceField(label=LABELS["manager_id"], queryset=User.objects.none(), required=False)

    def __init__(
        self,
        *args: Any,
        managers: Any,
        hides_name: bool,
        hides_birth_date: bool,
        guarded: bool,
        id_type: str,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.hides_birth_date = hides_birth_date
        if hides_birth_date:
            self.fields["birth_date"].help_text = _("Hidden here. Leave empty to keep the date on file.")
        if hides_name:
            self.fields["name"].required = False
            self.fields["name"].help_text = _("Hidden here. Leave empty to keep the name on file.")
        self.fields["manager"].queryset = managers  # type: ignore[attr-defined]
        self.fields["id_number"].help_text = _("Leave empty to keep the number on file.")
        for name in GUARDED_FIELDS if guarded else ():
            # Sent all the same: one who was verified while the form was open hears the refusal and loses no word.
            self.fields[name].widget.attrs["readonly"] = True
            self.fields[name].help_text = _("Changed by a request only: the identity was verified.")
        if guarded:  # a select knows no "readonly"
            kept = {id_type, self["id_type"].value()}
            del self.fields["id_type"].widget.attrs["readonly"]
            self.fields["id_type"].widget.choices = [one for one in _DOCUMENTS if one[0] in kept]

    def fields_of_archive(self) -> dict[str, Any]:
        manager = self.cleaned_data["manager"]
        values = super().fields_of_archive()
        if not self.fields["name"].required and not values["name"].strip():
            del values["name"]
        if self.hides_birth_date and values["birth_date"] is None:
            del values["birth_date"]
        if self.cleaned_data["language"]:
            values["language"] = self.cleaned_data["language"]
        return values | {
            "status": self.cleaned_data["status"],
            "manager_id": manager.pk if manager else None,
        }


class InlineForm(forms.Form):
    """One field of an archive changed in its place. `version`, `copy`: of what the person saw; `back`: they go on with
    the keyboard, so the focus comes back to the value."""

    version = forms.IntegerField(widget=forms.HiddenInput)
    copy = forms.CharField(widget=forms.HiddenInput, required=False)
    back = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, data: Any = None, *, field: str, managers: Any, **kwargs: Any) -> None:
        super().__init__(data, auto_id=f"id_inline_{field}_%s", **kwargs)
        self.name = field.removesuffix("_id")
        self.fields[self.name] = deepcopy(CustomerEditForm.base_fields[self.name])
        if field == "manager_id":
            self.fields[self.name].queryset = managers  # type: ignore[attr-defined]

    def value(self) -> Any:
        """The cleaned value as the service takes it."""
        chosen = self.cleaned_data[self.name]
        return (chosen.pk if chosen else None) if self.name == "manager" else chosen


class ContactPointForm(forms.Form):
    """A way to reach the customer."""

    kind = forms.ChoiceField(label=_("Kind"), choices=ContactPoint.Kind.choices)
    value = forms.CharField(label=_("Number or address"), max_length=254, strip=False)
    label = forms.CharField(label=_("Label"), max_length=40, required=False, strip=False)
    primary = forms.BooleanField(label=_("Use this first"), required=False)
    verified = forms.BooleanField(label=_("The customer was reached there"), required=False)


class AddressForm(forms.Form):
    """An address; emptied, it ends."""

    kind = forms.ChoiceField(label=_("Kind"), choices=Address.Kind.choices)
    province = forms.CharField(label=LABELS["province"], max_length=40, required=False, strip=False)
    city = forms.CharField(label=LABELS["city"], max_length=60, required=False, strip=False)
    district = forms.CharField(label=LABELS["district"], max_length=60, required=False, strip=False)
    street = forms.CharField(label=LABELS["street"], max_length=200, required=False, strip=False)
    postcode = forms.CharField(label=LABELS["postcode"], max_length=12, required=False, strip=False)
    copy = forms.CharField(widget=forms.HiddenInput, required=False)


class ProfileFieldForm(forms.Form):
    """An optional fact with its purpose and consent."""

    key = forms.ChoiceField(label=_("Fact"), choices=ProfileField.Key.choices)
    choice = forms.ChoiceField(
        label=_("Chosen from the list"),
        required=False,
        choices=lambda: [*_NONE, *code_choices()],
        help_text=_("For education, income, skill with technology and social standing."),
    )
    value = forms.CharField(
        label=_("Value"), max_length=400, strip=False, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )
    verified_how = forms.ChoiceField(
        label=_("Made sure"), choices=[("", _("Not yet")), *ProfileField.VerifiedHow.choices], required=False
    )
    source = forms.CharField(label=_("Source"), max_length=40, strip=False)
    purpose = forms.CharField(label=_("Purpose"), max_length=120, strip=False)
    consent_evidence = forms.CharField(
        label=_("How the customer agreed"), max_length=200, strip=False, help_text=_("Form number, call, date.")
    )
    expires_on = forms.DateField(label=_("Kept until"), required=False, widget=DayInput)
    copy = forms.CharField(widget=forms.HiddenInput, required=False)

    def clean(self) -> dict[str, Any]:
        """The value of a key with a list is what was chosen from it."""
        data = super().clean() or {}
        chosen, _colon, code = str(data.pop("choice", "")).partition(":")
        key = data.get("key", "")
        if key in CODES:
            data["value"] = code
            if chosen != key:
                self.add_error("choice", _("Choose one of the values of this fact."))
        return data


def code_choices() -> list[tuple[str, Any]]:
    """The code lists of facts for one select, grouped by fact."""
    return [
        (str(ProfileField.Key(key).label), [(f"{key}:{code}", words) for code, words in codes.items()])
        for key, codes in CODES.items()
    ]


class NeedForm(forms.Form):
    """Something the customer wants of us."""

    text = forms.CharField(label=_("Need"), max_length=400, strip=False, widget=forms.Textarea(attrs={"rows": 2}))
    category = forms.ChoiceField(label=_("Category"), choices=[*_NONE, *Need.Category.choices], required=False)
    due_on = forms.DateField(label=_("Wanted by"), required=False, widget=DayInput)


class NeedStateForm(forms.Form):
    """How far a need is: planned by whom and for when, or why it is declined."""

    state = forms.ChoiceField(
        label=_("State"), choices=Need.State.choices, widget=forms.Select(attrs={"class": "input"})
    )
    due_on = forms.DateField(label=_("Planned for"), required=False, widget=DayInput)
    owner = forms.ChoiceField(
        label=_("Owner"), choices=[("", "–"), ("me", _("Me")), ("manager", _("The manager"))], required=False
    )
    reason = forms.CharField(label=_("Reason, when declined"), max_length=200, required=False, strip=False)


def consent_pairs() -> list[tuple[str, str]]:
    """Every purpose with each channel it may be agreed to on; "" where it is no contact."""
    return [
        (str(purpose.value), channel)
        for purpose in Purpose
        for channel in (ConsentChannel.values if purpose in CONTACTS else [""])
    ]


def consent_choices() -> list[tuple[str, Any]]:
    """The pairs for a select, in full: a closed select must not leave out what the channel is for."""
    return [*_NONE, *((f"{purpose}:{channel}", _pair_words(purpose, channel)) for purpose, channel in consent_pairs())]


def _pair_words(purpose: str, channel: str) -> str:
    words = str(Purpose(purpose).label)
    return f"{words} · {ConsentChannel(channel).label}" if channel else words


class ConsentForm(forms.Form):
    """An answer of the customer. Only one who agrees must show it; a no needs nothing but what it is about."""

    what = forms.ChoiceField(label=_("What is asked"), choices=consent_choices)
    evidence_kind = forms.ChoiceField(label=_("Shown by"), choices=[*_NONE, *EvidenceKind.choices])
    evidence = forms.CharField(
        label=_("Evidence"), max_length=200, strip=False, help_text=_("Number of the form, of the recording.")
    )
    source = forms.ChoiceField(label=_("Heard"), choices=ConsentSource.choices, required=False)
    expires_on = forms.DateField(label=_("Holds until"), required=False, widget=DayInput)

    def __init__(self, *args: Any, agrees: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.agrees = agrees
        for name in ("evidence_kind", "evidence"):
            self.fields[name].required = agrees

    def answer(self) -> dict[str, Any]:
        """The cleaned values as the services take them."""
        data = self.cleaned_data
        purpose, _colon, channel = data["what"].partition(":")
        told = {
            "purpose": purpose,
            "channel": channel,
            "source": data["source"] or ConsentSource.DESK,
            "evidence": data["evidence"],
        }
        return told | {name: data[name] for name in ("evidence_kind", "expires_on")} if self.agrees else told


class WishesForm(forms.Form):
    """How the customer likes to be reached."""

    channel = forms.ChoiceField(label=LABELS["channel_preference"], choices=[*_NONE, *CHANNELS.items()], required=False)
    language = forms.ChoiceField(label=_("Language of messages"), choices=list(LANGUAGES.items()))
    reminders = forms.BooleanField(
        label=_("Wants reminders of bills and use"),
        required=False,
        help_text=_("Notices the law demands before a suspension leave all the same."),
    )


class ContactTimeForm(forms.Form):
    """A time in which the customer does, or does not, want to hear from us."""

    wish = forms.ChoiceField(label=_("Wish"), choices=ContactTime.Wish.choices)
    days = forms.ChoiceField(label=_("Days"), choices=ContactTime.Days.choices)
    starts = forms.TimeField(label=_("Begins at"), widget=forms.TimeInput({"type": "time"}, format="%H:%M"))
    ends = forms.TimeField(
        label=_("Ends at"),
        widget=forms.TimeInput({"type": "time"}, format="%H:%M"),
        help_text=_("An end before the beginning means the next day."),
    )
