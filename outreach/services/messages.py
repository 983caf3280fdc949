"""Putting messages into the outbox, once each. What happens then: outreach/delivery.py."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from customers.merging.reading import standing
from customers.models import ContactPoint, Customer
from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.common.prepared import prepared
from outreach.lifecycle import MESSAGE_MOVES, Channel, MessageClass, MessageState
from outreach.models import MessageKey, MessageMove, OutMessage
from outreach.models.messages import message_floor
from outreach.wording import check_template
from staff.models import User

KEYS_KEPT = timedelta(days=400)  # longer than any yearly message comes round


def message_key(dedupe_key: str) -> uuid.UUID:
    """The first 16 bytes of SHA-256 over a natural key."""
    return uuid.UUID(bytes=hashlib.sha256(dedupe_key.encode()).digest()[:16])


def queue_message(
    *,
    customer: Customer,
    message_class: str,
    template: str,
    params: dict[str, Any],
    dedupe_key: str,
    channel: str = Channel.SMS,
    to_contact_point: ContactPoint | None = None,
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
    urgent: bool = False,
    actor: User | None = None,
) -> OutMessage | None:
    """Put one message to a customer into the outbox, in the caller's transaction; workers deliver it.

    `params` holds codes, numbers and ISO moments (never a name or a number of a person), and what somebody wrote to
    the customer only as `words`: the wording is made when it leaves. `not_before`, `expires_at`: aware moments; after
    `expires_at` it is dropped, not sent late. `urgent`: a SERVICE message that may leave in the night (D§5.8).
    Consent, blocks and quiet hours are asked at that moment,
    not now. Returns None when a message with this natural key was queued before. Raises RuleBroken
    "message.unknown_template", "message.wrong_class", "message.never_leaves", "message.foreign_contact_point".
    """
    check_template(template, message_class)
    if to_contact_point is not None and to_contact_point.customer_id != customer.pk:
        raise RuleBroken(
            "message.foreign_contact_point",
            _("This contact point belongs to somebody else: choose one of this customer."),
        )
    customer = standing(customer)
    return _queue(
        dedupe_key,
        OutMessage(
            customer=customer,
            unit_no=customer.unit_no,
            message_class=message_class,
            channel=channel,
            template=template,
            params=params,
            contact_point_id=to_contact_point.pk if to_contact_point else None,
            not_before=not_before or clock.now(),
            expires_at=expires_at,
            urgent=urgent,
            actor_id=actor.pk if actor else None,
        ),
    )


def queue_staff_message(
    *,
    user: User,
    template: str,
    params: dict[str, Any],
    dedupe_key: str,
    expires_at: datetime | None = None,
    actor: User | None = None,
) -> OutMessage | None:
    """The same for a member of staff, by e-mail, class SERVICE. None without an address, or when queued before."""
    if not user.email:
        return None
    check_template(template, MessageClass.SERVICE)
    return _queue(
        dedupe_key,
        OutMessage(
            staff=user,
            unit_no=user.unit.no,
            message_class=MessageClass.SERVICE,
            channel=Channel.EMAIL,
            template=template,
            params=params,
            not_before=clock.now(),
            expires_at=expires_at,
            actor_id=actor.pk if actor else None,
        ),
    )


@transaction.atomic
def queue_staff_messages(wanted: Iterable[tuple[int, dict[str, Any], str]], *, template: str) -> int:
    """The set form of `queue_staff_message`: (user id, params, dedupe_key) each; how many are new. Three statements."""
    check_template(template, MessageClass.SERVICE)
    given = list(wanted)
    users = User.objects.filter(pk__in={user for user, _params, _key in given}).exclude(email="").select_related("unit")
    people, now = {user.pk: user for user in users}, clock.now()
    messages = {
        message_key(key): OutMessage(
            staff=people[user],
            unit_no=people[user].unit.no,
            message_class=MessageClass.SERVICE,
            channel=Channel.EMAIL,
            template=template,
            params=params,
            not_before=now,
        )
        for user, params, key in given
        if user in people
    }
    keys = [MessageKey(key=key, message_id=one.pk, expires=now + KEYS_KEPT) for key, one in messages.items()]
    MessageKey.objects.bulk_create(keys, ignore_conflicts=True)
    ours = dict(MessageKey.objects.filter(key__in=messages).values_list("key", "message_id"))
    new = [one for key, one in messages.items() if ours[key] == one.pk]
    OutMessage.objects.bulk_create(new)
    return len(new)


def queue_outside_message(
    *,
    outsider: str,
    unit_no: int,
    template: str,
    params: dict[str, Any],
    dedupe_key: str,
    channel: str,
    not_before: datetime | None = None,
    expires_at: datetime | None = None,
    actor: User | None = None,
) -> OutMessage | None:
    """The same, class SERVICE, to somebody who is no customer: `outsider` is their reference (`outsiders.reference`),
    `unit_no` whose matter it is. The hours of service messages hold; who is no longer known gets nothing."""
    check_template(template, MessageClass.SERVICE)
    return _queue(
        dedupe_key,
        OutMessage(
            outsider=outsider,
            unit_no=unit_no,
            message_class=MessageClass.SERVICE,
            channel=channel,
            template=template,
            params=params,
            not_before=not_before or clock.now(),
            expires_at=expires_at,
            actor_id=actor.pk if actor else None,
        ),
    )


_ONCE = (
    "INSERT INTO outreach_message_key (key, message_id, expires) VALUES (%s::uuid, %s, %s) ON CONFLICT DO NOTHING"
    " RETURNING message_id"
)


def _queue(dedupe_key: str, message: OutMessage) -> OutMessage | None:
    if message.expires_at is not None and message.expires_at <= message.not_before:
        raise RuleBroken("message.never_leaves", _("This message expires before it may leave."))
    # Nothing below refuses, so the caller's transaction needs no point to come back to.
    with transaction.atomic(savepoint=False), connection.cursor() as cursor:
        cursor.execute(*prepared(_ONCE, [message_key(dedupe_key), message.pk, clock.now() + KEYS_KEPT]))
        if cursor.fetchone() is None:
            return None
        message.save(force_insert=True)
    return message


_QUEUE_SET = """
WITH want AS MATERIALIZED (
  SELECT DISTINCT ON (key) make_id(%(now)s) AS id, w.customer_id, w.unit_no, w.params, w.not_before, w.expires_at,
         encode(substring(sha256(convert_to(w.dedupe_key, 'UTF8')) FOR 16), 'hex')::uuid AS key
  FROM ({select}) AS w ORDER BY key),
