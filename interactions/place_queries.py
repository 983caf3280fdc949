"""Which places a person takes contacts at: offered in forms, and the usual one when nobody names another."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from interactions.lifecycle import Channel
from interactions.models import ContactPlace, Interaction
from staff.models import User
from staff.rights import sight_of

MOST = 200
# How people work at a place: who sits at a hotline takes calls, whatever accounts the unit keeps beside it.
_FIRST = (Channel.HOTLINE, Channel.HALL_OWN, Channel.HALL_PARTNER, Channel.AGENT_SHOP)


def _above(user: User) -> Q:
    return Q(unit__no__lte=user.unit.no, unit__last_no__gte=user.unit.no)


def places_near(user: User) -> list[ContactPlace]:
    """Open places of the user's unit first, then of those above, below and beside it, where one may help out."""
    unit = user.unit
    near = _above(user) | Q(unit__no__range=(unit.no, unit.last_no))
    if unit.parent_id is not None:
        near |= Q(unit__parent=unit.parent_id)
    places = ContactPlace.objects.filter(near, active=True).select_related("unit").order_by("unit__no", "pk")[:MOST]
    return sorted(places, key=lambda place: place.unit_id != unit.pk)


def places_seen(user: User) -> QuerySet[ContactPlace]:
    """Places, closed ones too, of the scope in which the user sees contacts: what a list is filtered by."""
    seen = sight_of(user, "interactions.view").rows(unit_no="unit__no", owner=None)
    return ContactPlace.objects.filter(seen | Q(unit=user.unit_id)).order_by("unit__no", "channel", "pk")[:MOST]


def _nearest(user: User, places: Iterable[ContactPlace]) -> list[ContactPlace]:
    """Of these, those of the user's unit, or of the nearest one above that has any."""
    no = user.unit.no
    above = [place for place in places if place.unit.no <= no <= place.unit.last_no]
    nearest = max((place.unit.no for place in above), default=0)
    return [place for place in above if place.unit.no == nearest]


def usual_place(user: User, channel: str) -> ContactPlace | None:
    """Where a contact of this channel comes in when the user takes it: the only such place of their unit (or of the
    nearest one above), of several the one they took their last contact at; None when that does not decide it."""
    rows = ContactPlace.objects.filter(_above(user), active=True, channel=channel).select_related("unit")
    places = _nearest(user, rows.order_by("pk")[:MOST])
    if len(places) < 2:
        return places[0] if places else None
    taken = Interaction.objects.filter(staff=user, place__in=places).order_by("-pk")
    last = taken.values_list("place", flat=True).first()
    return next((place for place in places if place.pk == last), None)


def usual_channel(user: User, places: Iterable[ContactPlace] | None = None) -> str:
    """The channel of the user's unit: the hotline where there is one, a hall's own in a hall; without places the
    hotline. `places`: those of `places_near`, when they were read already."""
    if places is None:
        places = ContactPlace.objects.filter(_above(user), active=True).select_related("unit").order_by("pk")[:MOST]
    channels = {place.channel for place in _nearest(user, places)}
    return next((channel for channel in (*_FIRST, *Channel) if channel in channels), Channel.HOTLINE)
