from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from foundation.common.errors import RuleBroken
from foundation.rest.scopes import known_scopes
from staff.services.programs import admit_program


class Command(BaseCommand):
    help = "Let a program of another system call the REST interface; prints its id, secret and signing key once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name")
        parser.add_argument("--scope", default="", help="what it may do: " + " ".join(sorted(known_scopes())))
        parser.add_argument("--unit", default="", help="code of the unit whose rows it sees, with all below it")
        parser.add_argument("--sandbox", action="store_true", help="what it writes is answered and then undone")

    def handle(self, *args: Any, **options: Any) -> None:
        scopes = options["scope"].replace(",", " ").split()
        try:
            keys = admit_program(
                actor=None, name=options["name"], scopes=scopes, unit_code=options["unit"], sandbox=options["sandbox"]
            )
        except RuleBroken as no:
            raise CommandError(str(no.message)) from no
        self.stdout.write(f"client_id {keys.client.client_id}")
        self.stdout.write(f"client_secret {keys.secret}")
        self.stdout.write(f"signing_key {keys.signing_key}")
