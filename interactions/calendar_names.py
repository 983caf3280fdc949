"""The work calendar of a deadline by the name people know, not its code."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from foundation.calendars.models import WorkCalendar
from foundation.common.explain import register_codes

CALENDAR_RULES = ("first_ask", "suggestion")


class CalendarNames(Mapping[str, WorkCalendar]):
    """Code -> calendar, which says its name in the reader's language; asked when an explanation is shown."""

    def __getitem__(self, code: str) -> WorkCalendar:
        found = WorkCalendar.objects.filter(code=code).first()
        if found is None:
            raise KeyError(code)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(WorkCalendar.objects.values_list("code", flat=True))

    def __len__(self) -> int:
        return WorkCalendar.objects.count()


CALENDAR_NAMES = CalendarNames()


def register() -> None:
    """Let explanations of deadlines say calendars by name."""
    for rule in CALENDAR_RULES:
        register_codes(rule, "calendar", CALENDAR_NAMES)
