"""A manager's list of customers: whose it is, its orders, its filters (D§21.4: what a manager looks at).

"Book" is the list of the customers one person manages. Its orders are walked by index: on the facts, which repeat the
manager, and on the find rows, which hold the name in letters.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import django_filters
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from customers.birthdays import with_birthday_within
from customers.completeness import below_target, with_completeness
from customers.filters import BIRTHDAYS
from customers.models import Customer, FindName, Need
from customers.models.archive import CustomerQuerySet
from customers.models.book_keys import contact_key, contract_key
from foundation.common import clock
from foundation.common.paging import Page, keyset_page
from foundation.ui.wording import say_date
from staff.absence import people_acted_for
from staff.models import Absence, RoleAssignment, User, holds_on
from staff.rights import sight_of
from staff.roles import ROLES

MANAGE_RIGHT = "customers.manage"
MANAGERS = sorted(code for code, role in ROLES.items() if MANAGE_RIGHT in role.rights())
QUIET = [(str(days), _("No contact for %(n)s days")) for days in (30, 60, 90, 180)]
ENDS = [(str(days), _("Within %(n)s days")) for days in (30, 60, 90)]
OPEN_NEEDS = (Need.State.NEW, Need.State.PLANNED)


@dataclass(frozen=True)
class Book:
    """The customers of one person. `absence`: why somebody else looks at them now; `own`: the viewer's own."""

    person: User
    own: bool
    absence: Absence | None = None

    @property
    def until(self) -> str:
        """Until when the person is away, in words; "" when nobody knows."""
        return say_date(self.absence.ends_at) if self.absence is not None and self.absence.ends_at else ""


def books_of(user: User) -> list[Book]:
    """The books the user looks after now: the own one, and those of people the user stands in for (D§3.3)."""
    found = [Book(user, own=True)] if user.has_perm(MANAGE_RIGHT) else []
    people = {person.pk: person for person in people_acted_for(user, clock.now())}
    if not people:
        return found
    now = clock.now()
    away = Absence.objects.filter(user__in=people, starts_at__lte=now).exclude(ends_at__lte=now).order_by("user_id")
    return found + [Book(people[absence.user_id], own=False, absence=absence) for absence in away]


def managers_seen_by(user: User) -> QuerySet[User]:
    """People who manage customers, among those "staff.view" opens to the user."""
    held = RoleAssignment.objects.filter(holds_on(clock.today()), role__in=MANAGERS).values("user")
    return User.objects.visible_to(user).filter(pk__in=held)


def customers_in(user: User, manager_id: int) -> CustomerQuerySet:
    """The customers of a book, as far as they lie in the scope of `user`.

    Those of oneself and of people one stands in for all do: said twice, the manager would make the planner expect few
    rows and sort them all. `in_lines` asks for the scope of each row once more.
    """
    rows = Customer.objects.filter(facts__manager_id=manager_id)
    return rows if _sees_whole(user, manager_id) else rows.in_scope_of(user)


def _sees_whole(user: User, manager_id: int) -> bool:
    sight = sight_of(user, "customers.view")
    return sight.everything or manager_id in sight.owners


