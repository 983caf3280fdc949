"""Drafts: what a person types is kept on the server until it is saved (ui-guide §5 Drafts).

Pages name a place ("interactions.note") and, where there is one, the customer; `{% draft_field %}` writes a token of
both into the text area, so that nobody can keep text in a place no page has shown them. Forms that save the text call
`forget_draft`. When two windows of one person write in the same place, the newer text wins and the other is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.core.signing import BadSignature, Signer
from django.db import connection, transaction
from django.utils.translation import gettext as _

from foundation.common import clock, ids
from foundation.common.errors import RuleBroken
from foundation.common.prepared import prepared
from foundation.jobs.running import RunningJob
from foundation.policies.reading import policy
from staff.models import Draft, User

FORGET = "staff.forget_drafts"
LONGEST = 20_000
_HELD = "_careline_drafts"
_LOCK = "hashtextextended('drafts', %s::bigint)"
_KEEP = """
INSERT INTO staff_draft AS kept (user_id, place, customer_id, text, replaced, stamp, saved_at)
VALUES (%(user)s, %(place)s, %(customer)s, %(text)s, '', %(stamp)s, %(now)s)
ON CONFLICT (user_id, customer_id, place) DO UPDATE SET
  replaced = CASE WHEN kept.stamp <> %(seen)s AND kept.text NOT IN ('', EXCLUDED.text) THEN kept.text
             ELSE kept.replaced END,
  text = EXCLUDED.text, stamp = EXCLUDED.stamp, saved_at = EXCLUDED.saved_at
RETURNING replaced"""


@dataclass(frozen=True)
class Place:
    """Where a text is typed: a code of the app that shows it, the customer it is about, if any, and `of`: which one,
    where the app has several (a follow-up, a contact)."""

    code: str
    customer_id: int | None = None
    of: str = ""

    @property
    def name(self) -> str:
        """How it is stored."""
        return f"{self.code}:{self.of}" if self.of else self.code


@dataclass(frozen=True)
class Saved:
    """How a draft stands after a save: when, its stamp ("" when nothing is kept), what another window had written."""

    at: datetime
    stamp: str
    other: str


_standing: list[Callable[[int], int]] = []


def register_standing(find: Callable[[int], int]) -> None:
    """How to find the customer who stands for one now, should it have been merged into another. Raises ValueError for a
    second way."""
    if _standing and _standing != [find]:
        raise ValueError("there is a way to find who stands for a customer")
    _standing[:] = [find]


def token_of(user: User, place: Place) -> str:
    """What a text area carries so that its text is kept in `place` of `user` and nowhere else."""
    customer = ids.to_text(place.customer_id) if place.customer_id else ""
    return _signer().sign(f"{user.pk} {customer} {place.name}")


def place_of(user: User, token: str) -> Place | None:
    """The place a token was made for; None when it was not made for `user`. A page opened before its customer was
    merged into another writes into the place of that one."""
    try:
        owner, customer, name = _signer().unsign(token).split(" ")
    except (BadSignature, ValueError):
        return None
    if owner != str(user.pk):
        return None
    code, _colon, of = name.partition(":")
    return Place(code, _stands_for(ids.from_text(customer)) if customer else None, of)


def _stands_for(customer_id: int) -> int:
    for find in _standing:
        customer_id = find(customer_id)
    return customer_id


def _signer() -> Signer:
    return Signer(salt="staff.drafts")


def hold_drafts(customer_id: int) -> None:
    """Until the caller's transaction ends nobody saves a draft about this customer: its drafts are being moved. Who
    waits saves for whom stands for the customer then."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_advisory_xact_lock({_LOCK})", [customer_id])


def _followed(place: Place) -> Place:
    """The place at who stands for its customer, whose drafts nobody moves until the transaction ends."""
    customer_id = place.customer_id
    while customer_id is not None:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT pg_advisory_xact_lock_shared({_LOCK})", [customer_id])
        found = _stands_for(customer_id)  # read after the lock: a merge we waited for counts
        if found == customer_id:
            return replace(place, customer_id=customer_id)
        customer_id = found
    return place


@transaction.atomic
def save_draft(user: User, place: Place, text: str, *, seen: str = "") -> Saved:
    """Keep `text` as the draft, with who stands for its customer now; an empty one is forgotten.

    `seen`: the stamp of the draft the window last knew. When another window has written since, the newer text is kept
    all the same and the other one comes back as `other`. Raises RuleBroken("draft.too_long").
    """
    if len(text) > LONGEST:
        raise RuleBroken("draft.too_long", _("A draft holds at most %(most)s characters.") % {"most": LONGEST})
    place = _followed(place)
    known, now, stamp = _number(seen), clock.now(), ids.new_id()
    if not text.strip():
        gone, _by_model = _at(user, place).filter(stamp=known, replaced="").delete()
        if gone or not _at(user, place).exists():
            return Saved(now, "", "")
    values: dict[str, Any] = {
        "user": user.pk,
        "place": place.name,
        "customer": place.customer_id,
        "text": text.replace("\0", ""),
    }
    with connection.cursor() as cursor:
        cursor.execute(_KEEP, values | {"stamp": stamp, "seen": known, "now": now})
        return Saved(now, ids.to_text(stamp), cursor.fetchone()[0])


def _number(stamp: str) -> int:
    """A stamp a browser sent; what is none was never given out."""
    try:
        return ids.from_text(stamp[:13])
    except ValueError:
        return 0


def forget_draft(user: User, place: Place) -> None:
    """The text was saved, or is not wanted any more."""
    values, about = [user.pk, place.name], "customer_id IS NULL"
    if place.customer_id is not None:
        values, about = [*values, place.customer_id], "customer_id = %s"
    with connection.cursor() as cursor:  # nothing hangs on a draft: one statement, where `delete` makes a transaction
        cursor.execute(*prepared(f"DELETE FROM staff_draft WHERE user_id = %s AND place = %s AND {about}", values))


def draft_of(user: User, place: Place) -> Draft | None:
    """What the user has typed there and not saved, if anything."""
    return _at(user, place).first()


def _at(user: User, place: Place) -> Any:
    return Draft.objects.filter(user=user, customer_id=place.customer_id, place=place.name)


def hold(request: Any, customer_id: int | None, rows: Iterable[Draft]) -> None:
    """Let `{% draft_field %}` use these, read with the page, as all the person's drafts about the customer."""
    held = request.__dict__.setdefault(_HELD, {})
    held[customer_id] = {row.place: row for row in rows}


def held(request: Any, place: Place) -> Draft | None:
    """The draft for a field of the page being rendered: one query a customer, none where the page held them."""
    known = request.__dict__.setdefault(_HELD, {})
    if place.customer_id not in known:
        hold(request, place.customer_id, Draft.objects.filter(user=request.user, customer_id=place.customer_id))
    found: Draft | None = known[place.customer_id].get(place.name)
    return found


def forget_old_drafts(job: RunningJob) -> None:
    """Delete drafts nobody has touched for `staff.draft_days`."""
    deleted, _by_model = Draft.objects.filter(saved_at__lt=clock.now() - policy("staff.draft_days")).delete()
    job.progress(deleted, deleted, deleted=deleted)
