"""Adding an index while people work, and again after a try that was cut off."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db import IntegrityError, connection
from django.db.migrations.loader import MigrationLoader

from foundation.audit import services as audit
from foundation.common.partitions import existing_partitions
from outreach.models import FollowUp
from tests.factories import UserFactory
from tests.outreach.making import MORNING

pytestmark = pytest.mark.django_db(transaction=True)


class Steps:
    """One migration, taken back at first and applied again at the end whatever happened between; others stay."""

    def __init__(self, app: str, name: str) -> None:
        loader = MigrationLoader(connection)
        self.migration = loader.get_migration(app, name)
        self.before = loader.project_state(self.migration.dependencies)

    def back(self) -> None:
        with connection.schema_editor(atomic=False) as editor:
            self.migration.unapply(self.before.clone(), editor)

    def forward(self) -> None:
        with connection.schema_editor(atomic=False) as editor:
            self.migration.apply(self.before.clone(), editor)


@pytest.fixture
def steps() -> Iterator[Callable[[str, str], Steps]]:
    taken: list[Steps] = []

    def take(app: str, name: str) -> Steps:
        taken.append(Steps(app, name))
        return taken[-1]

    yield take
    for one in taken:
        one.forward()


def indexes(like: str) -> dict[str, bool]:
    """Names of indexes, and whether they are valid."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname, i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE c.relname LIKE %s ORDER BY c.relname",
            [like],
        )
        return dict(cursor.fetchall())


def test_each_month_has_its_index_and_what_a_cut_try_left_is_built_anew(steps: Callable[[str, str], Steps]) -> None:
    months = existing_partitions("audit_entry")
    month = audit.record("thing.done", target=("thing", 1), actor=None).at.strftime("audit_entry_%Y_%m")
    audit.record("thing.done", target=("thing", 2), actor=None)
    step = steps("audit", "0002_index_of_acts")
    step.back()
    assert indexes("audit_entry%verb") == {}
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX audit_entry_verb ON ONLY audit_entry (verb varchar_pattern_ops, id DESC)")
        with pytest.raises(IntegrityError):  # two entries of one act: a way to have a concurrent build fail
            cursor.execute(f"CREATE UNIQUE INDEX CONCURRENTLY {month}_verb ON {month} (verb)")
    assert indexes("audit_entry%verb") == {f"{month}_verb": False, "audit_entry_verb": False}
    step.forward()
    assert indexes("audit_entry%verb") == {f"{name}_verb": True for name in [*months, "audit_entry"]}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_inherits WHERE inhparent = 'audit_entry_verb'::regclass"
            " AND inhrelid = %s::regclass",
            [f"{month}_verb"],
        )
        assert cursor.fetchone() == (1,)


def test_a_plain_table_gets_it_the_same_way(steps: Callable[[str, str], Steps]) -> None:
    owner = UserFactory()
    for number in ("CB1", "CB2"):
        FollowUp.objects.create(
            number=number, kind="TASK", subject="x", owner=owner, unit_no=owner.unit.no, due_at=MORNING
        )
    step = steps("outreach", "0002_closed_by_unit_and_kind")
    step.back()
    assert indexes("followup_%_closed") == {"followup_owner_closed": True}
    with connection.cursor() as cursor, pytest.raises(IntegrityError):
        cursor.execute("CREATE UNIQUE INDEX CONCURRENTLY followup_kind_closed ON outreach_followup (kind)")
    step.forward()
    assert indexes("followup_%_closed") == {
        "followup_kind_closed": True,
        "followup_owner_closed": True,
        "followup_unit_closed": True,
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT indisunique FROM pg_index WHERE indexrelid = 'followup_kind_closed'::regclass")
        assert cursor.fetchone() == (False,)
