"""Making it: only in an empty installation, whole or not at all."""

from __future__ import annotations

import threading
from io import StringIO

import pytest
from django.core.cache import cache
from django.core.management import call_command
from django.db import connection, connections
from django.test import Client
from django.utils import translation

from customers.models import Customer
from staff.models import OrgUnit, User
from tests.factories import UnitFactory
from workspace import context, sample

PASSWORD = "sample-password-1"


def _says_sample() -> bool:
    page = Client(headers={"accept-language": "en"}).get("/accounts/login/")
    return "Sample data: people and figures are invented." in page.content.decode()


@pytest.mark.django_db
def test_an_installation_with_own_data_is_left_alone():
    UnitFactory()
    out = StringIO()
    with translation.override("en"):
        call_command("sample_operator", stdout=out)
    assert "holds an operator's own data" in out.getvalue()
    assert (OrgUnit.objects.count(), User.objects.count(), Customer.objects.count()) == (1, 0, 0)


@pytest.mark.django_db(transaction=True)
def test_a_run_killed_at_its_end_leaves_nothing_and_the_next_one_makes_it_and_pages_say_so_at_once():
    """The test holds the last table the run writes; when the run waits there, its session is ended."""
    assert not _says_sample()
    failures: list[Exception] = []

    def run() -> None:
        try:
            sample.make_sample_operator(PASSWORD)
        except Exception as error:  # noqa: BLE001 (looked at below)
            failures.append(error)
        finally:
            connections.close_all()

    with connection.cursor() as cursor:
        cursor.execute("BEGIN")
        cursor.execute("LOCK TABLE outreach_notification IN EXCLUSIVE MODE")
        thread = threading.Thread(target=run)
        thread.start()
        ended = None
        while ended is None and thread.is_alive():
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks"
                " WHERE relation = 'outreach_notification'::regclass AND NOT granted"
            )
            ended = cursor.fetchone()
        thread.join(30)
        cursor.execute("COMMIT")
    assert ended == (True,) and len(failures) == 1
    assert not Customer.objects.exists() and not OrgUnit.objects.exists() and not User.objects.exists()
    assert not _says_sample()
    assert sample.make_sample_operator(PASSWORD).is_new
    assert Customer.objects.count() == 2_000
    assert _says_sample()
    cache.add(context.KEY, False)  # a page that looked before the commit and remembers only now
    assert _says_sample()
