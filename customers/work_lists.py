"""The work lists about customers: the rows each shows under an address, the same on its page and in its file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers import quality
from customers.exporting import columns_of_customer
from customers.merging.services import PROPOSE_RIGHT
from customers.models import (
    Band,
    ChangeRequest,
    Customer,
    DuplicatePair,
    Merge,
    Need,
    QualityItem,
    QualityKind,
)
from foundation.common.explain import Explanation
from foundation.ui.wording import join_words
from staff.exports.registry import Column, Exportable, Kind, in_words, register_exportable
from staff.masking import masked_name
from staff.models import User

NEED_VIEWS = ("mine", "new", "all")
VIEW = gettext_lazy("View")


@dataclass(frozen=True)
class Gaps:
    """One kind of gap, in the scope or among the own customers, with the numbers of every kind."""

    kind: str
    mine: bool
    numbers: dict[str, tuple[int, bool]]


def gaps_asked(user: User, query: QueryDict) -> Gaps:
    """What an address asks for: its kind, or the first there is something of."""
    mine = query.get("whose") == "mine"
    numbers = quality.counts(user, mine=mine)
    asked = query.get("kind", "")
    first = next((kind for kind in QualityKind.values if numbers[kind][0]), QualityKind.BELOW_TARGET.value)
    return Gaps(asked if asked in QualityKind.values else first, mine, numbers)


def gap_rows(user: User, gaps: Gaps) -> QuerySet[QualityItem]:
    """The items, the newest customers first."""
    rows: QuerySet[QualityItem] = quality.items(user, mine=gaps.mine)
    return rows.filter(kind=gaps.kind).order_by("-customer_id")


def _gap_words(user: User, query: QueryDict) -> list[tuple[str, str]]:
    gaps = gaps_asked(user, query)
    whose = _("My customers") if gaps.mine else _("In my scope")
    return [(_("Gap"), str(QualityKind(gaps.kind).label)), (_("Whose"), whose)]


QUALITY = Exportable(
    name="quality",
    title=gettext_lazy("Data to mend"),
    right="customers.view",
    url_name="customers:quality-list",
    columns=(
        *columns_of_customer(),
        Column("kind", gettext_lazy("Gap"), ("kind",), read=in_words(QualityKind)),
        Column("city", gettext_lazy("City"), ("customer__home_city",)),
        Column("manager", gettext_lazy("Manager"), ("customer__manager__name",)),
        Column("since", gettext_lazy("Since"), ("since",), kind=Kind.MOMENT),
    ),
    rows=lambda user, query: gap_rows(user, gaps_asked(user, query)),
    filters=_gap_words,
    parameters=("kind", "whose"),
    customers=("customer_id",),
)


def need_view(query: QueryDict) -> str:
    """Which tab of needs."""
    view = query.get("view", "")
    return view if view in NEED_VIEWS else "mine"


def need_category(query: QueryDict) -> str:
    """Of which category, "" for all."""
    category = query.get("category", "")
    return category if category in Need.Category.values else ""


def need_rows(user: User, query: QueryDict) -> QuerySet[Need]:
    """Own planned ones by due day; those nobody planned yet, or all open ones of the scope, newest first."""
    view, category = need_view(query), need_category(query)
    if view == "mine":
        rows = Need.objects.filter(state=Need.State.PLANNED, owner=user).order_by("due_on", "pk")
    else:
        states = [Need.State.NEW] if view == "new" else [Need.State.NEW, Need.State.PLANNED]
        scope = Customer.objects.in_scope_of(user)
        rows = Need.objects.filter(Q(state__in=states), customer__in=scope.values("pk")).order_by("-pk")
    return rows.filter(category=category) if category else rows


def need_tabs() -> dict[str, str]:
    """The words of the tabs."""
    return {"mine": _("My needs"), "new": _("Not planned yet"), "all": _("All open")}


def _need_words(_user: User, query: QueryDict) -> list[tuple[str, str]]:
    said = [(str(VIEW), need_tabs()[need_view(query)])]
    category = need_category(query)
    return [*said, (_("Category"), str(Need.Category(category).label))] if category else said


NEEDS = Exportable(
    name="needs",
    title=gettext_lazy("Needs of customers"),
    right="customers.view",
    url_name="customers:need-list",
    columns=(
        Column("need", gettext_lazy("Need"), ("text",)),
        *columns_of_customer(),
        Column("category", gettext_lazy("Category"), ("category",), read=in_words(Need.Category)),
        Column("state", gettext_lazy("State"), ("state",), read=in_words(Need.State)),
        Column("due", gettext_lazy("Wanted by"), ("due_on",), kind=Kind.DATE),
        Column("owner", gettext_lazy("Owner"), ("owner__name",)),
    ),
    rows=need_rows,
    filters=_need_words,
    parameters=("view", "category"),
    customers=("customer_id",),
)


def change_rows(user: User, query: QueryDict) -> QuerySet[ChangeRequest]:
    """Open requests by due moment, or all of them, newest first."""
    rows = ChangeRequest.objects.visible_to(user)
    return rows.order_by("-pk") if query.get("view") == "all" else rows.open().order_by("due_at", "pk")


CHANGES = Exportable(
    name="change-requests",
    title=gettext_lazy("Requests to change data"),
    right="customers.view",
    url_name="customers:request-list",
    columns=(
        Column("number", gettext_lazy("Number"), ("number",)),
        *columns_of_customer(),
        Column("field", gettext_lazy("Field"), ("field",), read=in_words(ChangeRequest.Field)),
        Column("channel", gettext_lazy("Channel"), ("channel",), read=in_words(ChangeRequest.Channel)),
        Column("state", gettext_lazy("State"), ("state",), read=in_words(ChangeRequest.State)),
        Column("due", gettext_lazy("Due"), ("due_at",), kind=Kind.MOMENT),
        Column("taken_by", gettext_lazy("Taken by"), ("taken_by__name",)),
        Column("closed", gettext_lazy("Closed"), ("closed_at",), kind=Kind.MOMENT),
    ),
    rows=change_rows,
    filters=lambda _user, query: [(str(VIEW), _("All") if query.get("view") == "all" else _("Open"))],
    parameters=("view",),
    customers=("customer_id",),
)


def _one_of_two(path: str, key: str, number: Any, name: Any) -> tuple[Column, Column]:
    """Number and masked name of one of two archives."""
    return (
        Column(key, number, (f"{path}__number",)),
        Column(f"{key}_name", name, (f"{path}__name", f"{path}__customer_type"), read=masked_name),
    )


def pair_rows(user: User, query: QueryDict) -> QuerySet[DuplicatePair]:
    """Pairs nobody has decided about, the surest first; those of one band when asked."""
    rows = DuplicatePair.objects.visible_to(user).open().order_by("-score", "-pk")
    band = query.get("band", "")
    return rows.filter(band=band) if band in Band.values else rows


def _pair_words(_user: User, query: QueryDict) -> list[tuple[str, str]]:
    band = query.get("band", "")
    return [(_("How sure"), str(Band(band).label) if band in Band.values else _("All"))]


PAIRS = Exportable(
    name="pairs",
    title=gettext_lazy("Archives of one person"),
    right=PROPOSE_RIGHT,
    url_name="customers:pair-list",
    columns=(
        *_one_of_two("low", "older", gettext_lazy("Number of the older"), gettext_lazy("Name of the older")),
        *_one_of_two("high", "newer", gettext_lazy("Number of the newer"), gettext_lazy("Name of the newer")),
        Column("points", gettext_lazy("Points"), ("score",), kind=Kind.NUMBER),
        Column("band", gettext_lazy("How sure"), ("band",), read=in_words(Band)),
        Column(
            "why",
            gettext_lazy("Why"),
            ("reasons",),
            read=lambda reasons: join_words(Explanation.from_json(reasons).in_words()),
        ),
        Column("found", gettext_lazy("Found"), ("found_at",), kind=Kind.MOMENT),
    ),
    rows=pair_rows,
    filters=_pair_words,
    parameters=("band",),
    customers=("low_id", "high_id"),
)


def merge_state(query: QueryDict) -> str:
    """Which state of merges; anything that is none stands for all."""
    return query.get("state", "") or str(Merge.State.PROPOSED)


def merge_rows(user: User, query: QueryDict) -> QuerySet[Merge]:
    """Merges of one state, newest first: those to be decided unless asked otherwise."""
    rows = Merge.objects.visible_to(user).order_by("-pk")
    state = merge_state(query)
    return rows.filter(state=state) if state in Merge.State.values else rows


def _merge_words(_user: User, query: QueryDict) -> list[tuple[str, str]]:
    state = merge_state(query)
    return [(_("State"), str(Merge.State(state).label) if state in Merge.State.values else _("All"))]


MERGES = Exportable(
    name="merges",
    title=gettext_lazy("Merges"),
    right=PROPOSE_RIGHT,
    url_name="customers:merge-list",
    columns=(
        Column("number", gettext_lazy("Number"), ("number",)),
        *_one_of_two("survivor", "stays", gettext_lazy("Number that stays"), gettext_lazy("Name that stays")),
        *_one_of_two("absorbed", "goes", gettext_lazy("Number that goes"), gettext_lazy("Name that goes")),
        Column("state", gettext_lazy("State"), ("state",), read=in_words(Merge.State)),
        Column("proposed_by", gettext_lazy("Proposed by"), ("proposed_by__name",)),
        Column("proposed", gettext_lazy("Proposed"), ("proposed_at",), kind=Kind.MOMENT),
        Column("decided_by", gettext_lazy("Decided by"), ("decided_by__name",)),
        Column("decided", gettext_lazy("Decided"), ("decided_at",), kind=Kind.MOMENT),
    ),
    rows=merge_rows,
    filters=_merge_words,
    parameters=("state",),
    customers=("survivor_id", "absorbed_id"),
)


def register() -> None:
    """Make the lists known."""
    for exportable in (QUALITY, NEEDS, CHANGES, PAIRS, MERGES):
        register_exportable(exportable)
