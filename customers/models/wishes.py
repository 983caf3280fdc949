"""When the customer likes to hear from us, and when not (D§5.7, D§5.8)."""

from __future__ import annotations

from datetime import datetime, time
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models.archive import Customer
from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.merging import OnMerge
from foundation.common.personal import Personal

DAY = 24 * 60


class ContactTime(Row):
    """A time of some days of the week, in the business zone. One that ends before it starts runs over midnight, one
    that ends when it starts lasts a day. The gate minds AVOID; PREFER is for the people who call."""

    class Wish(models.TextChoices):
        AVOID = "AVOID", _("Not then")
        PREFER = "PREFER", _("Best then")

    class Days(models.TextChoices):
        EVERY = "EVERY", _("Every day")
        WORKDAYS = "WORKDAYS", _("Monday to Friday")
        WEEKEND = "WEEKEND", _("Saturday and Sunday")

    WEEKDAYS: ClassVar[dict[str, frozenset[int]]] = {
        Days.EVERY: frozenset(range(7)),
        Days.WORKDAYS: frozenset(range(5)),
        Days.WEEKEND: frozenset({5, 6}),
    }

    on_merge: ClassVar = {"customer": OnMerge.MOVE}
    personal: ClassVar = Personal(of="customer", delete=True, optional=True)

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="contact_times")
    wish = models.CharField(max_length=6, choices=Wish.choices)
    days = models.CharField(max_length=8, choices=Days.choices)
    starts = models.TimeField()
    ends = models.TimeField()
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        db_table = "customers_contact_time"

    def __str__(self) -> str:
        return f"{self.days} {self.starts:%H:%M}-{self.ends:%H:%M}"

    @property
    def minutes(self) -> tuple[int, int]:
        """Start and end as minutes of the day."""
        return minute_of(self.starts), minute_of(self.ends)

    def covers(self, moment: datetime) -> bool:
        """Whether an aware moment lies in it."""
        return lies_in(moment, self.WEEKDAYS[self.days], *self.minutes)


def minute_of(moment: time) -> int:
    """Minutes since midnight."""
    return moment.hour * 60 + moment.minute


def minutes_of_week(days: str, starts: time, ends: time) -> set[int]:
    """The minutes of the week (0 Monday midnight) such a time covers."""
    first, last = minute_of(starts), minute_of(ends)
    length = (last - first) % DAY or DAY
    return {(day * DAY + first + minute) % (7 * DAY) for day in ContactTime.WEEKDAYS[days] for minute in range(length)}


def lies_in(moment: datetime, weekdays: frozenset[int], start: int, end: int) -> bool:
    """Whether an aware moment lies between these minutes of these weekdays of the business zone; over midnight when
    they end before they start, a whole day when they end as they start."""
    local = moment.astimezone(clock.BUSINESS_ZONE)
    minute, day = minute_of(local.time()), local.weekday()
    if start < end:
        return day in weekdays and start <= minute < end
    return (day in weekdays and minute >= start) or ((day - 1) % 7 in weekdays and minute < end)
