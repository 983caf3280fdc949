"""The sample operator: archive below, a year of contacts and promises above, written in one transaction.

All or nothing: an interrupted run leaves nothing behind, a second run finds the first one's customers and does
nothing. It refuses an installation that already holds an operator's own units or customers.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.hashers import check_password
from django.db import connection, transaction
from django.utils.translation import gettext

from customers.finding import find_rows_sql
from customers.models import Customer
from customers.sample.archive import write_archive
from customers.sample.cases import write_cases
from customers.sample.doubles import find_pairs, write_doubles
from customers.sample.draw import Draw
from customers.sample.organisation import DEMO_ROLES, build
from customers.sample.value import judge_sample
from foundation.audit import services as audit
from foundation.common.errors import RuleBroken
from staff.models import OrgUnit, User
from workspace.context import sample_was_made
from workspace.sample_complaints import write_complaints
from workspace.sample_history import History
from workspace.sample_rights import ask_for_rights

SEED = 20_261_001


@dataclass(frozen=True)
class Made:
    """What a run did: nothing when the sample operator was there already."""

    is_new: bool
    customers: int = 0
    staff: int = 0


def is_there() -> bool:
    """Whether the sample operator's customers are in this installation."""
    return Customer.objects.filter(is_sample=True).exists()


def is_demo_password(password: str) -> bool:
    """Whether the demo users still sign in with `password`."""
    user = User.objects.filter(username=DEMO_ROLES[0].lower()).first()
    return user is not None and check_password(password, user.password)


@transaction.atomic
def make_sample_operator(password: str) -> Made:
    """Make the sample operator once; its demo users get `password`.

    Raises RuleBroken("sample.own_data") when the installation holds an operator's own units or customers.
    """
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL lock_timeout = '60s'")  # a second start waits for the first
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('careline_sample_operator'))")
        cursor.execute("SET LOCAL lock_timeout = '5s'")
    if is_there():
        return Made(is_new=False)
    if OrgUnit.objects.exists() or Customer.objects.exists():
        raise RuleBroken(
            "sample.own_data",
            gettext("This installation holds an operator's own data; the sample operator is for an empty one."),
        )
    draw = Draw(SEED)
    organisation = build(draw, password)
    kept = write_archive(draw, organisation)
    write_doubles(kept)
    find_rows_sql("SELECT id FROM customers_customer WHERE is_sample")
    find_pairs()
    written = History(draw, organisation, kept).write()
    judge_sample(User.objects.get(username="marketing"))
    written["cases"] = write_cases(organisation, kept)
    written["rights"] = ask_for_rights(organisation, kept)
    written["complaints"] = write_complaints(draw, organisation, kept)
    made = Made(is_new=True, customers=len(kept), staff=len(organisation.staff))
    audit.record(
        "sample.made",
        target=("sample.operator", SEED),
        actor=None,
        detail={"customers": made.customers, "staff": made.staff, "demo_users": len(DEMO_ROLES), **written},
    )
    transaction.on_commit(sample_was_made, robust=True)
    return made
