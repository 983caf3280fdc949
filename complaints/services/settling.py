"""How much a matter has cost, whoever split it, and who has the authority for it (D§3.2, 3.4, 10.12)."""

from __future__ import annotations

from decimal import Decimal

from django.db import connection
from django.db.models import Q, Sum

from complaints.lifecycle import NEEDS_AUTHORITY, ApprovalState, Deed, SeatWhy
from complaints.models import Approval, Complaint, Link, Measure, Solution
from complaints.services.deciding import ask_of, may_decide, nearest
from complaints.services.ground import remember, ring, seat
from customers.merging.reading import merged_set
from foundation.common import clock
from foundation.common.ids import first_id_at
from foundation.policies.reading import policy
from interactions.models import Interaction
from staff.models import User
from staff.policies import settlement_limit


def lock_matter(customer_id: int) -> None:
    """Proposals to one customer go one after the other, so that none is blind to another made at the same moment."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended('complaint_matter', %s))", [customer_id])


def matter_cases(case: Complaint) -> set[int]:
    """Keys of the cases that count with this one: all of its customer, and those linked to any of them."""
    customers = merged_set(case.customer_id) if case.customer_id else []
    found = {case.pk, *Complaint.objects.filter(customer__in=customers).values_list("pk", flat=True)}
    edge = set(found)
    while edge:
        pairs = Link.objects.filter(Q(complaint__in=edge) | Q(other__in=edge)).values_list("complaint_id", "other_id")
        edge = {key for pair in pairs for key in pair} - found
        found |= edge
    return found


def matter_amount(case: Complaint) -> Decimal:
    """Compensation and waivers of the solutions in force in these cases within the policy's time (30 days), and what
    the customer got on the spot on the same topic (D§3.4)."""
    since = clock.now() - policy("complaints.settled_together")
    measures = Measure.objects.filter(
        solution__complaint__in=matter_cases(case),
        solution__at__gte=since,
        kind__in=NEEDS_AUTHORITY,
    ).filter(Q(solution__dropped_at=None) | Q(done_at__isnull=False))
    measures = measures.exclude(solution__approvals__state=ApprovalState.DENIED)
    total = measures.aggregate(sum=Sum("amount"))["sum"] or Decimal(0)
    if case.customer_id is not None and case.topic_id is not None:
        contacts = Interaction.objects.filter(
            customer__in=merged_set(case.customer_id),
            topic=case.topic_id,
            pk__gte=first_id_at(since),
            settled__isnull=False,
        )
        total += contacts.aggregate(sum=Sum("settled"))["sum"] or Decimal(0)
    return total


def ask_approval(case: Complaint, solution: Solution, own: Decimal, total: Decimal, actor: User) -> Approval:
    """Ask the nearest person above with authority for the whole matter; nobody found: whoever has it may decide."""
    now = clock.now()
    approval = Approval(solution=solution, amount=own, matter_amount=total, asked_by=actor, asked_at=now)
    about = {case.about_staff_id} if case.about_staff_id else set()
    person = nearest(actor, now, lambda one: may_decide(approval, one), about)
    ask_of(approval, case, person, actor, now)
    approval.save(force_insert=True)
    if person is not None:
        seat(case, person, SeatWhy.APPROVAL)
        ring(case, person, "approval", approval.ref)
    remember(case, Deed.APPROVAL_ASKED, actor=actor, detail={"amount": str(own), "matter_amount": str(total)})
    return approval


def is_authorised(case: Complaint, solution: Solution) -> bool:
    """Whether the money of a solution may be given: none that needs authority, within the proposer's own limit, or
    approved, each for the whole matter as it stands now."""
    own = solution.measures.filter(kind__in=NEEDS_AUTHORITY).exists()
    if not own:
        return True
    last = solution.approvals.order_by("-pk").select_related("decided_by").first()
    if last is not None and last.state != ApprovalState.GRANTED:
        return False
    granted = last.decided_by if last is not None else solution.by
    limit = settlement_limit(granted) if granted is not None else Decimal(0)
    total = matter_amount(case)
    return limit is None or total <= max(limit, last.matter_amount if last is not None else limit)
