"""What the library was asked: the tab, the words behind their link, the filters; for its page and its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.exporting import topic_in_language
from complaints.library.filters import LibraryFilter
from complaints.library.queries import CLOSED, OPEN, library_view, with_words
from complaints.library.words import asked_words
from complaints.lifecycle import Grade, Solved
from complaints.models import Complaint
from complaints.queries import View
from customers.models import SearchLink
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.policies.reading import policy
from interactions.lifecycle import Channel
from staff.exports.registry import (
    Asking,
    Column,
    Exportable,
    Kind,
    filtered,
    in_words,
    register_exportable,
    said_filters,
)
from staff.models import User

LINK = "words"
LONGEST = 80
PARAMETERS = ("in", LINK, *LibraryFilter.base_filters)


@dataclass(frozen=True)
class Search:
    """`lost`: the words are no longer kept; nothing is shown then, for all cases would be no answer."""

    which: str
    query: QueryDict
    typed: str
    words: list[str]
    lost: bool
    filter: LibraryFilter
    view: View

    @property
    def rows(self) -> QuerySet[Complaint]:
        """What the tab, the words and the filters leave, of everybody's; `view.streams` says whose of them are seen."""
        return self.filter.qs


def link_of(user: User, token: str) -> str:
    """The words behind a link of the user; "" where it is unknown or its time is over."""
    oldest = clock.now() - policy("customers.search_link_life")
    link = SearchLink.objects.filter(token=token[:32], user_id=user.pk, created_at__gt=oldest).first()
    return link.query if link else ""


def search_of(user: User, given: Mapping[str, Any]) -> Search:
    """What an address asks of the library."""
    query = QueryDict(mutable=True)
    for name in PARAMETERS:
        if value := str(given.get(name, "")).strip()[:60]:
            query[name] = value
    which = OPEN if query.get("in") == OPEN else CLOSED
    query["in"] = which
    token = query.get(LINK, "")
    typed = link_of(user, token) if token else ""
    words = asked_words(typed)
    view = library_view(user, which)
    moment = "closed_at" if which == CLOSED else "received_at"
    rows = with_words(view.rows, words)
    found = LibraryFilter(query, rows, request=Asking(user, query), moment=moment)
    return Search(which, query, typed, words, bool(token and not typed), found, view)


def _rows(user: User, query: QueryDict) -> QuerySet[Any]:
    search = search_of(user, query)
    if search.lost:
        raise RuleBroken("exports.bad_filters", _("The words searched for are no longer kept. Search again."))
    return filtered(search.filter).filter(reduce(or_, search.view.streams))


def _said(user: User, query: QueryDict) -> list[tuple[str, str]]:
    search = search_of(user, query)
    which = _("Open") if search.which == OPEN else _("Solved")
    words = [(_("Words"), search.typed)] if search.typed else []
    return [(_("View"), which), *words, *said_filters(search.filter)]


LIBRARY = Exportable(
    name="complaint-library",
    title=gettext_lazy("Library of complaints"),
    right="complaints.view",
    url_name="complaints:library",
    columns=(
        Column("number", gettext_lazy("Number"), ("number",)),
        Column("subject", gettext_lazy("Complaint"), ("subject",)),
        Column("topic", gettext_lazy("Topic"), ("x_topic",), expressions={"x_topic": topic_in_language}),
        Column(
            "cause", gettext_lazy("Cause"), ("x_cause",), expressions={"x_cause": lambda: topic_in_language("cause")}
        ),
        Column("responsible", gettext_lazy("Responsible unit"), ("responsible_unit__name",)),
        Column("grade", gettext_lazy("Grade"), ("grade",), read=in_words(Grade)),
        Column("channel", gettext_lazy("Channel"), ("channel",), read=in_words(Channel)),
        Column("brand", gettext_lazy("Brand"), ("brand",)),
        Column("area", gettext_lazy("Area"), ("area",)),
        Column("solved", gettext_lazy("Result"), ("solved",), read=in_words(Solved)),
        Column("satisfaction", gettext_lazy("Satisfaction"), ("satisfaction",), kind=Kind.NUMBER),
        Column("lesson", gettext_lazy("Lesson"), ("lesson",)),
        Column("received", gettext_lazy("Received"), ("received_at",), kind=Kind.MOMENT),
        Column("closed", gettext_lazy("Closed"), ("closed_at",), kind=Kind.MOMENT),
    ),
    rows=_rows,
    filters=_said,
    parameters=PARAMETERS,
    customers=("customer_id",),
)


def register() -> None:
    """Make the file known."""
    register_exportable(LIBRARY)
