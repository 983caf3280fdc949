"""The lists of contacts as files: own ones, those to be logged, the scope's, those of other units."""

from __future__ import annotations

from django.db.models import F
from django.db.models.functions import Coalesce
from django.http import QueryDict
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from customers.exporting import columns_of_customer
from interactions.lifecycle import Caller, Channel, Direction, Kind, Result
from interactions.models import ContactPlace
from interactions.queries import VIEWS, contacts_in_view, place_asked
from staff.exports.registry import Column, Exportable, in_words, register_exportable
from staff.exports.registry import Kind as Cells

VIEW_WORDS = {
    "mine": _("Mine"),
    "to-log": _("To log"),
    "unknown": _("Unknown callers"),
    "all": _("All I see"),
    "foreign": _("Of other units"),
}


def _view(query: QueryDict) -> str:
    view = query.get("view", "mine")
    return view if view in VIEWS else "mine"


def _topic() -> Coalesce:
    """The topic in the language of the file."""
    return Coalesce(F("topic__name_en" if (get_language() or "").startswith("en") else "topic__name_zh"), "topic__code")


def _place() -> F:
    """The place in the language of the file."""
    return F("place__name_en" if (get_language() or "").startswith("en") else "place__name_zh")


def _filters(query: QueryDict) -> list[tuple[str, str]]:
    said = [(str(_("View")), str(VIEW_WORDS[_view(query)]))]
    asked = place_asked(query)
    place = ContactPlace.objects.filter(pk=asked).first() if asked is not None else None
    return said + ([(str(_("Place")), str(place))] if place is not None else [])


CONTACTS = Exportable(
    name="contacts",
    title=_("Contacts"),
    right="interactions.view",
    url_name="interactions:contact-list",
    columns=(
        Column("number", _("Number"), ("number",)),
        Column("started", _("Started"), ("started_at",), kind=Cells.MOMENT),
        Column("ended", _("Ended"), ("ended_at",), kind=Cells.MOMENT),
        *columns_of_customer(),
        Column("caller", _("Who called"), ("caller",), read=in_words(Caller)),
        Column("channel", _("Channel"), ("channel",), read=in_words(Channel)),
        Column("place", _("Place"), ("x_place",), expressions={"x_place": _place}),
        Column("direction", _("Direction"), ("direction",), read=in_words(Direction)),
        Column("kind", _("Kind"), ("kind",), read=in_words(Kind)),
        Column("topic", _("Topic"), ("x_topic",), expressions={"x_topic": _topic}),
        Column("result", _("Result"), ("result",), read=in_words(Result)),
        Column("staff", _("Taken by"), ("staff__name",)),
        Column("logged", _("Logged"), ("logged_at",), kind=Cells.MOMENT),
    ),
    rows=lambda user, query: contacts_in_view(user, _view(query), place_asked(query)),
    filters=lambda _user, query: _filters(query),
    parameters=("view", "place"),
    customer="customer_id",
)


def register() -> None:
    """Make the list known."""
    register_exportable(CONTACTS)
