"""A backup of real rows comes back equal elsewhere and its audit verifies; damaged or foreign ones are refused."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg2
import pytest
from django.core.files.base import ContentFile
from django.db import connection

from foundation.audit.services import oldest_unsealed_seconds, record, seal
from foundation.jobs.running import claim_and_run
from foundation.jobs.services import start_job
from tests.factories import ContactPointFactory, SubscriptionFactory, UserFactory
from tests.jobs import trial_kinds  # noqa: F401 (registers trial.copy)
from tests.jobs.processes import Processes, database_url, wait_until
from tests.operations.databases import drop_database

pytestmark = pytest.mark.peers
CONTENT = """
  SELECT count(*), coalesce(md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))), '') FROM "{table}" t
"""


def named(name: str) -> str:
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """The name of an empty second database."""
    name = f"{connection.settings_dict['NAME']}_restored"
    with connection.cursor() as cursor:
        drop_database(cursor, name)
        cursor.execute(f'CREATE DATABASE "{name}" TEMPLATE template0 ENCODING UTF8')
    yield name
    with connection.cursor() as cursor:
        drop_database(cursor, name)


def connect(name: str):
    given = connection.settings_dict
    return psycopg2.connect(
        dbname=name, host=given["HOST"], user=given["USER"], password=given["PASSWORD"], port=given["PORT"] or None
    )


def contents(url: str) -> dict[str, tuple[int, str]]:
    """Number and digest of the rows of every table."""
    other = connect(urlsplit(url).path[1:])
    try:
        with other, other.cursor() as cursor:
            cursor.execute(
                "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
                " AND NOT relispartition"
            )
            found = {}
            for (table,) in cursor.fetchall():
                cursor.execute(CONTENT.format(table=table))
                found[table] = cursor.fetchone()
            return found
    finally:
        other.close()


@pytest.fixture
def lived_in(processes: Processes, settings) -> dict[str, tuple[int, str]]:
    """Customers, numbers, sealed audit entries with personal parts, and a job with its files."""
    files = processes.env["CARELINE_FILES_DIR"]
    settings.STORAGES = settings.STORAGES | {
        "default": {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": files}}
    }
    actor = UserFactory(role="SYS_ADMIN")
    for number in range(20):
        subscription = SubscriptionFactory()
        ContactPointFactory(customer=subscription.customer)
        record("customer.changed", target=subscription.customer, actor=actor, personal={"name": f"旧名{number}"})
    run = start_job("trial.copy", actor=actor, file=ContentFile(b"abc", name="in.csv"))
    assert claim_and_run(run.pk)
    # Any open transaction of the server, of another database too, holds the sealing back.
    wait_until(lambda: seal() is not None and oldest_unsealed_seconds() == 0, 120, "all sealed")
    connection.close()
    return contents(database_url())


def restored(processes: Processes, name: str, folder: Path, tmp_path: Path, *words: str, **env: str):
    place = {"DATABASE_URL": named(name), "CARELINE_FILES_DIR": str(tmp_path / "elsewhere")} | env
    return processes.manage("restore", str(folder), *words, env=place)


def test_what_was_backed_up_comes_back_equal_and_verified(processes, lived_in, elsewhere, tmp_path):
    folder = tmp_path / "backups" / "one"
    done = processes.manage("backup", str(folder))
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in folder.iterdir()) == ["database.dump", "files.tar", "manifest.json"]
    assert folder.stat().st_mode & 0o777 == 0o700
    for key in ("CARELINE_INDEX_KEY", "CARELINE_AUDIT_KEY", "CARELINE_SECRET_KEY"):
        assert processes.env[key] not in (folder / "manifest.json").read_text()
    again = processes.manage("backup", str(folder))
    assert (again.returncode, "exists already" in again.stderr) == (1, True)

    back = restored(processes, elsewhere, folder, tmp_path)
    assert back.returncode == 0, back.stderr
    assert "every seal of the audit fits" in back.stdout
    assert "3 files restored" in back.stdout
    there = contents(named(elsewhere))
    assert there.pop("audit_era") != lived_in["audit_era"]
    assert there == {table: found for table, found in lived_in.items() if table != "audit_era"}
    assert lived_in["customers_customer"][0] == 20
    assert sorted(path.read_bytes() for path in (tmp_path / "elsewhere").rglob("*") if path.is_file()) == [
        b"ABC",
        b"ABC",
        b"abc",
    ]

    # The restored installation goes on: new entries are sealed behind the old ones, and all verify.
    env = {"DATABASE_URL": named(elsewhere)}
    # Sealing waits for every older transaction of the server, of other databases too: it is asked until it did.
    words = (
        "from foundation.audit.services import record, seal\n"
        "record('x.y', target=('t', 1), actor=None)\n"
        "while not (sealed := seal()): pass\n"
        "print(sealed)"
    )
    assert processes.manage("shell", "-v0", "-c", words, env=env).stdout.strip().endswith("1")
    assert processes.manage("audit_verify", env=env).returncode == 0


def test_files_that_lead_outside_are_refused_before_anything_changes(processes, lived_in, elsewhere, tmp_path):
    folder = tmp_path / "one"
    assert processes.manage("backup", str(folder)).returncode == 0
    assert restored(processes, elsewhere, folder, tmp_path).returncode == 0
    before = contents(named(elsewhere))
    for name in ("../outside.txt", "/outside.txt"):
        with tarfile.open(folder / "files.tar", "w") as tar:
            tar.add(__file__, arcname="inside.txt")
            member = tarfile.TarInfo(name)
            member.size = 3
            tar.addfile(member, io.BytesIO(b"abc"))
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["sha256"]["files.tar"] = hashlib.sha256((folder / "files.tar").read_bytes()).hexdigest()
        (folder / "manifest.json").write_text(json.dumps(manifest))
        words = ("--force", f"replace {elsewhere}")
        refused = restored(processes, elsewhere, folder, tmp_path, *words)
        assert (refused.returncode, name in refused.stderr) == (1, True)
        assert not (tmp_path / "outside.txt").exists()
    assert contents(named(elsewhere)) == before


def test_a_full_database_is_replaced_only_by_the_words(processes, lived_in, elsewhere, tmp_path):
    folder = tmp_path / "one"
    assert processes.manage("backup", str(folder)).returncode == 0
    assert restored(processes, elsewhere, folder, tmp_path).returncode == 0
    before = contents(named(elsewhere))
    for words in ((), ("--force", "replace")):
        refused = restored(processes, elsewhere, folder, tmp_path, *words)
        assert refused.returncode == 1
        assert f"--force 'replace {elsewhere}'" in refused.stderr
    assert contents(named(elsewhere)) == before
    assert restored(processes, elsewhere, folder, tmp_path, "--force", f"replace {elsewhere}").returncode == 0


def test_damaged_newer_and_foreign_backups_are_refused_and_nothing_is_touched(processes, lived_in, elsewhere, tmp_path):
    folder = tmp_path / "one"
    assert processes.manage("backup", str(folder)).returncode == 0
    manifest = json.loads((folder / "manifest.json").read_text())

    def refused(words: str, **env: str) -> None:
        done = restored(processes, elsewhere, folder, tmp_path, **env)
        assert (done.returncode, words in done.stderr) == (1, True), done.stderr
        assert contents(named(elsewhere)) == {}

    refused("made under another CARELINE_AUDIT_KEY", CARELINE_AUDIT_KEY=processes.env["CARELINE_INDEX_KEY"])
    (folder / "manifest.json").write_text(json.dumps(manifest | {"migrations": ["staff.9999_later"]}))
    refused("made by a newer version (it knows staff.9999_later)")
    (folder / "manifest.json").write_text(json.dumps(manifest | {"server_version": 990000}))
    refused("The backup comes from PostgreSQL 99")
    (folder / "manifest.json").write_text(json.dumps(manifest))
    dump = (folder / "database.dump").read_bytes()
    (folder / "database.dump").write_bytes(dump[:-1])
    refused("database.dump of the backup is damaged or missing")
    (folder / "manifest.json").unlink()
    refused("is no backup")


def test_programs_still_connected_stop_a_restore(processes, lived_in, elsewhere, tmp_path):
    folder = tmp_path / "one"
    assert processes.manage("backup", str(folder)).returncode == 0
    open_one = connect(elsewhere)
    try:
        refused = restored(processes, elsewhere, folder, tmp_path)
    finally:
        open_one.close()
    assert refused.returncode == 1
    assert "1 other connections use the database" in refused.stderr
