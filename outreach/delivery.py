"""Taking due messages out of the house: claim with a lease, ask the gate, hand over, remember (recipes §8).

Nothing outward happens inside a transaction. A worker that dies leaves its lease to run out; its late answer
changes nothing. What was recorded as sent never leaves again; an attempt that was cut is repeated with the same
reference for SERVICE and REMINDER and marked unknown for the rest.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, connection

from foundation.common import clock, ids
from outreach.channels import CarrierName, Carriers, Fate, Letter, Outcome, carrier_for
from outreach.gate import Verdict, decide
from outreach.lifecycle import REPEATED_WHEN_CUT, Channel, MessageState
from outreach.models import MessageText, OutMessage
from outreach.models.messages import message_floor
from outreach.recipients import Case, cases_of
from outreach.results import Finding, record_findings
from outreach.wording import is_by_hand, is_still_true, render_words, template_called

log = structlog.get_logger(__name__)
# A claimed message nobody began to send may come back soon: losing this lease is harmless, `mark_in_flight` sees it.
CLAIM_LEASE = timedelta(seconds=20)
# Longer than one hand-over with all its time-outs (channels/smtp.py): it must not run out under a living worker.
IN_FLIGHT_LEASE = timedelta(seconds=75)
CLAIM_SIZE = 50
UNREACHED_WAIT = timedelta(seconds=15)
FIRST_BACK_OFF = timedelta(seconds=30)
LONGEST_BACK_OFF = timedelta(hours=1)
MOST_TRIES = 8
R = OutMessage.Reason

_CLAIM = """
UPDATE outreach_message SET state = 'sending', attempts = attempts + 1, not_before = %(lease)s
WHERE id = ANY(ARRAY(SELECT id FROM outreach_message WHERE state IN ('queued', 'sending') AND channel = %(channel)s
                     AND not_before <= %(now)s AND id >= %(floor)s
                     ORDER BY not_before, id LIMIT %(size)s FOR UPDATE SKIP LOCKED))
  AND id >= %(floor)s AND state IN ('queued', 'sending') RETURNING id
"""
# The consent a message goes on is held (FOR SHARE) until it is marked: a withdrawal that commits first is seen here,
# one that comes later waits for this statement.
_IN_FLIGHT = """
WITH agreed AS MATERIALIZED (
  SELECT id FROM customers_consent WHERE id = ANY(%(consents)s::bigint[]) AND state = 'GRANTED'
    AND (expires_on IS NULL OR expires_on >= %(today)s) ORDER BY id FOR SHARE)
UPDATE outreach_message m SET in_flight_at = %(now)s, not_before = %(lease)s, tries = tries + 1, carrier = %(carrier)s,
       template_version = r.version, language = r.language, explanation = r.explanation
FROM unnest(%(ids)s::bigint[], %(attempts)s::int[], %(versions)s::int[], %(languages)s::text[], %(whys)s::jsonb[],
            %(consents)s::bigint[]) AS r(id, attempt, version, language, explanation, consent)
WHERE m.id = r.id AND m.attempts = r.attempt AND m.state = 'sending' AND m.id >= %(floor)s
  AND (r.consent IS NULL OR r.consent IN (SELECT id FROM agreed)) RETURNING m.id
"""


@dataclass(frozen=True)
class Ready:
    """A message the gate let through, in words; `why` is the gate's explanation, `consent_id` what it goes on."""

    message: OutMessage
    letter: Letter
    why: str
    consent_id: int | None


def deliver_due(*, limit: int = 2_000, seconds: float = 45.0) -> int:
    """Deliver what is due on the channels of the workers until nothing is left, `limit` messages were handled or
    `seconds` passed.

    Returns the number of messages handled. Several workers may run this at once. The channels take turns: a crowd on
    one holds up no other.
    """
    carriers, handled, until = Carriers(), 0, time.monotonic() + seconds
    waiting = deque(worker_channels())
    try:
        while waiting and handled < limit and time.monotonic() < until:
            channel = waiting.popleft()
            claimed = claim_due(min(CLAIM_SIZE, limit - handled), (channel,))
            if claimed:
                waiting.append(channel)
                handled += len(claimed)
                _deliver(claimed, carriers)
    finally:
        carriers.close()
    return handled


