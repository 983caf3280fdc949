"""Reads where a case is shared: hand-overs, parts, promises and joined cases of one case; groups and shifts of many."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from complaints.case_queries import Other, beside, with_people
from complaints.lifecycle import HandoverState
from complaints.models import CaseMerge, Complaint, Handover, MediationCase, Order, Part, Promise
from complaints.services.handing import may_answer
from complaints.sharing.times import Held, times_of
from staff.models import User

MOST_SHOWN = 200


@dataclass
class Sharing:
    """Who shares a case, and what is shared. `mine`: open hand-overs the viewer may answer; `to_decide`: those for the
    coordinator; `merges`: of cases this one took."""

    handovers: list[Handover]
    parts: list[Part]
    promises: list[Promise]
    orders: list[Order]
    mediations: list[MediationCase]
    links: list[Other]
    merges: list[Other]
    mine: list[Handover] = field(default_factory=list)
    to_decide: list[Handover] = field(default_factory=list)
    waiting: list[Handover] = field(default_factory=list)
    members: list[Complaint] = field(default_factory=list)
    holders: list[tuple[str, Held]] = field(default_factory=list)
    units: list[tuple[str, Held]] = field(default_factory=list)


def sharing_of(case: Complaint, user: User, now: datetime) -> Sharing:
    """What is shared of a case, for `user`: a fixed number of queries."""
    rows = beside(case)
    found = Sharing(
        rows.handovers[::-1],
        rows.parts,
        sorted(rows.promises, key=lambda one: (one.due_at, one.pk)),
        rows.orders[::-1],
        rows.mediations,
        rows.links,
        [one for one in rows.merges if isinstance(one.row, CaseMerge) and one.row.master_id == case.pk],
    )
    by_holder, by_unit = times_of(case, now)
    people = {held.key for held in by_holder if held.key}
    units = {held.key for held in by_unit if held.key}
    named = [*found.handovers, *found.parts, *found.promises, *found.orders, *(one.row for one in found.merges)]
    known_people, known_units = with_people(named, people=people, units=units)
    for offer in found.handovers:
        if offer.state != HandoverState.OFFERED:
            continue
        found.waiting.append(offer)
        if offer.for_decision:
            found.to_decide += [offer] if user.has_perm("complaints.coordinate") else []
        elif offer.until > now and may_answer(offer, user, now):
            found.mine.append(offer)
    if case.is_parent:
        members = Complaint.objects.visible_to(user).filter(parent=case).select_related("customer")
        found.members = list(members.order_by("-pk")[:MOST_SHOWN])
    found.holders = [(_name(known_people, held.key), held) for held in by_holder]
    found.units = [(_name(known_units, held.key), held) for held in by_unit]
    return found


def _name(known: dict[int, Any], key: int | None) -> str:
    return str(known[key].name) if key in known else ""