keys AS (
  INSERT INTO outreach_message_key (key, message_id, expires)
  SELECT key, id, %(kept_until)s FROM want ON CONFLICT DO NOTHING RETURNING message_id),
made AS (
  INSERT INTO outreach_message (id, customer_id, unit_no, message_class, channel, template, template_version, language,
    params, urgent, state, reason, explanation, carrier, not_before, expires_at, attempts, tries, actor_id)
  SELECT want.id, customer_id, unit_no, %(message_class)s, %(channel)s, %(template)s, 0, '', coalesce(params, '{{}}'),
    %(urgent)s, 'queued', '', '[]', '', coalesce(not_before, %(now)s), expires_at, 0, 0, %(actor_id)s
  FROM want JOIN keys ON keys.message_id = want.id RETURNING id)
SELECT count(*) FROM made
"""


@transaction.atomic
def queue_messages(
    select: str,
    parameters: dict[str, Any] | None = None,
    *,
    message_class: str,
    template: str,
    channel: str = Channel.SMS,
    urgent: bool = False,
    actor: User | None = None,
) -> int:
    """The set form of `queue_message`: one statement for all customers `select` yields; returns how many are new.

    `select` is SQL of ours (never of a user) with `%(name)s` placeholders filled from `parameters`, yielding
    customer_id, unit_no, dedupe_key text, params jsonb, not_before timestamptz, expires_at timestamptz (the last
    three may be null). Rows equal those of the single form (property-tested). Raises RuleBroken as it does.
    """
    check_template(template, message_class)
    now = clock.now()
    ours = {
        "now": now,
        "kept_until": now + KEYS_KEPT,
        "message_class": message_class,
        "channel": channel,
        "template": template,
        "urgent": urgent,
        "actor_id": actor.pk if actor else None,
    }
    with connection.cursor() as cursor:
        cursor.execute(_QUEUE_SET.format(select=select), (parameters or {}) | ours)
        return int(cursor.fetchone()[0])


@transaction.atomic
def retry_message(message_id: int, *, actor: User) -> OutMessage:
    """Queue a failed message again, at once; the gate is asked anew.

    Raises RuleBroken("message.cannot_retry") for any other state.
    """
    message = OutMessage.objects.select_for_update(no_key=True).get(pk=message_id, pk__gte=message_floor())
    if MessageState.QUEUED not in MESSAGE_MOVES[message.state] or message.state == MessageState.SENDING:
        raise RuleBroken("message.cannot_retry", _("Only a failed message can be sent again."))
    MessageMove.objects.create(
        message_id=message.pk, old=message.state, new=MessageState.QUEUED, reason="retry", actor_id=actor.pk
    )
    message.state, message.reason = MessageState.QUEUED, ""
    message.tries, message.not_before = 0, clock.now()
    message.save(update_fields=["state", "reason", "tries", "not_before"])
    record("message.retried", target=message, actor=actor, customer_id=message.customer_id)
    return message