class BookFilter(django_filters.FilterSet):
    """No contact for so long, contract ends soon, below the target of completeness, birthday soon."""

    quiet = django_filters.ChoiceFilter(label=_("Contact"), choices=(), method="by_quiet", empty_label=_("All"))
    ends = django_filters.ChoiceFilter(label=_("Contract ends"), choices=(), method="by_ends", empty_label=_("All"))
    complete = django_filters.ChoiceFilter(
        label=_("Completeness"), choices=[("low", _("Below target"))], method="by_complete", empty_label=_("All")
    )
    birthday = django_filters.ChoiceFilter(
        label=_("Birthday"), choices=BIRTHDAYS, method="by_birthday", empty_label=_("All")
    )

    class Meta:
        model = Customer
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, manager: Any = None, **more: Any) -> None:
        super().__init__(*args, **more)
        self.manager = manager  # a user id, or the place of one in an outer query
        for name, choices in (("quiet", QUIET), ("ends", ENDS)):
            self.filters[name].extra["choices"] = [(value, str(words) % {"n": value}) for value, words in choices]

    def by_quiet(self, rows: QuerySet[Customer], _name: str, value: str) -> QuerySet[Customer]:
        """Nobody spoke with them for so many days, or ever."""
        return rows.alias(quiet_since=contact_key("facts__")).filter(
            quiet_since__lt=clock.now() - timedelta(days=int(value))
        )

    def by_ends(self, rows: QuerySet[Customer], _name: str, value: str) -> QuerySet[Customer]:
        """A contract ends today or in so many days."""
        today = clock.today()
        return rows.alias(ends_on=contract_key("facts__")).filter(
            ends_on__range=(today, today + timedelta(days=int(value)))
        )

    def by_complete(self, rows: QuerySet[Customer], _name: str, _value: str) -> QuerySet[Customer]:
        return below_target(self._named(rows))

    def by_birthday(self, rows: QuerySet[Customer], _name: str, value: str) -> QuerySet[Customer]:
        return with_birthday_within(self._named(rows), int(value))

    def _named(self, rows: QuerySet[Customer]) -> QuerySet[Customer]:
        """The same rows, found by the manager of the customer itself: what is asked of each stands there, not in the
        facts, and there is no order to be walked."""
        return rows.filter(manager=self.manager) if self.manager is not None else rows

    @property
    def is_used(self) -> bool:
        """Whether any filter holds."""
        cleaned: dict[str, Any] = getattr(self.form, "cleaned_data", {}) if self.form.is_bound else {}
        return any(value not in (None, "") for value in cleaned.values())


SORTS: dict[str, Any] = {
    "contact": _("Longest without contact"),
    "contract": _("Contract ends soonest"),
    "name": _("Name"),
}


def ordered(rows: QuerySet[Customer], sort: str) -> QuerySet[Customer]:
    """Rows of a book by last contact, the longest ago first, or by the end of the contract."""
    key = contract_key("facts__") if sort == "contract" else contact_key("facts__")
    return rows.annotate(sort_key=key).order_by("sort_key", "pk")


def book_page(user: User, found: BookFilter, manager_id: int, *, sort: str, after: str | None, size: int) -> Page[Any]:
    """A page of the book under the filters `found` (over `customers_in`) with what a line shows, in its order.

    First the ids by the index of the order, then what a line shows of those. Raises as `keyset_page`.
    """
    if sort == "name":
        names = FindName.objects.filter(manager_id=manager_id)
        if found.is_used:
            names = names.filter(customer_id__in=found.qs.values("pk"))
        elif not _sees_whole(user, manager_id):
            names = names.filter(sight_of(user, "customers.view").rows(unit_no="unit_no", owner="manager_id"))
        page: Page[Any] = keyset_page(names.order_by("pinyin", "customer_id"), after=after, size=size)
        ids = [row.customer_id for row in page.items]
    else:
        page = keyset_page(ordered(found.qs, sort).only("pk"), after=after, size=size)
        ids = [row.pk for row in page.items]
    lines = in_lines(Customer.objects.in_scope_of(user).filter(pk__in=ids)).in_bulk()
    return Page([lines[key] for key in ids if key in lines], page.next_cursor, page.is_first)


def in_lines(rows: QuerySet[Customer]) -> QuerySet[Customer]:
    """The rows with what a line of a book shows: facts, completeness, the number of open needs."""
    needs = Need.objects.filter(customer=OuterRef("pk"), state__in=OPEN_NEEDS).order_by().values("customer")
    counted = Subquery(needs.annotate(n=Count("pk")).values("n"), output_field=IntegerField())
    return with_completeness(rows.select_related("facts")).annotate(needs_open=Coalesce(counted, 0))
