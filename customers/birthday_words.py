"""Birthdays in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.birthday_quality import MARKS
from customers.birthdays import NOT_GREETED, birthday_of, next_birthday
from customers.labels import QUALITY_MARKS
from customers.lunar import lunar_of, say_lunar
from customers.models import Customer
from foundation.common import clock
from foundation.ui.wording import say_date


def say_coming(day: date) -> str:
    """A day from today on with how far it is: "Thu, Dec 3, in 11 days"."""
    left = (day - clock.today()).days
    if left == 0:
        return _("%(date)s, today") % {"date": say_date(day)}
    if left == 1:
        return _("%(date)s, tomorrow") % {"date": say_date(day)}
    return ngettext("%(date)s, in %(n)s day", "%(date)s, in %(n)s days", left) % {"date": say_date(day), "n": left}


def say_lunar_of(day: date) -> str:
    """The day of the lunar year a Gregorian day is, in words; "" outside the tables."""
    there = lunar_of(day)
    return say_lunar(there.month, there.day, leap=there.leap) if there else ""


@dataclass(frozen=True)
class BirthdayLine:
    """What the page says of a birthday: the lunar day in words, when it comes next, why it is not trusted. Each may be
    empty."""

    lunar: str = ""
    coming: str = ""
    doubtful: str = ""


def birthday_line(customer: Customer, *, clear: bool) -> BirthdayLine:
    """The words beside the birth date. `clear`: the reader sees the date, so its lunar form tells nothing more."""
    birthday = birthday_of(customer)
    if birthday is None:
        return BirthdayLine()
    lunar = ""
    if birthday.is_lunar:
        lunar = say_lunar(birthday.month, birthday.day, leap=birthday.leap)
    elif clear and customer.birth_date:
        lunar = say_lunar_of(customer.birth_date)
    doubt = next((str(QUALITY_MARKS[mark]) for mark in customer.quality_marks if mark in MARKS), "")
    day = next_birthday(birthday) if customer.status not in NOT_GREETED else None
    return BirthdayLine(lunar, say_coming(day) if day else "", doubt)
