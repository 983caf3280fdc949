"""What a draft makes of the clocks that are open: shown first, and, once it holds, done (D§1.2, 26)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from foundation.audit.services import record
from foundation.calendars import moving
from foundation.calendars.clock_words import OTHER_POLICY, OTHER_VERSION
from foundation.calendars.models import Clock
from foundation.calendars.models.clocks import ClockQuerySet
from foundation.calendars.moving import Change, Shift
from foundation.common import clock
from foundation.policies.drafting import calendar_of, frozen, place_of
from foundation.policies.models import Draft
from foundation.policies.reading import begin_work, drafted

PASSES = 5  # what another held is tried again so often
LOOKED_AT = 2_000  # for one page


@dataclass(frozen=True, slots=True)
class Limits:
    """An app whose policies limit its clocks: their keys, the open clocks a key may touch, and a fresh change that
    gives a clock the limit the policies say now."""

    keys: frozenset[str]
    clocks: Callable[[str], ClockQuerySet]
    change: Callable[[], Change]


_limits: dict[str, Limits] = {}


def limit_by(limits: Limits) -> None:
    """Make known which policies limit an app's clocks. Raises ValueError for a key of two apps."""
    for key in limits.keys:
        if _limits.setdefault(key, limits) is not limits:
            raise ValueError(f"the policy {key} limits clocks of two apps")


def limits_clocks(key: str) -> bool:
    """Whether a policy limits clocks."""
    return key in _limits


def touched(draft: Draft) -> ClockQuerySet:
    """The open clocks a draft may change, or, once it holds, those it has left as they were."""
    if draft.kind == Draft.Kind.POLICY and draft.subject in _limits:
        return _limits[draft.subject].clocks(draft.subject)
    if draft.kind == Draft.Kind.CALENDAR:
        if draft.state == Draft.State.ACTIVATED:
            return moving.behind_newest(draft.subject)
        return Clock.objects.open().filter(calendar_version__calendar__code=draft.subject)
    return Clock.objects.none()


@contextmanager
def _as_if(draft: Draft, now: datetime) -> Iterator[Change]:
    """The change a draft brings; inside, policies are read as if it held."""
    if draft.kind == Draft.Kind.CALENDAR:
        if draft.state == Draft.State.ACTIVATED:
            yield moving.to_newest(draft.subject)
        else:
            yield moving.to_calendar(calendar_of(frozen(draft)))
    elif draft.state == Draft.State.ACTIVATED:
        yield _limits[draft.subject].change()
    else:
        with drafted({place_of(frozen(draft)): draft.content["value"]}, now):
            yield _limits[draft.subject].change()


@dataclass(frozen=True, slots=True)
class ShiftPage:
    """A page of what would become of the clocks; `after`: the cursor of the next one, None when there is none."""

    shifts: list[Shift]
    after: int | None


def shifts_of(
    draft: Draft,
    *,
    now: datetime,
    after: int = 0,
    size: int = 50,
    wanted: Callable[[Shift], bool] = lambda _shift: True,
) -> ShiftPage:
    """What a draft makes of the open clocks behind `after`, by their key, but for those not `wanted`. Looks at 2,000
    clocks at most: where hardly any is found a page may be shorter, and there is still a next one."""
    clocks, found, looked = touched(draft), list[Shift](), 0
    if not clocks.filter(pk__gt=after).exists():
        return ShiftPage([], None)
    with _as_if(draft, now) as change:
        while looked < LOOKED_AT:
            keys = list(clocks.filter(pk__gt=after).order_by("pk").values_list("pk", flat=True)[:200])
            if not keys:
                return ShiftPage(found, None)
            for shift in moving.preview(clocks, change, now=now, after=after, size=200):
                if not wanted(shift):
                    continue
                if len(found) == size:
                    return ShiftPage(found, found[-1].clock.pk)
                found.append(shift)
            after, looked = keys[-1], looked + len(keys)
    return ShiftPage(found, after if clocks.filter(pk__gt=after).exists() else None)


def all_shifts(draft: Draft, *, now: datetime, most: int) -> list[Shift] | None:
    """What a draft makes of all open clocks, in one go; None where they are more than `most`."""
    clocks = touched(draft)
    if clocks.order_by("pk")[most:].exists():
        return None
    if not clocks.exists():
        return []
    with _as_if(draft, now) as change:
        return moving.preview(clocks, change, now=now, size=most)


def count_draft(draft: Draft, *, now: datetime) -> dict[str, int]:
    """What a draft makes of all open clocks, in numbers (`foundation.calendars.moving.Shifts`)."""
    clocks = touched(draft)
    if not clocks.exists():
        return asdict(moving.Shifts())
    with _as_if(draft, now) as change:
        return asdict(moving.count_shifts(clocks, change, now=now))


def holds(draft: Draft, now: datetime) -> bool:
    """Whether an activated draft is in force already."""
    begins = draft.content.get("from") if draft.kind == Draft.Kind.POLICY else None
    return draft.state == Draft.State.ACTIVATED and (not begins or datetime.fromisoformat(begins) <= now)


def drafts_to_move(now: datetime) -> list[int]:
    """Activated drafts in force whose open clocks were not moved yet."""
    waiting = Draft.objects.filter(move=True, moved_at=None).order_by("pk")
    return [draft.pk for draft in waiting if holds(draft, now)]


def move_clocks(draft_id: int, *, actor: Any, told: Callable[[int], None] | None = None) -> int:
    """Move the open clocks a draft in force changes, but for those unticked; how many by now. Piece by piece, each its
    own transaction; interrupted, it goes on with what is left, and done again moves nothing twice.

    `told` hears after each piece how many were moved.
    """
    draft = Draft.objects.get(pk=draft_id)
    if not draft.move or draft.moved_at is not None or not holds(draft, clock.now()):
        return draft.moved
    reason = OTHER_VERSION if draft.kind == Draft.Kind.CALENDAR else OTHER_POLICY
    for _pass in range(PASSES):
        before, after = draft.moved, 0
        while True:
            begin_work()
            with transaction.atomic(), _as_if(draft, clock.now()) as change:
                piece = moving.change_piece(
                    touched(draft), change, at=clock.now(), actor=actor, reason=reason, keep=draft.kept, after=after
                )
                draft.moved += piece.changed
                if piece.changed:
                    draft.save(update_fields=["moved"])
            if piece.last is None:
                break
            after = piece.last
            if told is not None:
                told(draft.moved)
        if draft.moved == before:
            break
    with transaction.atomic():
        draft.moved_at = clock.now()
        draft.save(update_fields=["moved_at"])
        detail = {"kind": draft.kind, "subject": draft.subject, "clocks": draft.moved, "kept": len(draft.kept)}
        record("draft.clocks_moved", target=draft, actor=actor, detail=detail)
    return draft.moved
