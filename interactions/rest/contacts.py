"""TMF683: a contact as a party interaction. The same services, the same rules, the same rights as the pages."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import Q, QuerySet

from foundation.rest.filters import Filter, Indexed, Of, WithinCustomer
from foundation.rest.resources import Attribute, Call, Resource, id_of
from foundation.rest.shapes import REFERENCE, code, listing, moment, text, thing
from foundation.rest.spelling import camel, iso
from interactions.lifecycle import NOT_CHOSEN, Channel, Direction, Kind, Result
from interactions.models import Interaction
from interactions.rest import telling
from interactions.rest.writes import complete_interaction, take_interaction
from staff.masking import masked_name
from staff.models import User

VIEW_RIGHT = "interactions.view"
KINDS: dict[str, str] = {camel(kind): kind for kind in Kind.values}
CHANNELS: dict[str, str] = {camel(channel): channel for channel in Channel.values}
DIRECTIONS: dict[str, str] = {camel(direction): direction for direction in Direction.values}
RESULTS: dict[str, str] = {camel(result): result for result in Result.values if result not in NOT_CHOSEN}
STATUSES = (telling.OPEN, telling.COMPLETED)
_PERIOD = thing({"startDateTime": moment(), "endDateTime": moment()})
_CHANNEL = thing({"id": text(80), "name": text(80), "role": text(60), "@type": text(60)}, "id")
_ITEM = thing({"id": text(40), "reason": text(60), "resolution": text(20), "@type": text(60)})


def status_of(row: Interaction) -> str:
    """Completed is what was written up; until then somebody owes it (D§9.1)."""
    return telling.OPEN if row.logged_at is None else telling.COMPLETED


def _period(row: Interaction, _beside: Any) -> dict[str, Any]:
    ended = {"endDateTime": iso(row.ended_at)} if row.ended_at is not None else {}
    return {"startDateTime": iso(row.started_at), **ended}


def _channel(row: Interaction, _beside: Any) -> list[dict[str, Any]]:
    return [{"id": camel(row.channel), "name": str(row.channel), "role": "source", "@type": "RelatedChannel"}]


def _items(row: Interaction, _beside: Any) -> list[dict[str, Any]] | None:
    """What it was about (a topic) and how it ended."""
    about = {"reason": row.topic.code} if row.topic is not None else {}
    ended = {"resolution": camel(row.result)} if row.result else {}
    return [{"id": row.ref, **about, **ended, "@type": "InteractionItem"}] if about or ended else None


def _parties(row: Interaction, call: Call) -> list[dict[str, Any]]:
    """The customer, and who of ours took it. Whom a complaint is about is nobody's but ours (D§3.2)."""
    found: list[dict[str, Any]] = []
    if row.customer is not None:
        shown = masked_name(row.customer.name, row.customer.customer_type, clear=call.sees_personal)
        found.append({"id": row.customer.ref, "name": shown, "role": "customer", "@referredType": "Customer"})
    found.append({"id": row.staff.staff_no, "name": row.staff.name, "role": "agent", "@referredType": "Employee"})
    return [{**one, "@type": "RelatedParty"} for one in found]


class PartyInteraction(Resource):
    base = api = name = "partyInteraction"
    kind = "PartyInteraction"
    about = "A contact with a customer: a call, a visit, a message taken (TMF683)."
    reads = VIEW_RIGHT
    verbs = ("GET", "POST", "PATCH")
    events = (telling.CREATED, telling.CHANGED)
    attributes: ClassVar = {
        "description": Attribute(lambda row, _c: row.summary or None, text(4_000)),
        "reason": Attribute(lambda row, _c: camel(row.kind), code(*KINDS), mandatory=True, create_only=True),
        "direction": Attribute(
            lambda row, _c: camel(row.direction), code(*DIRECTIONS), mandatory=True, create_only=True
        ),
        "status": Attribute(lambda row, _c: status_of(row), code(*STATUSES)),
        "statusChangeDate": Attribute(lambda row, _c: iso(row.logged_at or row.started_at), moment(), server=True),
        "creationDate": Attribute(lambda row, _c: iso(row.started_at), moment(), server=True),
        "interactionDate": Attribute(_period, _PERIOD, create_only=True),
        "channel": Attribute(_channel, listing(_CHANNEL, 1), mandatory=True, create_only=True),
        "interactionItem": Attribute(_items, listing(_ITEM, 1)),
        "relatedParty": Attribute(_parties, listing(REFERENCE, 20), create_only=True),
    }
    filters: ClassVar[dict[str, Filter]] = {
        "status": WithinCustomer(lambda wanted: _of_status(wanted), Of.CODE, codes={one: (one,) for one in STATUSES}),
        "reason": WithinCustomer("kind", Of.CODE, codes={word: (one,) for word, one in KINDS.items()}),
        "direction": WithinCustomer("direction", Of.CODE, codes={word: (one,) for word, one in DIRECTIONS.items()}),
        "channel.id": WithinCustomer("channel", Of.CODE, codes={word: (one,) for word, one in CHANNELS.items()}),
        "interactionItem.reason": WithinCustomer("topic__code"),
        "creationDate": WithinCustomer("started_at", Of.MOMENT),
        "interactionDate.startDateTime": WithinCustomer("started_at", Of.MOMENT),
        "relatedParty.id": Indexed(lambda wanted: _of_parties(wanted), pins_customer=True),
    }

    def rows(self, user: Any) -> QuerySet[Any]:
        return Interaction.objects.visible_to(user).select_related("customer", "staff", "topic")

    def customer_of(self, row: Any) -> int | None:
        return row.customer_id

    def create(self, data: dict[str, Any], call: Call) -> Any:
        return take_interaction(self._ours(data), call.user)

    def change(self, row: Any, data: dict[str, Any], call: Call) -> Any:
        now = {"status": status_of(row), "description": row.summary, "interactionItem": _items(row, call) or []}
        told = {name: value for name, value in data.items() if (value or "") != (now[name] or "")}
        return complete_interaction(row, self._ours(told), call.user) if told else row

    def _ours(self, data: dict[str, Any]) -> dict[str, Any]:
        """What was sent, in codes of ours. A channel we do not know is a partner's (rest.md: kept, not refused)."""
        found = dict(data)
        if "reason" in data:
            found["reason"] = KINDS[data["reason"]]
        if "direction" in data:
            found["direction"] = DIRECTIONS[data["direction"]]
        if "channel" in data:
            known = {word.lower(): value for word, value in CHANNELS.items()}
            found["channel"] = known.get(data["channel"][0]["id"].lower(), Channel.PARTNER)
        item = (data.get("interactionItem") or [{}])[0]
        said = {word.lower(): value for word, value in RESULTS.items()}
        found["result"] = said.get(item["resolution"].lower(), "?") if item.get("resolution") else ""
        found["topic"] = item.get("reason", "")
        return found


def _of_status(wanted: list[Any]) -> Q:
    found = Q(logged_at__isnull=True) if telling.OPEN in wanted else Q()
    return found | Q(logged_at__isnull=False) if telling.COMPLETED in wanted else found


def _of_parties(wanted: list[Any]) -> Q:
    """A customer by id, or one of ours by staff number."""
    customers = [key for one in wanted if (key := id_of(one)) is not None]
    staff = list(User.objects.filter(staff_no__in=wanted).values_list("pk", flat=True))
    return Q(customer__in=customers) | Q(staff__in=staff) if staff else Q(customer__in=customers)
