"""The lists of contacts, matters, suggestions and rights requests as files, and the rows behind the figures."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db.models import F
from django.db.models.functions import Coalesce
from django.http import QueryDict
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _

from customers.exporting import columns_of_customer
from foundation.ui.wording import join_words, say_choice, say_date
from interactions.figure_queries import STATES, Period, late_matters, period_of, verdict_rows
from interactions.lifecycle import Caller, Channel, Direction, Kind, Result
from interactions.matter_queries import matters_in_view, suggestions_in_view
from interactions.models import ContactPlace, ContactVerdict
from interactions.queries import contacts_in_view, place_asked
from interactions.rights.lifecycle import Outcome, RefusalCode, RightsKind, RightsState
from interactions.rights.queries import requests_in_view
from interactions.stages import MatterState, SuggestionState
from staff.exports.registry import Column, Exportable, in_words, register_exportable
from staff.exports.registry import Kind as Cells
from staff.models import OrgUnit, User

VIEW_WORDS: dict[str, Any] = {
    "mine": gettext_lazy("Mine"),
    "to-log": gettext_lazy("To log"),
    "unknown": gettext_lazy("Unknown callers"),
    "all": gettext_lazy("All I see"),
    "foreign": gettext_lazy("Of other units"),
}
MATTER_WORDS: dict[str, Any] = {
    "to-do": gettext_lazy("To do"),
    "mine": gettext_lazy("I answer for"),
    "offered": gettext_lazy("Offered to me"),
    "handling": gettext_lazy("I work on"),
    "overdue": gettext_lazy("Overdue"),
    "all": gettext_lazy("All open I see"),
    "closed": gettext_lazy("Closed"),
}
SUGGESTION_WORDS: dict[str, Any] = {
    "open": gettext_lazy("To be answered"),
    "mine": gettext_lazy("Mine"),
    "overdue": gettext_lazy("Overdue"),
    "to-do": gettext_lazy("Adopted, to be done"),
    "all": gettext_lazy("All I see"),
}
RIGHTS_WORDS: dict[str, Any] = {
    "open": gettext_lazy("Open"),
    "overdue": gettext_lazy("Overdue"),
    "closed": gettext_lazy("Closed"),
}


def _view(query: QueryDict) -> str:
    view = query.get("view", "mine")
    return view if view in VIEW_WORDS else "mine"


def matter_view(query: QueryDict) -> str:
    """Which tab of the board."""
    view = query.get("view", "")
    return view if view in MATTER_WORDS else "to-do"


def suggestion_view(query: QueryDict) -> str:
    """Which tab of the suggestions."""
    view = query.get("view", "open")
    return view if view in SUGGESTION_WORDS else "open"


def rights_view(query: QueryDict) -> str:
    """Which tab of the rights requests."""
    view = query.get("view", "open")
    return view if view in RIGHTS_WORDS else "open"


def _said(words: Any) -> list[tuple[str, str]]:
    return [(_("View"), str(words))]


def _topic(path: str = "topic") -> Coalesce:
    """The topic in the language of the file."""
    name = "name_en" if (get_language() or "").startswith("en") else "name_zh"
    return Coalesce(F(f"{path}__{name}"), f"{path}__code")


def _topic_column(path: str = "topic") -> Column:
    return Column("topic", gettext_lazy("Topic"), ("x_topic",), expressions={"x_topic": lambda: _topic(path)})


def _place() -> F:
    """The place in the language of the file."""
    return F("place__name_en" if (get_language() or "").startswith("en") else "place__name_zh")


def _contact_words(_user: User, query: QueryDict) -> list[tuple[str, str]]:
    said, asked = _said(VIEW_WORDS[_view(query)]), place_asked(query)
    place = ContactPlace.objects.filter(pk=asked).first() if asked is not None else None
    return [*said, (_("Place"), str(place))] if place is not None else said


CONTACTS = Exportable(
    name="contacts",
    title=gettext_lazy("Contacts"),
    right="interactions.view",
    url_name="interactions:contact-list",
    columns=(
        Column("number", gettext_lazy("Number"), ("number",)),
        Column("started", gettext_lazy("Started"), ("started_at",), kind=Cells.MOMENT),
        Column("ended", gettext_lazy("Ended"), ("ended_at",), kind=Cells.MOMENT),
        *columns_of_customer(),
        Column("caller", gettext_lazy("Who called"), ("caller",), read=in_words(Caller)),
        Column("channel", gettext_lazy("Channel"), ("channel",), read=in_words(Channel)),
        Column("place", gettext_lazy("Place"), ("x_place",), expressions={"x_place": _place}),
        Column("direction", gettext_lazy("Direction"), ("direction",), read=in_words(Direction)),
        Column("kind", gettext_lazy("Kind"), ("kind",), read=in_words(Kind)),
        _topic_column(),
        Column("result", gettext_lazy("Result"), ("result",), read=in_words(Result)),
        Column("staff", gettext_lazy("Taken by"), ("staff__name",)),
        Column("logged", gettext_lazy("Logged"), ("logged_at",), kind=Cells.MOMENT),
    ),
    rows=lambda user, query: contacts_in_view(user, _view(query), place_asked(query)),
    filters=_contact_words,
    parameters=("view", "place"),
    customers=("customer_id",),
)
_MATTER_COLUMNS = (
    Column("number", gettext_lazy("Number"), ("number",)),
    Column("subject", gettext_lazy("Matter"), ("subject",)),
    *columns_of_customer(),
    _topic_column(),
    Column("owner", gettext_lazy("Answers for it"), ("owner__name",)),
    Column("handler", gettext_lazy("Works on it"), ("handler__name",)),
    Column("lead", gettext_lazy("With the lead"), ("escalated_to__name",)),
    Column("state", gettext_lazy("State"), ("state",), read=in_words(MatterState)),
    Column("created", gettext_lazy("Created"), ("created_at",), kind=Cells.MOMENT),
    Column("due", gettext_lazy("Due"), ("due_at",), kind=Cells.MOMENT),
    Column("closed", gettext_lazy("Closed"), ("closed_at",), kind=Cells.MOMENT),
)
MATTERS = Exportable(
    name="matters",
    title=gettext_lazy("First-ask matters"),
    right="interactions.view",
    url_name="interactions:matter-list",
    columns=_MATTER_COLUMNS,
    rows=lambda user, query: matters_in_view(user, matter_view(query)),
    filters=lambda _user, query: _said(MATTER_WORDS[matter_view(query)]),
    parameters=("view",),
    customers=("customer_id",),
)
SUGGESTIONS = Exportable(
    name="suggestions",
    title=gettext_lazy("Suggestions"),
    right="interactions.view",
    url_name="interactions:suggestion-list",
    columns=(
        Column("number", gettext_lazy("Number"), ("number",)),
        Column("text", gettext_lazy("Suggestion"), ("text",)),
        *columns_of_customer(),
        _topic_column(),
        Column("state", gettext_lazy("State"), ("state",), read=in_words(SuggestionState)),
        Column("verdict", gettext_lazy("Verdict"), ("verdict",), read=in_words(SuggestionState)),
        Column("owner", gettext_lazy("Owner"), ("owner__name",)),
        Column("received", gettext_lazy("Received"), ("received_at",), kind=Cells.MOMENT),
        Column("due", gettext_lazy("Due"), ("due_at",), kind=Cells.MOMENT),
        Column("answered", gettext_lazy("Answered"), ("answered_at",), kind=Cells.MOMENT),
    ),
    rows=lambda user, query: suggestions_in_view(user, suggestion_view(query)),
    filters=lambda _user, query: _said(SUGGESTION_WORDS[suggestion_view(query)]),
    parameters=("view",),
    customers=("customer_id",),
)
RIGHTS = Exportable(
    name="rights-requests",
    title=gettext_lazy("Rights requests"),
    right="rights.view",
    take="rights.export",
    url_name="interactions:rights-list",
    columns=(
        Column("number", gettext_lazy("Number"), ("number",)),
        Column("kind", gettext_lazy("Request"), ("kind",), read=in_words(RightsKind)),
        *columns_of_customer(),
        Column("state", gettext_lazy("State"), ("state",), read=in_words(RightsState)),
        Column("outcome", gettext_lazy("Result"), ("outcome",), read=in_words(Outcome)),
        Column("refusal", gettext_lazy("Ground of refusal"), ("refusal",), read=in_words(RefusalCode)),
        Column("owner", gettext_lazy("Owner"), ("owner__name",)),
        Column("handed_to", gettext_lazy("Handed to"), ("handed_to__name",)),
        Column("received", gettext_lazy("Received"), ("received_at",), kind=Cells.MOMENT),
        Column("due", gettext_lazy("Due"), ("due_at",), kind=Cells.MOMENT),
        Column("closed", gettext_lazy("Closed"), ("closed_at",), kind=Cells.MOMENT),
    ),
    rows=lambda user, query: requests_in_view(user, rights_view(query)),
    filters=lambda _user, query: _said(RIGHTS_WORDS[rights_view(query)]),
    parameters=("view",),
    customers=("customer_id",),
)


def _day(query: QueryDict, name: str) -> date | None:
    try:
        return date.fromisoformat(query.get(name, ""))
    except ValueError:
        return None


def period_asked(query: QueryDict) -> Period:
    """The days of an address, the last 30 by default."""
    return period_of(_day(query, "first"), _day(query, "last"))


def verdicts_asked(query: QueryDict) -> dict[str, Any]:
    """The filters in the address that mean something; others are left out."""
    asked: dict[str, Any] = {}
    known = {"channel": Channel.values, "kind": Kind.values, "state": STATES}
    for name, values in known.items():
        if query.get(name) in values:
            asked[name] = query[name]
    for name in ("unit", "person"):
        text = query.get(name, "")
        if text.isdecimal() and len(text) <= 9:
            asked[name] = int(text)
    day = _day(query, "day")
    return asked | ({"day": day} if day else {})


def _period_words(period: Period) -> list[tuple[str, str]]:
    return [(_("From"), say_date(period.first)), (_("To"), say_date(period.last))]


def verdict_words(_user: User, query: QueryDict) -> list[tuple[str, str]]:
    """The filters of the contacts behind a number, in words."""
    said, asked = _period_words(period_asked(query)), verdicts_asked(query)
    choices: dict[str, tuple[str, Any]] = {
        "channel": (_("Channel"), Channel),
        "kind": (_("Kind"), Kind),
        "state": (_("Verdict"), ContactVerdict.State),
    }
    said += [(label, say_choice(words, asked[key])) for key, (label, words) in choices.items() if key in asked]
    if "day" in asked:
        said.append((_("Day"), say_date(asked["day"])))
    if "unit" in asked:
        unit = OrgUnit.objects.filter(no=asked["unit"]).values_list("name", flat=True).first()
        said.append((_("Unit"), unit or str(asked["unit"])))
    if "person" in asked:
        person = User.objects.filter(pk=asked["person"]).values_list("name", flat=True).first()
        said.append((_("Person"), person or str(asked["person"])))
    return said


def _late_words(query: QueryDict) -> list[tuple[str, str]]:
    all_due = [(_("Matters"), _("all that were due"))] if "all" in query else []
    return _period_words(period_asked(query)) + all_due


VERDICTS = Exportable(
    name="verdicts",
    title=gettext_lazy("Contacts behind the number"),
    right="interactions.figures",
    url_name="interactions:figure-rows",
    columns=(
        Column("number", gettext_lazy("Contact"), ("interaction__number",)),
        Column("started", gettext_lazy("Started"), ("interaction__started_at",), kind=Cells.MOMENT),
        *columns_of_customer("interaction__customer"),
        Column("channel", gettext_lazy("Channel"), ("channel",), read=in_words(Channel)),
        Column("kind", gettext_lazy("Kind"), ("kind",), read=in_words(Kind)),
        _topic_column("interaction__topic"),
        Column("staff", gettext_lazy("Taken by"), ("staff__name",)),
        Column("verdict", gettext_lazy("Verdict"), ("state",), read=in_words(ContactVerdict.State)),
        Column(
            "reasons",
            gettext_lazy("Why"),
            ("reasons",),
            read=lambda codes: join_words(say_choice(ContactVerdict.Reason, code) for code in codes),
        ),
    ),
    rows=lambda user, query: verdict_rows(user, period_asked(query), verdicts_asked(query)),
    filters=verdict_words,
    parameters=("first", "last", "day", "unit", "channel", "person", "kind", "state"),
    customers=("interaction__customer_id",),
)
LATE = Exportable(
    name="late-matters",
    title=gettext_lazy("First-ask breaches"),
    right="interactions.figures",
    url_name="interactions:figure-late",
    columns=_MATTER_COLUMNS,
    rows=lambda user, query: late_matters(user, period_asked(query), all_due="all" in query),
    filters=lambda _user, query: _late_words(query),
    parameters=("first", "last", "all"),
    customers=("customer_id",),
)


def register() -> None:
    """Make the lists known."""
    for exportable in (CONTACTS, MATTERS, SUGGESTIONS, RIGHTS, VERDICTS, LATE):
        register_exportable(exportable)