def worker_channels() -> tuple[str, ...]:
    """The channels workers deliver on: all but the one a process of its own holds the line of (outreach/sms)."""
    return tuple(channel for channel in Channel.values if carrier_for(channel) != CarrierName.SMPP)


def claim_due(size: int, channels: Sequence[str] = tuple(Channel.values)) -> list[OutMessage]:
    """Claim up to `size` due messages of `channels` for the length of the lease, the earlier channel first. Those
    another worker holds are skipped."""
    now = clock.now()
    floor = message_floor(now)
    claimed: list[int] = []
    with connection.cursor() as cursor:
        for channel in channels:
            given: dict[str, Any] = {"now": now, "lease": now + CLAIM_LEASE, "floor": floor, "channel": channel}
            cursor.execute(_CLAIM, given | {"size": size - len(claimed)})
            claimed += [row_id for (row_id,) in cursor.fetchall()]
            if len(claimed) >= size:
                break
    if not claimed:
        return []
    return list(OutMessage.objects.filter(pk__in=claimed, pk__gte=floor).select_related("staff").order_by("pk"))


def let_through(claimed: list[OutMessage]) -> list[Ready]:
    """Ask the gate about claimed messages and write down what it holds back; those that may leave, in words."""
    ready: list[Ready] = []
    findings: list[Finding] = []
    for case in cases_of(claimed, clock.now()):
        outcome = _ask_gate(case)
        if isinstance(outcome, Finding):
            findings.append(outcome)
        else:
            ready.append(outcome)
    record_findings(findings)
    return ready


def _deliver(claimed: list[OutMessage], carriers: Carriers) -> None:
    ready = let_through(claimed)
    by_carrier: dict[str, list[Ready]] = {}
    for entry in ready:
        by_carrier.setdefault(carrier_for(entry.message.channel), []).append(entry)
    for name, entries in by_carrier.items():
        _hand_over(name, entries, carriers)


def _ask_gate(case: Case) -> Finding | Ready:
    message, decision = case.message, decide(case.given)
    cut = message.in_flight_at is not None
    why = decision.why.as_json()
    if cut and message.message_class not in REPEATED_WHEN_CUT:
        return Finding(message, MessageState.UNKNOWN, R.CUT)
    if decision.verdict is Verdict.SUPPRESSED:
        if cut:  # the attempt may have arrived: "held back" would be untrue
            return Finding(message, MessageState.UNKNOWN, R.CUT, why=why)
        return Finding(message, MessageState.SUPPRESSED, decision.reason, why=why)
    if decision.verdict is Verdict.WAIT:
        return Finding(message, MessageState.QUEUED, R.WAITING, not_before=decision.until, why=why, unsure=cut)
    if not is_still_true(message.template, message.params):
        state, reason = (MessageState.UNKNOWN, R.CUT) if cut else (MessageState.SUPPRESSED, R.EXPIRED)
        return Finding(message, state, reason, why=why)
    letter = _letter(case)
    if letter is None:
        return Finding(message, MessageState.FAILED, R.WORDING)
    return Ready(message, letter, json.dumps(why), case.consent_id)


def reference_of(message_id: int) -> str:
    """The Message-ID of a message, the same at every repeat."""
    host = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("<> ") or "localhost"
    return f"<{ids.to_text(message_id)}.careline@{host}>"


def message_of(reference: str) -> int:
    """The id of the message a Message-ID was given to. Raises ValueError for any other text."""
    inner, dot, _host = reference.strip("<>").partition(".careline@")
    if not dot:
        raise ValueError("no reference of ours")
    return ids.from_text(inner)


def _letter(case: Case) -> Letter | None:
    """The message in words, stored once so that a repeat says the same. None when it cannot be written."""
    message, recipient = case.message, case.recipient
    text = MessageText.objects.filter(pk=message.pk).first()
    if text is None:
        language = getattr(recipient, "language", "")
        try:
            template = template_called(message.template)
            kind = {"message_class": message.message_class, "channel": message.channel}
            words = render_words(template, language=language, params=message.params, recipient=recipient, **kind)
        except DatabaseError:
            raise
        except Exception:  # one wording that cannot be rendered must not hold up the messages behind it
            log.exception("message_not_written", message_id=message.pk, template=message.template)
            return None
        text = MessageText(
            message_id=message.pk,
            customer_id=message.customer_id,
            template_version=template.version,
            language=language,
            address=case.address,
            subject=words.subject,
            body=words.body,
        )
        MessageText.objects.bulk_create([text], ignore_conflicts=True)
    message.template_version, message.language = text.template_version, text.language
    return Letter(
        message_id=message.pk,
        reference=reference_of(message.pk),
        channel=message.channel,
        message_class=message.message_class,
        address=text.address,
        subject=text.subject,
        body=text.body,
        answers=str(message.params.get("answers_mail", "")),
        by_hand=is_by_hand(message.template),
    )


