"""Names in letters: full pinyin and initials, from a dictionary of characters, a table of surnames and one of words.

Surnames come first, for their reading often differs from the common one. Characters are looked up once per process
and kept: pypinyin is too slow to be asked for every name of an import.
"""

from __future__ import annotations

import os
from functools import cache
from importlib.resources import files

LONGEST_PINYIN, LONGEST_INITIALS = 400, 80
# Behind a surname these make the name of a family's firm: family, chronicle (shop), house.
_FAMILY = "\u6c0f\u8bb0\u5bb6"


@cache
def surnames() -> dict[str, list[str]]:
    """Surnames (one or two characters) that are not read as their characters usually are, as syllables."""
    return _table("surnames.tsv")


@cache
def words() -> dict[str, list[str]]:
    """Words of two characters, mostly places and trades, read otherwise than their characters usually are."""
    return _table("words.tsv")


def _table(name: str) -> dict[str, list[str]]:
    lines = files("customers.finding").joinpath(name).read_text(encoding="utf-8").splitlines()
    return {text: syllables.split() for text, _tab, syllables in (line.partition("\t") for line in lines)}


@cache
def _reading(character: str) -> str:
    """The syllable of a Chinese character in plain letters ("lv" for the umlaut), or "" when it has none."""
    # Only single characters are asked for: without the dictionary of phrases the package takes 13 MB, not 57, and
    # nothing of it in a process that reads no name.
    os.environ.setdefault("PYPINYIN_NO_PHRASES", "1")
    os.environ.setdefault("PYPINYIN_NO_DICT_COPY", "1")
    from pypinyin import Style, lazy_pinyin

    found = lazy_pinyin(character, style=Style.NORMAL, errors="ignore", v_to_u=False)
    return found[0] if found and found[0].isascii() else ""


def letters_of(name: str, *, is_person: bool) -> tuple[str, str]:
    """Full pinyin and initials of a folded name: a Chinese character gives a syllable, a Latin word itself.

    Only a person's name begins with a surname, and that of a family's firm. Signs are left out.
    """
    parts: list[str] = []
    rest = name
    for length in (2, 1):
        if name[:length] in surnames() and (name[length : length + 1] if is_person else _is_firm(name, length)):
            parts, rest = list(surnames()[name[:length]]), name[length:]
            break
    word = ""
    done = 0
    for at, character in enumerate(rest):
        if at < done:
            continue
        if character.isascii() and character.isalnum():
            word += character
            continue
        if word:
            parts.append(word)
            word = ""
        if syllables := words().get(rest[at : at + 2]):
            parts += syllables
            done = at + 2
        elif syllable := _reading(character):
            parts.append(syllable)
    if word:
        parts.append(word)
    return "".join(parts)[:LONGEST_PINYIN], "".join(part[0] for part in parts)[:LONGEST_INITIALS]


def _is_firm(name: str, length: int) -> bool:
    return len(name) > length and name[length] in _FAMILY
