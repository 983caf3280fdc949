"""The production settings pass every check, the doctor speaks plainly, and bad settings stop the start."""

from __future__ import annotations

import base64
import json
from io import StringIO

import psycopg2
import pytest
import yaml
from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from foundation.jobs.models import BeatMark
from tests.jobs.processes import ROOT, Processes, wait_until
from tests.operations.databases import drop_database

PRODUCTION = {
    "CARELINE_MODE": "production",
    "CARELINE_PUBLIC_URL": "https://crm.example.com",
    "CARELINE_ALLOWED_HOSTS": "crm.example.com",
    "CARELINE_METRICS_TOKEN": "a-token-of-the-monitor",
    "CARELINE_SECRET_KEY": base64.b64encode(bytes(range(48))).decode(),
}


def check(processes: Processes, **env: str) -> tuple[int, str]:
    done = processes.manage("check", "--deploy", "--fail-level", "WARNING", env=PRODUCTION | env)
    return done.returncode, done.stdout + done.stderr


def test_check_deploy_is_clean_in_production(processes: Processes):
    code, told = check(processes)
    assert (code, "no issues" in told) == (0, True), told


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"CARELINE_METRICS_TOKEN": ""}, "careline.W001"),
        ({"CARELINE_PUBLIC_URL": "http://crm.example.com"}, "careline.E007"),
        ({"CARELINE_CONN_MAX_AGE": "0"}, "careline.E002"),
        ({"CARELINE_VISIBILITY_TIMEOUT": "540"}, "careline.E001"),
        ({"CARELINE_DEBUG": "1"}, "CARELINE_DEBUG must be off in production"),
        ({"CARELINE_INDEX_KEY": "c2hvcnQ="}, "CARELINE_INDEX_KEY must be 32 bytes in base64, this is 5"),
    ],
)
def test_what_would_fail_late_is_refused_at_the_start(processes: Processes, env, words):
    code, told = check(processes, **env)
    assert code == 1
    assert words in told


def test_equal_keys_are_refused(processes: Processes):
    code, told = check(processes, CARELINE_AUDIT_KEY=processes.env["CARELINE_INDEX_KEY"])
    assert (code, "careline.E008" in told) == (1, True)


def findings(processes: Processes, *words: str, **env: str) -> tuple[int, dict[str, tuple[str, str, str]]]:
    done = processes.manage("doctor", "--json", *words, env=env)
    lines = json.loads(done.stdout)
    return done.returncode, {line["name"]: (line["verdict"], line["seen"], line["advice"]) for line in lines}


@pytest.mark.peers
def test_the_doctor_finds_a_running_installation_well(processes: Processes):
    processes.worker()
    processes.beat()
    wait_until(BeatMark.objects.exists, logs=processes)
    code, found = findings(processes)
    assert code == 0, found
    names = ["versions", "mode", "disk (state)", "disk (files)", "database", "role", "extensions", "locale", "clocks"]
    for name in [*names, "migrations", "partitions", "audit", "cache", "workers", "beat", "jobs"]:
        assert found[name][0] == "ok", found[name]
    assert found["workers"][1] == "1 answer"


def test_the_doctor_says_what_to_do(processes: Processes):
    code, found = findings(processes, CARELINE_CLOCK_OFFSET="7200")
    assert code == 0
    assert found["beat"] == ("warn", "never ticked", "start it: manage beat")
    assert found["workers"][0] == "warn"
    assert found["clock offset"] == ("warn", "the clock is moved by 7200 s", "unset CARELINE_CLOCK_OFFSET")
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_migrations WHERE app = 'jobs' AND name = '0002_forgotten'")
    try:
        code, found = findings(processes)
        text = processes.manage("doctor")
    finally:
        MigrationRecorder(connection).record_applied("jobs", "0002_forgotten")
    assert code == 1
    assert found["migrations"] == (
        "fail",
        "1 not applied: jobs.0002_forgotten",
        "manage migrate_safely --phase expand",
    )
    assert text.returncode == 1
    line = next(line for line in text.stdout.splitlines() if "migrations" in line)
    assert line.startswith("fail migrations")
    assert line.endswith("→ manage migrate_safely --phase expand")


def test_a_database_in_locale_c_is_found_out(processes: Processes):
    """Its trigrams of Chinese text are empty: search would find nothing and nobody would know why."""
    name = f"{connection.settings_dict['NAME']}_c"
    given = connection.settings_dict
    with connection.cursor() as cursor:
        drop_database(cursor, name)
        cursor.execute(f"CREATE DATABASE \"{name}\" TEMPLATE template0 ENCODING UTF8 LOCALE_PROVIDER libc LOCALE 'C'")
    try:
        other = psycopg2.connect(
            dbname=name, host=given["HOST"], user=given["USER"], password=given["PASSWORD"], port=given["PORT"] or None
        )
        with other, other.cursor() as cursor:
            cursor.execute("CREATE EXTENSION pg_trgm")
        other.close()
        code, found = findings(processes, DATABASE_URL=processes.env["DATABASE_URL"].rpartition("/")[0] + f"/{name}")
    finally:
        with connection.cursor() as cursor:
            drop_database(cursor, name)
    assert code == 1
    assert found["locale"][0] == "fail"
    assert "locale C" in found["locale"][1]
    assert found["extensions"][:2] == ("fail", "missing: btree_gin, btree_gist, unaccent")


def test_the_two_steps_of_compose_make_an_empty_database_complete(processes: Processes):
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    name = f"{connection.settings_dict['NAME']}_new"
    env = {"DATABASE_URL": processes.env["DATABASE_URL"].rpartition("/")[0] + f"/{name}"}
    with connection.cursor() as cursor:
        drop_database(cursor, name)
        cursor.execute(f'CREATE DATABASE "{name}"')
    try:
        for step in ("migrate", "contract"):
            program, script, *words = services[step]["command"]
            assert (program, script) == ("python", "manage.py")
            done = processes.manage(*words, env=env)
            assert done.returncode == 0, done.stderr
            assert f"phase {words[-1]} is complete" in done.stdout
        assert processes.manage("migrate", "--check", env=env).returncode == 0
    finally:
        with connection.cursor() as cursor:
            drop_database(cursor, name)


def test_maintenance_is_switched_by_a_command(settings, tmp_path):
    settings.CARELINE_FILES_DIR = tmp_path / "files"

    def told(switch: str) -> str:
        out = StringIO()
        call_command("maintenance", switch, stdout=out)
        return out.getvalue()

    assert [told(switch) for switch in ("status", "on", "status", "off", "off", "status")] == [
        "maintenance is off\n",
        "maintenance is on\n",
        "maintenance is on\n",
        "maintenance is off\n",
        "maintenance is off\n",
        "maintenance is off\n",
    ]
