"""`manage sample_operator`: fill an empty installation with an invented operator and a demo user per role."""

from __future__ import annotations

import os
import secrets
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.utils.translation import gettext as _

from customers.sample.organisation import DEMO_ROLES
from foundation.common.errors import RuleBroken
from workspace import sample

PASSWORD_VARIABLE = "CARELINE_DEMO_PASSWORD"  # noqa: S105 (the name of a variable)


class Command(BaseCommand):
    help = (
        "Make the sample operator: an invented telecom operator with 2,000 customers, a year of history and one demo "
        f"user per role. Runs once; a second run changes nothing. Demo users get {PASSWORD_VARIABLE}, or a random "
        "password that is printed."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """No arguments: the operator is always the same."""

    def handle(self, *args: Any, **options: Any) -> None:
        given = os.environ.get(PASSWORD_VARIABLE, "")
        password = given or "-".join(secrets.token_hex(3) for _part in range(3))
        try:
            made = sample.make_sample_operator(password)
        except RuleBroken as refused:
            self.stdout.write(refused.message)
            return
        users = ", ".join(role.lower() for role in DEMO_ROLES)
        if made.is_new:
            self.stdout.write(
                _("Sample operator: %(customers)d customers, %(staff)d members of staff.")
                % {"customers": made.customers, "staff": made.staff}
            )
        self.stdout.write(_("Sign in as one of: %(users)s") % {"users": users})
        if made.is_new or sample.is_demo_password(given):
            self.stdout.write(_("Password: %(password)s") % {"password": password})
        else:
            self.stdout.write(_("The password is the one printed when the sample operator was made."))
