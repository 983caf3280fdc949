"""Working on the inbox: what an event says, what is read anew, what becomes of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import DatabaseError, transaction

from billing.commands.acknowledging import acknowledge
from billing.mirror.applying import NEW, OLDER, SAME, Age, Effect, Told, apply_statements
from billing.mirror.holding import hold, hold_free
from billing.mirror.pieces import Partial, Unusable
from billing.mirror.reading import Envelope, Statement, read, read_envelope
from billing.models import BillingEvent
from billing.peer import Billing, Refused, Unreachable, is_connected
from foundation.common import clock
from foundation.policies.reading import policy

log = structlog.get_logger(__name__)
AT_ONCE, READS_AT_ONCE = 200, 50
LEASE = timedelta(seconds=60)
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=2), timedelta(minutes=5)
State, Why = BillingEvent.State, BillingEvent.Why
_RESULT = ["state", "why", "faults", "effect", "must_read", "not_before", "done_at", "attempts", "account_ref"]


@dataclass(frozen=True)
class Fresh:
    """A resource read from billing for an event, and when it was asked."""

    body: dict[str, Any]
    asked_at: datetime


def work_events(at_once: int = AT_ONCE) -> int:
    """Work on events that wait; returns how many were settled, 0 when none is free now."""
    done = _work_plain(at_once)
    return done + _work_reading()


def _work_plain(at_once: int) -> int:
    """Those whose payload may be whole: one transaction; when something in it fails, each by itself."""
    try:
        return _work_lot(at_once)
    except DatabaseError:
        raise
    except Exception:  # one bad event must not hold up the others
        log.exception("billing_events_failed_together")
    return sum(_work_alone(pk) for pk in _due().values_list("pk", flat=True)[:at_once])


def _due() -> Any:
    now = clock.now()
    return BillingEvent.objects.filter(state=State.WAITING, not_before__lte=now, must_read=False).order_by(
        "not_before", "pk"
    )


@transaction.atomic
def _work_lot(at_once: int) -> int:
    found = list(_due().select_for_update(no_key=True, skip_locked=True)[:at_once])
    return _settle(found, {}) if found else 0


def _work_alone(pk: int) -> int:
    """One event by itself; what breaks on it is kept with it."""
    try:
        with transaction.atomic():
            event = BillingEvent.objects.select_for_update(no_key=True, skip_locked=True).filter(pk=pk).first()
            return _settle([event], {}) if event is not None and event.state == State.WAITING else 0
    except DatabaseError:
        raise
    except Exception:  # kept as refused, with the log beside it
        log.exception("billing_event_failed", event=pk)
        waiting = BillingEvent.objects.filter(pk=pk, state=State.WAITING)
        return waiting.update(state=State.FAILED, why=Why.DEFECT, done_at=clock.now())


def _work_reading() -> int:
    """Those whose resource has to be read from billing: claimed by a lease, read, then settled."""
    claimed = _claim_reads()
    if not claimed:
        return 0
    fresh: dict[int, Fresh] = {}
    with Billing() as billing:
        for event in claimed:
            envelope = read_envelope(event.body)
            asked_at = clock.now()
            try:
                fresh[event.pk] = Fresh(billing.read(envelope.resource, envelope.resource_id), asked_at)
            except Unreachable:
                _put_off(event)
            except Refused as refusal:
                _end(event, State.FAILED, Why.GONE if refusal.status in (404, 410) else Why.NO_ANSWER)
                event.faults = [{"field": "", "code": "status", "value": str(refusal.status)}]
    done = 0
    for event in claimed:
        with transaction.atomic():
            mine = BillingEvent.objects.select_for_update(no_key=True).filter(
                pk=event.pk, state=State.WAITING, attempts=event.attempts
            )
            if not mine.exists():
                continue
            if event.pk in fresh:
                ref = _account_of(event, fresh[event.pk])
                hold([ref] if ref else [])
                done += _settle([event], fresh)
            else:
                event.save(update_fields=_RESULT)
                done += event.state != State.WAITING
    return done


@transaction.atomic
def _claim_reads() -> list[BillingEvent]:
    if not is_connected():
        return []
    now = clock.now()
    due = BillingEvent.objects.filter(state=State.WAITING, not_before__lte=now, must_read=True)
    rows = list(due.order_by("not_before", "pk").select_for_update(no_key=True, skip_locked=True)[:READS_AT_ONCE])
    for row in rows:
        row.attempts += 1
        row.not_before = now + LEASE
    BillingEvent.objects.bulk_update(rows, ["attempts", "not_before"])
    return rows


def _account_of(event: BillingEvent, fresh: Fresh) -> str:
    try:
        return read(read_envelope(event.body).resource, fresh.body).account_ref
    except (Unusable, Partial):
        return event.account_ref


def _put_off(event: BillingEvent) -> None:
    wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(event.attempts, 10))
    event.not_before, event.why = clock.now() + wait, Why.NO_ANSWER


# --- settling -----------------------------------------------------------------------------------------------------


def _settle(events: Sequence[BillingEvent], fresh: dict[int, Fresh]) -> int:
    """Say of each event what becomes of it, and apply what is told, in the caller's transaction. How many are settled;
    those of accounts somebody else works on, and those that must be read first, wait."""
    told: list[tuple[BillingEvent, Told]] = []
    for event in events:
        one = _told(event, fresh.get(event.pk))
        if one is not None:
            told.append((event, one))
    free = hold_free(one.statement.account_ref for _event, one in told)
    mine = [(event, one) for event, one in told if one.statement.account_ref in free]
    if mine:
        effects = apply_statements([one for _event, one in mine])
        for (event, one), effect in zip(mine, effects, strict=True):
            event.account_ref = one.statement.account_ref
            _note(event, one, effect)
        acknowledge({one.command for _event, one in mine if one.command is not None})
    left = {event.pk for event, one in told} - {event.pk for event, _one in mine}
    settled = [event for event in events if event.pk not in left]
    BillingEvent.objects.bulk_update(settled, _RESULT)
    return sum(event.state != State.WAITING for event in settled)


def _told(event: BillingEvent, fresh: Fresh | None) -> Told | None:
    """What an event tells; None when it tells nothing (now), which is noted on it."""
    try:
        envelope = read_envelope(event.body)
        if not envelope.resource:
            _end(event, State.IGNORED, Why.UNKNOWN_KIND)
            return None
        age, statement = _heard(event, envelope, fresh)
    except Partial:
        _read_first(event)
        return None
    except Unusable as wrong:
        event.faults = [wrong.fault]
        _end(event, State.FAILED, Why.BODY)
        return None
    if age is None:
        _read_first(event)
    elif not statement.finished:
        _end(event, State.IGNORED, Why.UNFINISHED)
    else:
        return Told(statement, age, _command(envelope.correlation_id))
    return None


def _heard(event: BillingEvent, envelope: Envelope, fresh: Fresh | None) -> tuple[Age | None, Statement]:
    """The statement and its age; no age when its moment is not to be believed and billing can be asked."""
    ahead = policy("billing.sender_ahead")
    if fresh is not None:
        statement = read(envelope.resource, fresh.body)
        at = statement.stated_at or envelope.event_time
        return Age(fresh.asked_at if at > fresh.asked_at + ahead else at, ""), statement
    statement = read(envelope.resource, envelope.body)
    if envelope.event_time <= event.received_at + ahead:
        return Age(envelope.event_time, envelope.event_id), statement
    return (None if is_connected() else Age(event.received_at, envelope.event_id)), statement


def _command(correlation_id: str) -> UUID | None:
    try:
        return UUID(correlation_id) if correlation_id else None
    except ValueError:
        return None


def _read_first(event: BillingEvent) -> None:
    if not is_connected():
        _end(event, State.FAILED, Why.NOT_CONNECTED)
    elif event.must_read:  # read already, and still partial
        event.faults = [{"field": "", "code": "partial", "value": ""}]
        _end(event, State.FAILED, Why.BODY)
    else:
        event.must_read, event.not_before = True, clock.now()


def _end(event: BillingEvent, state: str, why: str) -> None:
    event.state, event.why, event.done_at = state, why, clock.now()


def _note(event: BillingEvent, told: Told, effect: Effect) -> None:
    ignored = effect.outcome in (OLDER, SAME)
    _end(event, State.IGNORED if ignored else State.APPLIED, effect.outcome if ignored else "")
    event.effect = {"outcome": effect.outcome, "resource": told.statement.resource}
    if effect.changed and effect.outcome != NEW:
        event.effect["changed"] = effect.changed
    if told.command is not None:
        event.effect["command"] = str(told.command)
