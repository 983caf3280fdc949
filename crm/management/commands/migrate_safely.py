import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm.phases import migrate_phase, pending
from foundation.common.errors import RuleBroken


class Command(BaseCommand):
    help = "Migrate in two phases with a lock time-out: expand before the new version starts, contract after."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--phase", choices=["expand", "contract"], required=True)
        parser.add_argument("--plan", action="store_true", help="only say what would be applied")

    def handle(self, *args: Any, phase: Any, plan: bool, **options: Any) -> None:
        alias = "direct" if "direct" in settings.DATABASES else "default"
        if plan:
            for app, name in pending(alias)[0 if phase == "expand" else 1]:
                self.stdout.write(f"{app}.{name}")
            return
        try:
            for app, name in migrate_phase(phase, alias=alias, pause=time.sleep):
                self.stdout.write(f"{app}.{name} applied")
        except RuleBroken as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(f"phase {phase} is complete")
