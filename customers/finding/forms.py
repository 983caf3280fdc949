"""The spellings search works with: the same for what is stored and for what is typed. No database."""

from __future__ import annotations

import re
import unicodedata

from stdnum.cn import ric

from customers.normal import compact, domestic, international, without_marks

_SPACE = re.compile(r"\s+")
# The dots between the parts of a name are typed in many ways.
_DOT = re.compile("[\u2022\u2027\u2219\u22c5\u30fb]")


def folded(text: str) -> str:
    """A name for comparing: half-width, small letters, single spaces, one kind of dot."""
    text = _DOT.sub("\u00b7", unicodedata.normalize("NFKC", without_marks(text)))
    return _SPACE.sub(" ", text).strip().lower()


def grams(*names: str) -> set[str]:
    """Every piece of two characters of the folded names; pieces with a space in them say nothing."""
    pieces = {name[at : at + 2] for name in names for at in range(len(name) - 1)}
    return {piece for piece in pieces if " " not in piece and "\x00" not in piece}


def code_value(text: str) -> str:
    """A line, account or foreign number as stored for finding: large letters without spaces.

    Only ASCII letters are enlarged, so that SQL does exactly the same.
    """
    kept = re.sub(r"[ \t\n\r\f\v]+", "", text)
    return "".join(character.upper() if character.isascii() else character for character in kept)


def number_forms(text: str) -> list[str]:
    """The spellings under which a typed full number may stand: as typed, without separators, without +86, with the
    plus of another country."""
    bare = compact(text)
    forms = (code_value(without_marks(text)), bare, domestic(bare), international(domestic(bare)))
    return list(dict.fromkeys(form for form in forms if form))


def id_forms(text: str) -> list[str]:
    """The spellings under which a typed document number may stand: without separators, and a card of 15 digits also
    by its 18 (customers.normal upgrades it when it is stored)."""
    number = compact(text)
    if len(number) != 15 or not number.isdecimal():
        return [number]
    longer = f"{number[:6]}19{number[6:]}0"
    return [number, longer[:17] + ric.calc_check_digit(longer)]
