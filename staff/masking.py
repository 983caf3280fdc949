"""How a name, a number, an address looks to those who need not know it (D§3.1).

Every function takes any text and returns what may be shown. What cannot be recognised is hidden altogether; shown
characters are letters and digits only, so that no control or joining character of the original reaches a page.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

STAR = "*"
HIDDEN = STAR * 4
ID_LENGTH = 18
_LETTERS = ("L", "N")
_DOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+", re.IGNORECASE | re.ASCII)


def _shown(character: str) -> str:
    """The character when it is a letter or digit, else a star."""
    return character if unicodedata.category(character)[0] in _LETTERS else STAR


def _is_han(character: str) -> bool:
    return "\u3400" <= character <= "\u9fff" or "\U00020000" <= character <= "\U0003ffff"


def _digits(text: str) -> str:
    """The decimal digits of a text in ASCII, whatever script they are written in."""
    return "".join(str(unicodedata.decimal(character)) for character in text if character.isdecimal())


def mask_name(name: str) -> str:
    """A person: the first character, of a Han name of three or more also the last; stars for the others, at most three.

    A name of one character is hidden. Names in other scripts show their first letter and three stars, whatever
    their length.
    """
    name = "".join(name.split())
    if len(name) < 2:
        return STAR * 2 if name else ""
    if all(_is_han(character) for character in name):
        if len(name) == 2:
            return name[0] + STAR
        return name[0] + STAR * min(len(name) - 2, 3) + name[-1]
    return _shown(name[0]) + STAR * 3


def mask_company(name: str) -> str:
    """A company: its first two and last two characters from eight characters on, else the first one; four stars
    between, whatever the length."""
    name = " ".join(name.split())
    if not name:
        return ""
    if len(name) < 8:
        return _shown(name[0]) + HIDDEN if len(name) > 2 else HIDDEN
    head, tail = "".join(map(_shown, name[:2])), "".join(map(_shown, name[-2:]))
    return f"{head}{HIDDEN}{tail}"


def mask_phone(number: str) -> str:
    """A telephone number: `138 **** 8000`; from seven digits on the last four alone; shorter ones are hidden.

    A leading +86 or 0086 is left out; other countries show their number's first three digits from eleven on.
    """
    if not number.strip():
        return ""
    digits = _digits(number)
    if len(digits) in (13, 15) and digits.startswith(("86", "0086")) and digits[-11] == "1":
        digits = digits[-11:]
    if len(digits) >= 11:
        return f"{digits[:3]} {HIDDEN} {digits[-4:]}"
    if len(digits) >= 8:
        return f"{HIDDEN} {digits[-4:]}"
    return HIDDEN


def mask_account(number: str) -> str:
    """A line or account number: `HZ0571****66`, at least four characters hidden; shorter than eight, all."""
    plain = "".join(character for character in number if _shown(character) != STAR)
    if not number.strip():
        return ""
    if len(plain) >= 12:
        return f"{plain[:6]}{HIDDEN}{plain[-2:]}"
    if len(plain) >= 8:
        return f"{plain[:2]}{HIDDEN}{plain[-2:]}"
    return HIDDEN


def mask_address(text: str) -> str:
    """An address: the words before the first number, at most half of the text and eight characters, then stars."""
    text = " ".join(text.split())
    if not text:
        return ""
    first = next(
        (at for at, character in enumerate(text) if character.isnumeric() and not _is_han(character)), len(text)
    )
    kept = "".join(map(_shown, text[: min(first, len(text) // 2, 8)]))
    return kept.rstrip(STAR) + HIDDEN


def mask_email(text: str) -> str:
    """An e-mail address: first character and domain, `w***@example.com`; anything else is hidden."""
    if not text.strip():
        return ""
    local, at, domain = text.strip().rpartition("@")
    if not at or len(local) < 2 or "@" in local or not _DOMAIN.fullmatch(domain):
        return HIDDEN
    return f"{_shown(local[0])}***@{domain}"


def mask_id(last4: str, first: str = "") -> str:
    """An ID number from the parts that may be shown: up to four characters in front, four behind, eighteen in all."""
    head = "".join(character for character in first[:4] if character.isascii() and character.isalnum())
    tail = "".join(character for character in last4[-4:] if character.isascii() and character.isalnum())
    return head + STAR * (ID_LENGTH - len(head) - len(tail)) + tail


MASKS: dict[str, Callable[[str], str]] = {
    "name": mask_name,
    "company": mask_company,
    "phone": mask_phone,
    "account": mask_account,
    "address": mask_address,
    "email": mask_email,
    "id": mask_id,
}


def name_mask(customer_type: str | None) -> str:
    """Which mask the name of a customer of this type wears, in lists, on pages and in files alike."""
    return "company" if customer_type == "ENTERPRISE" else "name"


def masked_name(name: str | None, customer_type: str | None, *, clear: bool = False) -> str:
    """A customer's name behind the mask of the customer's type, or as it is when `clear`."""
    return masked(name_mask(customer_type), name, clear=clear)


def masked(kind: str, value: str | None, *, clear: bool = False) -> str:
    """`value` behind the mask of its kind, or as it is when `clear`. Raises KeyError for a kind without a mask."""
    mask = MASKS[kind]
    text = value or ""
    return text if clear else mask(text)
