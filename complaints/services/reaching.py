"""The callback nobody could make: after the tries a message with time to answer, then "not reached" (D§18.6)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import F, Func, IntegerField, QuerySet

from complaints.lifecycle import Act, ClockKind, Deed, Solved, State
from complaints.models import Callback, Complaint
from complaints.services.callback_owing import close_call
from complaints.services.callbacks import CALLED_IN, await_silence, tried_enough
from complaints.services.ground import clocks_for, locked_case, move, remember, save_case, tell_customer
from foundation.policies.reading import policy


def tried_callbacks() -> QuerySet[Callback]:
    """Open callbacks with as many tries as the rule asks, whose customer was not asked by message yet."""
    length = Func(F("tries"), function="jsonb_array_length", output_field=IntegerField())
    rows = Callback.objects.filter(done_at=None, asked_at=None, complaint__state__in=CALLED_IN)
    return rows.annotate(tried=length).filter(tried__gte=policy("complaints.callback.tries"))


def unanswered_callbacks(now: datetime) -> QuerySet[Callback]:
    """Open callbacks whose customer had their time to answer the message."""
    asked_before = now - policy("complaints.callback.answer_within")
    return Callback.objects.filter(done_at=None, asked_at__lte=asked_before, complaint__state__in=CALLED_IN)


@transaction.atomic
def ask_by_message(callback_id: int, now: datetime) -> bool:
    """The tries reached nobody: the customer is asked by message, with time to answer. Once; False when there is
    nothing (more) to do or another worker has the case."""
    case = _held(callback_id)
    callback = tried_callbacks().filter(pk=callback_id).first()
    if case is None or callback is None or not tried_enough(case, callback):
        return False
    until = now + policy("complaints.callback.answer_within", unit=case.work_unit)
    callback.asked_at = now
    callback.save(update_fields=["asked_at"])
    remember(case, Deed.REPLIED, actor=None)
    tell_customer(case, "complaint_call_us", key=callback.ref, actor=None, expires_at=until, until_at=until.isoformat())
    return True


@transaction.atomic
def give_up_callback(callback_id: int, now: datetime) -> bool:
    """Nobody was reached: the callback ends so marked. An answer the customer did not take a stand on waits for their
    silence. Once; False as `ask_by_message`."""
    case = _held(callback_id)
    callback = unanswered_callbacks(now).filter(pk=callback_id).select_related("follow_up", "solution").first()
    if case is None or callback is None:
        return False
    callback.done_at, callback.solved = now, Solved.UNREACHABLE
    callback.save(update_fields=["done_at", "solved"])
    clocks = clocks_for(case, None)
    clocks.stop(ClockKind.CALLBACK)
    case.solved = Solved.UNREACHABLE
    save_case(case, "solved")
    remember(case, Deed.CALLED_BACK, actor=None, detail={"solved": Solved.UNREACHABLE.value})
    close_call(case, callback, actor=None, done=True, words=str(Solved.UNREACHABLE.label))
    if case.state == State.DECIDED:
        await_silence(case, clocks, None)
    elif case.state == State.ACCEPTED:
        move(case, Act.CALL_BACK, actor=None)
    return True


def _held(callback_id: int) -> Complaint | None:
    """The case of the callback under its lock; None while somebody else holds it."""
    free = Complaint.objects.select_for_update(skip_locked=True, no_key=True).filter(callbacks=callback_id)
    key = free.values_list("pk", flat=True).first()
    return locked_case(key) if key is not None else None
