"""The queue as a file, with its filters."""

from __future__ import annotations

from typing import Any

from django.db.models import F, QuerySet
from django.http import QueryDict
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from complaints.filters import CaseFilter
from complaints.lifecycle import Grade, State
from complaints.queries import VIEW_WORDS, view_of
from customers.exporting import columns_of_customer
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


def _view(user: User, query: QueryDict) -> str:
    view = query.get("view", "")
    return view if view in VIEW_WORDS else "mine" if user.has_perm("complaints.take") else "all"


def _filter(user: User, query: QueryDict) -> CaseFilter:
    rows: QuerySet[Any] = view_of(user, _view(user, query)).seen
    return CaseFilter(query, rows, request=Asking(user, query))


def topic_in_language(named: str = "topic") -> F:
    """The topic, or another key of a code list with both names, in the language of the file."""
    return F(f"{named}__name_en" if (get_language() or "").startswith("en") else f"{named}__name_zh")


CASES = Exportable(
    name="complaints",
    title=_("Complaint queue"),
    right="complaints.view",
    url_name="complaints:queue",
    columns=(
        Column("number", _("Number"), ("number",)),
        Column("subject", _("Complaint"), ("subject",)),
        *columns_of_customer(),
        Column("grade", _("Grade"), ("grade",), read=in_words(Grade)),
        Column("topic", _("Topic"), ("x_topic",), expressions={"x_topic": topic_in_language}),
        Column("brand", _("Brand"), ("brand",)),
        Column("area", _("Area"), ("area",)),
        Column("channel", _("Channel"), ("channel",), read=in_words(Channel)),
        Column("state", _("State"), ("state",), read=in_words(State)),
        Column("owner", _("Answers for it"), ("owner__name",)),
        Column("handler", _("Works on it"), ("handler__name",)),
        Column("unit", _("Unit"), ("work_unit__name",)),
        Column("received", _("Received"), ("received_at",), kind=Kind.MOMENT),
        Column("service_due", _("Service limit"), ("service_due_at",), kind=Kind.MOMENT),
        Column("statutory_due", _("Statutory answer"), ("statutory_due_at",), kind=Kind.MOMENT),
        Column("answered", _("Answered"), ("answered_at",), kind=Kind.MOMENT),
        Column("closed", _("Closed"), ("closed_at",), kind=Kind.MOMENT),
        Column("urges", _("Urged"), ("urges",), kind=Kind.NUMBER),
    ),
    rows=lambda user, query: filtered(_filter(user, query)),
    filters=lambda user, query: [
        (str(_("View")), str(VIEW_WORDS[_view(user, query)])),
        *said_filters(_filter(user, query)),
    ],
    parameters=("view", *CaseFilter.base_filters),
    customers=("customer_id",),
)


def register() -> None:
    """Make it known."""
    register_exportable(CASES)
