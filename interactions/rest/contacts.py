"""TMF683: a contact of a customer with us, whoever took it, as a party interaction. Read only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from django.db.models import Q, QuerySet

from foundation.common.clock import BUSINESS_ZONE
from foundation.rest.filters import Filter, Indexed, Of, WithinCustomer
from foundation.rest.resources import Attribute, Call, Resource, id_of
from foundation.rest.shapes import REFERENCE, code, listing, moment, text, thing
from interactions.lifecycle import Channel, Direction, Kind
from interactions.models import Interaction
from staff.masking import masked_name
from staff.models import User

OPEN, COMPLETED = "open", "completed"
_PERIOD = thing({"startDateTime": moment(), "endDateTime": moment()})
_ITEM = thing({"id": text(40), "reason": text(60), "resolution": text(40), "@type": text(60)})
_NAMED = thing({"id": text(40), "name": text(80), "@type": text(60)})


def _camel(said: str) -> str:
    first, *rest = said.lower().split("_")
    return first + "".join(part.title() for part in rest)


CHANNELS = {_camel(one): one for one in Channel.values}
KINDS = {_camel(one): one for one in Kind.values}
DIRECTIONS = {_camel(one): one for one in Direction.values}


def _iso(at: datetime | None) -> str | None:
    return at.astimezone(BUSINESS_ZONE).isoformat() if at is not None else None


def _period(row: Interaction, _call: Call) -> dict[str, Any]:
    ended = {"endDateTime": _iso(row.ended_at)} if row.ended_at is not None else {}
    return {"startDateTime": _iso(row.started_at), **ended}


def _items(row: Interaction, _call: Call) -> list[dict[str, Any]] | None:
    """What it was about and what came of it, once it is written up."""
    if row.logged_at is None:
        return None
    about = {"reason": row.topic.code} if row.topic is not None else {}
    return [{"id": f"{row.ref}-1", **about, "resolution": _camel(row.result), "@type": "InteractionItem"}]


def _parties(row: Interaction, call: Call) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if row.customer is not None:
        shown = masked_name(row.customer.name, row.customer.customer_type, clear=call.sees_personal)
        found.append({"id": row.customer.ref, "name": shown, "role": "customer", "@referredType": "Customer"})
    taker = {"id": row.staff.staff_no, "name": row.staff.name, "role": "agent", "@referredType": "Employee"}
    return [{**one, "@type": "RelatedParty"} for one in [*found, taker]]


class PartyInteraction(Resource):
    base = api = name = "partyInteraction"
    kind = "PartyInteraction"
    about = "A contact with us: a call, a visit to a hall, a letter (TMF683)."
    reads = "interactions.view"
    attributes: ClassVar = {
        "creationDate": Attribute(lambda row, _c: _iso(row.started_at), moment(), server=True),
        "description": Attribute(lambda row, _c: row.summary or None, text(20_000), server=True),
        "direction": Attribute(lambda row, _c: _camel(row.direction), code(*DIRECTIONS), server=True),
        "reason": Attribute(lambda row, _c: _camel(row.kind), code(*KINDS), server=True),
        "status": Attribute(
            lambda row, _c: COMPLETED if row.logged_at is not None else OPEN, code(OPEN, COMPLETED), server=True
        ),
        "statusChangeDate": Attribute(lambda row, _c: _iso(row.logged_at or row.started_at), moment(), server=True),
        "interactionDate": Attribute(_period, _PERIOD, server=True),
        "interactionItem": Attribute(_items, listing(_ITEM), server=True),
        "channel": Attribute(
            lambda row, _c: [{"id": _camel(row.channel), "name": row.channel, "@type": "RelatedChannel"}],
            listing(_NAMED),
            server=True,
        ),
        "relatedParty": Attribute(_parties, listing(REFERENCE), server=True),
    }
    filters: ClassVar[dict[str, Filter]] = {
        "relatedParty.id": Indexed(lambda wanted: _of_parties(wanted), pins_customer=True),
        "reason": WithinCustomer("kind", Of.CODE, codes={word: (one,) for word, one in KINDS.items()}),
        "direction": WithinCustomer("direction", Of.CODE, codes={word: (one,) for word, one in DIRECTIONS.items()}),
        "channel.id": WithinCustomer("channel", Of.CODE, codes={word: (one,) for word, one in CHANNELS.items()}),
        "creationDate": WithinCustomer("started_at", Of.MOMENT),
        "status": WithinCustomer(
            lambda wanted: _of_status(wanted), Of.CODE, codes={OPEN: (OPEN,), COMPLETED: (COMPLETED,)}
        ),
    }

    def rows(self, user: Any) -> QuerySet[Any]:
        return Interaction.objects.visible_to(user).select_related("customer", "staff", "topic")

    def beside(self, rows: Sequence[Any], wanted: frozenset[str], call: Call) -> Any:
        return call

    def customer_of(self, row: Any) -> int | None:
        return row.customer_id


def _of_parties(wanted: list[Any]) -> Q:
    """A customer by id, or who took it by staff number."""
    customers = [key for one in wanted if (key := id_of(one)) is not None]
    takers = list(User.objects.filter(staff_no__in=wanted).values_list("pk", flat=True))
    return Q(customer__in=customers) | Q(staff__in=takers) if takers else Q(customer__in=customers)


def _of_status(wanted: list[Any]) -> Q:
    found = Q(logged_at__isnull=False) if COMPLETED in wanted else Q(pk__in=[])
    return found | Q(logged_at__isnull=True) if OPEN in wanted else found
