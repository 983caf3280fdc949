"""Shapes of input of the contact pages."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from customers.models import Customer
from foundation.common import clock
from foundation.ui.wording import say_moment
from interactions.lifecycle import (
    NEEDS_NEXT_ACTION,
    NOT_CHOSEN,
    Caller,
    Channel,
    Direction,
    Kind,
    Phase,
    Result,
    Verified,
)
from interactions.matter_forms import ColleagueField
from interactions.models import ContactPlace, Topic
from interactions.people_queries import people_offered
from interactions.place_queries import places_near, places_seen, usual_channel
from interactions.quality_items import QualityItem
from interactions.queries import topic_choices
from interactions.services import NextAction
from interactions.services.matters import usual_due
from outreach.forms import MindsWishes, MomentField
from outreach.lifecycle import FollowUpKind
from outreach.queries import colleague_names
from staff.models import User

USUAL_PLACE = _("the usual one of the channel")
HANDLE_HELP = _("For a messenger or social network: the account, or the address of the conversation.")


class PlaceField(forms.TypedChoiceField):
    """A place where customers reach us; empty: the usual one."""

    def __init__(self, **more: Any) -> None:
        super().__init__(label=_("Place"), coerce=int, empty_value=None, required=False, **more)

    def offer(self, places: Iterable[ContactPlace], empty: Any) -> None:
        """Offer these; `empty` says what it means to choose none."""
        self.choices = [("", empty), *((str(place.pk), str(place)) for place in places)]

    def clean(self, value: Any) -> Any:
        key = super().clean(value)
        return ContactPlace.objects.get(pk=key) if key is not None else None


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
    place = PlaceField()
    handle = forms.CharField(
        label=_("Account or link"), required=False, max_length=200, help_text=HANDLE_HELP, strip=True
    )
    identifier = forms.CharField(required=False, max_length=100, widget=forms.HiddenInput)
    call_ref = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: Any, known: bool, user: User, **more: Any) -> None:
        super().__init__(*args, **more)
        near = places_near(user)
        self.fields["channel"].initial = Channel.HOTLINE if self.initial.get("call_ref") else usual_channel(user, near)
        place = self.fields["place"]
        assert isinstance(place, PlaceField)
        place.offer(near, USUAL_PLACE)
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


class LogForm(MindsWishes, SummaryForm):
    """One field is enough; the rest has defaults. A next action is complete or refused by the service; a moment for it
    that the customer does not want is asked about once more."""

    MOMENT = "next_due"

    DETAILS = ("phase", "agreed", "settled", "referral", "handle", "asked_with", "about", "place")

    kind = forms.ChoiceField(label=_("Kind"), choices=Kind.choices, initial=Kind.CONSULT, required=False)
    topic = forms.ChoiceField(label=_("Topic"), required=False)
    result = forms.ChoiceField(
        label=_("Result"),
        choices=[(code.value, code.label) for code in Result if code not in NOT_CHOSEN],
        initial=Result.ANSWERED,
        required=False,
    )
    next_kind = forms.ChoiceField(
        label=_("Next action"), choices=[("", _("none")), *FollowUpKind.choices], required=False
    )
    next_owner = ColleagueField(label=_("Owner"), required=False)
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
    about = ColleagueField(
        label=_("Complained of"),
        required=False,
        help_text=_("This person sees neither the contact nor the matter, and is given no part in it."),
    )
    about_no = forms.CharField(label=_("Complained of, by staff number"), max_length=32, required=False)
    place = PlaceField()

    def __init__(self, *args: Any, user: User, **more: Any) -> None:
        super().__init__(*args, **more)
        self.near = places_near(user)
        topic, owner, place = self.fields["topic"], self.fields["next_owner"], self.fields["place"]
        together, about = self.fields["asked_with"], self.fields["about"]
        assert isinstance(topic, forms.ChoiceField)
        assert isinstance(owner, ColleagueField)
        assert isinstance(together, ColleagueField)
        assert isinstance(about, ColleagueField)
        assert isinstance(place, PlaceField)
        topic.choices = topic_choices()
        names = colleague_names(user)  # the lists of colleagues are this one
        owner.offer(people_offered(user, names))
        others = [(str(key), name) for key, name in names if key != user.pk]
        together.offer(others)
        about.offer([(str(user.pk), gettext("Me")), *others])
        place.offer(self.near, USUAL_PLACE)
        self.fields["next_due"].help_text = format_lazy(
            _("For what stays open, left empty: {moment}, one's own working time."),
            moment=say_moment(usual_due(user, clock.now())),
        )

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        number = (data.get("about_no") or "").strip()
        if number:
            person = User.objects.people().filter(staff_no__iexact=number).first()
            if person is None:
                self.add_error("about_no", _("Nobody has this staff number."))
            elif data.get("about") not in (None, person):
                self.add_error("about_no", _("This is the number of another person than the one chosen."))
            data["about"] = person
        return data

    def suits(self, customer: Customer | None) -> bool:
        """Whether the next action may be planned for its moment; where not, the form asks. After `is_valid()`."""
        return self.minds(customer, self._next_kind())

    def _next_kind(self) -> str:
        """The kind of the next action: the one chosen, else the usual one of the result."""
        after = FollowUpKind.CALLBACK if self._result() in NEEDS_NEXT_ACTION else FollowUpKind.TASK
        return self.cleaned_data["next_kind"] or after

    def _result(self) -> str:
        return self.cleaned_data["result"] or Result.ANSWERED

    def logged(self) -> dict[str, Any]:
        """The keyword arguments of `log_contact`."""
        data = self.cleaned_data
        topic = Topic.objects.select_related("parent").get(code=data["topic"]) if data["topic"] else None
        result = self._result()
        asked = data["next_kind"] or data["next_due"] or data["next_subject"] or result in NEEDS_NEXT_ACTION
        return {
            "summary": data["summary"],
            "kind": data["kind"] or (Kind.COMPLAINT if data["about"] else Kind.CONSULT),
            "topic": topic,
            "result": result,
            "next_action": NextAction(
                kind=self._next_kind(),
                owner=data["next_owner"],
                due_at=data["next_due"],
                subject=data["next_subject"] or (data["summary"][:200] if result in NEEDS_NEXT_ACTION else ""),
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
        self.fields["channel"].initial = usual_channel(user, self.near)


class PlaceFilterForm(forms.Form):
    """The filter of the list of contacts, with the tab it stands under."""

    view = forms.CharField(required=False, widget=forms.HiddenInput)
    place = PlaceField()

    def __init__(self, *args: Any, user: User, **more: Any) -> None:
        super().__init__(*args, **more)
        place = self.fields["place"]
        assert isinstance(place, PlaceField)
        place.offer(places_seen(user), _("any"))


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
