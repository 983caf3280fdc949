"""One spelling for what people type: texts, telephone numbers, document numbers, dates. No database.

Every refusal is a RuleBroken with words for the person who typed. Numbers are forgiving (they are pasted from chats
and web pages with invisible marks in them), names are not: what cannot be seen must not be stored in a name.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date

import phonenumbers
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from stdnum.cn import ric, uscc
from stdnum.exceptions import ValidationError as BadNumber

from customers import lunar
from customers.models import ContactPoint, Customer
from customers.models.subscriptions import ProductLine
from foundation.common import clock
from foundation.common.errors import RuleBroken

EARLIEST_BIRTH = date(1890, 1, 1)
_INVISIBLE = re.compile("[\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")
_SPACE = re.compile(r"\s+")
_NUMBER_NOISE = re.compile(r"[\s\-‐-―()./]+")
_CHINA = re.compile(r"(?:\+|00)86(?=\d{7,})")
_MOBILE = re.compile(r"1[3-9]\d{9}")
# Hotlines and platforms are no subscribers' numbers, and the numbering plan of phonenumbers does not know them.
_SERVICE = re.compile(r"1(?:00\d{1,3}|1\d|2\d{1,3}|06\d{2,17}|6\d{3,4})|9\d{4,5}|[48]00\d{7}")
_AREA_CODED = re.compile(r"0\d{9,11}")
_FIXED = re.compile(rf"{_AREA_CODED.pattern}|[2-8]\d{{6,7}}")


def without_marks(text: str) -> str:
    """The text without zero-width characters, direction marks, soft hyphens and control characters."""
    return _CONTROL.sub("", _INVISIBLE.sub("", text.replace("\t", " ").replace("\n", " ").replace("\r", " ")))


def plain_text(text: str, *, longest: int, label: str) -> str:
    """A text for storing: trimmed, runs of spaces as one. Refuses (customers.invisible, customers.too_long) what
    cannot be seen and what does not fit; `label` names the field in the refusal.
    """
    if _INVISIBLE.search(text):
        raise RuleBroken(
            "customers.invisible",
            _("%(field)s: there are invisible characters in it. Type it by hand instead of pasting.")
            % {"field": label},
        )
    if _CONTROL.search(text.replace("\t", " ").replace("\n", " ").replace("\r", " ")):
        raise RuleBroken("customers.invisible", _("%(field)s: there are control characters in it.") % {"field": label})
    text = _SPACE.sub(" ", text).strip()
    if len(text) > longest:
        raise RuleBroken(
            "customers.too_long",
            _("%(field)s: at most %(longest)s characters fit, these are %(length)s.")
            % {"field": label, "longest": longest, "length": len(text)},
        )
    return text


def compact(text: str) -> str:
    """A number as typed or pasted, without marks, spaces, hyphens, dots and brackets; full-width becomes half-width,
    letters large. "１３８-0013 8000" gives "13800138000"."""
    return _NUMBER_NOISE.sub("", unicodedata.normalize("NFKC", without_marks(text))).upper()


def domestic(number: str) -> str:
    """A compact number without +86 or 0086; another country's keeps its plus."""
    return _CHINA.sub("", number, count=1)


def international(number: str) -> str:
    """A compact number with 00 before its country code spelt with a plus; others unchanged."""
    return f"+{number[2:]}" if number.startswith("00") else number


def is_service_number(number: str) -> bool:
    """Whether a compact number is a hotline or platform: 10086, 95xxx, 106x, 12345, 400…"""
    return _SERVICE.fullmatch(number) is not None


def is_mobile(number: str) -> bool:
    """Whether a domestic number is a mobile one."""
    return _MOBILE.fullmatch(number) is not None


def phone(text: str, *, kind: str) -> str:
    """The stored spelling of a telephone number: digits, +86 taken off. Refuses (customers.bad_phone).

    A MOBILE is 11 digits beginning 13 to 19, or a foreign number with its country code; a PHONE may also be a fixed
    line or a service number. A foreign one is stored with its plus: +1 650 555 1234 without it would be somebody's
    mobile number here.
    """
    number = compact(text)
    foreign = number.startswith(("+", "00")) and not _CHINA.match(number)
    if foreign and _is_foreign(number):
        return international(number)
    number = domestic(number)
    if not number.isascii() or not number.isdecimal() or foreign:
        raise RuleBroken("customers.bad_phone", _("This is not a telephone number."))
    if is_mobile(number):
        return number
    if kind == ContactPoint.Kind.MOBILE:
        raise RuleBroken("customers.bad_phone", _("A mobile number has 11 digits and begins with 13 to 19."))
    if is_service_number(number) or _FIXED.fullmatch(number):
        return number
    raise RuleBroken("customers.bad_phone", _("This is no telephone number. Write a fixed line with its area code."))


def _is_foreign(number: str) -> bool:
    try:
        parsed = phonenumbers.parse(international(number), None)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_possible_number(parsed)


def email(text: str) -> str:
    """An e-mail address in small letters. Refuses (customers.bad_email)."""
    address = unicodedata.normalize("NFKC", without_marks(text)).strip().lower()
    try:
        validate_email(address)
    except ValidationError:
        raise RuleBroken("customers.bad_email", _("This is not an e-mail address.")) from None
    if len(address) > 254:
        raise RuleBroken("customers.bad_email", _("This is not an e-mail address."))
    return address