def _hand_over(name: str, entries: Sequence[Ready], carriers: Carriers) -> None:
    carrier = carriers.get(name)
    for start in range(0, len(entries), carrier.batch):
        missing = carrier.open()
        if missing is not None:  # do not knock at a closed door once a message
            record_findings([finding_of(entry.message, missing, untried=0) for entry in entries[start:]])
            return
        part = entries[start : start + carrier.batch]
        mine = mark_in_flight(part, name)
        part = [entry for entry in part if entry.message.pk in mine]
        if part:
            outcomes = carrier.send([entry.letter for entry in part])
            record_findings([finding_of(entry.message, said) for entry, said in zip(part, outcomes, strict=True)])


def mark_in_flight(part: Sequence[Ready], carrier: str) -> set[int]:
    """Write down that the outward call of these begins, and lengthen the lease; the ids of those it may begin for.

    Left out: those whose lease was lost, and those whose consent went since the gate was asked. The latter come up
    again when the short lease of the claim is over; then the gate says why they are held back.
    """
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(
            _IN_FLIGHT,
            {
                "now": now,
                "lease": now + IN_FLIGHT_LEASE,
                "carrier": carrier,
                "floor": message_floor(now),
                "ids": [entry.message.pk for entry in part],
                "attempts": [entry.message.attempts for entry in part],
                "versions": [entry.message.template_version for entry in part],
                "languages": [entry.message.language for entry in part],
                "whys": [entry.why for entry in part],
                "consents": [entry.consent_id for entry in part],
                "today": clock.today(now),
            },
        )
        mine = {row_id for (row_id,) in cursor.fetchall()}
    for entry in part:
        entry.message.tries += 1
        entry.message.carrier = carrier
    return mine


def renew_leases(messages: Sequence[OutMessage]) -> set[int]:
    """Lengthen the leases of attempts under way; the ids of those that are still ours."""
    now = clock.now()
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outreach_message m SET not_before = %(lease)s FROM unnest(%(ids)s::bigint[], %(attempts)s::int[])"
            " AS r(id, attempt) WHERE m.id = r.id AND m.attempts = r.attempt AND m.state = 'sending'"
            " AND m.id >= %(floor)s RETURNING m.id",
            {
                "lease": now + IN_FLIGHT_LEASE,
                "floor": message_floor(now),
                "ids": [message.pk for message in messages],
                "attempts": [message.attempts for message in messages],
            },
        )
        return {row_id for (row_id,) in cursor.fetchall()}


def finding_of(message: OutMessage, said: Outcome, untried: int = 1) -> Finding:
    """What an outcome means for the message. `untried`: what an unreached other side takes off its tries."""
    now = clock.now()
    if said.fate is Fate.TAKEN:
        return Finding(message, MessageState.SENT, detail=said.detail)
    if said.fate is Fate.REFUSED:
        return Finding(message, MessageState.FAILED, R.REFUSED, said.detail, nobody=said.nobody)
    if said.fate is Fate.UNREACHED:
        return _again(message, said, now + UNREACHED_WAIT, untried)
    if said.fate is Fate.UNSURE and message.message_class not in REPEATED_WHEN_CUT:
        return Finding(message, MessageState.UNKNOWN, R.CUT, said.detail)
    if message.tries >= MOST_TRIES:
        return Finding(message, MessageState.FAILED, R.TOO_MANY_TRIES, said.detail)
    return _again(message, said, now + min(LONGEST_BACK_OFF, FIRST_BACK_OFF * 2 ** (message.tries - 1)))


def _again(message: OutMessage, said: Outcome, at: datetime, untried: int = 0) -> Finding:
    unsure = said.fate is Fate.UNSURE or message.in_flight_at is not None  # as it was claimed: a cut attempt
    return Finding(
        message, MessageState.QUEUED, R.TEMPORARY, said.detail, not_before=at, untried=untried, unsure=unsure
    )
