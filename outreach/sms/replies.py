"""Text messages that come back: a refusal of offers takes effect at once (D§5.6), others are handed to who takes them.

An app above registers a taker (`register_taker`): it gets the reply in the transaction that stores it and says by a
code that it took it up. What nobody takes becomes work for whoever answers for the customer; what comes from a number
nobody knows is kept.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from customers import normal
from customers.models import ContactPoint, Customer, FindNumber
from customers.services import refuse_by_reply
from customers.timeline import add_line
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.common.ids import first_id_at
from foundation.policies.reading import policy
from outreach.lifecycle import Channel, FollowUpKind
from outreach.models import OutMessage, SmsReply
from outreach.services.answering import who_answers
from outreach.services.followups import GONE, owe_followup
from outreach.wording import REFUSAL_WORD

log = structlog.get_logger(__name__)
# What a message centre delivers again because our answer was lost on the way.
REPEATED_WITHIN = timedelta(minutes=2)
PIECES_WAIT = timedelta(hours=1)
KEPT = timedelta(days=400)
TIDY_CHUNK = 10_000
FOLLOWUP = "followup"
_REFUSAL = re.compile(rf"\W*(?:{REFUSAL_WORD}|\u9000\u8ba2)\W*")  # the word, and what people write instead of it
_LONGEST_NUMBER = 32


@dataclass(frozen=True)
class Came:
    """A text message as it came: the sender's number, the text, and its place when it is a part of a longer one."""

    number: str
    text: str
    reference: int = 0
    piece: int = 1
    pieces: int = 1


@dataclass(frozen=True)
class Reply:
    """A whole reply of a known customer, as takers get it. `answers`: the message to the customer that left last."""

    reply_id: int
    customer: Customer
    text: str
    at: datetime
    answers: int | None


Taker = Callable[[Reply], str]
_takers: list[Taker] = []


def register_taker(taker: Taker) -> None:
    """Make somebody known who may take up replies: gets a `Reply` inside the transaction that stores it, returns a code
    of at most 24 letters when it did, "" when the reply is none of its business."""
    if taker not in _takers:
        _takers.append(taker)


def is_refusal(text: str) -> bool:
    """Whether a reply refuses further offers, however it is spelled."""
    return bool(_REFUSAL.fullmatch(unicodedata.normalize("NFKC", text).upper()))


@transaction.atomic
def take_reply(came: Came) -> SmsReply | None:
    """Store what came and do what follows from it. None for a repeat, and for a part while others are missing."""
    number, text, now = _number(came.number), came.text.replace("\0", ""), clock.now()
    _alone(number)
    recent = SmsReply.objects.filter(number=number, pk__gte=first_id_at(now - REPEATED_WITHIN))
    of_it = recent.filter(piece_of=came.reference, pieces=came.pieces)
    if came.pieces > 1 and of_it.exclude(state=SmsReply.State.PIECE).exists():
        return None
    if of_it.filter(text=text, piece=came.piece).exists():
        return None
    if came.pieces == 1:
        return _take_whole(number, text, now)
    missing = came.pieces - 1 - _pieces(number, came.reference, came.pieces).exclude(piece=came.piece).count()
    place = {"piece_of": came.reference, "piece": came.piece, "pieces": came.pieces}
    SmsReply.objects.create(number=number, text=text, at=now, state=SmsReply.State.PIECE, **place)
    return None if missing else _join(number, came.reference, came.pieces, now)


def take_unfinished() -> int:
    """Take up long replies some part of which never came, as far as they are there; how many."""
    done, late = 0, first_id_at(clock.now() - PIECES_WAIT)
    waiting = SmsReply.objects.filter(state=SmsReply.State.PIECE, pk__lt=late).order_by("pk")
    for number, reference, pieces in set(waiting.values_list("number", "piece_of", "pieces")[:TIDY_CHUNK]):
        with transaction.atomic():
            _alone(number)
            if _pieces(number, reference, pieces).exists():
                _join(number, reference, pieces, clock.now())
                done += 1
    return done


