"""What the fields of the archive are called in front of people, in forms, histories and timelines alike."""

from __future__ import annotations

from functools import cache
from typing import Any

from django.conf import settings
from django.utils.translation import get_language, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from customers.models import Address, ContactPoint, Customer, Need, ProfileField, Subscription
from foundation.ui.wording import say_choice

LABELS: dict[str, Any] = {
    "customer_type": _("Type"),
    "segment": _("Segment"),
    "name": _("Name"),
    "short_name": _("Short name"),
    "status": _("Status"),
    "gender": _("Gender"),
    "birthday_kind": _("Calendar of the birthday"),
    "birth_date": _("Birth date"),
    "lunar_month": _("Lunar month"),
    "lunar_day": _("Lunar day"),
    "lunar_leap": _("Leap month"),
    "id_type": _("Document"),
    "id_number": _("Document number"),
    "identity_status": _("Identity"),
    "home_city": _("City"),
    "area_type": _("Area"),
    "language": _("Language"),
    "channel_preference": _("Preferred contact"),
    "contact_times": _("Times of contact"),
    "manager_id": _("Manager"),
    "quality_marks": _("Marks of data quality"),
    "mobile": _("Mobile number"),
    "contact_point": pgettext_lazy("address", "Contact"),
    "address": _("Address"),
    "value": pgettext_lazy("address", "Contact"),
    "province": _("Province"),
    "city": _("City"),
    "district": _("District"),
    "street": _("Street and number"),
    "postcode": _("Postcode"),
    "plan_id": _("Plan"),
    "contract_end": _("End of contract"),
    "user_name": _("User"),
    "guardian": _("Guardian present"),
    "other_name": _("Name of somebody related"),
    "monthly_fee": _("Monthly fee"),
    "text": _("Need"),
    "due_on": _("Wanted by"),
    "owner_id": _("Owner"),
    "reason": _("Reason"),
    "state": _("State"),
}
# Codes of the channels a customer may prefer (D§4).
CHANNELS: dict[str, Any] = {
    "HOTLINE": _("Phone call"),
    "SMS": _("Text message"),
    "IM": _("Messenger"),
    "EMAIL": _("E-mail"),
    "APP": _("App"),
    "LETTER": _("Letter"),
    "VISIT": _("Visit"),
}
GENDERS: dict[str, Any] = {"F": _("Female"), "M": _("Male")}
# Languages messages are written in, each called in its own.
LANGUAGES: dict[str, str] = dict(settings.LANGUAGES)
QUALITY_MARKS: dict[str, Any] = {
    "NAME_MISSING": _("Name missing"),
    "BIRTHDAY_MISSING": _("Birthday missing"),
    "BIRTHDAY_PLACEHOLDER": _("Birthday looks like a filler"),
    "BIRTHDAY_OUTSIDE_TABLES": _("Lunar birthday beyond the tables"),
    "CONTACT_BOUNCED": _("Contact unreachable"),
}
# Reasons our own services give for not using a number or address; people write theirs in their own words.
DO_NOT_USE: dict[str, Any] = {
    "messages came back": _("messages came back"),
    "number given to another customer": _("number given to another customer"),
}
TIERS: dict[str, Any] = {
    "ORDINARY": _("Ordinary"),
    "SILVER": _("Silver"),
    "GOLD": _("Gold"),
    "PLATINUM": _("Platinum"),
    "DIAMOND": _("Diamond"),
}
_CODES: dict[str, Any] = {
    "customer_type": Customer.Type,
    "segment": Customer.Segment,
    "id_type": Customer.IdType,
    "identity_status": Customer.IdentityStatus,
    "area_type": Customer.AreaType,
    "birthday_kind": Customer.BirthdayKind,
}
_WORDS: dict[str, dict[str, Any]] = {
    "channel_preference": CHANNELS,
    "gender": GENDERS,
    "language": LANGUAGES,
}
_STATES: dict[tuple[str, str], Any] = {
    ("customer", "status"): Customer.Status,
    ("subscription", "status"): Subscription.Status,
    ("need", "state"): Need.State,
    ("address", "kind"): Address.Kind,
    ("contactpoint", "kind"): ContactPoint.Kind,
}


def say_unusable(reason: str) -> str:
    """Why a number or address must not be used, in the reader's language where one of our services said it."""
    return str(DO_NOT_USE.get(reason, reason))


def label(field: str) -> str:
    """The name of a field, or of a fact of the profile."""
    return _labels(get_language()).get(field, field)


@cache
def _labels(_language: str | None) -> dict[str, str]:
    named = {field: str(words) for field, words in LABELS.items()}
    return named | {str(code): str(words) for code, words in ProfileField.Key.choices}


def value_in_words(entity: str, field: str, stored: str | None) -> str:
    """A value of a field change as people read it: codes in words, everything else as it is."""
    if not stored:
        return ""
    codes = _STATES.get((entity, field)) or _CODES.get(field)
    if codes is not None:
        return say_choice(codes, stored)
    words = _WORDS.get(field)
    return str(words.get(stored, stored)) if words is not None else stored
