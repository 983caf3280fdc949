"""What the log calls changes of calendars."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from foundation.audit.words import Detail, Shape, codes, name_acts, name_kinds
from foundation.calendars.models import WorkCalendarDay

_KINDS = dict(WorkCalendarDay.Kind.choices)


def _day(value: Any, _detail: dict[str, Any]) -> str:
    day, kind = value
    return f"{day} {_KINDS.get(kind, kind)}"


name_kinds(
    {
        "calendars.workcalendar": _("Calendar"),
        "calendars.clock": _("Clock"),
        "calendars.clockevent": _("Event of a clock"),
        "calendars.clockmark": _("Mark of a clock"),
    }
)
name_acts(
    "calendar",
    title=_("Calendars"),
    acts={
        "created": _("Calendar made"),
        "changed": _("Calendar changed"),
        "days_changed": _("Days of a calendar changed"),
        "clocks_moved": _("Open clocks moved to another version"),
    },
    details={
        "code": Detail(_("Code")),
        "version": Detail(_("Version")),
        "fields": Detail(
            _("Fields"),
            words=codes(
                {
                    "name_en": _("English name"),
                    "name_zh": _("Chinese name"),
                    "zone": _("Time zone"),
                    "day_minutes": _("Minutes of a working day"),
                    "country": _("Country"),
                    "weekly": _("Weekly hours"),
                }
            ),
        ),
        "set": Detail(_("Days set"), words=_day),
        "cleared": Detail(_("Days cleared"), Shape.MOMENT),
        "clocks": Detail(_("Clocks")),
        "kept": Detail(_("Left as they were")),
    },
)
