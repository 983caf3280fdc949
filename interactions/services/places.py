"""Places where customers reach us: added, changed, closed (INT-02, INT-07)."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from foundation.audit.services import record
from foundation.calendars.queries import calendar_for
from foundation.common.errors import RuleBroken
from interactions.lifecycle import Channel
from interactions.models import ContactPlace
from staff.models import OrgUnit, User

FIELDS = ("channel", "unit", "name_zh", "name_en", "address", "calendar_code", "active")


@transaction.atomic
def save_place(place_id: int | None, *, actor: User, **fields: Any) -> ContactPlace:
    """Add a place (`place_id` None) or change one; `fields` are those of `FIELDS`.

    Raises RuleBroken "places.unknown_code", "places.no_name", "places.twice" (another of this name and channel in the
    unit), "calendars.unknown".
    """
    place = ContactPlace.objects.select_for_update().get(pk=place_id) if place_id is not None else ContactPlace()
    for name in FIELDS:
        if name in fields:
            value = fields[name]
            setattr(place, name, value.strip() if isinstance(value, str) else value)
    if place.channel not in Channel.values or not isinstance(place.unit, OrgUnit):
        raise RuleBroken("places.unknown_code", _("Choose one of the values offered."))
    if not place.name_zh or not place.name_en:
        raise RuleBroken("places.no_name", _("A place needs a name in both languages."))
    calendar_for(place.calendar_code)
    try:
        with transaction.atomic():
            place.save()
    except IntegrityError as error:
        raise RuleBroken("places.twice", _("The unit has a place of this channel and name already.")) from error
    record(
        "place.added" if place_id is None else "place.changed",
        target=place,
        actor=actor,
        unit_id=place.unit_id,
        detail={"channel": place.channel, "calendar": place.calendar_code, "active": place.active},
    )
    return place
