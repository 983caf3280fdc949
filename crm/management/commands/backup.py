from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crm.backup import Refused, make_backup


class Command(BaseCommand):
    help = "Back the database and the files up into a new folder (keys stay out: keep them elsewhere)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, folder: Path, **options: Any) -> None:
        try:
            manifest = make_backup(folder.absolute())
        except Refused as refusal:
            raise CommandError(str(refusal)) from refusal
        size = sum(path.stat().st_size for path in folder.iterdir())
        self.stdout.write(f"{folder}: {size / 1e6:.1f} MB, database {manifest['database']} at {manifest['made_at']}")
        self.stdout.write("Not in it: the keys (CARELINE_*_KEY, CARELINE_ID_KEYS). Without them it cannot be restored.")
