from typing import Any

from django.core.management.base import BaseCommand

from foundation.audit.services import new_era


class Command(BaseCommand):
    help = "After a restore: let the audit's transaction numbers go on above the highest one stored."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"audit era starts at base {new_era()}")
