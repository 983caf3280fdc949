"""How many customers a rule holds for, within a time limit: "at least n" when the limit cuts it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta

from django.core.exceptions import EmptyResultSet
from django.db import OperationalError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.models import Customer, Segment
from customers.segments.rules import Rule, condition_of
from foundation.policies.reading import policy
from staff.models import User
from staff.rights import sight_of

STEP = 20_000


@dataclass(frozen=True)
class Count:
    """`number` customers; `cut`: there are more, the time was over. `hidden`: too few to be told to this person."""

    number: int
    cut: bool = False
    hidden: int = 0

    def __str__(self) -> str:
        if self.hidden:
            return _("fewer than %(n)s customers") % {"n": self.hidden}
        words = ngettext("%(n)s customer", "%(n)s customers", self.number)
        if self.cut:
            words = ngettext("at least %(n)s customer", "at least %(n)s customers", self.number)
        return words % {"n": f"{self.number:,}"}


def scope_of(user: User) -> Q:
    """Whose customers a person may count: the scope of `customers.segments`, whether single ones are shown or not."""
    return sight_of(user, "customers.segments").rows(unit_no="unit_no", owner="manager_id")


def count_for(user: User, rule: Rule) -> Count:
    """The members of a rule within the person's scope, counted at most as long as the policy says.

    Who may not see single customers is not told a figure below the policy's smallest.
    """
    found = count_rows(Customer.objects.filter(scope_of(user)).filter(condition_of(rule)))
    least: int = policy("customers.segment_smallest_count")
    if not user.has_perm("customers.view") and not found.cut and found.number < least:
        return Count(0, hidden=least)
    return found


def count_rows(rows: QuerySet[Customer], limit: timedelta | None = None) -> Count:
    """Walks over the rows inside the database until they or the time are over; fetches none of them."""
    limit = limit or policy("customers.segment_count_limit")
    until = time.monotonic() + limit.total_seconds()
    try:
        sql, params = rows.order_by().values("pk").query.sql_with_params()
    except EmptyResultSet:  # Django knows that no row can meet it
        return Count(0)
    number = 0
    whole = False
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            # The whole is wanted, not the first rows soon.
            cursor.execute("SET LOCAL cursor_tuple_fraction = 1.0")
            cursor.execute(f"DECLARE members NO SCROLL CURSOR FOR {sql}", params)
            while not whole and (left := until - time.monotonic()) > 0:
                cursor.execute("SET LOCAL statement_timeout = %s", [max(1, int(left * 1_000))])
                cursor.execute(f"MOVE FORWARD {STEP} FROM members")
                number += cursor.rowcount
                whole = cursor.rowcount < STEP
            transaction.set_rollback(True)  # inside somebody else's transaction nothing of ours stays behind
        return Count(number, cut=not whole)
    except OperationalError as cut:
        if getattr(cut.__cause__, "pgcode", "") != "57014":  # anything but the time limit
            raise
        return Count(number, cut=True)


def members(segment: Segment, user: User | None = None) -> QuerySet[Customer]:
    """The customers of a segment now; with a person, those of the person's own scope (D§3.1).

    Raises RuleBroken segments.bad_rule when its rule asks about a column that is there no more.
    """
    rows = Customer.objects.filter(condition_of(segment.rule))
    return rows if user is None else rows.in_scope_of(user)
