"""Taking a complaint: one transaction gives it its number, an owner, its clocks, its history, and tells the customer
(D§9.2-9.3, 10.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, TypedDict, Unpack

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from complaints.behalf import Authority
from complaints.intake.places import owner_for_all, unit_for
from complaints.lifecycle import Act, ClockKind, Deed, Grade, GradeReason, LinkKind, State
from complaints.models import Complaint, ComplaintLine, Link
from complaints.public.codes import new_code, said_code
from complaints.rules import is_grave
from complaints.services.clocks import ACKNOWLEDGED_LATER
from complaints.services.grading import check_grade, keep_block
from complaints.services.ground import act_kept, clocks_for, lead_over, ring, tell_customer
from complaints.services.memory import remember_many
from customers import normal
from customers.models import Customer, Subscription
from customers.models.subscriptions import ProductLine
from foundation.calendars.working_time import add_months
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.ids import new_id
from foundation.common.numbers import next_number
from foundation.policies.reading import policy
from interactions.lifecycle import Channel, Result
from interactions.models import Interaction, Topic
from interactions.services.logging import log_with_case
from interactions.services.matters import first_owner
from staff.models import User

TAKE_RIGHT = "complaints.take"
LONGEST_TEXT = 20_000
LONGEST_FACT, MOST_FACTS = 400, 20
MOST_AMOUNT = Decimal("9999999999.99")
SUBJECT = 60


class Details(TypedDict, total=False):
    """What else is told of a complaint; everything has a default.

    `contact`: the running contact it is told in, which is written up with it. `contact_…`, `language`: how to answer
    somebody who is no customer, or whom the customer sent. `received_at`: first receipt by anybody of ours (aware): a
    letter's stamp. `facts`: answers to the questions of the topic, by their code. `lines`: which of the customer's
    subscriptions. `about_staff`: the colleague complained of. `repeats`: a case of the same customer,
    closed too long ago to be reopened, to which this one is linked (D§10.8). `key`: of the form or letter, so that one
    sent twice makes one case.
    """

    customer: Customer | None
    contact: Interaction | None
    contact_name: str
    contact_phone: str
    contact_email: str
    authority: str
    language: str
    subject: str
    received_at: datetime | None
    topic: Topic | None
    facts: Mapping[str, str] | None
    demand: str
    amount: Decimal | None
    disputed_fee: bool
    lines: Sequence[Subscription]
    about_staff: User | None
    product_line: str
    brand: str
    area: str
    grade: str
    grade_reason: str
    repeats: Complaint | None
    key: str | None


@dataclass(frozen=True)
class _Told:
    """One complaint as it was told, checked by `_checked`."""

    channel: str
    text: str
    customer: Customer | None = None
    contact: Interaction | None = None
    contact_name: str = ""
    contact_phone: str = ""
    contact_email: str = ""
    authority: str = ""
    language: str = ""
    subject: str = ""
    received_at: datetime | None = None
    topic: Topic | None = None
    facts: Mapping[str, str] | None = field(default=None, hash=False)
    demand: str = ""
    amount: Decimal | None = None
    disputed_fee: bool = False
    lines: Sequence[Subscription] = ()
    about_staff: User | None = None
    product_line: str = ""
    brand: str = ""
    area: str = ""
    grade: str = Grade.ORDINARY
    grade_reason: str = GradeReason.NONE
    repeats: Complaint | None = None
    key: str | None = None


def register_complaint(*, actor: User | None, channel: str, text: str, **details: Unpack[Details]) -> Complaint:
    """Take a complaint. Who takes it answers for it, with the exceptions of D§9.3; `actor` None: it came by itself (web
    form, mail) and a handler near the customer does. What comes live or by the web is acknowledged at once; for mail
    and letters the duty to do it begins.

    The same `key` twice gives the case of the first time. Raises NotAllowed "complaint.may_not_take",
    "contact.not_yours" (the contact is another's); RuleBroken "complaint.no_text", "complaint.text_long",
    "complaint.too_long", "complaint.unknown_code", "complaint.topic_retired", "complaint.no_grade_reason",
    "complaint.received_future", "complaint.received_old", "complaint.bad_amount", "complaint.foreign_line",
    "complaint.foreign_case", "complaint.former_over",
    "matter.no_lead" (nobody above the taker is there to answer for a complaint about them), "complaint.nobody",
    "contact.already_logged", and those of `customers.normal` for a phone number or an address that is none.
    """
    told = _Told(channel, text, **details)
    try:
        with transaction.atomic():
            return _registered(told, actor)
    except IntegrityError as error:
        if told.key is None or "complaints_complaint_key" not in str(error):
            raise
        return Complaint.objects.select_related("owner__unit", "customer", "topic").get(key=told.key)


def _registered(told: _Told, actor: User | None) -> Complaint:
    now = clock.now()
    columns = _checked(told, actor, now)
    owner = _owner(told, actor, now)
    unit = unit_for(owner)
    case = Complaint(
        id=new_id(),
        number=next_number("CP"),
        customer=told.customer,
        contact=told.contact,
        channel=told.channel,
        registered_at=now,
        registered_by=actor,
        topic=told.topic,
        about_staff=told.about_staff,
        disputed_fee=told.disputed_fee,
        owner=owner,
        work_unit=unit,
        work_unit_no=unit.no,
        unit_no=owner.unit.no,
        public_code=new_code(),
        key=told.key,
        **columns,
    )
    at_once = told.channel not in ACKNOWLEDGED_LATER
    _begin_clocks(case, actor, at_once=at_once)
    case.state = State.ACKNOWLEDGED if at_once else State.REGISTERED
    if at_once:
        tell_customer(case, "complaint_acknowledged", key="1", actor=actor, code=said_code(case.public_code))
    case.save(force_insert=True)
    if told.lines:
        ComplaintLine.objects.bulk_create(ComplaintLine(complaint=case, subscription=line) for line in told.lines)
    detail = {"channel": case.channel, **({"topic": told.topic.code} if told.topic else {})}
    kept = [act_kept(case, Act.REGISTER, actor=actor, new=State.REGISTERED, detail=detail)]
    if told.repeats is not None:
        Link.objects.create(complaint=case, other=told.repeats, kind=LinkKind.REPEAT, by=actor)
        kept.append(act_kept(case, Deed.LINKED, actor=actor, detail={"other": str(told.repeats.pk)}))
    if at_once:
        kept.append(act_kept(case, Act.ACKNOWLEDGE, actor=actor, old=State.REGISTERED, new=State.ACKNOWLEDGED))
    remember_many(kept)
    if is_grave(case.grade):
        keep_block(case, actor=actor)
    _alert_if_late(case, told, actor)
    if told.contact is not None and actor is not None:
        log_with_case(
            told.contact.pk,
            actor=actor,
            owner=owner,
            summary=case.subject,
            topic=told.topic,
            about=told.about_staff,
        )
    return case


def _alert_if_late(case: Complaint, told: _Told, actor: User | None) -> None:
    """The lead hears of a complaint that was registered long after it was told (D§23)."""
    if told.contact is None or actor is None:
        return
    within = policy("complaints.register_within", unit=case.work_unit)
    lead = lead_over(case, actor, case.registered_at) if case.registered_at > told.contact.started_at + within else None
    if lead is not None:
        ring(case, lead, "registered_late", "1")


def can_be_answered(case: Complaint) -> bool:
    """Whether there is anybody to answer (D§9.3d)."""
    return case.customer_id is not None or bool(case.contact_phone or case.contact_email)


def _begin_clocks(case: Complaint, actor: User | None, *, at_once: bool) -> None:
    """Start the clocks of a new case: the law's from the first receipt, where anybody can be answered, and the next
    duty: to assess, or to acknowledge before. Their copies stand on the case, which is not saved yet."""
    clocks = clocks_for(case, actor, new=True)
    rules = [clocks.duty(ClockKind.ASSESS if at_once else ClockKind.ACKNOWLEDGE)]
    if can_be_answered(case):
        rules.insert(0, clocks.statutory(case.received_at))
    clocks.start(*rules)
    for name, value in clocks.copies().items():
        setattr(case, name, value)


def _owner(told: _Told, actor: User | None, now: datetime) -> User:
    """Who answers for it: asked first, with the exceptions of D§9.3; never the one complained of."""
    if actor is None:
        unit_no = told.customer.unit_no if told.customer else None
        return owner_for_all(now, unit_no=unit_no, about=told.about_staff)
    asked = told.contact or Interaction(staff=actor, result=Result.CASE)
    asked.about_staff = told.about_staff
    return first_owner(asked, now)[0]


def _checked(told: _Told, actor: User | None, now: datetime) -> dict[str, Any]:
    """The columns that hold what was typed, checked."""
    if actor is not None and not actor.has_perm(TAKE_RIGHT):
        raise NotAllowed("complaint.may_not_take", _("You do not take complaints."))
    if told.authority not in Authority.values:
        raise RuleBroken("complaint.unknown_code", _("Choose one of the values offered."))
    if told.channel not in Channel.values or (told.product_line and told.product_line not in ProductLine.values):
        raise RuleBroken("complaint.unknown_code", _("Choose one of the values offered."))
    text = clean_text(told.text)
    if told.topic is not None and not told.topic.is_offered:
        raise RuleBroken("complaint.topic_retired", _("This topic was retired. Choose another one."))
    check_grade(told.grade, told.grade_reason, before=Grade.ORDINARY)
    _check_former(told, now)
    if any(line.customer_id != (told.customer.pk if told.customer else None) for line in told.lines):
        raise RuleBroken(
            "complaint.foreign_line", _("One of these lines belongs to somebody else: choose lines of this customer.")
        )
    if told.repeats is not None and (told.customer is None or told.repeats.customer_id != told.customer.pk):
        raise RuleBroken(
            "complaint.foreign_case", _("The case it repeats is another customer's: choose one of this customer.")
        )
    return {
        "text": text,
        "subject": _short(told.subject, 120) or subject_of(text),
        "demand": _short(told.demand, 400),
        "brand": _short(told.brand, 40),
        "area": _short(told.area, 40),
        "contact_name": _short(told.contact_name, 80),
        "contact_phone": normal.phone(told.contact_phone, kind="PHONE") if told.contact_phone.strip() else "",
        "contact_email": normal.email(told.contact_email) if told.contact_email.strip() else "",
        "authority": told.authority if told.customer is not None and told.contact_name.strip() else "",
        "language": told.language or (told.customer.language if told.customer else "") or "zh-hans",
        "received_at": _received(told.received_at, now),
        "facts_given": _facts(told.facts),
        "amount": _amount(told.amount),
        "grade": told.grade,
        "grade_reason": told.grade_reason if told.grade != Grade.ORDINARY else GradeReason.NONE,
        "product_line": told.product_line or (told.lines[0].product_line if told.lines else ""),
    }


def _check_former(told: _Told, now: datetime) -> None:
    """That a former customer complains in time (D§26); what an authority or the headquarters brings is always taken."""
    if told.customer is None or told.customer.status != Customer.Status.FORMER or told.grade == Grade.SKIP_LEVEL:
        return
    ended = Subscription.objects.filter(customer=told.customer).aggregate(last=Max("terminated_on"))["last"]
    months = policy("complaints.former_months")
    if ended is not None and clock.today(now) > add_months(ended, months):
        words = _("The last line ended more than %(months)s months ago: only what an authority brings is taken.")
        raise RuleBroken("complaint.former_over", words % {"months": months})


def clean_text(text: str) -> str:
    """What was said, for keeping. Raises RuleBroken "complaint.no_text", "complaint.text_long"."""
    said = text.replace("\0", "").replace("\r\n", "\n").strip()
    if not said:
        raise RuleBroken("complaint.no_text", _("Write down what happened."))
    if len(said) > LONGEST_TEXT:
        raise RuleBroken(
            "complaint.text_long",
            _("This is %(length)s characters long, at most %(most)s fit. Shorten it, or send the rest as a file.")
            % {"length": len(said), "most": LONGEST_TEXT},
        )
    return said


def subject_of(text: str) -> str:
    """A heading from the text: its first sentence, at most 60 characters."""
    line = " ".join(text.split())
    for mark in ("。", "！", "？", "；", ". ", "! ", "? "):
        line = line.partition(mark)[0]
    return line if len(line) <= SUBJECT else f"{line[: SUBJECT - 1]}…"


def _short(text: str, most: int) -> str:
    said = " ".join(text.replace("\0", "").split())
    if len(said) > most:
        words = _("“%(start)s…” is longer than %(most)s characters: shorten it.")
        raise RuleBroken("complaint.too_long", words % {"start": said[:20], "most": most})
    return said


def _received(at: datetime | None, now: datetime) -> datetime:
    if at is None:
        return now
    if at > now:
        raise RuleBroken(
            "complaint.received_future", _("The moment of receipt lies in the future: check date and time.")
        )
    if at < now - policy("complaints.received_before"):
        raise RuleBroken("complaint.received_old", _("The moment of receipt lies too far back: check the date."))
    return at


def _amount(amount: Decimal | None) -> Decimal | None:
    if amount is None:
        return None
    if not amount.is_finite() or amount < 0 or amount > MOST_AMOUNT or amount != round(amount, 2):
        raise RuleBroken("complaint.bad_amount", _("An amount has at most two decimals and is not below zero."))
    return amount


def _facts(facts: Mapping[str, str] | None) -> dict[str, str]:
    given = {code[:40]: _short(said, LONGEST_FACT) for code, said in (facts or {}).items()}
    return {code: said for code, said in list(given.items())[:MOST_FACTS] if said}
