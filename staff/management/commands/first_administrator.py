from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from foundation.common import clock
from foundation.common.errors import RuleBroken
from staff.models import OrgUnit, RoleAssignment
from staff.services import units, users


class Command(BaseCommand):
    help = "Make the first system administrator of a new installation, and its headquarters; prints the password once."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", default="Administrator", help="shown to colleagues")
        parser.add_argument("--unit", default="Headquarters", help="name of the first unit, when there is none yet")

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        if RoleAssignment.objects.filter(role="SYS_ADMIN", user__is_active=True).exists():
            raise CommandError("There is a system administrator already: further accounts are made on the page Users.")
        root = OrgUnit.objects.filter(parent__isnull=True).order_by("no").first()
        try:
            if root is None:
                root = units.create_unit(
                    actor=None, code="HQ", name=options["unit"], function=OrgUnit.Function.HEADQUARTERS
                )
            user, password = users.create_user(
                actor=None, username=options["username"], name=options["name"], staff_no="0001", unit=root
            )
            users.grant_role(user.pk, actor=None, role="SYS_ADMIN", unit=root, from_day=clock.today())
        except RuleBroken as no:
            raise CommandError(str(no.message)) from no
        self.stdout.write(f"Account {user.username}, password {password} (to be changed at the first sign-in)")
