"""What somebody signed for at the change of shift is theirs to see to until the colleague is here again (D§9.3): worked
out from the signed lists, as delegation is, never written over owner or handler."""

from __future__ import annotations

from datetime import datetime

from django.db.models import F, Q, QuerySet

from complaints.models import Complaint, ShiftItem, ShiftWhy
from foundation.common import clock
from staff.models import User
from staff.rights import acted_for

# Whose case it still is: one given to somebody else meanwhile is nobody's to look after.
_STILL = (
    Q(complaint__handler=F("sheet__person"))
    | Q(complaint__owner=F("sheet__person"))
    | Q(why=ShiftWhy.PROMISED)  # a promise in a colleague's case
)
# The cases (c) `people` look after at `now`, for statements written by hand.
SIGNED_FROM = (
    "FROM complaints_shiftsheet s JOIN complaints_shiftitem i ON i.sheet_id = s.id"
    " JOIN complaints_complaint c ON c.id = i.complaint_id WHERE s.ended_at IS NULL AND s.until > {now}"
    " AND s.signed_by_id = ANY({people}) AND (c.handler_id = s.person_id OR c.owner_id = s.person_id"
    f" OR i.why = '{ShiftWhy.PROMISED.value}')"
)
SIGNED_SQL = f"SELECT i.complaint_id {SIGNED_FROM}"


def standing_items(now: datetime) -> QuerySet[ShiftItem]:
    """The cases somebody looks after at `now` because they signed for them."""
    rows = ShiftItem.objects.filter(sheet__ended_at=None, sheet__until__gt=now, sheet__signed_by__isnull=False)
    return rows.filter(_STILL)


def signed_for(user: User) -> frozenset[tuple[int, int]]:
    """What the user, or who is represented, looks after now: pairs of case and the person whose it is. Asked once in a
    minute of a user object."""
    now = clock.now()
    minute = now.replace(second=0, microsecond=0)
    held: tuple[datetime, frozenset[tuple[int, int]]] | None = getattr(user, "_signed_for", None)
    if held is None or held[0] != minute:
        rows = standing_items(now).filter(sheet__signed_by__in={user.pk, *acted_for(user)})
        held = minute, frozenset(rows.values_list("complaint", "sheet__person"))
        user._signed_for = held  # type: ignore[attr-defined]  # lives as long as the user object does
    return held[1]


def forget_signed(user: User) -> None:
    """The user signed just now."""
    user.__dict__.pop("_signed_for", None)


def stood_for(case: Complaint, user: User) -> set[int]:
    """In whose place the user stands in this case: their own, of absent people, of who left it at the change of
    shift."""
    return {user.pk, *acted_for(user)} | {person for key, person in signed_for(user) if key == case.pk}


def signers(now: datetime) -> dict[tuple[int, int], int]:
    """Who looks after which case for whom at `now`: signer by case and person."""
    rows = standing_items(now).values_list("complaint", "sheet__person", "sheet__signed_by")
    return {(case, person): signer for case, person, signer in rows if signer is not None}


def signer_of(case: Complaint, person: User) -> User | None:
    """Who looks after the case for the person now, if anybody does."""
    row = standing_items(clock.now()).filter(complaint=case, sheet__person=person).select_related("sheet__signed_by")
    found = row.first()
    return found.sheet.signed_by if found is not None else None
