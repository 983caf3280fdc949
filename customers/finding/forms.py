"""The spellings search works with: the same for what is stored and for what is typed. No database."""

from __future__ import annotations

import re
import unicodedata

from stdnum.cn import ric

from customers.finding.variants import simplified
from customers.normal import compact, domestic, international, is_mobile, without_marks

# They choose the shape of the character before them.
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0000-\U000e01ef]")
_HAN = re.compile("[\u3400-\u9fff]+")
_SPACE = re.compile(r"\s+")
# Signs people leave out, or type in many ways: dots between the parts of a name, brackets, quotes, commas.
_SIGNS = re.compile(
    "[\u00b7\u2022\u2027\u2219\u22c5\u30fb\uff65.,:;!?'\"`\u00b4\u02b9-\u02bc(){}\\[\\]<>"
    "\u2018-\u201f\u2032\u2033\u3001-\u3002\u3008-\u3011\u3014-\u301b\u00ab\u00bb]"
)
# What joins words, as a space would.
_JOINTS = re.compile("[-_/\\\\|~\u2010-\u2015\u2212]")
# A space beside a Chinese character says nothing: names of two characters are often padded with one.
_IDLE_SPACE = re.compile(r" (?=[^\x00-\x7f])|(?<=[^\x00-\x7f]) ")
_ACCENT = re.compile("(?<=[a-z])[\u0300-\u036f]+")
_UMLAUT = re.compile("u[\u0304\u0301\u030c\u0300]?\u0308[\u0304\u0301\u030c\u0300]?|u:")
_TONED = re.compile(r"(?:[a-z]{1,6}[1-5][ ']*){2,}")
_PINYIN = re.compile(r"[a-z][a-z' ]*")
_COUNTRY = re.compile(r"(?:\+|00)?86(?=\d{7,})")


def as_typed(text: str) -> str:
    """What was typed, for numbers and addresses: half-width, small letters, single spaces, without invisible marks."""
    text = unicodedata.normalize("NFKC", _SELECTORS.sub("", without_marks(text)))
    return _SPACE.sub(" ", text).strip().lower()


def folded(name: str) -> str:
    """A name for comparing: half-width, small letters without accents, simplified characters, without dots, brackets
    and idle spaces."""
    if _HAN.fullmatch(name):  # most names, many millions of them in an import
        return simplified(name)
    text = _ACCENT.sub("", unicodedata.normalize("NFD", as_typed(name)))
    text = simplified(unicodedata.normalize("NFC", text))
    text = _JOINTS.sub(" ", _SIGNS.sub("", text))
    return _IDLE_SPACE.sub("", _SPACE.sub(" ", text)).strip()


def grams(*names: str) -> set[str]:
    """Every piece of two characters of the folded names; pieces with a space in them say nothing."""
    pieces = {name[at : at + 2] for name in names for at in range(len(name) - 1)}
    return {piece for piece in pieces if " " not in piece and "\x00" not in piece}


def pinyin_typed(text: str) -> str:
    """The plain letters of a text typed as pinyin, or "" when it is none: without spaces, apostrophes, hyphens, tones
    as marks or figures, the umlaut as v; a surname spelt as in passports (LYU) as well."""
    plain = unicodedata.normalize("NFD", as_typed(text)).replace("-", " ").replace("\u2019", "'")
    plain = _ACCENT.sub("", _UMLAUT.sub("v", plain))
    if _TONED.fullmatch(plain):
        plain = re.sub(r"[1-5]", "", plain)
    if not _PINYIN.fullmatch(plain):
        return ""
    letters = plain.replace(" ", "").replace("'", "")
    return f"{letters[0]}v{letters[3:]}" if letters.startswith(("lyu", "nyu")) else letters


def surname_first(text: str) -> str:
    """The letters of a name typed as pinyin with the surname behind the given name, the surname put first; "" for a
    text of one word or no pinyin."""
    given, _space, surname = as_typed(text).rpartition(" ")
    letters = pinyin_typed(surname), pinyin_typed(given)
    return "".join(letters) if all(letters) else ""


def code_value(text: str) -> str:
    """A line, account or foreign number as stored for finding: large letters without spaces.

    Only ASCII letters are enlarged, so that SQL does exactly the same.
    """
    kept = re.sub(r"[ \t\n\r\f\v]+", "", text)
    return "".join(character.upper() if character.isascii() else character for character in kept)


def number_forms(text: str) -> list[str]:
    """The spellings under which a typed full number may stand: as typed, without separators, without +86, 0086 or a
    bare 86 before a mobile number, a fixed line with the 0 of its area code, the plus of another country."""
    bare = compact(text)
    forms = [code_value(without_marks(text)), bare, domestic(bare), international(domestic(bare))]
    if found := _COUNTRY.match(bare):
        rest = bare[found.end() :]
        if is_mobile(rest):
            forms.append(rest)
        elif found[0] != "86":
            forms.append(f"0{rest}")
    return list(dict.fromkeys(form for form in forms if form))


def id_forms(text: str) -> list[str]:
    """The spellings under which a typed document number may stand: without separators, and a card of 15 digits also
    by its 18 (customers.normal upgrades it when it is stored)."""
    number = compact(text)
    if len(number) != 15 or not number.isdecimal():
        return [number]
    longer = f"{number[:6]}19{number[6:]}0"
    return [number, longer[:17] + ric.calc_check_digit(longer)]
