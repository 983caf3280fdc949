"""How grave a case is: raised at any time, lowered by the coordinator alone; what a major one forbids (D§5.9, 10.1)."""

from __future__ import annotations

from django.db import connection, transaction
from django.utils.translation import gettext as _

from complaints.lifecycle import RANK, ClockKind, Deed, Grade, GradeReason
from complaints.models import Complaint
from complaints.rules import is_grave
from complaints.services.ground import (
    COORDINATE_RIGHT,
    case_for,
    check_open,
    check_right,
    clocks_for,
    remember,
    ring,
    save_case,
    tell_customer,
)
from customers.models import ContactBlock
from customers.services.facts import block_contact, lift_block
from foundation.common.errors import RuleBroken
from outreach.lifecycle import MessageClass
from staff.models import User

ASSESS_RIGHT = "complaints.assess"
# Without a reason of D§10.1 nothing is graver than ordinary.
NEEDS_REASON = (Grade.UPGRADED, Grade.MAJOR, Grade.SKIP_LEVEL)
HELD_BACK = [MessageClass.MARKETING.value]


def check_grade(grade: str, reason: str, *, before: str) -> None:
    """Raises RuleBroken "complaint.unknown_code", "complaint.no_grade_reason", "complaint.lower_grade"."""
    if grade not in Grade.values or reason not in GradeReason.values:
        raise RuleBroken("complaint.unknown_code", _("Choose one of the grades and reasons offered."))
    if grade in NEEDS_REASON and not reason:
        raise RuleBroken("complaint.no_grade_reason", _("Say why the complaint is not ordinary."))
    if RANK[grade] < RANK[before]:
        raise RuleBroken("complaint.lower_grade", _("Only the coordinator lowers a grade, with a reason."))


@transaction.atomic
def change_grade(case_id: int, *, actor: User, grade: str, reason_code: str, reason: str = "") -> Complaint:
    """Give an open case another grade. Clocks that run take the new limit from their start (D§26); the customer is told
    of the new date, owner and handler hear of it.

    Raises as `ground.case_for` (lowering: for the coordinator), and RuleBroken "complaint.ended",
    "complaint.same_grade", "complaint.unknown_code", "complaint.no_grade_reason", "complaint.no_reason" (lowering).
    """
    case = case_for(case_id, actor, ASSESS_RIGHT)
    check_open(case)
    before = case.grade
    if grade not in Grade.values or reason_code not in GradeReason.values:
        raise RuleBroken("complaint.unknown_code", _("Choose one of the grades and reasons offered."))
    if grade == before:
        raise RuleBroken("complaint.same_grade", _("The complaint has this grade already."))
    if RANK[grade] < RANK[before]:
        check_right(case, actor, COORDINATE_RIGHT)
        if not reason.strip():
            raise RuleBroken("complaint.no_reason", _("Say why the grade is lowered."))
        reason_code = GradeReason.LOWERED
    check_grade(grade, reason_code, before=grade)
    raise_grade(case, actor=actor, grade=grade, reason_code=reason_code, reason=reason)
    return case


@transaction.atomic
def take_back_grade(case_id: int, *, actor: User, grade: str, reason_code: str, reason: str) -> Complaint:
    """Undo the raise somebody just made, to the grade from before: no judgement that the case is less grave, for which
    the coordinator is asked (`change_grade`), but that nobody meant it.

    Raises as `ground.case_for`; RuleBroken "complaint.ended", "complaint.same_grade", "complaint.changed_since" (the
    actor did not grade it last).
    """
    case = case_for(case_id, actor, ASSESS_RIGHT)
    check_open(case)
    if grade == case.grade:
        raise RuleBroken("complaint.same_grade", _("The complaint has this grade already."))
    last = case.moves.filter(act=Deed.GRADED).order_by("-pk").first()
    if last is None or last.actor_id != actor.pk:
        raise RuleBroken("complaint.changed_since", _("It was changed since."))
    raise_grade(case, actor=actor, grade=grade, reason_code=reason_code, reason=reason)
    return case


def raise_grade(case: Complaint, *, actor: User | None, grade: str, reason_code: str, reason: str = "") -> None:
    """The same for a locked case, without asking: for acts that bring a grade with them (a second reopening, a missed
    limit)."""
    before, case.grade, case.grade_reason = case.grade, grade, reason_code
    clocks = clocks_for(case, actor)
    rules = [clocks.duty(ClockKind.ASSESS), clocks.duty(ClockKind.ACCEPT)]
    if is_grave(grade) != is_grave(before):
        rules.append(clocks.duty(ClockKind.FIRST_CONTACT))
    clocks.retarget(clocks.regraded(), *rules, reason="GRADE")
    save_case(case, "grade", "grade_reason")
    row = remember(
        case,
        Deed.GRADED,
        actor=actor,
        reason=reason,
        detail={"grade": [before, grade], "why": str(reason_code)},
    )
    keep_block(case, actor=actor)
    for person in {case.owner, case.handler or case.owner}:
        if actor is None or person.pk != actor.pk:
            ring(case, person, "graded", row.ref)
    if case.service_due_at is not None:
        lowered = "1" if RANK[grade] < RANK[before] else ""
        tell_customer(case, "complaint_graded", key=row.ref, actor=actor, lowered=lowered)


def keep_block(case: Complaint, *, actor: User | None) -> None:
    """Marketing to the customer is held back while a major complaint of theirs is open, and no longer (D§5.9). Called
    by whatever registers, grades, ends or takes up a case."""
    if case.customer_id is None or case.is_imported:
        return
    with connection.cursor() as cursor:  # two cases of one customer at once: the second sees what the first wrote
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('complaint_block', %s))", [case.customer_id])
    grave = [grade for grade in Grade.values if is_grave(grade)]
    wanted = Complaint.objects.open().filter(customer=case.customer_id, grade__in=grave, source="").exists()
    held = ContactBlock.objects.filter(
        customer=case.customer_id, reason=ContactBlock.Reason.MAJOR_COMPLAINT, ends_at=None
    )
    if wanted and not held.exists():
        block_contact(case.customer_id, actor=actor, reason=ContactBlock.Reason.MAJOR_COMPLAINT, classes=HELD_BACK)
    elif not wanted:
        for block in held.order_by("pk"):
            lift_block(block.pk, actor=actor)
