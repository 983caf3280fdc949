from typing import Any

from django.core.management.base import BaseCommand

from foundation.ui.catalogues import HEADERS, extract, update


class Command(BaseCommand):
    help = "Bring both catalogues up to the messages in the source; translations stay, unused entries go."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        found = extract()
        for locale in HEADERS:
            added, removed = update(locale, found)
            self.stdout.write(f"{locale}: {len(found)} messages, {added} new, {removed} removed")
