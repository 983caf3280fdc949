"""One number for a birthday, in the database: what an index holds and a day is looked up by (D§1.12)."""

from __future__ import annotations

from django.db.models import Case, F, IntegerField, Value, When
from django.db.models.functions import Cast, ExtractDay, ExtractMonth

LUNAR, LEAP = 2000, 4000

# By the sun month and day of the birth date, by the moon those of the lunar month; NULL when unknown.
BIRTHDAY_KEY = Cast(
    Case(
        When(birthday_kind="SOLAR", then=ExtractMonth("birth_date") * Value(100) + ExtractDay("birth_date")),
        When(lunar_leap=True, then=F("lunar_month") * Value(100) + F("lunar_day") + Value(LEAP)),
        default=F("lunar_month") * Value(100) + F("lunar_day") + Value(LUNAR),
        output_field=IntegerField(),
    ),
    IntegerField(),
)
