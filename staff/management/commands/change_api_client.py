from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from foundation.common.errors import RuleBroken
from foundation.rest.clients import rotate_secret
from foundation.rest.models import ApiClient
from staff.services.programs import shut_out


class Command(BaseCommand):
    help = "Give a program another secret (both hold for a while), or shut it out."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--rotate", action="store_true", help="another secret; prints it once")
        what.add_argument("--end", action="store_true", help="shut the program out, at once")
        parser.add_argument("--overlap", type=int, default=24, help="hours the old secret still holds (0: none)")

    def handle(self, *args: Any, **options: Any) -> None:
        client = ApiClient.objects.filter(name=options["name"]).first()
        if client is None:
            raise CommandError(f"There is no program {options['name']}.")
        if options["overlap"] < 0:
            raise CommandError("The overlap cannot be below zero.")
        if options["end"]:
            shut_out(client.pk, actor=None)
            self.stdout.write(f"{client.name} is shut out")
            return
        try:
            secret = rotate_secret(client.pk, actor=None, overlap=timedelta(hours=options["overlap"]))
        except RuleBroken as no:
            raise CommandError(str(no.message)) from no
        self.stdout.write(f"client_secret {secret}")