def _alone(number: str) -> None:
    """One at a time of a number, until the end of the transaction."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('careline.sms.reply'), hashtext(%s))", [number])


def _pieces(number: str, reference: int, pieces: int) -> QuerySet[SmsReply]:
    waiting = SmsReply.objects.filter(state=SmsReply.State.PIECE)
    return waiting.filter(number=number, piece_of=reference, pieces=pieces)


def _join(number: str, reference: int, pieces: int, now: datetime) -> SmsReply:
    rows = _pieces(number, reference, pieces)
    found = dict(rows.order_by("pk").values_list("piece", "text"))
    rows.delete()
    text = "".join(found.get(piece, "\u2026") for piece in range(1, pieces + 1))
    return _take_whole(number, text, now, piece_of=reference, pieces=pieces)


def _take_whole(number: str, text: str, now: datetime, **place: int) -> SmsReply:
    customer, answers = _sender(number)
    reply = SmsReply(customer=customer, number=number, text=text, at=now, state=SmsReply.State.UNKNOWN, **place)
    if is_refusal(text):
        reply.state = SmsReply.State.REFUSAL
        _refuse(number, reply)
    elif customer is not None:
        reply.state = SmsReply.State.TAKEN
        reply.taken_by = hand_over(Reply(reply.pk, customer, text, now, answers))
    reply.save(force_insert=True)
    if customer is not None:
        add_line(customer.pk, "sms.reply", ref_id=reply.pk, params={"state": reply.state})
    else:
        log.info("sms_reply_of_nobody", reply=reply.pk, state=reply.state)
    return reply


def _number(text: str) -> str:
    """The stored spelling, as far as it is a mobile number; else as it came."""
    compact = normal.compact(text)
    if len(compact) == 13 and compact.startswith("86"):
        compact = compact[2:]
    try:
        return normal.contact_value(ContactPoint.Kind.MOBILE, compact)
    except RuleBroken:
        return compact[:_LONGEST_NUMBER]


def _sender(number: str) -> tuple[Customer | None, int | None]:
    """The customer reached at the number, and the text message that left to them last. Of several who share it, the one
    written to last."""
    known = FindNumber.objects.filter(value=number, kind=FindNumber.Kind.PHONE).values_list("customer_id", flat=True)
    reached = ContactPoint.objects.filter(
        customer__in=list(known), kind=ContactPoint.Kind.MOBILE, value=number, valid_to__isnull=True
    ).exclude(customer__status__in=GONE)
    ids = sorted(set(reached.values_list("customer_id", flat=True)))
    if not ids:
        return None, None
    texted = OutMessage.objects.recent().filter(customer__in=ids, channel=Channel.SMS, sent_at__isnull=False)
    last = texted.order_by("-pk").values_list("customer_id", "pk").first()
    customer_id, answers = last if last else (ids[0], None)
    return Customer.objects.select_related("manager__unit").get(pk=customer_id), answers


def _refuse(number: str, reply: SmsReply) -> None:
    try:
        with transaction.atomic():
            refuse_by_reply(number, reference=f"SMS {reply.ref}")
    except RuleBroken as no:  # no mobile number: nobody is reached at it
        log.info("sms_refusal_of_nobody", reply=reply.pk, fault=no.code)


def hand_over(reply: Reply) -> str:
    """Give a reply of a customer to whoever takes it, else to who answers for the customer; the code of who did, ""
    when nobody is there."""
    for taker in _takers:
        if taken_by := taker(reply):
            return taken_by
    owner = who_answers(reply.customer, reply.at)
    if owner is None:
        log.error("sms_reply_without_owner", reply=reply.reply_id)
        return ""
    with translation.override(settings.LANGUAGE_CODE):
        subject = _("Answer the text message: %(text)s") % {"text": " ".join(reply.text.split())}
    owe_followup(
        customer=reply.customer,
        kind=FollowUpKind.TASK,
        owner=owner,
        due_at=reply.at + policy("outreach.reply.answer_within"),
        subject=subject[:200],
        actor=None,
        dedupe_key=f"sms-reply-{reply.reply_id}",
        source=f"sms:{reply.reply_id}",
    )
    return FOLLOWUP


def drop_old_replies() -> int:
    """Forget replies long past; how many (at most a chunk a call)."""
    old = SmsReply.objects.filter(pk__lt=first_id_at(clock.now() - KEPT)).order_by("pk").values_list("pk", flat=True)
    gone, _by_model = SmsReply.objects.filter(pk__in=list(old[:TIDY_CHUNK])).delete()
    return gone
