"""TMF621: a complaint as a trouble ticket. The same services, the same rules, the same rights as the pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.db.models import Q, QuerySet

from complaints.lifecycle import GradeReason, PauseReason, State
from complaints.models import Complaint, TicketTold
from complaints.models.cases import VIEW_RIGHT
from complaints.rest import ticket_values as values
from complaints.rest.ticket_writes import change_ticket, refuse_removal, take_ticket
from foundation.rest.filters import Filter, Indexed, Of, WithinCustomer
from foundation.rest.resources import Attribute, Call, Resource, id_of
from foundation.rest.shapes import REFERENCE, code, listing, moment, text, thing
from staff.models import User

_NOTE = thing({"id": text(40), "author": text(80), "date": moment(), "text": text(4_000), "@type": text(60)}, "text")
_CHANGE = thing({"status": text(20), "changeDate": moment(), "changeReason": text(400), "@type": text(60)})
_RELATION = thing({"id": text(40), "relationshipType": text(40), "@type": text(60)})
_REASONS = [values.camel(reason) for reason in GradeReason.values if reason]


class TroubleTicket(Resource):
    base = api = name = "troubleTicket"
    kind = "TroubleTicket"
    about = "A complaint of a customer, from its receipt to its end (TMF621)."
    reads = VIEW_RIGHT
    verbs = ("GET", "POST", "PATCH", "DELETE")
    events = ("TroubleTicketCreateEvent", "TroubleTicketStatusChangeEvent")
    attributes: ClassVar = {
        "name": Attribute(lambda row, _b: row.subject, text(120), create_only=True),
        "description": Attribute(lambda row, _b: row.text, text(20_000), mandatory=True, create_only=True),
        "severity": Attribute(lambda row, _b: values.camel(row.grade), code(*values.SEVERITIES), mandatory=True),
        "severityReason": Attribute(
            lambda row, _b: values.camel(row.grade_reason) if row.grade_reason else None, code(*_REASONS)
        ),
        "ticketType": Attribute(lambda row, _b: row.topic.code if row.topic else None, text(60), mandatory=True),
        "externalId": Attribute(values.told_column("external_id"), text(80)),
        "channel": Attribute(values.channel, thing({"id": text(80), "name": text(80)}), create_only=True),
        "creationDate": Attribute(lambda row, _b: values.iso(row.received_at), moment(), server=True),
        "lastUpdate": Attribute(values.last_update, moment(), server=True),
        "status": Attribute(lambda row, _b: values.status_of(row.state, row.pause_reason), code(*values.STATUSES)),
        "statusChangeReason": Attribute(values.last_reason, text(400)),
        "statusChangeDate": Attribute(values.last_change, moment(), server=True),
        "statusChange": Attribute(values.changes, listing(_CHANGE), server=True),
        "expectedResolutionDate": Attribute(lambda row, _b: values.iso(row.service_due_at), moment(), server=True),
        "requestedResolutionDate": Attribute(values.told_column("wished_for"), moment()),
        "resolutionDate": Attribute(lambda row, _b: values.iso(row.answered_at), moment(), server=True),
        "note": Attribute(values.notes, listing(_NOTE)),
        "relatedParty": Attribute(values.parties, listing(REFERENCE, 20), create_only=True),
        "relatedEntity": Attribute(values.entities, listing(REFERENCE, 20), create_only=True),
        "troubleTicketRelationship": Attribute(values.relationships, listing(_RELATION), server=True),
        "@schemaLocation": Attribute(values.told_column("schema_location"), text(400), create_only=True),
    }
    filters: ClassVar[dict[str, Filter]] = {
        "status": Indexed(lambda wanted: _of_status(wanted), Of.CODE, codes={one: (one,) for one in values.STATUSES}),
        "severity": Indexed("grade", Of.CODE, codes={word: (grade,) for word, grade in values.SEVERITIES.items()}),
        "ticketType": Indexed("topic__code"),
        "externalId": Indexed(lambda wanted: Q(pk__in=TicketTold.objects.filter(external_id__in=wanted).values("pk"))),
        "channel.id": Indexed("channel", Of.CODE, codes={word: (one,) for word, one in values.CHANNELS.items()}),
        "creationDate": Indexed("received_at", Of.MOMENT),
        "resolutionDate": Indexed("answered_at", Of.MOMENT),
        "expectedResolutionDate": WithinCustomer("service_due_at", Of.MOMENT),
        "relatedParty.id": Indexed(lambda wanted: _of_parties(wanted), pins_customer=True),
    }

    def rows(self, user: Any) -> QuerySet[Any]:
        return Complaint.objects.visible_to(user).select_related("customer", "topic", "owner", "handler")

    def beside(self, rows: Sequence[Any], wanted: frozenset[str], call: Call) -> Any:
        return values.load(rows, wanted, call)

    def customer_of(self, row: Any) -> int | None:
        return row.customer_id

    def create(self, data: dict[str, Any], call: Call) -> Any:
        return take_ticket(data, call.user)

    def change(self, row: Any, data: dict[str, Any], call: Call) -> Any:
        return change_ticket(row, data, call.user)

    def remove(self, row: Any, call: Call) -> None:
        refuse_removal()


def _of_status(wanted: list[Any]) -> Q:
    """The states a status stands for; of pauses, by what they wait for."""
    found = Q(
        state__in=[state for state, status in values.STATUS.items() if status in wanted and state != State.PAUSED]
    )
    if values.PENDING in wanted:
        found |= Q(state=State.PAUSED, pause_reason__in=values.OF_CUSTOMER)
    if values.HELD in wanted:
        others = [reason for reason in PauseReason.values if reason not in values.OF_CUSTOMER]
        found |= Q(state=State.PAUSED, pause_reason__in=others)
    return found


def _of_parties(wanted: list[Any]) -> Q:
    """A customer by id, or one of ours by staff number."""
    customers = [key for one in wanted if (key := id_of(one)) is not None]
    staff = list(User.objects.filter(staff_no__in=wanted).values_list("pk", flat=True))
    found = Q(customer__in=customers)
    if staff:
        found |= Q(owner__in=staff) | Q(handler__in=staff)
    complainants = [key for one in wanted if one.endswith("-complainant") and (key := id_of(one[:-12])) is not None]
    return found | Q(pk__in=complainants, customer=None) if complainants else found
