from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate


def _seed(using: str, **_kwargs: Any) -> None:
    from foundation.calendars.seed import seed

    seed(using=using)


class CalendarsConfig(AppConfig):
    name = "foundation.calendars"
    label = "calendars"
    verbose_name = "Work calendars"

    def ready(self) -> None:
        # After migrate, not as a migration: calendars the product ships later reach old installations too.
        post_migrate.connect(_seed, sender=self, dispatch_uid="calendars.seed")
