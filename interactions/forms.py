"""Shapes of input of the contact pages."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from interactions.lifecycle import Caller, Channel, Direction, Kind, Phase, Result, Verified
from interactions.matter_forms import ColleagueField
from interactions.models import Topic
from interactions.quality_items import QualityItem
from interactions.queries import topic_choices
from interactions.services import NextAction
from outreach.forms import MomentField
from outreach.lifecycle import FollowUpKind
from outreach.queries import colleague_names, colleagues_of
from staff.models import User

HANDLE_HELP = _("For a messenger or social network: the account, or the address of the conversation.")


class StartForm(forms.Form):
    """Who is calling, and how we know. Without a customer only the unknown caller and the wrong number are offered."""

    channel = forms.ChoiceField(label=_("Channel"), choices=Channel.choices, initial=Channel.HOTLINE)
    direction = forms.ChoiceField(
        label=_("Direction"), choices=Direction.choices, initial=Direction.INBOUND, required=False
    )
    caller = forms.ChoiceField(label=_("Who is calling"), choices=Caller.choices)
    verified_by = forms.ChoiceField(
        label=_("Verified by"), choices=Verified.choices, initial=Verified.NONE, required=False
    )
    handle = forms.CharField(
        label=_("Account or link"), required=False, max_length=200, help_text=HANDLE_HELP, strip=True
    )
    identifier = forms.CharField(required=False, max_length=100, widget=forms.HiddenInput)
    call_ref = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: Any, known: bool, **more: Any) -> None:
        super().__init__(*args, **more)
        allowed = (Caller.CUSTOMER, Caller.ON_BEHALF) if known else (Caller.UNKNOWN, Caller.WRONG_NUMBER)
        field = self.fields["caller"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(code.value, code.label) for code in allowed]
        field.initial = allowed[0]
        if not known:
            del self.fields["verified_by"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        data["direction"] = data.get("direction") or Direction.INBOUND
        data["verified_by"] = data.get("verified_by") or Verified.NONE
        return data


class VerifyForm(forms.Form):
    how = forms.ChoiceField(
        label=_("Verified by"), choices=[choice for choice in Verified.choices if choice[0] != Verified.NONE]
    )


class LinkForm(forms.Form):
    identifier = forms.CharField(label=_("Full number, account or ID"), max_length=100)
    caller = forms.ChoiceField(
        label=_("Who is calling"), choices=[(c.value, c.label) for c in (Caller.CUSTOMER, Caller.ON_BEHALF)]
    )


class SummaryForm(forms.Form):
    """The one field a note needs."""

    summary = forms.CharField(
        label=_("What it was about"), widget=forms.Textarea(attrs={"rows": 2}), required=False, max_length=4_000
    )


class LogForm(SummaryForm):
    """One field is enough; the rest has defaults. A next action is complete or refused by the service."""

    DETAILS = ("phase", "agreed", "settled", "referral", "handle", "asked_with", "about_me")

    kind = forms.ChoiceField(label=_("Kind"), choices=Kind.choices, initial=Kind.CONSULT, required=False)
    topic = forms.ChoiceField(label=_("Topic"), required=False)
    result = forms.ChoiceField(label=_("Result"), choices=Result.choices, initial=Result.ANSWERED, required=False)
    next_kind = forms.ChoiceField(
        label=_("Next action"), choices=[("", _("none")), *FollowUpKind.choices], required=False
    )
    next_owner = forms.ModelChoiceField(label=_("Owner"), queryset=User.objects.none(), required=False)
    next_due = MomentField(label=_("Due"), required=False)
    next_subject = forms.CharField(label=_("What is owed"), max_length=200, required=False)
    tell_customer = forms.BooleanField(label=_("Tell the customer by SMS"), required=False)
    phase = forms.ChoiceField(
        label=_("Phase"), choices=[("", _("as usual for the kind")), *Phase.choices], required=False
    )
    agreed = forms.TypedChoiceField(
        label=_("Does the customer agree?"),
        choices=[("", _("not asked")), ("yes", _("Yes")), ("no", _("No"))],
        coerce=lambda value: value == "yes",
        empty_value=None,
        required=False,
    )
    settled = forms.DecimalField(
        label=_("Given on the spot, CNY"), max_digits=12, decimal_places=2, min_value=0, required=False
    )
    referral = forms.CharField(
        label=_("Right contact given"),
        max_length=200,
        required=False,
        help_text=_("For another company's or authority's matter."),
    )
    handle = forms.CharField(label=_("Account or link"), max_length=200, required=False, help_text=HANDLE_HELP)
    asked_with = ColleagueField(label=_("Asked together with"), required=False)
    about_me = forms.BooleanField(label=_("The customer complains of me"), required=False)

    def __init__(self, *args: Any, user: User, **more: Any) -> None:
        super().__init__(*args, **more)
        topic, owner, together = self.fields["topic"], self.fields["next_owner"], self.fields["asked_with"]
        assert isinstance(topic, forms.ChoiceField)
        assert isinstance(owner, forms.ModelChoiceField)
        assert isinstance(together, ColleagueField)
        topic.choices = topic_choices()
        owner.queryset = colleagues_of(user)
        names = colleague_names(user)  # both lists of colleagues are this one
        owner.choices = [("", owner.empty_label), *names]
        together.offer([(key, name) for key, name in names if key != user.pk])

    def logged(self) -> dict[str, Any]:
        """The keyword arguments of `log_contact`."""
        data = self.cleaned_data
        topic = Topic.objects.select_related("parent").get(code=data["topic"]) if data["topic"] else None
        asked = data["next_kind"] or data["next_due"] or data["next_subject"]
        return {
            "summary": data["summary"],
            "kind": data["kind"] or Kind.CONSULT,
            "topic": topic,
            "result": data["result"] or Result.ANSWERED,
            "next_action": NextAction(
                kind=data["next_kind"] or FollowUpKind.TASK,
                owner=data["next_owner"],
                due_at=data["next_due"],
                subject=data["next_subject"],
                tell_customer=data["tell_customer"],
            )
            if asked
            else None,
            **{name: data[name] for name in LogForm.DETAILS},
        }


class QuickLogForm(LogForm):
    """The same for the customer's page, where a contact may begin with its note."""

    channel = forms.ChoiceField(label=_("Channel"), choices=Channel.choices, initial=Channel.HOTLINE, required=False)

    def __init__(self, *args: Any, user: User, **more: Any) -> None:
        super().__init__(*args, user=user, **more)
        self.fields["summary"].required = True


class NewCustomerForm(forms.Form):
    """The unknown caller becomes a customer: a name is enough."""

    name = forms.CharField(label=_("Name"), max_length=120)
    mobile = forms.CharField(label=_("Mobile number"), max_length=32, required=False)
    despite_duplicates = forms.BooleanField(label=_("It is another customer than those alike"), required=False)


class QualityForm(forms.Form):
    """A box for each item of the checklist of this contact."""

    def __init__(self, *args: Any, items: list[QualityItem], **more: Any) -> None:
        super().__init__(*args, **more)
        for item in items:
            self.fields[item.code] = forms.BooleanField(label=item.name, required=False)


def note_form(user: User, customer_id: int, data: Any = None) -> QuickLogForm:
    """The form of the note on a customer's page; its ids are its own."""
    return QuickLogForm(data, user=user, initial={"next_owner": user.pk}, auto_id=_note_ids(customer_id))


def folded_note_form(customer_id: int) -> SummaryForm:
    """The same before anybody unfolds it: the one field, no query."""
    form = SummaryForm(auto_id=_note_ids(customer_id))
    form.fields["summary"].required = True
    return form


def _note_ids(customer_id: int) -> str:
    return f"note-{customer_id % 1_000_000}-%s"
