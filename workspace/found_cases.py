"""A case by its full number, for the search box and the palette (D§3.1)."""

from __future__ import annotations

from dataclasses import dataclass

from complaints.lifecycle import State
from complaints.models import Complaint
from complaints.queries import case_numbered
from foundation.ui.addresses import row_address
from foundation.ui.wording import say_choice
from staff.masking import masked_name
from staff.models import User

FIND_RIGHT = "customers.find"


@dataclass(frozen=True)
class FoundCase:
    """A case as who typed its number may know it. `url`, `subject`: only for those who may see it; `name`: whose it is,
    behind the mask; `unit`: who works on it."""

    number: str
    state: str
    unit: str
    name: str
    subject: str = ""
    url: str = ""


def found_case(user: User, text: str) -> FoundCase | None:
    """The case with this full number, whoever works on it; none about the user (D§3.2), none for part of a number."""
    if not user.has_perm(FIND_RIGHT):
        return None
    case = case_numbered(text)
    if case is None or case.about_staff_id == user.pk:
        return None
    customer = case.customer
    name = masked_name(customer.name if customer else case.contact_name, customer.customer_type if customer else None)
    known = {
        "number": case.number,
        "state": say_choice(State, case.state),
        "unit": case.work_unit.name,
        "name": name,
    }
    if not Complaint.objects.visible_to(user).filter(pk=case.pk).exists():
        return FoundCase(**known)
    return FoundCase(**known, subject=case.subject, url=row_address("complaints:case", case.pk))
