"""My customers: the list an account manager works by, on the desk and on the phone (D§3.3, D§21.4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.db.models import OuterRef, QuerySet
from django.http import Http404, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from customers.book import (
    SORTS,
    Book,
    BookFilter,
    book_page,
    books_of,
    customers_in,
    managers_seen_by,
    ordered,
)
from customers.completeness import with_completeness
from customers.exporting import CUSTOMER_COLUMNS
from customers.models import Customer
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.paging import keyset_page
from foundation.ui.htmx import wants_fragment
from foundation.ui.parts.lists import Tab
from outreach.models import FollowUp
from staff.exports.registry import Asking, Exportable, filtered, register_exportable, said_filters
from staff.models import Absence, User
from staff.requests import StaffRequest
from staff.services.absences import transfer_due
from workspace.figures import Figure, capped, counted, say_count

PAGE = 40  # each line has its own buttons: fifty are more than a page may hold
MANAGERS_A_PAGE = 50
PLACE = "workspace:book"
_FIGURES: tuple[tuple[str, Any, str, str, dict[str, str]], ...] = (
    ("all", gettext_lazy("Customers"), "users-round", "", {}),
    ("quiet", gettext_lazy("No contact for 90 days"), "phone-off", "warn", {"quiet": "90"}),
    ("ends", gettext_lazy("Contract ends within 60 days"), "calendar-clock", "warn", {"ends": "60"}),
    ("low", gettext_lazy("Archive incomplete"), "clipboard-list", "", {"complete": "low"}),
    ("birthday", gettext_lazy("Birthday within 7 days"), "cake", "", {"birthday": "7"}),
)


class Duty(NamedTuple):
    """The next follow-up owed to a customer."""

    pk: int
    kind: str
    due_at: Any


@dataclass(frozen=True)
class Chosen:
    """Whose customers are shown: one of the viewer's books, or that of a manager the viewer leads."""

    book: Book
    books: list[Book]

    @property
    def person(self) -> User:
        return self.book.person


@never_cache
@require_GET
@requires("customers.view")
def my_customers(request: StaffRequest) -> HttpResponseBase:
    """The own customers, those of somebody the viewer stands in for, or of a manager the viewer leads."""
    user = request.user
    chosen = _chosen(user, request.GET)
    if chosen is None:
        if user.has_perm("workspace.board"):
            return redirect("workspace:book-managers")
        return render(request, "workspace/book.html", {"book": None})
    person = chosen.person
    found = BookFilter(request.GET, customers_in(user, person.pk), manager=person.pk, request=request)
    sort = request.GET.get("sort", "contact")
    sort = sort if sort in SORTS else "contact"
    try:
        page = book_page(user, found, person.pk, sort=sort, after=request.GET.get("after"), size=PAGE)
    except RuleBroken:
        return redirect(_address(person, user))
    context = {
        "book": chosen.book,
        "page": page,
        "duties": next_duties(page.items),
        "filter": found,
        "filtered": found.is_used,
        "sort": sort,
        "sorts": [Tab(label, _sorted(request, key), current=key == sort) for key, label in SORTS.items()],
        "tabs": _tabs(user, chosen),
        "clear": _address(person, user),
        "birthdays": found.form.cleaned_data.get("birthday", "") if found.form.is_valid() else "",
        "may_take": user.has_perm("interactions.take"),
        "may_owe": user.has_perm("outreach.work"),
        "now": clock.now(),
    }
    if wants_fragment(request):
        return render(request, "workspace/book.html#results", context)
    return render(request, "workspace/book.html", context | {"figures": book_figures(user, person)})


@require_GET
@requires("workspace.board")
def managers(request: StaffRequest) -> HttpResponseBase:
    """The managers a lead answers for, each with how many customers, how many of them quiet, who stands in, and by
    when the customers of one who left or is long away need another manager (D§3.3)."""
    rows = with_books(managers_seen_by(request.user), request.user).order_by("unit__no", "pk")
    try:
        page = keyset_page(rows, after=request.GET.get("after"), size=MANAGERS_A_PAGE)
    except RuleBroken:
        return redirect("workspace:book-managers")
    now = clock.now()
    away = Absence.objects.filter(user__in=page.items, starts_at__lte=now).exclude(ends_at__lte=now)
    absences = {absence.user_id: absence for absence in away.select_related("delegate", "user__unit")}
    lines = [
        {
            "user": person,
            "absence": absences.get(person.pk),
            "due": transfer_due(absences[person.pk]) if person.pk in absences else None,
            "all": say_count(person.customers_n),
            "quiet": say_count(person.quiet_n),
            "url": _address(person),
        }
        for person in page.items
    ]
    part = "#results" if wants_fragment(request) else ""
    context = {
        "page": page,
        "lines": lines,
        "own": bool(books_of(request.user)),
        "may_reassign": request.user.has_perm("staff.reassign"),
        "now": now,
    }
    return render(request, f"workspace/book_managers.html{part}", context)


