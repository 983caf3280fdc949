"""What supervisors, load balancers, monitors and people in front of a closed door get."""

from __future__ import annotations

import re
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from crm import doctor, health
from crm.maintenance import flag
from foundation.audit.services import record
from foundation.common import clock
from foundation.common.partitions import existing_partitions
from foundation.jobs.models import BeatMark, JobRun

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)
FIGURE = re.compile(r"^(careline_\w+)(\{[^}]*\})? (\S+)$", re.M)


@pytest.fixture(autouse=True)
def _files_here(settings, tmp_path: Path) -> None:
    settings.CARELINE_FILES_DIR = tmp_path / "files"


@pytest.fixture
def nowhere() -> str:
    """An address nobody listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


def ready(client: Client) -> tuple[int, str, dict[str, bool]]:
    answer = client.get("/readyz")
    body = answer.json()
    return answer.status_code, body["status"], {name: check["ok"] for name, check in body["checks"].items()}


def test_healthz_looks_at_nothing(client: Client):
    # Without the `db` mark any query would fail.
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")
    assert client.post("/healthz").status_code == 405


@pytest.mark.django_db
def test_readyz_names_every_check(client: Client):
    BeatMark.objects.create(ticked_at=clock.now(), leader="x")
    names = ["database", "migrations", "cache", "broker", "partitions", "beat"]
    assert ready(client) == (200, "ready", dict.fromkeys(names, True))


@pytest.mark.django_db
def test_a_silent_beat_or_missing_months_degrade_but_pages_go_on(client: Client):
    status, words, checks = ready(client)
    assert (status, words, [name for name, ok in checks.items() if not ok]) == (200, "degraded", ["beat"])
    with clock.travel(NOON):
        BeatMark.objects.create(ticked_at=NOON - timedelta(seconds=61), leader="x")
        assert client.get("/readyz").json()["checks"]["beat"] == {"ok": False, "detail": "last tick 61 s ago"}
    BeatMark.objects.update(ticked_at=clock.now())
    last = existing_partitions("audit_entry")
    two_on = f"audit_entry_{(clock.now().replace(day=1) + timedelta(days=63)):%Y_%m}"
    assert two_on in last
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE audit_entry DETACH PARTITION {two_on}")
    status, words, checks = ready(client)
    assert (status, words, [name for name, ok in checks.items() if not ok]) == (200, "degraded", ["partitions"])


@pytest.mark.django_db
def test_a_migration_not_applied_is_not_ready(client: Client, settings, monkeypatch):
    monkeypatch.setattr(health, "_migrated", False)
    settings.MIGRATION_MODULES = {"rest": "tests.operations.trial_migrations"}
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["status"] == "not ready"
    assert answer.json()["checks"]["migrations"] == {"ok": False, "detail": "2 not applied"}


@pytest.mark.django_db
def test_what_waits_for_the_end_of_the_old_version_does_not_keep_the_new_one_from_serving(
    client: Client, settings, monkeypatch
):
    monkeypatch.setattr(health, "_migrated", False)
    settings.MIGRATION_MODULES = {"rest": "tests.operations.trial_migrations"}
    for name in ("0001_add", "0002_widen"):
        MigrationRecorder(connection).record_applied("rest", name)
    assert client.get("/readyz").json()["checks"]["migrations"] == {"ok": True, "detail": "applied"}
    line = next(line for line in doctor.examine() if line.name == "migrations")
    assert (line.verdict, line.advice) == ("warn", "then: manage migrate_safely --phase contract")
    assert line.seen == "2 wait until no old process runs: rest.0003_drop_old, rest.0004_after"


@pytest.mark.django_db
def test_a_broker_that_is_away_is_not_ready(client: Client, nowhere: str, monkeypatch):
    monkeypatch.setenv("CELERY_BROKER_URL", nowhere)
    status, words, checks = ready(client)
    assert (status, words, checks["broker"], checks["database"]) == (503, "not ready", False, True)


def figures(text: str) -> dict[str, float]:
    return {name + (labels or ""): float(value) for name, labels, value in FIGURE.findall(text)}


@pytest.mark.django_db
def test_metrics_tell_queues_work_jobs_clock_and_logs(client: Client):
    with clock.travel(NOON):
        BeatMark.objects.create(ticked_at=NOON - timedelta(seconds=7), leader="x")
        JobRun.objects.create(job="trial.count", created_at=NOON - timedelta(seconds=90))
        JobRun.objects.create(job="a.b", scheduled_for=NOON, state="DONE", finished_at=NOON - timedelta(hours=1))
        record("x.y", target=("t", 1), actor=None)
        with clock.travel(NOON + timedelta(seconds=5)):
            answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    text = answer.content.decode()
    found = figures(text)
    assert found['careline_queue_length{queue="urgent"}'] == 0.0
    assert found['careline_work_due{kind="message"}'] == 0.0
    assert found['careline_work_due{kind="follow_up_notice"}'] == 0.0
    assert found["careline_follow_ups_overdue"] == 0.0
    assert found['careline_job_runs{state="waiting"}'] == 1.0
    assert found["careline_job_oldest_waiting_seconds"] == 95.0
    assert found['careline_job_last_done_seconds{job="a.b"}'] == 3605.0
    assert found["careline_beat_silence_seconds"] == 12.0
    assert found["careline_audit_oldest_unsealed_seconds"] == 5.0
    assert found["careline_partition_months_ahead"] >= 11
    assert found['careline_default_partition_rows{partition="audit_entry_rest"}'] >= 0
    assert not any("part_failed" in name for name in found)
    assert "django_http_requests_before_middlewares_total" in text


@pytest.mark.django_db
def test_metrics_of_a_broken_part_leave_the_others(client: Client, nowhere: str, monkeypatch):
    monkeypatch.setenv("CELERY_BROKER_URL", nowhere)
    found = figures(client.get("/metrics").content.decode())
    assert found['careline_metrics_part_failed{part="queues"}'] == 1.0
    assert found["careline_follow_ups_overdue"] == 0.0


@pytest.mark.django_db
def test_metrics_are_for_this_machine_or_the_token(client: Client, settings):
    settings.CARELINE_METRICS_TOKEN = ""
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.7").status_code == 403
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.7", headers={"authorization": "Bearer "}).status_code == 403
    assert client.get("/metrics", headers={"x-forwarded-for": "10.0.0.7"}).status_code == 403
    assert client.get("/metrics", REMOTE_ADDR="::1").status_code == 200
    settings.CARELINE_METRICS_TOKEN = "a-long-token"
    for given, status in (("Bearer a-long-token", 200), ("Bearer a-long-tokem", 403), ("a-long-token-not", 403)):
        answer = client.get("/metrics", REMOTE_ADDR="10.0.0.7", headers={"authorization": given})
        assert answer.status_code == status


@pytest.mark.parametrize("switch", ["setting", "flag"])
def test_maintenance_answers_503_without_the_database(client: Client, settings, switch: str):
    if switch == "setting":
        settings.CARELINE_MAINTENANCE = True
    else:
        flag().parent.mkdir(parents=True)
        flag().touch()
    page = client.get("/", headers={"accept-language": "en"})
    assert (page.status_code, page.headers["Retry-After"]) == (503, "120")
    assert "Careline is being maintained" in page.content.decode()
    assert page.headers["Cache-Control"] == "no-store"
    call = client.post("/api/careline/v1/call-events")
    assert (call.status_code, call.json()["code"], call.json()["@type"]) == (503, "maintenance", "Error")
    assert call.headers["Retry-After"] == "120"
    assert client.get("/healthz").status_code == 200


@pytest.mark.django_db
def test_health_and_metrics_answer_during_maintenance(client: Client, settings):
    settings.CARELINE_MAINTENANCE = True
    assert client.get("/readyz").status_code == 200
    assert client.get("/metrics").status_code == 200
