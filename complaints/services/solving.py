"""The solution of a case: a package of measures with owners and dates, put together within one's authority or with
somebody's who has enough (D§3.4, 10.3, 10.12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from complaints.lifecycle import NEEDS_AUTHORITY, Act, ApprovalState, ClockKind, Deed, MeasureKind, SeatWhy, State
from complaints.models import Approval, Complaint, Measure, Solution
from complaints.services.ground import (
    WORK_RIGHT,
    case_to,
    check_right,
    check_sees,
    check_works,
    clocks_for,
    locked_case,
    move,
    remember,
    ring,
    save_case,
    seat,
    tell_customer,
    unseat,
    works_on,
)
from complaints.services.proving import checked_proof
from complaints.services.settling import ask_approval, lock_matter, matter_amount
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from staff.models import User
from staff.policies import settlement_limit

MONEY = (*NEEDS_AUTHORITY, MeasureKind.REFUND)
LARGEST = Decimal(10) ** 9
LONGEST_TEXT, LONGEST_FINDING = 400, 10_000


@transaction.atomic
def propose_solution(
    case_id: int,
    *,
    actor: User,
    finding: str,
    reason: str = "",
    measures: Sequence[Mapping[str, Any]],
    proof: str = "",
    proof_note: str = "",
) -> Solution:
    """Propose what we found and what we do: `measures` are mappings of kind (`MeasureKind`), text, owner (User), due_at
    (aware, to come) and, of money, amount (CNY). A refund of a wrong charge needs no authority; compensation and
    waivers above the actor's limit, counted over the whole matter, wait for somebody with enough (D§3.4). `proof`
    (`Proof`) with `proof_note`: how the customer confirmed an order whose fee they dispute; without it the fee is
    refunded (D§10.11).

    Raises as `ground.case_to`, NotAllowed "complaint.not_handler"; RuleBroken "complaint.no_finding",
    "complaint.no_measure", "complaint.unknown_code", "complaint.no_text", "complaint.bad_amount", "complaint.bad_due",
    "complaint.about_them", and as `proving.checked_proof`.
    """
    case = case_to(case_id, Act.PROPOSE, actor)
    check_works(case, actor)
    if not finding.strip():
        raise RuleBroken("complaint.no_finding", _("Write what was found."))
    if not measures:
        raise RuleBroken("complaint.no_measure", _("A solution has at least one measure."))
    checked = [_measure(case, one) for one in measures]
    proven = checked_proof(case, proof, proof_note, checked)
    if case.customer_id is not None:
        lock_matter(case.customer_id)
    drop_solution(case)
    solution = Solution.objects.create(
        complaint=case,
        finding=finding.strip()[:LONGEST_FINDING],
        reason=reason.strip()[:LONGEST_FINDING],
        by=actor,
        at=clock.now(),
        **proven,
    )
    for measure in checked:
        measure.solution = solution
    Measure.objects.bulk_create(checked)
    row = move(case, Act.PROPOSE, actor=actor)
    for owner in {measure.owner for measure in checked}:
        if owner.pk not in (case.handler_id, case.owner_id):
            seat(case, owner, SeatWhy.MEASURE)
        if owner.pk != actor.pk:
            until = min(measure.due_at for measure in checked if measure.owner == owner)
            ring(case, owner, "measure", f"{row.ref}-{owner.pk}", until_at=until.isoformat())
    own = sum((measure.amount or Decimal(0) for measure in checked if measure.kind in NEEDS_AUTHORITY), Decimal(0))
    total, limit = matter_amount(case), settlement_limit(actor)
    if own and limit is not None and total > limit:
        ask_approval(case, solution, own, total, actor)
    tell_customer(case, "complaint_proposed", key=row.ref, actor=actor)
    return solution


def _measure(case: Complaint, given: Mapping[str, Any]) -> Measure:
    """One measure of what was given. Raises as `propose_solution`."""
    kind, owner, due = given.get("kind"), given.get("owner"), given.get("due_at")
    text, amount = str(given.get("text") or "").strip(), given.get("amount")
    if kind not in MeasureKind.values or not isinstance(owner, User) or not owner.is_active:
        raise RuleBroken("complaint.unknown_code", _("Each measure has a kind of those offered, and an owner."))
    if owner.pk == case.about_staff_id:
        raise RuleBroken("complaint.about_them", _("The complaint is about this person: choose another one."))
    if not text:
        raise RuleBroken("complaint.no_text", _("Say of each measure what is done."))
    if not isinstance(due, datetime) or due.tzinfo is None or due <= clock.now():
        raise RuleBroken("complaint.bad_due", _("Say of each measure by when it is done: a moment to come."))
    if kind in MONEY:
        amount = _money(amount)
    elif amount is not None:
        raise RuleBroken("complaint.bad_amount", _("Only refunds, compensations and waivers have an amount."))
    return Measure(kind=kind, text=text[:LONGEST_TEXT], amount=amount, owner=owner, due_at=due)


def _money(amount: Any) -> Decimal:
    try:
        value = Decimal(str(amount))
        exact = value.is_finite() and value == round(value, 2)
    except InvalidOperation:
        exact = False
    if amount is None or isinstance(amount, float | bool) or not exact or not 0 < value < LARGEST:
        raise RuleBroken("complaint.bad_amount", _("An amount is above zero, with at most two decimals."))
    return value


def solution_of(case: Complaint) -> Solution | None:
    """The solution in force: the last one not dropped."""
    return Solution.objects.filter(complaint=case, dropped_at=None).select_related("by").first()


def drop_solution(case: Complaint) -> None:
    """The solution in force no longer is: what it asked for lapses, its measures are owed no more."""
    now = clock.now()
    old = Solution.objects.filter(complaint=case, dropped_at=None)
    Approval.objects.filter(solution__in=old, state=ApprovalState.ASKED).update(
        state=ApprovalState.LAPSED, decided_at=now
    )
    if old.update(dropped_at=now):
        unseat(case, SeatWhy.APPROVAL)
        unseat(case, SeatWhy.MEASURE)


@transaction.atomic
def rework_complaint(case_id: int, *, actor: User, reason: str) -> Complaint:
    """Back to work: a proposal is dropped before the customer heard it, or a disputed answer is looked at again because
    of new facts or a raised grade.

    Raises as `ground.case_to`, NotAllowed "complaint.not_handler", RuleBroken "complaint.no_reason".
    """
    case = case_to(case_id, Act.REWORK, actor)
    check_works(case, actor)
    if not reason.strip():
        raise RuleBroken("complaint.no_reason", _("Say why it is worked on again."))
    clocks = clocks_for(case, actor)
    if case.state == State.SOLUTION_PROPOSED:
        drop_solution(case)
    if ClockKind.PROGRESS.value not in clocks.open:
        clocks.start(clocks.duty(ClockKind.PROGRESS))
    row = move(case, Act.REWORK, actor=actor, reason=reason)
    tell_customer(case, "complaint_rework", key=row.ref, actor=actor)
    return case


@transaction.atomic
def complete_measure(measure_id: int, *, actor: User, result: str) -> Measure:
    """A measure is done, by its owner or who works on the case. The customer hears of it with the answer and closing.

    Raises NotAllowed "complaint.about_you", "complaint.not_yours", "complaint.not_your_measure"; RuleBroken
    "complaint.measure_done", "complaint.measure_dropped", "complaint.no_text".
    """
    case = locked_case(Measure.objects.values_list("solution__complaint_id", flat=True).get(pk=measure_id))
    measure = Measure.objects.select_related("owner", "solution").get(pk=measure_id)
    check_sees(case, actor)
    if measure.owner_id != actor.pk:
        if not works_on(case, actor):
            raise NotAllowed("complaint.not_your_measure", _("Somebody else owes this measure."))
        check_right(case, actor, WORK_RIGHT)
    if measure.solution.dropped_at is not None:
        raise RuleBroken("complaint.measure_dropped", _("This solution is no longer in force."))
    if measure.done_at is not None:
        raise RuleBroken("complaint.measure_done", _("This measure is done already."))
    if not result.strip():
        raise RuleBroken("complaint.no_text", _("Write what came of it."))
    measure.done_at, measure.done_by, measure.result = clock.now(), actor, result.strip()[:LONGEST_TEXT]
    measure.save(update_fields=["done_at", "done_by", "result"])
    owed = Measure.objects.filter(solution=measure.solution, owner=measure.owner, done_at=None)
    if not owed.exists():
        unseat(case, SeatWhy.MEASURE, measure.owner)
    save_case(case)
    detail = {"kind": measure.kind, **({"amount": str(measure.amount)} if measure.amount is not None else {})}
    remember(case, Deed.MEASURE_DONE, actor=actor, detail=detail)
    return measure
