"""How a case looks as a TMF621 trouble ticket: states, grades and channels in the words of the API, and each
attribute from rows loaded for all tickets at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from complaints.lifecycle import EntryKind, Grade, PauseReason, State
from complaints.models import Complaint, ComplaintLine, ComplaintMove, Entry, TicketTold
from foundation.common.ids import to_text
from foundation.rest.resources import Call
from foundation.rest.spelling import camel, iso
from interactions.lifecycle import Channel
from staff.masking import mask_phone, masked_name

PENDING, HELD, CANCELLED, REJECTED = "pending", "held", "cancelled", "rejected"
ACKNOWLEDGED, IN_PROGRESS, RESOLVED, CLOSED = "acknowledged", "inProgress", "resolved", "closed"
STATUSES = (ACKNOWLEDGED, REJECTED, PENDING, HELD, IN_PROGRESS, CANCELLED, CLOSED, RESOLVED)
# `resolved` = answered; `closed` only after the callback (rest.md). A pause: see `status_of`.
STATUS: dict[str, str] = {
    State.REGISTERED: ACKNOWLEDGED,
    State.ACKNOWLEDGED: ACKNOWLEDGED,
    State.ASSESSED: IN_PROGRESS,
    State.ASSIGNED: IN_PROGRESS,
    State.INVESTIGATING: IN_PROGRESS,
    State.PAUSED: PENDING,
    State.SOLUTION_PROPOSED: IN_PROGRESS,
    State.DECIDED: RESOLVED,
    State.ACCEPTED: RESOLVED,
    State.DISPUTED: IN_PROGRESS,
    State.CALLBACK: RESOLVED,
    State.CLOSED: CLOSED,
    State.REOPENED: IN_PROGRESS,
    State.WITHDRAWN: CANCELLED,
    State.MERGED: CANCELLED,
    State.OUT_OF_SCOPE: REJECTED,
}
# What waits for the customer is pending, what waits for others is held.
OF_CUSTOMER = (PauseReason.CUSTOMER_INFO, PauseReason.APPOINTMENT, PauseReason.UNREACHABLE)
SHOWN_ENTRIES = (EntryKind.NOTE, EntryKind.INBOUND, EntryKind.REPLY, EntryKind.CONTACT, EntryKind.URGE)


SEVERITIES: dict[str, str] = {camel(grade): grade for grade in Grade.values}
CHANNELS: dict[str, str] = {camel(channel): channel for channel in Channel.values}


def status_of(state: str, pause_reason: str = "") -> str:
    """The status of a state."""
    if state == State.PAUSED:
        return PENDING if pause_reason in OF_CUSTOMER else HELD
    return STATUS[state]


@dataclass
class Beside:
    """What the attributes of a page of tickets need beside their rows."""

    call: Call
    moves: dict[int, list[ComplaintMove]] = field(default_factory=dict)
    entries: dict[int, list[Entry]] = field(default_factory=dict)
    lines: dict[int, list[ComplaintLine]] = field(default_factory=dict)
    told: dict[int, TicketTold] = field(default_factory=dict)


def load(rows: Sequence[Complaint], wanted: frozenset[str], call: Call) -> Beside:
    """At most four queries, whatever the number of rows."""
    beside, ids = Beside(call), [row.pk for row in rows]
    if wanted & {"statusChange", "statusChangeDate", "statusChangeReason", "lastUpdate"}:
        moves = ComplaintMove.objects.filter(complaint__in=ids).order_by("pk")
        for move in moves.only("complaint", "at", "new", "reason"):
            beside.moves.setdefault(move.complaint_id, []).append(move)
    if wanted & {"note", "lastUpdate"}:
        said = Entry.objects.filter(complaint__in=ids, kind__in=SHOWN_ENTRIES, taken_back_at=None)
        for entry in said.select_related("by").order_by("pk"):
            beside.entries.setdefault(entry.complaint_id, []).append(entry)
    if "relatedEntity" in wanted:
        for line in ComplaintLine.objects.filter(complaint__in=ids).select_related("subscription").order_by("pk"):
            beside.lines.setdefault(line.complaint_id, []).append(line)
    if wanted & {
        "externalId",
        "requestedResolutionDate",
        "channel",
        "relatedEntity",
        "relatedParty",
        "@schemaLocation",
    }:
        beside.told = TicketTold.objects.in_bulk(ids)
    return beside


def _told(row: Complaint, beside: Beside, part: str) -> Any:
    told = beside.told.get(row.pk)
    return (told.told or {}).get(part) if told is not None else None


def changes(row: Complaint, beside: Beside) -> list[dict[str, Any]]:
    """Each change of the status, oldest first; steps of ours within one status are none."""
    found: list[dict[str, Any]] = []
    for move in beside.moves.get(row.pk, []):
        if not move.new:
            continue
        # The reason of a pause that is over stands nowhere any more: its status then is that of waiting.
        pause = row.pause_reason if row.state == State.PAUSED else PauseReason.CUSTOMER_INFO
        status = status_of(move.new, pause)
        if not found or found[-1]["status"] != status:
            change = {"status": status, "changeDate": iso(move.at), "@type": "StatusChange"}
            found.append({**change, **({"changeReason": move.reason} if move.reason else {})})
    return found


def last_change(row: Complaint, beside: Beside) -> str | None:
    found = changes(row, beside)
    return found[-1]["changeDate"] if found else None


def last_reason(row: Complaint, beside: Beside) -> str | None:
    found = changes(row, beside)
    return found[-1].get("changeReason") if found else None


def last_update(row: Complaint, beside: Beside) -> str | None:
    moments = [row.registered_at, *(move.at for move in beside.moves.get(row.pk, []))]
    return iso(max([*moments, *(entry.at for entry in beside.entries.get(row.pk, []))]))


def notes(row: Complaint, beside: Beside) -> list[dict[str, Any]] | None:
    """What was said in the case, oldest first."""
    return [
        {
            "id": entry.ref,
            "author": entry.by.staff_no if entry.by is not None else "customer",
            "date": iso(entry.at),
            "text": entry.text,
            "@type": "Note",
        }
        for entry in beside.entries.get(row.pk, [])
    ] or None


def parties(row: Complaint, beside: Beside) -> list[dict[str, Any]]:
    """The customer, and who of ours answers for it (asked first) and works on it; then whom the caller named."""
    found: list[dict[str, Any]] = []
    if row.customer is not None:
        clear = beside.call.sees_personal
        shown = masked_name(row.customer.name, row.customer.customer_type, clear=clear)
        found.append({"id": row.customer.ref, "name": shown, "role": "customer", "@referredType": "Customer"})
    elif row.contact_name:
        shown = masked_name(row.contact_name, "PERSON", clear=beside.call.sees_personal)
        found.append(
            {"id": f"{row.ref}-complainant", "name": shown, "role": "complainant", "@referredType": "Individual"}
        )
    staff = [("firstResponder", row.owner), ("owner", row.owner), ("handler", row.handler)]
    found += [
        {"id": one.staff_no, "name": one.name, "role": role, "@referredType": "Employee"}
        for role, one in staff
        if one is not None
    ]
    return [{**one, "@type": "RelatedParty"} for one in [*found, *(_told(row, beside, "relatedParty") or [])]]


def entities(row: Complaint, beside: Beside) -> list[dict[str, Any]] | None:
    """The lines it is about, by when the law wants it answered, and what the caller named (a disputed bill)."""
    found: list[dict[str, Any]] = [
        {
            "id": line.subscription.ref,
            "name": mask_phone(line.subscription.service_no),
            "role": "subscription",
            "@referredType": "Product",
        }
        for line in beside.lines.get(row.pk, [])
    ]
    if row.statutory_due_at is not None:
        due = {"name": iso(row.statutory_due_at), "role": "statutoryDueDate", "@referredType": "Deadline"}
        found.append({"id": f"{row.ref}-statutory", **due})
    return [{**one, "@type": "RelatedEntity"} for one in [*found, *(_told(row, beside, "relatedEntity") or [])]] or None


def relationships(row: Complaint, _beside: Beside) -> list[dict[str, Any]] | None:
    pairs = [("duplicates", row.merged_into_id), ("memberOf", row.parent_id)]
    return [
        {"id": to_text(key), "relationshipType": kind, "@type": "TroubleTicketRelationship"}
        for kind, key in pairs
        if key
    ] or None


def channel(row: Complaint, beside: Beside) -> Mapping[str, Any]:
    """The channel in our words; `name` is what the caller calls it."""
    told = _told(row, beside, "channel") or {}
    return {
        "id": camel(row.channel),
        "name": told.get("name") or told.get("id") or str(row.channel),
        "@type": "ChannelRef",
    }


def told_column(name: str) -> Any:
    """The value of a column of what was told."""

    def value(row: Complaint, beside: Beside) -> Any:
        told = beside.told.get(row.pk)
        kept = getattr(told, name) if told is not None else None
        return iso(kept) if isinstance(kept, datetime) else kept or None

    return value
