"""Many customers, one cause: a parent that carries the clock, and one case per customer (D§10.1, 26)."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from complaints.lifecycle import (
    PART_OPEN,
    Act,
    ClockKind,
    Deed,
    EntryKind,
    Grade,
    GradeReason,
    Solved,
    State,
)
from complaints.models import Cause, Complaint, ComplaintMove, Entry, MediationCase, Part
from complaints.outside.mediation import MEDIATING
from complaints.rules import SERVICE, STATUTORY
from complaints.services.answering import LONGEST_WORDS
from complaints.services.closing import end_work, flag_complainer
from complaints.services.grading import keep_block
from complaints.services.ground import (
    case_to,
    check_no_record,
    check_open,
    check_right,
    check_sees,
    check_works,
    clocks_for,
    locked_case,
    move,
    remember,
    ring,
    save_case,
    tell_customer,
)
from complaints.services.intake import register_complaint
from complaints.services.joining import locked_both, restarted
from complaints.services.solving import solution_of
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.policies.reading import policy
from staff.models import OrgUnit, User

ASSESS_RIGHT = "complaints.assess"
MOST_AT_ONCE = 1_000


@transaction.atomic
def make_group(case_ids: Iterable[int], *, actor: User, subject: str) -> Complaint:
    """Make the parent of these cases, which join it; the parent.

    Raises as `join_group` for each; RuleBroken "complaint.group_size" (one to 1,000), "complaint.no_text".
    """
    keys = sorted(set(case_ids))
    if not 1 <= len(keys) <= MOST_AT_ONCE:
        raise RuleBroken("complaint.group_size", _("A group begins with one to 1,000 cases."))
    first = Complaint.objects.select_related("topic").get(pk=keys[0])
    parent = register_complaint(
        actor=actor,
        channel=first.channel,
        text=subject,
        subject=subject,
        topic=first.topic,
        area=first.area,
        product_line=first.product_line,
        grade=Grade.GROUP,
        grade_reason=GradeReason.SAME_CAUSE,
    )
    parent.is_parent = True
    save_case(parent, "is_parent")
    remember(parent, Deed.GROUPED, actor=actor, detail={"members": len(keys)})
    for key in keys:
        join_group(key, parent.pk, actor=actor)
    return parent


@transaction.atomic
def join_group(case_id: int, parent_id: int, *, actor: User) -> Complaint:
    """The case becomes one of the group: its service clock and duties end unjudged, for the parent carries them; the
    statutory one runs on. The customer is told.

    Raises as `ground.check_sees` for either, `check_right` for the case; RuleBroken "complaint.ended",
    "complaint.record", "complaint.no_group", "complaint.grouped".
    """
    held = locked_both(case_id, parent_id)
    case, parent = held[case_id], held[parent_id]
    for one in (case, parent):
        check_sees(one, actor)
        check_open(one)
        check_no_record(one)
    check_right(case, actor, ASSESS_RIGHT)
    if not parent.is_parent or case.is_parent or case.pk == parent.pk:
        raise RuleBroken("complaint.no_group", _("Only a single case joins, and only a group."))
    if case.parent_id is not None:
        raise RuleBroken("complaint.grouped", _("This case belongs to a group already: take it out of that one first."))
    clocks = clocks_for(case, actor)
    clocks.stop(*(kind for kind in list(clocks.open) if kind != STATUTORY), judged=False)
    case.parent = parent
    fields = ["parent"]
    if case.grade == Grade.ORDINARY:
        case.grade, case.grade_reason = Grade.GROUP, GradeReason.SAME_CAUSE
        fields += ["grade", "grade_reason"]
    save_case(case, *fields)
    remember(case, Deed.GROUPED, actor=actor, detail={"master": str(parent.pk)})
    if case.owner_id != actor.pk:
        ring(case, case.owner, "grouped", f"{parent.ref}")
    tell_customer(case, "complaint_grouped", key=parent.ref, actor=actor)
    return case


@transaction.atomic
def leave_group(case_id: int, *, actor: User, reason: str) -> Complaint:
    """Another cause after all: the case goes on alone, its service limit counted from when it began.

    Raises as `ground.check_sees`, `check_right`; RuleBroken "complaint.ended", "complaint.no_group",
    "complaint.no_reason".
    """
    case = locked_case(case_id)
    check_sees(case, actor)
    check_right(case, actor, ASSESS_RIGHT)
    check_open(case)
    if case.parent_id is None:
        raise RuleBroken("complaint.no_group", _("This case belongs to no group."))
    if not reason.strip():
        raise RuleBroken("complaint.no_reason", _("Say why its cause is another one."))
    case.parent = None
    fields = ["parent"]
    if case.grade == Grade.GROUP:
        case.grade, case.grade_reason = Grade.ORDINARY, GradeReason.NONE
        fields += ["grade", "grade_reason"]
    clocks = clocks_for(case, actor)
    early = case.state in (State.REGISTERED, State.ACKNOWLEDGED)
    clocks.start(clocks.duty(ClockKind.ASSESS) if early else restarted(clocks))
    save_case(case, *fields)
    remember(case, Deed.GROUPED, actor=actor, reason=reason, detail={"master": ""})
    return case


@transaction.atomic
def close_group(
    parent_id: int, *, actor: User, cause: Cause | None, responsible_unit: OrgUnit | None, words: str, lesson: str = ""
) -> Complaint:
    """The one cause is removed: the parent is closed; its members follow by the clock, each told `words`.

    Raises as `ground.case_to`; RuleBroken "complaint.no_group", "complaint.no_solution", "complaint.open_part",
    "complaint.open_measure", "complaint.no_cause", "complaint.no_unit", "complaint.no_lesson", "complaint.no_words".
    """
    case = case_to(parent_id, Act.CLOSE_GROUP, actor)
    check_works(case, actor)
    if not case.is_parent:
        raise RuleBroken("complaint.no_group", _("Only a group is closed so; a single case is called back first."))
    solution = solution_of(case)
    if solution is None:
        raise RuleBroken("complaint.no_solution", _("Write down what was found and done: propose a solution."))
    if Part.objects.filter(complaint=case, state__in=PART_OPEN).exists():
        raise RuleBroken(
            "complaint.open_part", _("A unit still works on a part of it: wait for its answer, or take the part back.")
        )
    if solution.measures.filter(done_at=None).exists():
        raise RuleBroken(
            "complaint.open_measure", _("A measure of the solution is not done yet: have it done and noted first.")
        )
    if cause is None or not cause.active:
        raise RuleBroken("complaint.no_cause", _("Say why it came about: choose a cause."))
    if responsible_unit is None:
        raise RuleBroken("complaint.no_unit", _("Name the unit responsible for it."))
    if not lesson.strip():
        raise RuleBroken("complaint.no_lesson", _("Write what we learn from it."))
    if not words.strip():
        raise RuleBroken("complaint.no_words", _("Write what the customers of the group are told."))
    clocks_for(case, actor).stop(SERVICE)
    end_work(case, actor=actor)
    now = clock.now()
    Entry.objects.create(
        complaint=case, kind=EntryKind.REPLY, text=words.strip()[:LONGEST_WORDS], by=actor, at=now, left_at=now
    )
    move(
        case,
        Act.CLOSE_GROUP,
        actor=actor,
        cause=cause,
        responsible_unit=responsible_unit,
        lesson=lesson.strip()[:400],
        solved=Solved.WITH_GROUP,
        decided_at=now,
        answered_at=case.answered_at or now,
        last_handler=case.handler,
    )
    return case


@transaction.atomic
def close_member(case_id: int) -> bool:
    """The group's parent is closed: so is its member, with the same cause, and its customer told the answer to all and
    until when they may have theirs opened alone (D§26). False when there is nothing to do or somebody holds it."""
    free = Complaint.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=case_id, closed_at=None)
    if not free.only("pk").exists():
        return False
    case = locked_case(case_id)
    parent = case.parent
    if parent is None or not _to_close().filter(pk=case.pk).exists():
        return False
    now = clock.now()
    clocks_for(case, None).stop(STATUTORY)
    end_work(case, actor=None)
    row = move(
        case,
        Act.CLOSE_GROUP,
        actor=None,
        last_handler=case.handler,
        cause=parent.cause,
        responsible_unit=parent.responsible_unit,
        lesson=parent.lesson,
        solved=Solved.WITH_GROUP,  # nobody called this one: left out of satisfaction (D§18.6)
        satisfaction=None,
        decided_at=case.decided_at or now,
        answered_at=case.answered_at or now,
    )
    flag_complainer(case)
    keep_block(case, actor=None)
    said = parent.entries.filter(kind=EntryKind.REPLY).order_by("-pk").values_list("text", flat=True).first() or ""
    until = now + policy("complaints.reopen.window", unit=case.work_unit)
    message = tell_customer(
        case, "complaint_group_answered", key=row.ref, actor=None, words=said, reopen_until_at=until.isoformat()
    )
    Entry.objects.create(
        complaint=case,
        kind=EntryKind.REPLY,
        channel=case.channel,
        text=said,
        at=now,
        left_at=now,
        message_id=message.pk if message is not None else None,
    )
    return True


def members_to_close(limit: int = 500) -> list[int]:
    """Open members of closed groups, those left out that were closed with it and reopened alone since."""
    return list(_to_close().order_by("pk").values_list("pk", flat=True)[:limit])


def _to_close() -> QuerySet[Complaint]:
    with_group = ComplaintMove.objects.filter(
        complaint=OuterRef("pk"), act=Act.CLOSE_GROUP, at__gte=OuterRef("parent__closed_at")
    )
    rows = Complaint.objects.filter(closed_at=None, parent__isnull=False, parent__state=State.CLOSED)
    resting = MediationCase.objects.filter(complaint=OuterRef("pk"), closed_at=None, state__in=MEDIATING)
    return rows.exclude(Exists(with_group)).exclude(Exists(resting))
