"""Who answers for a customer when nobody in particular does: the manager, else the head of the customer's unit."""

from __future__ import annotations

from datetime import datetime

from customers.models import Customer
from foundation.common import clock
from outreach.services.followups import WORK_RIGHT
from staff.absence import absence_of, acting_for
from staff.models import OrgUnit, User, holds_on


def who_answers(customer: Customer, at: datetime) -> User | None:
    """The customer's manager or who acts for them; else the present head of the customer's unit, or of the next one
    above that has one. None when all these places are empty."""
    manager = customer.manager
    if manager is not None:
        acting = acting_for(manager, at, right=WORK_RIGHT)
        if _can(acting):
            return acting
    return head_above(customer.unit_id, at)


def head_above(unit_id: int, at: datetime) -> User | None:
    """The present head of a unit, or of the next one above that has one."""
    day, unit = clock.today(at), OrgUnit.objects.filter(pk=unit_id).first()
    while unit is not None:
        heads = User.objects.filter(headed_units__in=unit.heads.filter(holds_on(day))).order_by("pk")
        head = next((user for user in heads if _can(user) and absence_of(user, at) is None), None)
        if head is not None:
            return head
        unit = unit.parent
    return None


def _can(user: User) -> bool:
    return user.is_active and user.has_perm(WORK_RIGHT)
