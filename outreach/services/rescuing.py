"""What a customer has to get and did not: another channel within the hour, then a call (D§24, last line).

Owed are service messages and notices the law demands. Each step is a row, once for a message, that the clock takes
when it is due; a step that lost its meaning (it arrived after all, its time is over) ends without anything done.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from customers.merging.reading import standing
from customers.models import ContactBlock, ContactPoint, Customer
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.policies.reading import policy
from outreach import policies
from outreach.gate import GateInput, next_open
from outreach.lifecycle import Channel, FollowUpKind, MessageClass, MessageState
from outreach.models import OutMessage, RescueStep
from outreach.models.messages import message_floor
from outreach.outsiders import Outsider, outsiders_of, who_answers_outsider
from outreach.services.answering import who_answers
from outreach.services.followups import GONE, owe_followup
from outreach.services.messages import queue_message, queue_outside_message
from outreach.wording import template_called, title_of

log = structlog.get_logger(__name__)
Step, Done = RescueStep.Step, RescueStep.Outcome
R = OutMessage.Reason
# Carriers that tell of every message what became of it: from them no word is a bad word.
RECEIPTED = frozenset({"smpp", "http"})
LOST = frozenset({MessageState.FAILED, MessageState.UNDELIVERED, MessageState.UNKNOWN})
SECOND = {
    Channel.SMS: (Channel.EMAIL,),
    Channel.EMAIL: (Channel.SMS,),
    Channel.FILE: (Channel.SMS, Channel.EMAIL),
}
KINDS = {Channel.SMS: ContactPoint.Kind.MOBILE, Channel.EMAIL: ContactPoint.Kind.EMAIL}
LATER = timedelta(minutes=10)
TIDY_CHUNK = 10_000
NOBODY_THERE = timedelta(hours=1)


def must_arrive(message: OutMessage) -> bool:
    """Whether somebody must see to it that the customer gets this."""
    if not (message.customer_id or message.outsider):  # one to the staff: its bell rings besides
        return False
    if message.message_class == MessageClass.SERVICE:
        return True
    try:
        return template_called(message.template).legal
    except RuleBroken:  # a wording that is no more
        return False


def note_outcomes(messages: Iterable[OutMessage], now: datetime) -> None:
    """Owe the next step for messages that failed, or that left where receipts are told; in the caller's transaction.
    Each stands in its new state."""
    owed = [message for message in messages if must_arrive(message)]
    left = [row.pk for row in owed if row.state == MessageState.SENT and row.carrier in RECEIPTED]
    if left:
        _owe(left, Step.RECEIPT, now + policy("outreach.rescue.receipt_within"))
    no_address = (MessageState.SUPPRESSED, R.NO_ADDRESS)
    lost = [row.pk for row in owed if row.state in LOST or (row.state, row.reason) == no_address]
    if lost:
        _owe_next(lost, now)


def note_arrived(message_ids: Collection[int], now: datetime) -> None:
    """They arrived: what was still owed for them is settled, in the caller's transaction."""
    tried = RescueStep.objects.filter(step=Step.CHANNEL, result_id__in=message_ids)
    ids = {*message_ids, *tried.values_list("message_id", flat=True)}
    RescueStep.objects.filter(message_id__in=ids, done_at__isnull=True).update(done_at=now, outcome=Done.ARRIVED)


def _owe_next(ids: list[int], now: datetime) -> None:
    """After a message comes the second channel; after a message that was the second channel comes the call."""
    tried = dict(RescueStep.objects.filter(step=Step.CHANNEL, result_id__in=ids).values_list("result_id", "message_id"))
    _owe([pk for pk in ids if pk not in tried], Step.CHANNEL, now)
    _owe(list(tried.values()), Step.CALL, now)


def _owe(ids: list[int], step: str, due_at: datetime) -> None:
    rows = [RescueStep(message_id=pk, step=step, due_at=due_at) for pk in ids]
    RescueStep.objects.bulk_create(rows, ignore_conflicts=True)


def steps_due(now: datetime, most: int) -> list[int]:
    """The steps the clock must take now, the earliest first."""
    due = RescueStep.objects.filter(done_at__isnull=True, due_at__lte=now).order_by("due_at", "pk")
    return list(due.values_list("pk", flat=True)[:most])


@transaction.atomic
def take_step(step_id: int, *, now: datetime) -> bool:
    """Take one step that is due; False when there is nothing to do (another worker was first, it has to wait)."""
    rows = RescueStep.objects.filter(pk=step_id, done_at__isnull=True, due_at__lte=now)
    step = rows.select_for_update(skip_locked=True, no_key=True).first()
    if step is None:
        return False
    message = OutMessage.objects.filter(pk=step.message_id, pk__gte=message_floor(now)).first()
    to = _addressee(message) if message is not None else None
    if message is None or to is None:
        return _settle(step, now, Done.POINTLESS)
    if message.state == MessageState.DELIVERED:
        return _settle(step, now, Done.ARRIVED)
    if step.step == Step.RECEIPT:
        if message.state == MessageState.SENT:
            _owe_next([message.pk], now)
        return _settle(step, now, Done.DONE)
    if _is_pointless(message, to, now):
        return _settle(step, now, Done.POINTLESS)
    if message.state in {MessageState.QUEUED, MessageState.SENDING}:  # a person sent it again
        return _wait(step, now + LATER)
    act = _second_channel if step.step == Step.CHANNEL else _call
    return act(step, message, to, now)


