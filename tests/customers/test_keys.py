"""ID numbers move under a new key in pieces, whatever breaks in between."""

from __future__ import annotations

import os
from io import StringIO
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from customers.models import Customer
from customers.services.keys import rotate_keys
from foundation.audit.models import AuditEntry
from foundation.common import crypto
from tests.customers.people import customer
from tests.factories import CustomerFactory, UnitFactory

pytestmark = pytest.mark.django_db
OLD, NEW = os.urandom(32), os.urandom(32)


def numbers() -> dict[int, tuple[str, str]]:
    """Key name and clear number by customer."""
    return {
        row.pk: (crypto.key_name_of(row.id_sealed or b""), row.id_number())
        for row in Customer.objects.filter(id_sealed__isnull=False)
    }


@pytest.fixture
def stored(settings: LazySettings) -> dict[int, str]:
    """Seven customers with numbers under the old key, one without a number; the new key stands in front."""
    settings.CARELINE_ID_KEYS = {"old": OLD}
    unit = UnitFactory()
    made = {customer(unit, "X Y", id_number=f"11010119900307{n:04d}").pk: f"11010119900307{n:04d}" for n in range(7)}
    CustomerFactory(unit=unit)
    settings.CARELINE_ID_KEYS = {"new": NEW, "old": OLD}
    return made


def run(**options: Any) -> str:
    out = StringIO()
    call_command("rotate_keys", stdout=out, **options)
    return out.getvalue()


def test_every_number_comes_under_the_current_key(stored: dict[int, str], settings: LazySettings) -> None:
    before = dict(Customer.objects.values_list("pk", "version"))
    assert run(chunk=3).splitlines()[-1] == "7 re-encrypted, 0 were under key 'new' already, 0 left"
    settings.CARELINE_ID_KEYS = {"new": NEW}  # the old key is gone
    assert numbers() == {key: ("new", number) for key, number in stored.items()}
    assert dict(Customer.objects.values_list("pk", "version")) == before
    entry = AuditEntry.objects.get(verb="customer.keys_rotated")
    assert entry.detail == {"key": "new", "rotated": 7}


def test_a_second_run_changes_nothing(stored: dict[int, str]) -> None:
    run()
    sealed = dict(Customer.objects.values_list("pk", "id_sealed"))
    with CaptureQueriesContext(connection) as asked:
        assert run() == "0 re-encrypted, 7 were under key 'new' already, 0 left\n"
    assert not [query for query in asked.captured_queries if query["sql"].startswith(("UPDATE", "INSERT"))]
    assert {pk: bytes(value or b"") for pk, value in Customer.objects.values_list("pk", "id_sealed")} == {
        pk: bytes(value or b"") for pk, value in sealed.items()
    }


def test_a_broken_run_goes_on_where_it_stopped(stored: dict[int, str]) -> None:
    def break_off(done: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rotate_keys(chunk=2, report=break_off)
    assert sorted(name for name, _number in numbers().values()) == ["new"] * 4 + ["old"] * 3
    result = rotate_keys(chunk=2)
    assert (result.rotated, result.current) == (3, 4)
    assert numbers() == {key: ("new", number) for key, number in stored.items()}


def test_a_number_that_cannot_be_opened_stops_it_in_words(stored: dict[int, str], settings: LazySettings) -> None:
    settings.CARELINE_ID_KEYS = {"new": NEW}
    with pytest.raises(CommandError, match="no key named b'old'"):
        run()
    settings.CARELINE_ID_KEYS = {"new": NEW, "old": OLD}
    assert {name for name, _number in numbers().values()} == {"old"}
    assert not AuditEntry.objects.filter(verb="customer.keys_rotated").exists()


def test_a_chunk_of_nothing_is_refused(stored: dict[int, str]) -> None:
    with pytest.raises(CommandError):
        run(chunk=0)
    assert {name for name, _number in numbers().values()} == {"old"}
