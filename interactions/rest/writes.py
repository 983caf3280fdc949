"""What a program may write of a contact: take one, and write up its own. Only through services."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError

from customers.models import Customer
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.rest.resources import id_of
from interactions.lifecycle import Caller, Result, usual_phase
from interactions.models import Interaction, Topic
from interactions.rest.telling import COMPLETED
from interactions.services.contacts import start_contact
from interactions.services.logging import log_contact
from staff.models import User


def take_interaction(data: dict[str, Any], user: User) -> Interaction:
    """A contact a program had, `data` in codes of ours: now unless it says when; open, or completed: then it is
    written up too. Raises ValidationError, and what `start_contact` and `log_contact` raise."""
    period = data.get("interactionDate") or {}
    begun, ended = period.get("startDateTime"), period.get("endDateTime")
    now = clock.now()
    if (begun and begun > now) or (ended and not (begun or now) <= ended <= now):
        raise ValidationError({"interactionDate": [_("A contact lies in the past, and its end after its beginning.")]})
    _resolution(data)
    topic = _topic(data["topic"])
    customer = _customer(data.get("relatedParty", []), user)
    contact = start_contact(
        actor=user,
        customer=customer,
        channel=data["channel"],
        caller=Caller.CUSTOMER if customer is not None else Caller.UNKNOWN,
        direction=data["direction"],
    )
    contact.started_at = begun or contact.started_at
    contact.kind, contact.phase = data["reason"], usual_phase(data["reason"])
    contact.summary, contact.topic = data.get("description", "").strip(), topic
    contact.save(update_fields=["started_at", "kind", "phase", "summary", "topic"])
    if data.get("status") == COMPLETED:
        contact = complete_interaction(contact, data, user)
        if ended:
            contact.ended_at = ended
            contact.save(update_fields=["ended_at"])
    return contact


def complete_interaction(contact: Interaction, data: dict[str, Any], user: User) -> Interaction:
    """Write up a contact of the program's own; nothing else of it changes. Raises ValidationError, RuleBroken
    "contact.only_completed", and what `log_contact` raises."""
    result = _resolution(data) or Result.ANSWERED
    if data.get("status") != COMPLETED:
        raise RuleBroken(
            "contact.only_completed", _("A contact is written up once and as a whole: say completed (status).")
        )
    return log_contact(
        contact.pk,
        actor=user,
        summary=data.get("description") or contact.summary,
        kind=contact.kind,
        topic=_topic(data["topic"]) or contact.topic,
        result=result,
    )


def _resolution(data: dict[str, Any]) -> str:
    if data["result"] == "?":
        raise ValidationError({"interactionItem": [_("There is no such resolution.")]})
    return str(data["result"])


def _topic(said: str) -> Topic | None:
    if not said:
        return None
    topic = Topic.objects.filter(code__iexact=said).first()
    if topic is None:
        raise ValidationError({"interactionItem": [_("There is no topic %(code)s.") % {"code": said[:60]}]})
    return topic


def _customer(parties: list[dict[str, Any]], user: User) -> Customer | None:
    said = [one for one in parties if one.get("role", "").lower() == "customer"]
    if not said:
        return None
    key = id_of(str(said[0].get("id", "")))
    customer = Customer.objects.in_scope_of(user).filter(pk=key).first() if key is not None else None
    if customer is None or len(said) > 1:
        raise ValidationError({"relatedParty": [_("There is no such customer within your scope.")]})
    return customer
