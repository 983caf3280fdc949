"""Lists the operator keeps (topics, causes, wordings): words typed in both languages, codes made once, and what another
person changed meanwhile."""

from __future__ import annotations

import re
import unicodedata
from hashlib import sha256
from typing import Any

from django.db import models
from django.utils.translation import gettext as _

from foundation.common.errors import RuleBroken

LONGEST_CODE, OWN_PART = 40, 16
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def has_invisible(text: str) -> bool:
    """Whether there are letters nobody sees in it: two names could look alike and be different."""
    return any(unicodedata.category(letter) in _INVISIBLE for letter in text)


def checked_words(text: str, longest: int, *, lines: bool = False) -> str:
    """What was typed, for keeping; `lines`: its lines stay. Raises RuleBroken "lists.no_words", "lists.bad_words",
    "lists.too_long"."""
    said = text.replace("\r\n", "\n").strip() if lines else " ".join(text.split())
    if not said:
        raise RuleBroken("lists.no_words", _("Fill it in both languages."))
    plain = said.replace("\n", " ").replace("\t", " ") if lines else said
    if has_invisible(plain):
        raise RuleBroken("lists.bad_words", _("There are invisible characters in these words. Type them by hand."))
    if len(said) > longest:
        words = _("At most %(longest)s characters fit, these are %(length)s.")
        raise RuleBroken("lists.too_long", words % {"longest": longest, "length": len(said)})
    return said


def new_code(
    words: str, taken: models.QuerySet[Any], *, stem: str = "", small: bool = False, nameless: str = "ENTRY"
) -> str:
    """A code nobody of `taken` has, from English words, below `stem`; `nameless` where they have neither letters nor
    digits for one."""
    own = re.sub(r"[^A-Z0-9]+", "_", words.upper()).strip("_")[:OWN_PART].strip("_") or nameless
    made = (f"{stem}.{own}" if stem else own)[: LONGEST_CODE - 4]
    made = made.lower() if small else made
    known = set(taken.filter(code__startswith=made).values_list("code", flat=True))
    if made not in known:
        return made
    return next(code for n in range(2, len(known) + 3) if (code := f"{made}_{n}") not in known)


def stamp_of(row: models.Model) -> str:
    """What a row said when it was read: pages send it back, so that nobody overwrites what they did not see."""
    said = "\0".join(str(getattr(row, field.attname)) for field in row._meta.concrete_fields)
    return sha256(said.encode()).hexdigest()[:16]


def check_stamp(row: models.Model, stamp: str) -> None:
    """Raises RuleBroken "lists.stale" where the row says something else than it did; without a stamp never."""
    if stamp and stamp != stamp_of(row):
        words = _("Somebody changed this meanwhile. What stands here now is shown; look at it, then save again.")
        raise RuleBroken("lists.stale", words)


def changes_of(row: models.Model, wanted: dict[str, Any]) -> dict[str, list[Any]]:
    """What would become different: field -> [before, after]."""
    return {name: [getattr(row, name), new] for name, new in wanted.items() if getattr(row, name) != new}
