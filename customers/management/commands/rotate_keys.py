from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from customers.services.keys import CHUNK, rotate_keys
from foundation.common import crypto
from foundation.common.errors import BadSetting
from staff.services.secrets import rotate_second_factor_secrets


class Command(BaseCommand):
    help = (
        "Put every stored ID number and second-factor secret under the first key of CARELINE_ID_KEYS. May be broken "
        "off and repeated; only "
        "when it says that none is left may the old key be taken out of the setting."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--chunk", type=int, default=CHUNK, help="rows a transaction")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["chunk"] < 1:
            raise CommandError("--chunk must be at least 1")
        try:
            result = rotate_keys(chunk=options["chunk"], report=self._say)
            factors = rotate_second_factor_secrets()
        except (BadSetting, ValueError) as error:
            raise CommandError(f"stopped, what was done before stays: {error}") from error
        name = crypto.current_key_name()
        self.stdout.write(f"{result.rotated} re-encrypted, {result.current} were under key {name!r} already, 0 left")
        if factors:
            self.stdout.write(f"{factors} second factors re-encrypted")

    def _say(self, done: int) -> None:
        self.stdout.write(f"{done} re-encrypted …")
