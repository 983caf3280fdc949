from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from crm import maintenance


class Command(BaseCommand):
    help = "Switch maintenance mode on or off without a restart, or say which it is."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("switch", choices=["on", "off", "status"])

    def handle(self, *args: Any, switch: str, **options: Any) -> None:
        if switch == "on":
            maintenance.flag().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            maintenance.flag().touch()
        elif switch == "off":
            maintenance.flag().unlink(missing_ok=True)
        self.stdout.write("maintenance is " + ("on" if maintenance.is_on() else "off"))
