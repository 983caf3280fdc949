"""Acknowledged and assessed: the customer knows the number, the case its grade, topic and path (D§10.1-10.4)."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from complaints.lifecycle import Act, ClockKind, Path
from complaints.models import Complaint
from complaints.public.codes import said_code
from complaints.services.grading import check_grade, keep_block
from complaints.services.ground import case_to, clocks_for, move, tell_customer
from foundation.common.errors import RuleBroken
from interactions.models import Topic
from staff.models import User


@transaction.atomic
def acknowledge_complaint(case_id: int, *, actor: User | None) -> Complaint:
    """The customer is told number, owner, limit and next step; assessing is due from now on. By the clock for what
    comes by the web.

    Raises as `ground.case_to`.
    """
    case = case_to(case_id, Act.ACKNOWLEDGE, actor)
    clocks = clocks_for(case, actor)
    clocks.stop(ClockKind.ACKNOWLEDGE)
    clocks.start(clocks.duty(ClockKind.ASSESS))
    move(case, Act.ACKNOWLEDGE, actor=actor)
    tell_customer(case, "complaint_acknowledged", key="1", actor=actor, code=said_code(case.public_code))
    return case


@transaction.atomic
def assess_complaint(
    case_id: int, *, actor: User, topic: Topic, grade: str, grade_reason: str = "", path: str = Path.SIMPLE
) -> Complaint:
    """Topic, grade and path are set; the service clock starts by them. A grade below the one the case was registered
    with needs the coordinator (`grading.change_grade`).

    Raises as `ground.case_to`, and RuleBroken "complaint.no_topic" (not offered any more), "complaint.unknown_code",
    "complaint.no_grade_reason", "complaint.lower_grade".
    """
    case = case_to(case_id, Act.ASSESS, actor)
    if not topic.is_offered:
        raise RuleBroken("complaint.no_topic", _("This topic is not offered any more: choose another one."))
    if path not in Path.values:
        raise RuleBroken("complaint.unknown_code", _("Choose one of the paths offered."))
    reason = grade_reason or (case.grade_reason if grade == case.grade else "")
    check_grade(grade, reason, before=case.grade)
    case.topic, case.grade, case.grade_reason, case.path = topic, grade, reason, path
    clocks = clocks_for(case, actor)
    clocks.stop(ClockKind.ASSESS)
    clocks.start(clocks.service())
    move(case, Act.ASSESS, actor=actor, topic=topic, topic_suggested=False, grade=grade, grade_reason=reason, path=path)
    keep_block(case, actor=actor)
    tell_customer(case, "complaint_assessed", key="1", actor=actor)
    return case
