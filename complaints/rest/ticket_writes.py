"""What a program may write of a ticket: take a complaint, ask for a legal move, add notes. Only through services."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError

from complaints.lifecycle import GradeReason, State
from complaints.models import Complaint, Entry, TicketTold
from complaints.rest import ticket_values as values
from complaints.services import answering, assessing, closing, grading, pausing, solving
from complaints.services.intake import TAKE_RIGHT, register_complaint
from complaints.services.talking import add_note
from customers.models import Customer, Subscription
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.rest.resources import id_of
from interactions.lifecycle import Channel
from interactions.models import Topic
from staff.models import User


def take_ticket(data: dict[str, Any], user: User) -> Complaint:
    """Take a complaint a program brings. A person answers for it (D§9.3), never the program.

    Raises ValidationError for a customer, line or type there is none of, NotAllowed, and what `register_complaint`
    raises.
    """
    if not user.has_perm(TAKE_RIGHT):
        raise NotAllowed("complaint.may_not_take", _("You do not take complaints."))
    parties, entities = data.get("relatedParty", []), data.get("relatedEntity", [])
    customer = _customer(parties, user)
    named = [one for one in parties if one.get("role", "").lower() == "complainant"]
    channel = data.get("channel") or {}
    known = {word.lower(): value for word, value in values.CHANNELS.items()}
    case = register_complaint(
        actor=None,
        channel=known.get(str(channel.get("id", "")).lower(), Channel.PARTNER),
        text=data["description"],
        subject=data.get("name", ""),
        customer=customer,
        contact_name=named[0].get("name", "")[:80] if named and customer is None else "",
        topic=_topic(data["ticketType"]),
        grade=values.SEVERITIES[data["severity"]],
        grade_reason=_reason(data),
        disputed_fee=any(one.get("role") == "disputedBill" for one in entities),
        lines=_lines(entities, customer),
    )
    _keep(case, data, channel, parties, entities)
    for note in data.get("note", []):
        Entry.objects.create(complaint=case, kind="NOTE", text=note["text"], by=user)
    return case


def _keep(case: Complaint, data: dict[str, Any], channel: Any, parties: list[Any], entities: list[Any]) -> None:
    """What nothing of ours holds, as it came."""
    others = {
        "channel": channel,
        "relatedParty": [one for one in parties if one.get("role", "").lower() not in ("customer", "complainant")],
        "relatedEntity": [one for one in entities if one.get("role") != "subscription"],
    }
    told = {name: part for name, part in others.items() if part}
    if told or {"externalId", "requestedResolutionDate", "@schemaLocation"} & set(data):
        TicketTold.objects.create(
            complaint=case,
            external_id=data.get("externalId", ""),
            wished_for=data.get("requestedResolutionDate"),
            schema_location=data.get("@schemaLocation", ""),
            told=told,
        )


def _customer(parties: list[dict[str, Any]], user: User) -> Customer | None:
    said = [one for one in parties if one.get("role", "").lower() == "customer"]
    if not said:
        return None
    key = id_of(str(said[0].get("id", "")))
    customer = Customer.objects.in_scope_of(user).filter(pk=key).first() if key is not None else None
    if customer is None or len(said) > 1:
        raise ValidationError({"relatedParty": [_("There is no such customer within your scope.")]})
    return customer


def _lines(entities: list[dict[str, Any]], customer: Customer | None) -> list[Subscription]:
    said = [one for one in entities if one.get("role") == "subscription"]
    keys = [id_of(str(one.get("id", ""))) for one in said]
    lines = list(Subscription.objects.filter(customer=customer, pk__in=[key for key in keys if key is not None]))
    if said and (customer is None or len(lines) != len(said)):
        raise ValidationError({"relatedEntity": [_("One of these lines belongs to somebody else.")]})
    return lines


def _topic(said: str) -> Topic | None:
    """The topic of a ticket type; "complaint" stands for one that is still to be sorted."""
    if said.lower() == "complaint":
        return None
    topic = Topic.objects.filter(code__iexact=said).first()
    if topic is None:
        raise ValidationError({"ticketType": [_("There is no topic %(code)s.") % {"code": said[:60]}]})
    return topic


def _reason(data: dict[str, Any]) -> str:
    said = data.get("severityReason")
    return next((one for one in GradeReason.values if one and values.camel(one) == said), "")


def change_ticket(case: Complaint, data: dict[str, Any], user: User) -> Complaint:
    """What a patch asks for, each by its service. Raises what these raise; RuleBroken "ticket.notes_stay",
    "complaint.illegal"."""
    if "ticketType" in data and (case.topic.code if case.topic else "complaint") != data["ticketType"]:
        _topic(data["ticketType"])  # 400 for one there is none of
        if case.state != State.ACKNOWLEDGED or data.get("status") != values.IN_PROGRESS:
            raise RuleBroken("ticket.type_at_assessment", _("The topic is set when the complaint is assessed."))
    if data.get("status") and data["status"] != values.status_of(case.state, case.pause_reason):
        _move(case, data, user)
    elif data.get("severity") and values.SEVERITIES[data["severity"]] != case.grade:
        grading.change_grade(
            case.pk,
            actor=user,
            grade=values.SEVERITIES[data["severity"]],
            reason_code=_reason(data),
            reason=_words(data),
        )
    if data.get("note"):
        _add_notes(case, data["note"], user)
    columns = {"externalId": "external_id", "requestedResolutionDate": "wished_for"}
    changed = {columns[name]: data[name] for name in columns if name in data}
    if changed:
        told, _made = TicketTold.objects.get_or_create(complaint=case)
        for name, value in changed.items():
            setattr(told, name, value if value is not None or name == "wished_for" else "")
        told.save(update_fields=list(changed))
    return case


def _words(data: dict[str, Any]) -> str:
    return data.get("statusChangeReason") or ""


def _move(case: Complaint, data: dict[str, Any], user: User) -> None:
    """The one move that leads from where the case stands to the status asked for."""
    key, words, status = case.pk, _words(data), data["status"]
    moves: dict[tuple[str, str], Callable[[], Any]] = {
        (State.ACKNOWLEDGED, values.IN_PROGRESS): lambda: _assess(case, data, user),
        (State.PAUSED, values.IN_PROGRESS): lambda: pausing.resume_complaint(key, actor=user, reason=words),
        (State.INVESTIGATING, values.PENDING): lambda: pausing.pause_complaint(
            key, actor=user, reason="CUSTOMER_INFO", evidence=words
        ),
        (State.INVESTIGATING, values.HELD): lambda: pausing.pause_complaint(
            key, actor=user, reason="THIRD_PARTY", evidence=words
        ),
        (State.SOLUTION_PROPOSED, values.RESOLVED): lambda: answering.decide_complaint(key, actor=user, words=words),
        (State.DECIDED, values.IN_PROGRESS): lambda: answering.dispute_complaint(key, actor=user, words=words),
        (State.DISPUTED, values.IN_PROGRESS): lambda: solving.rework_complaint(key, actor=user, reason=words),
        (State.CLOSED, values.IN_PROGRESS): lambda: closing.reopen_complaint(key, actor=user, words=words),
    }
    act = moves.get((case.state, status))
    if act is None and status == values.CANCELLED and case.is_open:
        act = lambda: closing.withdraw_complaint(key, actor=user, reason=words)  # noqa: E731  one more entry of the table
    if act is None:
        said = _("A complaint that is “%(state)s” cannot become %(status)s by a program.")
        raise RuleBroken("complaint.illegal", said % {"state": State(case.state).label, "status": status})
    act()


def _assess(case: Complaint, data: dict[str, Any], user: User) -> None:
    topic = _topic(data["ticketType"]) if data.get("ticketType") else case.topic
    if topic is None:
        raise RuleBroken("complaint.no_topic", _("Name the topic it is about (ticketType)."))
    grade = values.SEVERITIES.get(data.get("severity") or "", case.grade)
    assessing.assess_complaint(case.pk, actor=user, topic=topic, grade=grade, grade_reason=_reason(data))


def _add_notes(case: Complaint, said: list[dict[str, Any]], user: User) -> None:
    """New notes are added; those that stand may be sent back, but never changed."""
    there = {entry.ref: entry.text for entry in case.entries.all()}
    for note in said:
        key = note.get("id")
        if key is None:
            add_note(case.pk, actor=user, text=note["text"])
        elif there.get(key) != note["text"]:
            raise RuleBroken("ticket.notes_stay", _("What was written in a complaint stays: add a note without an id."))


def refuse_removal() -> NoReturn:
    """A complaint has a history and stays (D§1.9)."""
    raise RuleBroken(
        "ticket.stays", _("A complaint has a history and is never deleted; it may be withdrawn (cancelled).")
    )
