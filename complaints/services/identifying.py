"""Somebody who complained without being known turns out to be a customer: the case is theirs from now on, with what it
holds, also for an erasure (D§5.12, 26)."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from complaints.lifecycle import Deed
from complaints.models import Complaint
from complaints.services.grading import keep_block
from complaints.services.ground import case_for, remember, save_case
from complaints.services.intake import TAKE_RIGHT
from customers.merging.reading import standing
from customers.models import Customer
from foundation.common.errors import RuleBroken
from staff.models import User


@transaction.atomic
def name_customer(case_id: int, *, actor: User, number: str) -> Complaint:
    """The case is this customer's (their number, or that of an archive they were merged from); who complained is told
    by the customer's contact points from now on, the ways given with the case stay noted.

    Raises as `ground.case_for`; RuleBroken "complaint.has_customer", "complaint.no_customer" (none the actor sees).
    """
    case = case_for(case_id, actor, TAKE_RIGHT)
    if case.customer_id is not None or case.is_parent:
        raise RuleBroken("complaint.has_customer", _("It is known whose complaint this is."))
    found = Customer.objects.visible_to(actor).filter(number=number.strip().upper()).first()
    if found is None or found.status == Customer.Status.ANONYMISED:
        raise RuleBroken("complaint.no_customer", _("Among the customers you see none has this number: check it."))
    case.customer = standing(found)
    save_case(case, "customer")
    remember(case, Deed.IDENTIFIED, actor=actor)
    keep_block(case, actor=actor)
    return case
