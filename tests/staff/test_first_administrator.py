"""A new installation gets its first administrator on the command line, once."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from foundation.audit.models import AuditEntry
from staff.models import OrgUnit, User

pytestmark = pytest.mark.django_db


def test_the_first_administrator_can_sign_in_and_must_change_the_password() -> None:
    out = StringIO()
    call_command("first_administrator", "Root", stdout=out)
    user = User.objects.get(username="root")
    password = out.getvalue().split("password ")[1].split(" ")[0]
    assert user.has_perm("staff.administer")
    assert user.must_change_password
    assert OrgUnit.objects.get().name == "Headquarters"
    assert set(AuditEntry.objects.values_list("verb", flat=True)) >= {"unit.created", "user.created"}
    answer = Client().post("/accounts/login/", {"login": "root", "password": password})
    assert answer.status_code == 302


def test_there_is_no_second_first_administrator() -> None:
    call_command("first_administrator", "root", stdout=StringIO())
    with pytest.raises(CommandError, match="already"):
        call_command("first_administrator", "other", stdout=StringIO())
    assert User.objects.count() == 1
