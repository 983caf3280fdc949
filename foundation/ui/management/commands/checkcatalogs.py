from typing import Any

from django.core.management.base import BaseCommand, CommandError

from foundation.ui.catalogues import HEADERS, extract, problems


class Command(BaseCommand):
    help = "Check both catalogues against the messages in the source; ends with an error when something is wrong."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        found = extract()
        wrong = [line for locale in HEADERS for line in problems(locale, found)]
        for line in wrong:
            self.stderr.write(line)
        if wrong:
            raise CommandError(f"{len(wrong)} problems in the catalogues")
        self.stdout.write(f"{len(found)} messages, complete in {', '.join(HEADERS)}")
