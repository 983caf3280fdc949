"""How old a customer is, in full years (D§1.11: born on 29 February, a year older on 1 March in common years)."""

from __future__ import annotations

from datetime import date

from customers.models import Customer
from foundation.common import clock

GROWN_UP = 18
# D§5.2: below this age every datum is sensitive, and the guardian agrees for the child.
OWN_WORD = 14


def age_of(customer: Customer, day: date | None = None) -> int | None:
    """Full years on `day` (default today), or None for a company or an unknown birth date."""
    born, day = customer.birth_date, day or clock.today()
    if born is None or customer.customer_type != Customer.Type.PERSON:
        return None
    return years_between(born, day)


def years_between(born: date, day: date) -> int:
    """Full years from a birth to a day."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def is_minor(customer: Customer, day: date | None = None) -> bool:
    """Under 18 on `day`; an unknown birth date counts as grown up."""
    age = age_of(customer, day)
    return age is not None and age < GROWN_UP