def contact_value(kind: str, text: str) -> str:
    """The stored spelling of a contact point of `kind`. Refuses as `phone`, `email`, `plain_text`."""
    if kind in {ContactPoint.Kind.MOBILE, ContactPoint.Kind.PHONE}:
        return phone(text, kind=kind)
    if kind == ContactPoint.Kind.EMAIL:
        return email(text)
    value = plain_text(text, longest=254, label=_("Messenger"))
    if not value:
        raise RuleBroken("customers.empty_contact", _("Write the account of the messenger."))
    return value


def id_number(text: str, *, id_type: str) -> str:
    """The stored spelling of a document number. Refuses (customers.bad_id) a wrong length, check digit or birth date.

    A resident's card of the first generation (15 digits) is upgraded to its 18 digits, so that both spellings of one
    person meet. A business licence has the 18 characters of the unified code, or the 15 digits used before 2015.
    """
    number = compact(text)
    if not number or not number.isascii() or not number.isalnum() or len(number) > 32:
        raise RuleBroken("customers.bad_id", _("This is not a document number."))
    if id_type == Customer.IdType.ID_CARD:
        return _id_card(number)
    if id_type == Customer.IdType.LICENCE:
        if len(number) == 15 and number.isdecimal():
            return number
        try:
            return str(uscc.validate(number))
        except BadNumber:
            raise RuleBroken(
                "customers.bad_id",
                _("A business licence has 18 characters with a check character, or 15 digits. Compare the document."),
            ) from None
    if len(number) < 5:
        raise RuleBroken("customers.bad_id", _("A document number has at least 5 characters."))
    return number


def _id_card(number: str) -> str:
    if re.fullmatch(r"\d{15}", number):
        number = f"{number[:6]}19{number[6:]}0"
        number = number[:17] + ric.calc_check_digit(number)
    elif not re.fullmatch(r"\d{17}[\dX]", number):
        raise RuleBroken("customers.bad_id", _("A resident ID card has 18 characters: 17 digits and a digit or X."))
    elif ric.calc_check_digit(number) != number[17]:
        raise RuleBroken("customers.bad_id", _("The last character does not fit the others. Compare the document."))
    birth = card_birth_date(number)
    if birth is None or not EARLIEST_BIRTH <= birth <= clock.today():
        raise RuleBroken("customers.bad_id", _("The birth date inside this number is not possible."))
    return number


def card_birth_date(number: str) -> date | None:
    """The birth date inside an 18-character card number, or None when it is no date."""
    try:
        return date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        return None


def birth_date(day: date | None) -> date | None:
    """A possible birth date or None. Refuses (customers.impossible_date) the future and before 1890."""
    if day is not None and not EARLIEST_BIRTH <= day <= clock.today():
        raise RuleBroken("customers.impossible_date", _("This birth date is not possible."))
    return day


def typed_birth_date(text: str) -> date:
    """A birth date typed as YYYY-MM-DD. Refuses (customers.impossible_date) what is none, and as `birth_date`."""
    try:
        day = date.fromisoformat(compact(text.replace("-", "")).strip())
    except ValueError:
        raise RuleBroken("customers.impossible_date", _("Write the date as 1990-03-07.")) from None
    return birth_date(day) or day


def lunar_day(month: int | None, day: int | None, *, leap: bool) -> None:
    """Refuse a lunar birthday without month and day (customers.impossible_date), and one on a day no year of the
    tables has (customers.no_such_lunar_day): a leap month that never comes, or its 30th when it never has one."""
    month, day = month or 0, day or 0
    if not (1 <= month <= 12 and 1 <= day <= 30):
        raise RuleBroken("customers.impossible_date", _("A lunar birthday needs a month to 12 and a day to 30."))
    most = lunar.longest(month, leap=leap)
    if day <= most:
        return
    said = {"month": lunar.say_month(month, leap=leap), "first": lunar.FIRST_YEAR, "last": lunar.LAST_YEAR}
    if most == 0:
        words = _("There is no %(month)s in any year from %(first)s to %(last)s. Compare the calendar.") % said
    else:
        words = _("The %(month)s never has more than %(most)s days. Compare the calendar.") % (said | {"most": most})
    raise RuleBroken("customers.no_such_lunar_day", words)


def service_number(text: str) -> str:
    """The stored spelling of a line: digits where it is a telephone number, else large letters without spaces.

    Refuses (customers.bad_service_no) an empty one and more than 64 characters.
    """
    number = compact(text)
    if not number.lstrip("+").isdecimal():
        number = _SPACE.sub("", unicodedata.normalize("NFKC", without_marks(text))).upper()
    else:
        number = domestic(number)
    if not number or len(number) > 64:
        raise RuleBroken("customers.bad_service_no", _("A line needs a number of at most 64 characters."))
    return number


def line_number(text: str, *, product_line: str) -> str:
    """The stored spelling of the number a line of a product is opened under by hand.

    Refuses (customers.bad_service_no): a mobile line without 11 digits beginning 13 to 19, a fixed line without its
    area code that is no service number either, else as `service_number`. Accounts of other products are free.
    """
    number = service_number(text)
    if product_line == ProductLine.MOBILE and not is_mobile(number):
        raise RuleBroken("customers.bad_service_no", _("A mobile number has 11 digits and begins with 13 to 19."))
    if product_line == ProductLine.FIXED and not (_AREA_CODED.fullmatch(number) or is_service_number(number)):
        raise RuleBroken(
            "customers.bad_service_no", _("This is no telephone number. Write a fixed line with its area code.")
        )
    return number