def drop_old_steps() -> int:
    """Forget steps of messages no page shows any more; how many (at most a chunk a call)."""
    old = RescueStep.objects.filter(pk__lt=message_floor(), done_at__isnull=False).order_by("pk")
    gone, _by_model = RescueStep.objects.filter(pk__in=list(old.values_list("pk", flat=True)[:TIDY_CHUNK])).delete()
    return gone


def _addressee(message: OutMessage) -> Customer | Outsider | None:
    """Whom it was for, as they stand now; None for one who is forgotten."""
    if message.outsider:
        return outsiders_of([message.outsider]).get(message.outsider)
    customer = Customer.objects.filter(pk=message.customer_id or 0).first()
    return standing(customer) if customer is not None else None


def _is_pointless(message: OutMessage, to: Customer | Outsider, now: datetime) -> bool:
    if message.expires_at is not None and message.expires_at <= now:
        return True
    if isinstance(to, Outsider):
        return False
    customer = to
    if customer.status in GONE:
        return True
    blocks = ContactBlock.objects.filter(customer=customer, starts_at__lte=now)
    return any(message.message_class in block.classes and block.holds(now) for block in blocks)


def _second_channel(step: RescueStep, message: OutMessage, to: Customer | Outsider, now: datetime) -> bool:
    usable = _ways(to, now)
    channel = next((other for other in SECOND[Channel(message.channel)] if other in usable), None)
    if channel is None:
        _owe([message.pk], Step.CALL, now)
        return _settle(step, now, Done.DONE)
    same = {
        "template": message.template,
        "params": message.params,
        "dedupe_key": f"rescue-{message.pk}",
        "channel": channel,
        "expires_at": message.expires_at,
    }
    if isinstance(to, Outsider):
        again = queue_outside_message(outsider=message.outsider or "", unit_no=message.unit_no, **same)
    else:
        kind = message.message_class
        again = queue_message(customer=to, message_class=kind, urgent=message.urgent, **same)
    return _settle(step, now, Done.DONE, again.pk if again else None)


def _ways(to: Customer | Outsider, now: datetime) -> set[str]:
    """The channels by which they may be reached."""
    if isinstance(to, Outsider):
        return {channel for channel in KINDS if to.address(channel)}
    day = clock.today(now)
    points = ContactPoint.objects.filter(customer=to, valid_from__lte=day)
    usable = {row.kind for row in points if not row.do_not_use and (row.valid_to is None or row.valid_to >= day)}
    return {channel for channel, kind in KINDS.items() if kind in usable}


def _call(step: RescueStep, message: OutMessage, to: Customer | Outsider, now: datetime) -> bool:
    owner = who_answers_outsider(message.outsider or "", now) if isinstance(to, Outsider) else who_answers(to, now)
    if owner is None:
        log.error("rescue_without_owner", message=message.pk)
        return _wait(step, now + NOBODY_THERE)
    with translation.override(settings.LANGUAGE_CODE):
        subject = _("Call: the message “%(title)s” did not arrive") % {"title": title_of(message.template)}
    if isinstance(to, Outsider) and (number := str(message.params.get("number", ""))):
        subject = f"{number} · {subject}"  # no page of a customer leads to the matter
    owed = owe_followup(
        customer=None if isinstance(to, Outsider) else to,
        kind=FollowUpKind.CALLBACK,
        owner=owner,
        due_at=_call_by(now),
        subject=subject,
        actor=None,
        dedupe_key=f"rescue-call-{message.pk}",
        source=f"message:{message.pk}",
    )
    return _settle(step, now, Done.DONE, owed.pk)


def _call_by(now: datetime) -> datetime:
    """By when: some time from now, inside the hours of service messages."""
    by = now + policy("outreach.rescue.call_within")
    windows = policies.gate_rules(by).windows[MessageClass.SERVICE]
    return next_open(GateInput(MessageClass.SERVICE, by), windows) or by if windows else by


def _settle(step: RescueStep, now: datetime, outcome: str, result_id: int | None = None) -> bool:
    step.done_at, step.outcome, step.result_id = now, outcome, result_id
    step.save(update_fields=["done_at", "outcome", "result_id"])
    return True


def _wait(step: RescueStep, until: datetime) -> bool:
    step.due_at = until
    step.save(update_fields=["due_at"])
    return False
