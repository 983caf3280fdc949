from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm.backup import Refused, restore_backup


class Command(BaseCommand):
    help = "Restore a backup into an empty database; replaces a full one only when told so in words."
    requires_system_checks = []
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)
        parser.add_argument("--force", default="", metavar="WORDS", help="'replace <name of the database>'")

    def handle(self, *args: Any, folder: Path, force: str, **options: Any) -> None:
        try:
            for line in restore_backup(folder.absolute(), force=force):
                self.stdout.write(line)
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
