"""Names in letters: full pinyin and initials, from a dictionary of characters and a table of surnames.

Surnames come first, for their reading often differs from the common one. Characters are looked up once per process
and kept: pypinyin is too slow to be asked for every name of an import.
"""

from __future__ import annotations

import os
from functools import cache
from importlib.resources import files

LONGEST_PINYIN, LONGEST_INITIALS = 400, 80


@cache
def surnames() -> dict[str, list[str]]:
    """Surnames (one or two characters) that are not read as their characters usually are, as syllables."""
    lines = files("customers.finding").joinpath("surnames.tsv").read_text(encoding="utf-8").splitlines()
    return {name: syllables.split() for name, _tab, syllables in (line.partition("\t") for line in lines)}


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

    Only a person's name begins with a surname. Signs are left out.
    """
    parts: list[str] = []
    rest = name
    if is_person:
        for length in (2, 1):
            if len(name) > length and name[:length] in surnames():
                parts, rest = list(surnames()[name[:length]]), name[length:]
                break
    word = ""
    for character in rest:
        if character.isascii() and character.isalnum():
            word += character
            continue
        if word:
            parts.append(word)
            word = ""
        if syllable := _reading(character):
            parts.append(syllable)
    if word:
        parts.append(word)
    return "".join(parts)[:LONGEST_PINYIN], "".join(part[0] for part in parts)[:LONGEST_INITIALS]
