from typing import Any

from django.core.management.base import BaseCommand

from foundation.ui.catalogues import compile_catalogues


class Command(BaseCommand):
    help = "Compile the catalogues that changed since the last time; needs no gettext tools and no database."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        for path in compile_catalogues():
            self.stdout.write(f"{path.parent.parent.name}: compiled")
