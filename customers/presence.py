"""Who has a customer open now (ui-guide §5 Collision): marks in the cache, gone 90 s after the last sign of life.

A mark is the person's name and a moment; the page renews it every 30 s. Whoever sees the marks of a customer sees the
customer, and whoever leaves one has been let in; the callers see to both. The marks of a customer are one value of the
cache, so a list asks once for all its rows; of two people who open a page in the same instant one may miss the other
until the next sign of life.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from django.core.cache import cache
from django.utils.translation import gettext as _

from foundation.common import clock
from foundation.ui.wording import join_words
from staff.models import User

GONE_AFTER = 90
VIEW, EDIT = "view", "edit"
CUSTOMER = "customers"
# Of each mark (whose, doing what): when, and the person's name.
Marks = dict[tuple[int, str], tuple[int, str]]


@dataclass(frozen=True)
class Present:
    """Colleagues who have a customer open: those who edit, and those who only look."""

    editing: tuple[str, ...] = ()
    viewing: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """By which a page sees whether it says this already."""
        return sha256(repr((self.editing, self.viewing)).encode()).hexdigest()[:12]

    @property
    def sentences(self) -> list[str]:
        """What the page says of them."""
        said = []
        if self.editing:
            said.append(_say(self.editing, _("%(name)s is editing"), _("%(names)s are editing")))
        if self.viewing:
            said.append(_say(self.viewing, _("%(name)s is viewing"), _("%(names)s are viewing")))
        return said


def _say(names: Sequence[str], one: str, many: str) -> str:
    return one % {"name": names[0]} if len(names) == 1 else many % {"names": join_words(names)}


def mark(user: User, row_id: int, doing: str, *, what: str = CUSTOMER) -> Present:
    """The user has the customer (or another thing, `what`) open now, `doing` VIEW or EDIT; returns who else has."""
    marks = _fresh(cache.get(_key(what, row_id)))
    marks[user.pk, doing] = (_now(), user.name)
    cache.set(_key(what, row_id), marks, GONE_AFTER)
    return _others(user, marks)


def unmark(user: User, row_id: int, doing: str, *, what: str = CUSTOMER) -> None:
    """The user has finished `doing` it."""
    marks = _fresh(cache.get(_key(what, row_id)))
    if marks.pop((user.pk, doing), None):
        cache.set(_key(what, row_id), marks, GONE_AFTER)


def open_elsewhere(user: User, row_ids: Sequence[int], *, what: str = CUSTOMER) -> set[int]:
    """Those of the customers (or `what`) that somebody else has open: one trip to the cache, whatever their number."""
    keys = {_key(what, row_id): row_id for row_id in row_ids}
    found = cache.get_many(keys) if keys else {}
    return {keys[key] for key, marks in found.items() if any(pk != user.pk for pk, _doing in _fresh(marks))}


def _fresh(marks: Marks | None) -> Marks:
    """The marks that still count."""
    oldest = _now() - GONE_AFTER
    return {mark: told for mark, told in (marks or {}).items() if told[0] > oldest}


def _others(user: User, marks: Marks) -> Present:
    editing = {(pk, told[1]) for (pk, doing), told in marks.items() if doing == EDIT and pk != user.pk}
    viewing = {(pk, told[1]) for (pk, doing), told in marks.items() if doing == VIEW and pk != user.pk} - editing
    return Present(tuple(name for _pk, name in sorted(editing)), tuple(name for _pk, name in sorted(viewing)))


def _key(what: str, row_id: int) -> str:
    return f"{what}:open:{row_id}"


def _now() -> int:
    return int(clock.now().timestamp())
