"""What rows name by code or number, looked up for many at once: topics, causes, units, people, customers, lines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from complaints.models import Cause
from complaints.recorded.reading import CaseRow
from customers.imports.problems import Problem
from customers.merging.reading import standing
from customers.models import Customer, Subscription
from foundation.common import clock
from interactions.models import Topic
from staff.models import OrgUnit, User


class Names:
    """The code lists, read once for a file. `customers_of`: the source in which `customer_no` numbers customers."""

    def __init__(self, customers_of: str) -> None:
        self.customers_of = customers_of
        self.topics = _by_name(Topic.objects.order_by("pk"))
        self.causes = _by_name(Cause.objects.order_by("pk"))
        self.units = {unit.code: unit for unit in OrgUnit.objects.all()}
        self.people: dict[str, User] = {}
        for person in User.objects.filter(is_active=True, kind=User.Kind.HUMAN).select_related("unit"):
            self.people[person.staff_no] = person
            self.people[person.username] = person

    def resolve(self, rows: Sequence[CaseRow]) -> tuple[list[CaseRow], list[Problem]]:
        """The rows with what they name in their columns (`topic`, `cause`, `work_unit`, `owner`, `customer`, `line`),
        and what is wrong with the others."""
        customers = self._customers(rows)
        lines = _lines(rows)
        good, wrong = [], []
        for row in rows:
            problems = [*self._codes(row), *self._people(row, customers, lines)]
            if problems:
                wrong += problems
            else:
                good.append(row)
        return good, wrong

    def _codes(self, row: CaseRow) -> Iterable[Problem]:
        lists: tuple[tuple[str, str, dict[str, Any], str], ...] = (
            ("topic", "topic", self.topics, _("is no topic: give its code or name. Add it to the topics first.")),
            ("cause", "cause", self.causes, _("is no cause: give its code or name. Add it to the causes first.")),
            ("unit", "work_unit", self.units, _("is no unit's code. Create the unit first, or leave the cell empty.")),
            ("owner", "owner", self.people, _("is no account or number of staff.")),
        )
        for name, column, known, words in lists:
            if name not in row.names:
                continue
            found = known.get(row.names[name] if name in ("unit", "owner") else row.names[name].lower())
            if found is None:
                yield row.problem(name, words, row.names[name])
            else:
                row.columns[column] = found

    def _people(
        self, row: CaseRow, customers: dict[tuple[str, str], Customer], lines: dict[str, list[Subscription]]
    ) -> Iterable[Problem]:
        whose: Customer | None = None
        for name in ("customer", "customer_no"):
            if name not in row.names:
                continue
            whose = customers.get((name, row.names[name]))
            if whose is None:
                yield row.problem(name, _("is no customer's number."), row.names[name])
                return
        if "service_no" in row.names:
            line = _line_then(lines.get(row.names["service_no"], []), whose, clock.today(row.columns["received_at"]))
            if isinstance(line, str):
                yield row.problem("service_no", line, row.names["service_no"])
                return
            row.columns["line"] = line
            row.columns.setdefault("product_line", line.product_line)
            whose = whose or line.customer
        if whose is not None:
            whose = standing(whose)
            if whose.status == Customer.Status.ANONYMISED:
                yield row.problem("customer", _("was erased: no file brings anything about them back."))
                return
            row.columns["customer"] = whose

    def _customers(self, rows: Sequence[CaseRow]) -> dict[tuple[str, str], Customer]:
        ours = {row.names["customer"] for row in rows if "customer" in row.names}
        theirs = {row.names["customer_no"] for row in rows if "customer_no" in row.names}
        if not ours and not theirs:
            return {}
        asked = Q(number__in=ours) | Q(source=self.customers_of, source_no__in=theirs)
        found: dict[tuple[str, str], Customer] = {}
        for customer in Customer.objects.filter(asked):
            found["customer", customer.number] = customer
            if customer.source == self.customers_of and customer.source_no:
                found["customer_no", customer.source_no] = customer
        return found


def _by_name(entries: Iterable[Any]) -> dict[str, Any]:
    """Entries by code and by name in either language, in small letters; a name two of them share is none."""
    found: dict[str, Any] = {}
    doubtful: set[str] = set()
    codes: dict[str, Any] = {}
    for entry in entries:
        codes[entry.code.lower()] = entry
        for name in {entry.name_zh.lower(), entry.name_en.lower()}:
            if found.setdefault(name, entry) is not entry:
                doubtful.add(name)
    return {name: entry for name, entry in found.items() if name not in doubtful} | codes


def _lines(rows: Sequence[CaseRow]) -> dict[str, list[Subscription]]:
    asked = {row.names["service_no"] for row in rows if "service_no" in row.names}
    found: dict[str, list[Subscription]] = {}
    if asked:
        for line in Subscription.objects.filter(service_no__in=asked).select_related("customer").order_by("pk"):
            found.setdefault(line.service_no, []).append(line)
    return found


def _line_then(lines: Sequence[Subscription], whose: Customer | None, day: date) -> Subscription | str:
    """The line of that number on that day, or why there is none (D§26: an event before activation is refused)."""
    mine = [line for line in lines if whose is None or line.customer_id == whose.pk]
    if not mine:
        return _("is no line of this customer.") if lines else _("is no line's number.")
    then = [line for line in mine if line.activated_on is None or line.activated_on <= day]
    if not then:
        first = min(line.activated_on for line in mine if line.activated_on is not None)
        return _("the complaint lies before the activation on %(day)s.") % {"day": first.isoformat()}
    # Who has left may complain for some time: the last that lived counts (D§26).
    return max(
        then, key=lambda line: (line.terminated_on is None or line.terminated_on >= day, line.activated_on or day)
    )
