"""The lists of follow-ups, of messages and of customers handed over as files."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from customers.exporting import columns_of_customer
from foundation.common.ids import moment_of
from outreach.filters import FollowUpFilter, MessageFilter
from outreach.lifecycle import AttemptOutcome, Channel, FollowUpKind, FollowUpState, MessageClass, MessageState
from outreach.models import FollowUp, ManagerTransfer, OutMessage
from outreach.queries import VIEWS, followups_in_view, messages_of, transfers_seen
from outreach.wording import title_of
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

VIEW_WORDS = {"mine": _("Mine"), "all": _("All I see"), "pool": _("To take"), "closed": _("Closed")}


def _view(query: QueryDict) -> str:
    view = query.get("view", "mine")
    return view if view in VIEWS else "mine"


def _filter(user: User, query: QueryDict) -> FollowUpFilter:
    rows: QuerySet[Any] = followups_in_view(user, _view(query))
    return FollowUpFilter(query, rows, request=Asking(user, query))


FOLLOWUPS = Exportable(
    name="followups",
    title=_("Follow-ups"),
    right="outreach.view",
    url_name="outreach:followup-list",
    columns=(
        Column("number", _("Number"), ("number",)),
        Column("kind", _("Kind"), ("kind",), read=in_words(FollowUpKind)),
        Column("subject", _("Subject"), ("subject",)),
        *columns_of_customer(),
        Column("owner", _("Owner"), ("owner__name",)),
        Column("team", _("Team"), ("team__name",)),
        Column("priority", _("Priority"), ("priority",), read=in_words(FollowUp.Priority)),
        Column("due", _("Due"), ("due_at",), kind=Kind.MOMENT),
        Column("state", _("State"), ("state",), read=in_words(FollowUpState)),
        Column("attempts", _("Attempts"), ("attempts",), kind=Kind.NUMBER),
        Column("outcome", _("Last outcome"), ("last_outcome",), read=in_words(AttemptOutcome)),
        Column("closed", _("Closed"), ("closed_at",), kind=Kind.MOMENT),
    ),
    rows=lambda user, query: filtered(_filter(user, query)),
    filters=lambda user, query: [
        (str(_("View")), str(VIEW_WORDS[_view(query)])),
        *said_filters(_filter(user, query)),
    ],
    parameters=("view", *FollowUpFilter.base_filters),
    customers=("customer_id",),
)


def _messages(user: User, query: QueryDict) -> MessageFilter:
    return MessageFilter(query, messages_of(user).select_related(None), request=Asking(user, query))


MESSAGES = Exportable(
    name="messages",
    title=_("Messages"),
    right="outreach.view",
    url_name="outreach:message-list",
    columns=(
        Column("queued", _("Queued"), ("pk",), read=moment_of, kind=Kind.MOMENT),
        Column("message", _("Message"), ("template",), read=title_of),
        Column("class", _("Class"), ("message_class",), read=in_words(MessageClass)),
        Column("channel", _("Channel"), ("channel",), read=in_words(Channel)),
        *columns_of_customer(),
        Column("state", _("State"), ("state",), read=in_words(MessageState)),
        Column("reason", _("Reason"), ("reason",), read=in_words(OutMessage.Reason)),
        Column("sent", _("Sent"), ("sent_at",), kind=Kind.MOMENT),
    ),
    rows=lambda user, query: filtered(_messages(user, query)),
    filters=lambda user, query: said_filters(_messages(user, query)),
    parameters=tuple(MessageFilter.base_filters),
    customers=("customer_id",),
)


TRANSFERS = Exportable(
    name="transfers",
    title=_("Customers handed over"),
    right="customers.view",
    url_name="outreach:transfer-list",
    columns=(
        *columns_of_customer(),
        Column("kind", _("Kind"), ("kind",), read=in_words(ManagerTransfer.Kind)),
        Column("state", _("State"), ("state",), read=in_words(ManagerTransfer.State)),
        Column("from", _("From"), ("from_manager__name",)),
        Column("to", _("To"), ("to_manager__name",)),
        Column("asked_by", _("Asked for by"), ("asked_by__name",)),
        Column("asked", _("Asked for"), ("asked_at",), kind=Kind.MOMENT),
        Column("reason", _("Reason"), ("reason",)),
        Column("decided_by", _("Decided by"), ("decided_by__name",)),
        Column("decided", _("Decided"), ("decided_at",), kind=Kind.MOMENT),
        Column("answer", _("Answer"), ("answer",)),
    ),
    rows=lambda user, _query: transfers_seen(user),
    filters=lambda _user, _query: [],
    parameters=(),
    customers=("customer_id",),
)


def register() -> None:
    """Make the lists known."""
    for exportable in (FOLLOWUPS, MESSAGES, TRANSFERS):
        register_exportable(exportable)
