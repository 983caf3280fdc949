import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from crm.doctor import examine


class Command(BaseCommand):
    help = "Examine the installation; ends with 1 when something fails."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="for programs: a list of {name, verdict, seen, advice}")

    def handle(self, *args: Any, **options: Any) -> None:
        failed = False
        lines = []
        for line in examine():
            failed = failed or line.verdict == "fail"
            lines.append(line.as_dict())
            if not options["json"]:
                advice = f" → {line.advice}" if line.advice else ""
                self.stdout.write(f"{line.verdict:<5}{line.name:<20}{line.seen}{advice}")
        if options["json"]:
            self.stdout.write(json.dumps(lines, indent=1, ensure_ascii=False))
        if failed:
            sys.exit(1)
