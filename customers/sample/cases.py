"""What the demonstration's clerk, account manager and lead find on their desks: by the services, as in earnest."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from customers import services
from customers.models import ContactPoint, Customer, Need
from customers.sample import words_zh as words
from customers.sample.archive import Kept
from customers.sample.organisation import Organisation
from foundation.common import clock
from staff.models import User


def write_cases(organisation: Organisation, kept: list[Kept]) -> int:
    """Holds, a death, a rejected document, requests to change data, planned needs, and addresses nobody is at; how
    many cases and plans it is. After the find rows are made."""
    clerk, manager = organisation.by_role["HALL_CLERK"][0], organisation.by_role["ACCOUNT_MANAGER"][0]
    lead = next(one for one in organisation.by_role["TEAM_LEAD"] if one.unit_id == clerk.unit_id)
    here = [
        one.customer_id
        for one in kept
        if one.unit == clerk.unit and not one.draft.is_company and not one.draft.left_on and one.draft.age >= 18
        and one.draft.verified
    ]  # fmt: skip
    mine = [one.customer_id for one in kept if one.manager == manager and not one.draft.left_on]
    # From the end: the first ones asked for their rights, and doubles stand at both ends of a unit.
    abnormal, reported, died, doubtful, renamed, moved, other = here[-8:-1]
    services.put_hold(abnormal, actor=lead, reason="ABNORMAL_USE", note=words.HOLD_NOTE)
    lifted = services.put_hold(reported, actor=lead, reason="REPORTED")
    services.lift_hold(lifted.pk, actor=lead, because=words.HOLD_LIFTED)
    services.note_death(died, actor=clerk, evidence=words.DEATH_EVIDENCE, died_on=clock.today() - timedelta(days=20))
    services.recheck_identity(doubtful, actor=clerk, reason=words.RECHECK_REASON)
    names = dict(Customer.objects.filter(pk__in=here).values_list("pk", "name"))
    asked: dict[str, Any] = {"channel": "HALL", "verified": "DOCUMENT"}
    services.request_change(
        renamed,
        actor=clerk,
        asked_by=names[renamed],
        **asked,
        field="name",
        new=names[renamed][0] + words.NEW_GIVEN_NAME,
    )
    services.request_change(moved, actor=clerk, asked_by=names[moved], **asked, field="street", new=words.NEW_STREET)
    services.request_change(other, actor=clerk, asked_by=names[other], **asked, field="birth_date", new="1975-05-01")
    for people in (here, mine):
        emails = ContactPoint.objects.filter(customer__in=people, kind=ContactPoint.Kind.EMAIL)
        for point in emails.order_by("pk")[:2]:
            services.note_bounce(point.pk)
    return len({abnormal, reported, died, doubtful, renamed, moved, other}) + _plan(here, clerk) + _plan(mine, manager)


def _plan(customers: list[int], owner: User) -> int:
    """Plan the new needs of some customers, due one after the other."""
    rows = Need.objects.filter(customer__in=customers, state=Need.State.NEW).order_by("pk")[:4]
    for place, need in enumerate(rows):
        due = clock.today() + timedelta(days=2 + 5 * place)
        services.change_need(need.pk, actor=owner, state=Need.State.PLANNED, due_on=due, owner=owner)
    return len(rows)
