"""What complaints puts on the customer's page: the button to take one, and the customer's cases (ARC-08)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from complaints.lifecycle import Grade, State, label_of
from customers.models import Customer
from customers.panels import CustomerAction, Panel, register_action, register_panel
from foundation.common import clock
from foundation.common.prepared import prepared
from staff.models import User
from staff.rights import Sight, sight_of

TAKE = "complaints.take"
VIEW = "complaints.view"
MOST_OPEN, MOST_ENDED = 6, 3
# By the index on (customer, -id); never what is about the reader (D§3.2).
_COLUMNS = (
    "id, number, subject, state, grade, next_due_at, closed_at, urges, unit_no, work_unit_no, owner_id, handler_id"
)
_OF_ONE = f"""SELECT {_COLUMNS} FROM complaints_complaint
  WHERE customer_id = %(customer)s AND about_staff_id IS DISTINCT FROM %(user)s"""
_CASES = f"""
SELECT c.*, u.name FROM (
  ({_OF_ONE} AND closed_at IS NULL ORDER BY id DESC LIMIT %(open)s)
  UNION ALL
  ({_OF_ONE} AND closed_at IS NOT NULL ORDER BY id DESC LIMIT %(ended)s)) c
JOIN staff_user u ON u.id = coalesce(c.handler_id, c.owner_id)
ORDER BY c.closed_at IS NOT NULL, c.next_due_at NULLS LAST, c.id DESC"""


@dataclass(frozen=True)
class CaseRow:
    """A case of the customer as the panel shows it; `linked`: the reader may open it."""

    pk: int
    number: str
    subject: str
    state: str
    grade: str
    next_due_at: datetime | None
    closed_at: datetime | None
    urges: int
    unit_no: int
    work_unit_no: int
    owner_id: int
    handler_id: int | None
    person: str
    linked: bool

    @property
    def address(self) -> str:
        return reverse("complaints:case", args=[self.pk]) if self.linked else ""

    @property
    def state_word(self) -> str:
        return label_of(State, self.state)

    @property
    def grade_word(self) -> str:
        return label_of(Grade, self.grade) if self.grade != Grade.ORDINARY else ""


def cases_of(customer_id: int, user: User) -> list[CaseRow]:
    """The customer's open cases, the most urgent first, then the last ended ones: one query."""
    values: dict[str, Any] = {"customer": customer_id, "user": user.pk, "open": MOST_OPEN, "ended": MOST_ENDED}
    with connection.cursor() as cursor:
        cursor.execute(*prepared(_CASES, values))
        rows = cursor.fetchall()
    sight = sight_of(user, VIEW)
    return [CaseRow(*(*row, _sees(sight, row))) for row in rows]


def _sees(sight: Sight, row: tuple[Any, ...]) -> bool:
    """Whether the case itself is open to the reader; its number, state and deadline are for every window (D§9.6)."""
    unit_no, work_unit_no, owner_id, handler_id = row[8:12]
    own = sight.covers(unit_no=unit_no, owner_id=owner_id)
    return own or sight.covers(unit_no=work_unit_no, owner_id=handler_id)


def open_cases(customer: Customer, user: User) -> str | None:
    """The panel; nothing for a customer without cases."""
    cases = cases_of(customer.pk, user)
    if not cases:
        return None
    opened = sum(case.closed_at is None for case in cases)
    context = {"customer": customer, "cases": cases, "opened": opened, "now": clock.now()}
    return render_to_string("complaints/_customer_cases.html", context)


def register() -> None:
    """Make them known. Taking a complaint is what a customer's page is opened for most: it stands first."""
    register_action(
        CustomerAction(
            "complaint",
            _("Accept complaint"),
            "message-square-warning",
            lambda customer: f"{reverse('complaints:intake')}?customer={customer.ref}",
            TAKE,
            5,
            "c",
        )
    )
    register_panel(Panel("cases", "right", 20, VIEW, render=open_cases, max_queries=1))