def with_books(people: QuerySet[User], viewer: User) -> QuerySet[Any]:
    """`people` with `customers_n` and `quiet_n`: customers of each the viewer sees, counted to the cap at most."""
    theirs = Customer.objects.in_scope_of(viewer).filter(facts__manager_id=OuterRef("pk"))
    return people.select_related("unit").annotate(
        customers_n=capped(theirs), quiet_n=capped(BookFilter({"quiet": "90"}, theirs).qs)
    )


def book_figures(user: User, person: User) -> list[Figure]:
    """Counts over a book, each the rows its link shows: one query."""
    rows = customers_in(user, person.pk)
    some = [BookFilter(asked, rows, manager=person.pk).qs for _key, _label, _icon, _tone, asked in _FIGURES]
    return [
        Figure(key, label, icon, tone, number, _address(person, user, **asked))
        for (key, label, icon, tone, asked), number in zip(_FIGURES, counted(user, some), strict=True)
    ]


def next_duties(customers: Iterable[Customer]) -> dict[int, Duty]:
    """The next open follow-up of each of these customers: one query."""
    rows = FollowUp.objects.open().filter(customer__in=[customer.pk for customer in customers])
    firsts = rows.order_by("customer_id", "due_at", "pk").distinct("customer_id")
    return {
        customer_id: Duty(pk, kind, due_at)
        for customer_id, pk, kind, due_at in firsts.values_list("customer_id", "pk", "kind", "due_at")
    }


def _chosen(user: User, query: QueryDict) -> Chosen | None:
    """The book asked for, else the first of one's own; None when there is none. Raises Http404 for a stranger's."""
    books = books_of(user)
    asked = query.get("manager", "")
    if not asked:
        return Chosen(books[0], books) if books else None
    key = int(asked) if asked.isdecimal() and len(asked) < 10 else 0
    for book in books:
        if book.person.pk == key:
            return Chosen(book, books)
    led = managers_seen_by(user).filter(pk=key).first() if user.has_perm("workspace.board") else None
    if led is None:
        raise Http404
    return Chosen(Book(led, own=False), books)


def _tabs(user: User, chosen: Chosen) -> list[Tab]:
    """One's own customers, those of people one stands in for, and the managers one leads."""
    shown = chosen.books if chosen.book in chosen.books else [*chosen.books, chosen.book]
    tabs = [
        Tab(
            _("Mine") if book.own else book.person.name,
            _address(book.person, user),
            current=book == chosen.book,
            icon="" if book.own else "user-round-check",
        )
        for book in shown
    ]
    if user.has_perm("workspace.board"):
        tabs.append(Tab(_("By manager"), reverse("workspace:book-managers")))
    tabs.append(Tab(_("Handed over"), reverse("outreach:transfer-list")))
    return tabs


def _address(person: User, viewer: User | None = None, **asked: str) -> str:
    """The page of a person's customers; the viewer's own needs no name."""
    named = {} if viewer is not None and person.pk == viewer.pk else {"manager": str(person.pk)}
    query = urlencode(named | asked)
    return f"{reverse(PLACE)}?{query}" if query else reverse(PLACE)


def _sorted(request: StaffRequest, sort: str) -> str:
    query = request.GET.copy()
    query.pop("after", None)
    query["sort"] = sort
    return f"?{query.urlencode()}"


def _export_rows(user: User, query: QueryDict) -> QuerySet[Customer]:
    chosen = _export_book(user, query)
    rows = customers_in(user, chosen.person.pk).in_scope_of(user)
    found = BookFilter(query, rows, manager=chosen.person.pk, request=Asking(user, query))
    return with_completeness(ordered(filtered(found), query.get("sort", "")))


def _export_book(user: User, query: QueryDict) -> Chosen:
    try:
        chosen = _chosen(user, query)
    except Http404:
        chosen = None
    if chosen is None:
        raise RuleBroken("exports.bad_filters", _("You do not look after this person's customers (any more)."))
    return chosen


def _export_words(user: User, query: QueryDict) -> list[tuple[str, str]]:
    person = _export_book(user, query).person
    found = BookFilter(query, Customer.objects.none(), request=Asking(user, query))
    return [(_("Manager"), person.name), *said_filters(found)]


BOOK = Exportable(
    name="my-customers",
    title=gettext_lazy("My customers"),
    right="customers.view",
    url_name=PLACE,
    columns=CUSTOMER_COLUMNS,
    rows=_export_rows,
    filters=_export_words,
    parameters=("manager", "sort", *BookFilter.base_filters),
)


def register() -> None:
    """Make the list known to exports."""
    register_exportable(BOOK)
