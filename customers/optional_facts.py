"""Which optional facts may be used and how they are said: fresh, agreed to, from code lists, never what is forbidden
(D§3.1, D§5.5)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from customers.models import Consent, ConsentState, ProfileField, Purpose
from foundation.common.errors import RuleBroken

K = ProfileField.Key
# Behind a reveal of their own, like the number of a document: key -> its name among the reveals.
SENSITIVE: dict[str, str] = {K.INCOME_BAND: "income", K.STRATUM: "stratum", K.FAMILY: "family"}
CODES: dict[str, dict[str, Any]] = {
    K.EDUCATION: {
        "PRIMARY": gettext_lazy("Primary school"),
        "SECONDARY": gettext_lazy("Secondary school"),
        "VOCATIONAL": gettext_lazy("Vocational school"),
        "COLLEGE": gettext_lazy("College"),
        "BACHELOR": gettext_lazy("Bachelor"),
        "MASTER": gettext_lazy("Master"),
        "DOCTOR": gettext_lazy("Doctorate"),
    },
    K.INCOME_BAND: {
        "UNDER_3000": gettext_lazy("Below 3,000 a month"),
        "TO_6000": gettext_lazy("3,000 to 6,000 a month"),
        "TO_10000": gettext_lazy("6,000 to 10,000 a month"),
        "TO_20000": gettext_lazy("10,000 to 20,000 a month"),
        "OVER_20000": gettext_lazy("Above 20,000 a month"),
    },
    K.TECH_SKILL: {
        "NONE": gettext_lazy("Needs help with everything"),
        "BASIC": gettext_lazy("Calls and messages"),
        "DAILY": gettext_lazy("Uses apps every day"),
        "EXPERT": pgettext_lazy("skill", "Expert"),
    },
    K.STRATUM: {
        "STUDENT": gettext_lazy("In education"),
        "WORKER": gettext_lazy("Worker"),
        "OFFICE": gettext_lazy("Office staff"),
        "PROFESSIONAL": gettext_lazy("Professional"),
        "MANAGER": gettext_lazy("Executive"),
        "OWNER": gettext_lazy("Business owner"),
        "RETIRED": gettext_lazy("Retired"),
    },
}


def value_words(key: str, value: str) -> str:
    """A stored value as people read it; values older than the code lists stay as they were written."""
    return str(CODES.get(key, {}).get(value, value))


def checked_value(key: str, value: str) -> str:
    """A value that may be kept. Refuses (customers.bad_code) one that is not in the list of its key, and
    (customers.forbidden_fact) belief, politics and health, which are never stored (D§5.5)."""
    codes = CODES.get(key)
    if codes is not None and value not in codes:
        raise RuleBroken(
            "customers.bad_code", _("%(field)s: choose one of the offered.") % {"field": ProfileField.Key(key).label}
        )
    found = forbidden_word(value) if codes is None else ""
    if found:
        raise RuleBroken(
            "customers.forbidden_fact",
            _("Belief, politics and health are never stored (“%(word)s”). Leave this out.") % {"word": found},
        )
    return value


def forbidden_word(text: str) -> str:
    """The first word of the list of never-stored things in a text, or ""."""
    low = text.lower()
    return next((word for word in _forbidden() if word in low), "")


@cache
def _forbidden() -> tuple[str, ...]:
    lines = (Path(__file__).parent / "forbidden_words.txt").read_text(encoding="utf-8").splitlines()
    return tuple(line.strip().lower() for line in lines if line.strip() and not line.startswith("#"))


def usable(rows: QuerySet[ProfileField], day: date) -> QuerySet[ProfileField]:
    """The facts that count on `day`: not expired, and the profile not refused or withdrawn."""
    refused = Consent.objects.filter(
        ~Q(state=ConsentState.GRANTED) | Q(expires_on__lt=day),
        customer=OuterRef("customer_id"),
        purpose=Purpose.PROFILING,
    )
    return rows.filter(Q(expires_on__isnull=True) | Q(expires_on__gt=day)).exclude(Exists(refused))


def shown_facts(rows: Iterable[ProfileField], consents: Iterable[Consent], day: date) -> list[ProfileField]:
    """The twin of `usable` for rows of one customer at hand."""
    if is_refused(consents, day):
        return []
    return [row for row in rows if row.expires_on is None or row.expires_on > day]


def is_refused(consents: Iterable[Consent], day: date) -> bool:
    """Whether the customer refused the profile, took it back, or agreed for a time that is over."""
    return any(row.purpose == Purpose.PROFILING and not row.holds(day) for row in consents)
