"""A few requests about own data for the sample operator, taken at the counter today."""

from __future__ import annotations

from customers.models import Customer
from customers.sample.archive import Kept
from customers.sample.organisation import Organisation
from interactions.rights.services import raise_request
from workspace import words_zh as words


def ask_for_rights(organisation: Organisation, kept: list[Kept]) -> int:
    """Raise them through the service, by the clerk of the demonstration; how many."""
    clerk = organisation.by_role["HALL_CLERK"][0]
    persons = [one for one in kept if not one.draft.is_company and one.unit == clerk.unit]
    for one, (kind, how, details) in zip(persons, words.RIGHTS, strict=False):
        customer = Customer.objects.get(pk=one.customer_id)
        raise_request(customer, actor=clerk, kind=kind, identity_how=how, details=details)
    return min(len(persons), len(words.RIGHTS))
