"""Cases that are one: merged and taken apart again, split, linked (D§10.1, 10.5, 10.9)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from complaints.lifecycle import (
    PART_OPEN,
    RANK,
    Act,
    ApprovalState,
    ClockKind,
    Deed,
    GradeReason,
    HandoverState,
    LinkKind,
    State,
)
from complaints.models import (
    Attachment,
    CaseMerge,
    Complaint,
    ComplaintLine,
    Entry,
    Handover,
    Link,
    Order,
    Part,
    Promise,
    Rejection,
    Seat,
)
from complaints.rules import SERVICE, STATUTORY, Rule
from complaints.services.clocks import CaseClocks
from complaints.services.grading import raise_grade
from complaints.services.ground import (
    check_no_record,
    check_open,
    check_right,
    check_sees,
    clocks_for,
    locked_case,
    move,
    remember,
    ring,
    save_case,
    step_from,
    tell_customer,
)
from complaints.services.intake import register_complaint
from foundation.calendars.clocks import retarget_clock
from foundation.calendars.models import Clock
from foundation.common import clock
from foundation.common.errors import RuleBroken
from interactions.models import Topic
from staff.models import User

ASSESS_RIGHT = "complaints.assess"
# What of a merged case goes on with its master: what was said, and what is still owed.
MOVED: dict[str, Any] = {
    "entries": lambda case: Entry.objects.filter(complaint=case),
    "attachments": lambda case: Attachment.objects.filter(complaint=case),
    "promises": lambda case: Promise.objects.open().filter(complaint=case),
    "orders": lambda case: Order.objects.open().filter(complaint=case),
    "parts": lambda case: Part.objects.filter(complaint=case, state__in=PART_OPEN),
}
MODELS: dict[str, Any] = {
    "entries": Entry, "attachments": Attachment, "promises": Promise, "orders": Order, "parts": Part,
}  # fmt: skip


@transaction.atomic
def merge_complaints(merged_id: int, master_id: int, *, actor: User) -> CaseMerge:
    """Make one case of two of the same customer: `merged` ends and keeps its channel and time, `master` takes what was
    said and what is owed, the earliest receipt with the statutory limit counted from it, and the graver grade. The
    customer is told the master's number.

    Raises as `ground.check_sees` and `check_right` for either; RuleBroken "complaint.illegal" (only what nobody was
    assigned to is merged), "complaint.merge_itself", "complaint.merge_customers" (cases of different customers are
    grouped), "complaint.merge_group", "complaint.record", "complaint.ended".
    """
    if merged_id == master_id:
        raise RuleBroken("complaint.merge_itself", _("A case is not merged into itself: name another one."))
    held = locked_both(merged_id, master_id)
    merged, master = held[merged_id], held[master_id]
    for case in (merged, master):
        check_sees(case, actor)
        check_right(case, actor, ASSESS_RIGHT)
        check_no_record(case)
    step_from(merged, Act.MERGE, actor)
    check_open(master)
    if merged.customer_id is None or merged.customer_id != master.customer_id:
        raise RuleBroken("complaint.merge_customers", _("Cases of different customers are not merged, only grouped."))
    if merged.is_parent or master.is_parent:
        raise RuleBroken("complaint.merge_group", _("The case of a group is not merged."))
    before, own = merged.state, own_receipt(master)
    clocks_for(merged, actor).stop_all()
    _withdraw_offers(merged)
    move(merged, Act.MERGE, actor=actor, merged_into=master, state_before_merge=before)
    merge = CaseMerge.objects.create(
        merged=merged, master=master, by=actor, earlier_receipt=own, moved=_carry(merged, master)
    )
    _receive_at(master, min(master.received_at, merged.received_at), actor)
    save_case(master, "received_at")
    if RANK[merged.grade] > RANK[master.grade]:
        raise_grade(master, actor=actor, grade=merged.grade, reason_code=merged.grade_reason or GradeReason.NONE)
    remember(master, Deed.LINKED, actor=actor, detail={"other": str(merged.pk)})
    for person in {merged.owner_id: merged.owner, master.owner_id: master.owner}.values():
        if person.pk != actor.pk:
            ring(master, person, "merged", f"{merge.ref}-{person.pk}")
    tell_customer(merged, "complaint_merged", key=merge.ref, actor=actor, master=master.number)
    return merge


@transaction.atomic
def undo_case_merge(merge_id: int, *, actor: User) -> Complaint:
    """Take a merge apart: the merged case goes on where it stood, with what came with it and its clocks counted from
    its own receipt; the master keeps the earliest receipt of what is left in it. The customer is told.

    Raises as `ground.check_sees` and `check_right` of the master; RuleBroken "complaint.merge_undone",
    "complaint.merged_on" (the master was merged itself: that one first).
    """
    row = CaseMerge.objects.get(pk=merge_id)
    held = locked_both(row.merged_id, row.master_id)
    merged, master = held[row.merged_id], held[row.master_id]
    check_sees(master, actor)
    check_right(master, actor, ASSESS_RIGHT)
    merge = CaseMerge.objects.get(pk=merge_id)
    if merge.undone_at is not None or merged.merged_into_id != master.pk:
        raise RuleBroken("complaint.merge_undone", _("This merge was undone already."))
    if master.state == State.MERGED:
        raise RuleBroken("complaint.merged_on", _("The master was merged itself since: undo that merge first."))
    now = clock.now()
    merge.undone_at, merge.undone_by = now, actor
    merge.save(update_fields=["undone_at", "undone_by"])
    _carry_back(merge)
    merged.state, merged.state_before_merge = merged.state_before_merge, ""
    merged.merged_into, merged.closed_at = None, None
    _run_again(merged, actor)
    save_case(merged, "state", "state_before_merge", "merged_into", "closed_at")
    remember(merged, Deed.MERGE_UNDONE, actor=actor, old=State.MERGED, new=merged.state)
    own = merge.earlier_receipt or master.received_at
    left = CaseMerge.objects.filter(master=master, undone_at=None).values_list("merged__received_at", flat=True)
    _receive_at(master, min([own, *left]), actor)
    save_case(master, "received_at")
    remember(master, Deed.MERGE_UNDONE, actor=actor, detail={"other": str(merged.pk)})
    tell_customer(merged, "complaint_unmerged", key=merge.ref, actor=actor)
    return merged


@transaction.atomic
def split_complaint(case_id: int, *, actor: User, text: str, topic: Topic) -> Complaint:
    """Another matter of the same complaint becomes a case of its own, received when the first one was (separate causes
    of one matter are parts, not cases: D§26). The customer is told its number.

    Raises as `ground.check_sees` and `check_right`, as `register_complaint`; RuleBroken "complaint.ended".
    """
    case = locked_case(case_id)
    check_sees(case, actor)
    check_right(case, actor, ASSESS_RIGHT)
    check_open(case)
    new = register_complaint(
        actor=actor,
        channel=case.channel,
        text=text,
        customer=case.customer,
        contact_name=case.contact_name,
        contact_phone=case.contact_phone,
        contact_email=case.contact_email,
        authority=case.authority,
        language=case.language,
        received_at=case.received_at,
        topic=topic,
        product_line=case.product_line,
        brand=case.brand,
        area=case.area,
        about_staff=case.about_staff,
    )
    Link.objects.create(complaint=new, other=case, kind=LinkKind.SPLIT, by=actor)
    remember(case, Deed.SPLIT, actor=actor, detail={"other": str(new.pk)})
    tell_customer(case, "complaint_split", key=new.ref, actor=actor, other=new.number)
    return new


@transaction.atomic
def link_complaints(case_id: int, other_id: int, *, actor: User, kind: str) -> Link:
    """`case_id` repeats or relates to `other_id`. Twice is once.

    Raises as `ground.check_sees` for either, as `check_right` for the first; RuleBroken "complaint.link_itself",
    "complaint.link_kind".
    """
    if case_id == other_id:
        raise RuleBroken("complaint.link_itself", _("A case is not linked to itself: name another one."))
    if kind not in (LinkKind.REPEAT, LinkKind.RELATED):
        raise RuleBroken("complaint.link_kind", _("A link says that a case repeats or relates to another."))
    held = locked_both(case_id, other_id)
    for case in held.values():
        check_sees(case, actor)
    check_right(held[case_id], actor, "complaints.take")
    link, made = Link.objects.get_or_create(
        complaint=held[case_id], other=held[other_id], kind=kind, defaults={"by": actor}
    )
    if made:
        remember(held[case_id], Deed.LINKED, actor=actor, detail={"other": str(other_id)})
    return link


def locked_both(one_id: int, other_id: int) -> dict[int, Complaint]:
    """Two cases under their locks, taken in the order of their ids, so that A with B and B with A never wait for one
    another."""
    return {key: locked_case(key) for key in sorted({one_id, other_id})}


def own_receipt(case: Complaint) -> datetime:
    """When the case itself was received, whatever was merged into it."""
    first = CaseMerge.objects.filter(master=case, undone_at=None, earlier_receipt__isnull=False).first()
    return first.earlier_receipt if first is not None and first.earlier_receipt else case.received_at


def _receive_at(master: Complaint, received_at: datetime, actor: User) -> None:
    """Count the statutory limit from another receipt (D§10.5); the caller saves."""
    if received_at == master.received_at:
        return
    later = received_at > master.received_at
    master.received_at = received_at
    clocks = clocks_for(master, actor)
    running = clocks.open.get(STATUTORY)
    if running is None:
        return
    if later:  # a clock's beginning never moves forward: this one ends unjudged
        clocks.start(clocks.statutory(received_at))
        return
    clocks.open[STATUTORY] = retarget_clock(
        running.pk, at=max(clocks.at, running.started_at), actor=actor, since=received_at, reason="MERGE"
    )
    clocks.changed = True


def _carry(merged: Complaint, master: Complaint) -> dict[str, list[str]]:
    """Move what goes on with the master, with the seats of those who owe it; the ids, for taking it back."""
    moved: dict[str, list[str]] = {}
    for name, rows in MOVED.items():
        keys = list(rows(merged).values_list("pk", flat=True))
        MODELS[name].objects.filter(pk__in=keys).update(complaint=master)
        moved[name] = [str(key) for key in keys]
    seats = Seat.objects.filter(complaint=merged)
    Seat.objects.bulk_create(
        [Seat(complaint=master, user_id=one.user_id, why=one.why) for one in seats], ignore_conflicts=True
    )
    known = set(ComplaintLine.objects.filter(complaint=master).values_list("subscription_id", flat=True))
    lines = ComplaintLine.objects.filter(complaint=merged).exclude(subscription__in=known)
    added = [ComplaintLine(complaint=master, subscription_id=line.subscription_id) for line in lines]
    ComplaintLine.objects.bulk_create(added)
    moved["lines"] = [str(line.subscription_id) for line in added]
    return moved


def _carry_back(merge: CaseMerge) -> None:
    """Give back what came with the merged case and still stands with the master."""
    for name, model in MODELS.items():
        keys = [int(key) for key in merge.moved.get(name, [])]
        model.objects.filter(pk__in=keys, complaint=merge.master_id).update(complaint=merge.merged_id)
    lines = [int(key) for key in merge.moved.get("lines", [])]
    ComplaintLine.objects.filter(complaint=merge.master_id, subscription__in=lines).delete()


def _run_again(case: Complaint, actor: User) -> None:
    """The clocks of a case that goes on: the law's from its receipt, the service clock from when it began."""
    clocks = clocks_for(case, actor)
    rules = [clocks.statutory(case.received_at)]
    rules.append(restarted(clocks) if case.state == State.ASSESSED else clocks.duty(ClockKind.ASSESS))
    clocks.start(*rules)


def restarted(clocks: CaseClocks) -> Rule:
    """The service limit of a case counted from when its service clock first began."""
    rule = clocks.service()
    began = (
        Clock.objects.filter(owner_kind="CASE", owner_id=clocks.case.pk, kind=SERVICE)
        .order_by("-pk")
        .values_list("started_at", flat=True)
        .first()
    )
    return Rule(rule.kind, rule.target, rule.runs, rule.key, rule.calendar, since=began or clocks.at)


def _withdraw_offers(case: Complaint) -> None:
    asked = Rejection.objects.filter(complaint=case, state=ApprovalState.ASKED)
    asked.update(state=ApprovalState.LAPSED, decided_at=clock.now())
    Handover.objects.open().filter(complaint=case).update(state=HandoverState.WITHDRAWN, decided_at=clock.now())
