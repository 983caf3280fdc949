"""What the message centre took and what it says became of it: the parts of messages, their receipts, the verdict.

A message arrived when every part did; it did not when one was lost. A receipt may be faster than the note that the
message left: the verdict is asked after both.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

import structlog
from django.db import transaction
from django.db.models import Count, F

from foundation.common import clock
from foundation.common.ids import first_id_at
from outreach.bounces import report_all_delivered, report_undelivered
from outreach.channels.smpp.texts import ARRIVED, LOST, ReceiptSaid
from outreach.lifecycle import MESSAGE_MOVES, MessageState
from outreach.models import OutMessage, SmsPart
from outreach.models.messages import message_floor
from outreach.sms.matching import KEPT, kept_id, parts_named

log = structlog.get_logger(__name__)
TIDY_CHUNK = 10_000


@dataclass(frozen=True)
class Taken:
    """A part the message centre answered for, with the id it gave."""

    message_id: int
    number: int
    total: int
    reference: str


@transaction.atomic
def note_taken(line: str, taken: Iterable[Taken]) -> None:
    """Write down parts that were taken; repeatable."""
    SmsPart.objects.bulk_create(
        (
            SmsPart(
                message_id=one.message_id,
                number=one.number,
                total=one.total,
                line=line,
                reference=kept_id(one.reference),
            )
            for one in taken
        ),
        ignore_conflicts=True,
    )


def taken_before(message_ids: Collection[int]) -> dict[int, set[int]]:
    """The numbers of the parts of these messages that were taken at an earlier try."""
    found: dict[int, set[int]] = defaultdict(set)
    for message_id, number in SmsPart.objects.filter(message_id__in=message_ids).values_list("message_id", "number"):
        found[message_id].add(number)
    return found


def left_whole(message_ids: Collection[int]) -> set[int]:
    """Those of these messages all parts of which were taken: whatever was cut, they have left."""
    parts = SmsPart.objects.filter(message_id__in=message_ids).values("message_id", "total")
    whole = parts.annotate(taken=Count("number")).filter(taken=F("total"))
    return set(whole.values_list("message_id", flat=True))


def forget_parts(message_ids: Collection[int]) -> None:
    """A message failed for good: when a person sends it again, all of it leaves."""
    SmsPart.objects.filter(message_id__in=message_ids).delete()


@transaction.atomic
def note_receipts(line: str, said: Iterable[ReceiptSaid], nobody: frozenset[str]) -> set[str]:
    """Take in receipts of a line; returns the references that belong to no part on record. `nobody`: error codes that
    mean that nobody has the number. States on the way (accepted, en route) and repeats change nothing."""
    final: dict[str, ReceiptSaid] = {}
    for one in said:
        if one.state in ARRIVED | LOST:
            final.setdefault(one.reference, one)  # the first last word stands, told at once or one by one
    if not final:
        return set()
    named = parts_named(line, final)
    moved = []
    for reference, part in named.items():
        receipt = final[reference]
        if part.state == SmsPart.State.TAKEN:
            part.state = SmsPart.State.ARRIVED if receipt.state in ARRIVED else SmsPart.State.LOST
            part.error = receipt.error
            part.for_good = part.state == SmsPart.State.LOST and (receipt.no_subscriber or receipt.error in nobody)
            moved.append(part)
    SmsPart.objects.bulk_update(moved, ["state", "error", "for_good"])
    judge({part.message_id for part in moved})
    return set(final) - set(named)


@transaction.atomic
def judge(message_ids: Collection[int]) -> None:
    """Say of messages that left whether they arrived, as far as the receipts of their parts tell."""
    parts: dict[int, list[SmsPart]] = defaultdict(list)
    for part in SmsPart.objects.filter(message_id__in=message_ids):
        parts[part.message_id].append(part)
    told = [pk for pk, found in parts.items() if _verdict(found) is not None]
    known = OutMessage.objects.filter(pk__in=told, pk__gte=message_floor())
    states = known.exclude(state=MessageState.SENDING).values_list("pk", "state")  # asked again when all of it left
    open_ = [pk for pk, state in sorted(states) if MessageState.DELIVERED in MESSAGE_MOVES[state]]
    report_all_delivered([pk for pk in open_ if _verdict(parts[pk]) == MessageState.DELIVERED])
    for pk in open_:
        lost = [part for part in parts[pk] if part.state == SmsPart.State.LOST]
        if lost:
            report_undelivered(pk, detail=lost[0].error, for_good=any(part.for_good for part in lost))


def _verdict(parts: list[SmsPart]) -> MessageState | None:
    if any(part.state == SmsPart.State.LOST for part in parts):
        return MessageState.UNDELIVERED
    if len(parts) == parts[0].total and all(part.state == SmsPart.State.ARRIVED for part in parts):
        return MessageState.DELIVERED
    return None


def drop_old_parts() -> int:
    """Forget parts no receipt is expected for any more; how many (at most a chunk a call)."""
    old = SmsPart.objects.filter(pk__lt=first_id_at(clock.now() - KEPT)).order_by("pk").values("pk")[:TIDY_CHUNK]
    gone, _by_model = SmsPart.objects.filter(pk__in=list(old.values_list("pk", flat=True))).delete()
    return gone
