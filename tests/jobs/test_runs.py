"""One run after another in this process: starting, refusing, failing, cancelling, repeating, files, the timetable."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import translation

from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.jobs import queries
from foundation.jobs.kinds import JobKind, job_kinds, register_job
from foundation.jobs.models import JobRun
from foundation.jobs.running import LEASE, MOST_ATTEMPTS, JobCancelled, LeaseLost, RunningJob, claim, claim_and_run
from foundation.jobs.services import cancel_job, drop_old_files, retry_job, start_job, tick
from foundation.jobs.timetable import Daily, EveryMinutes, Monthly, Planned, schedule, use_schedule
from staff.rights import sight_of
from tests.factories import UserFactory
from tests.jobs import trial_kinds
from tests.racing import race

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)  # 12:00 in the business zone


@pytest.fixture(autouse=True)
def _files_here(settings, tmp_path: Path) -> None:
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path / "files")},
        }
    }


def run_once(name: str, **start: object) -> JobRun:
    run = start_job(name, actor=None, **start)
    assert claim_and_run(run.pk) is True
    run.refresh_from_db()
    return run


def verbs() -> list[str]:
    return list(AuditEntry.objects.order_by("id").values_list("verb", flat=True))


def test_a_run_ends_done_with_its_counts_and_its_audit_entries():
    actor = UserFactory(role="SYS_ADMIN")
    run = start_job("trial.count", actor=actor, params={"to": 4})
    assert (run.state, run.actor_id, run.percent) == ("WAITING", actor.pk, None)
    assert claim_and_run(run.pk) is True
    run.refresh_from_db()
    assert (run.state, run.done, run.total, run.counts) == ("DONE", 4, 4, {"even": 2})
    assert (run.attempts, run.lease_until, run.percent) == (1, None, 100)
    assert run.finished_at is not None
    assert verbs() == ["job.started", "job.done"]
    assert claim_and_run(run.pk) is False


def test_starting_needs_the_right_and_a_refusal_leaves_nothing():
    with pytest.raises(NotAllowed) as refusal:
        start_job("trial.count", actor=UserFactory(role="AGENT"))
    assert refusal.value.code == "jobs.not_allowed"
    with pytest.raises(RuleBroken) as unknown:
        start_job("trial.nobody", actor=None)
    assert unknown.value.code == "jobs.unknown"
    assert not JobRun.objects.exists()
    assert not AuditEntry.objects.exists()


def test_two_kinds_cannot_have_one_name():
    with pytest.raises(ValueError, match=r"trial\.count"):
        register_job(JobKind("trial.count", "Another", lambda job: None, right=""))
    assert job_kinds()["trial.count"] is trial_kinds.COUNT


def test_a_key_makes_it_once_whatever_became_of_it():
    first = run_once("trial.count", key="month-2026-11")
    again = start_job("trial.count", actor=None, key="month-2026-11", params={"to": 99})
    assert again.pk == first.pk
    assert (again.state, again.params) == ("DONE", {})
    assert start_job("trial.slow", actor=None, key="month-2026-11").pk != first.pk


@pytest.mark.django_db(transaction=True)
def test_many_starters_with_one_key_make_one_run():
    found = race(*[lambda: start_job("trial.count", actor=None, key="one").pk] * 6)
    assert len(set(found)) == 1
    assert JobRun.objects.count() == 1
    assert verbs() == ["job.started"]


def test_a_broken_rule_fails_the_run_with_its_words():
    run = run_once("trial.refuse")
    assert (run.state, run.error_code, run.error_text) == ("FAILED", "trial.refused", "the rule says no")
    assert (run.done, run.total, run.counts) == (2, 5, {"good": 2})
    assert verbs() == ["job.started", "job.failed"]


def test_bad_input_fails_the_run_with_its_words():
    run = run_once("trial.bad_file", file=ContentFile(b"", name="empty.csv"))
    assert (run.state, run.error_code, run.error_text) == ("FAILED", "trial.empty", "the file is empty")
    assert run_once("trial.bad_file").error_code == "jobs.no_file"


def test_a_defect_shows_a_reference_that_stands_in_the_log_and_nothing_of_the_error(caplog):
    with translation.override("en"), caplog.at_level(logging.ERROR):
        run = run_once("trial.break")
    assert (run.state, run.error_code) == ("FAILED", "jobs.defect")
    reference = run.error_text.rpartition(" ")[2]
    assert run.error_text == f"Something went wrong on our side. Reference: {reference}"
    assert len(reference) == 8
    assert any(reference in str(record.msg) for record in caplog.records)
    assert "13800138000" not in str(list(JobRun.objects.values()))


def test_words_are_in_the_language_of_the_person_who_started_it():
    with translation.override("en"):
        run = start_job("trial.bad_file", actor=None)
    with translation.override("zh-hans"):
        claim_and_run(run.pk)
    run.refresh_from_db()
    assert run.error_text == "This run has no file."


@pytest.mark.django_db(transaction=True)
def test_a_database_that_was_away_lets_the_run_wait_and_too_often_ends_it():
    run = start_job("trial.away", actor=None)
    for attempt in range(1, MOST_ATTEMPTS + 1):
        assert claim_and_run(run.pk) is True
        run.refresh_from_db()
        assert (run.state, run.attempts, run.enqueued_at) == ("WAITING", attempt, None)
    assert claim_and_run(run.pk) is False
    run.refresh_from_db()
    assert (run.state, run.error_code, run.attempts) == ("FAILED", "jobs.given_up", MOST_ATTEMPTS)
    assert verbs() == ["job.started", "job.failed"]


def test_a_waiting_run_is_cancelled_at_once_and_an_ended_one_not_at_all():
    actor = UserFactory()
    run = start_job("trial.count", actor=None)
    assert cancel_job(run.pk, actor=actor).state == "CANCELLED"
    assert claim_and_run(run.pk) is False
    with pytest.raises(RuleBroken) as refusal:
        cancel_job(run.pk, actor=actor)
    assert refusal.value.code == "jobs.ended"
    assert verbs() == ["job.started", "job.cancelled"]


def test_a_running_run_is_cancelled_at_its_next_report():
    run = start_job("trial.slow", actor=None)
    taken = claim(run.pk)
    assert taken is not None
    asked = cancel_job(run.pk, actor=UserFactory())
    assert (asked.state, asked.cancel_asked) == ("RUNNING", True)
    with pytest.raises(JobCancelled):
        RunningJob(taken).progress(1, 2)


def test_a_lost_run_is_taken_again_and_the_late_worker_writes_nothing():
    run = start_job("trial.slow", actor=None)
    with clock.travel(NOON):
        late = RunningJob(claim(run.pk))
        assert claim(run.pk) is None
    with clock.travel(NOON + LEASE + timedelta(seconds=1)):
        assert claim_and_run(run.pk) is True
    with pytest.raises(LeaseLost):
        late.progress(5000, 10_000)
    with pytest.raises(LeaseLost):
        late.end("FAILED", "late")
    late.renew()
    assert late.lost.is_set()
    run.refresh_from_db()
    assert (run.state, run.attempts, run.counts) == ("DONE", 2, {"attempts": 2})
    assert verbs() == ["job.started", "job.done"]


def test_a_lost_run_somebody_wants_cancelled_ends_without_running():
    run = start_job("trial.slow", actor=None)
    with clock.travel(NOON):
        claim(run.pk)
    with clock.travel(NOON + LEASE * 2):
        assert cancel_job(run.pk, actor=None).state == "CANCELLED"
    JobRun.objects.filter(pk=run.pk).update(state="RUNNING", lease_until=NOON, cancel_asked=True)
    assert claim(run.pk) is None
    run.refresh_from_db()
    assert run.state == "CANCELLED"


@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_gets_the_run():
    run = start_job("trial.count", actor=None)
    outcomes = race(*[lambda: claim_and_run(run.pk)] * 6)
    assert sorted(outcomes) == [False] * 5 + [True]
    run.refresh_from_db()
    assert (run.state, run.attempts) == ("DONE", 1)


def test_a_failed_run_starts_again_from_its_beginning():
    actor = UserFactory()
    run = run_once("trial.refuse")
    again = retry_job(run.pk, actor=actor)
    assert (again.state, again.attempts, again.done, again.error_code, again.counts) == ("WAITING", 0, 0, "", {})
    assert verbs()[-1] == "job.retried"
    for state in ("WAITING", "DONE"):
        JobRun.objects.filter(pk=run.pk).update(state=state, finished_at=clock.now())
        with pytest.raises(RuleBroken) as refusal:
            retry_job(run.pk, actor=actor)
        assert refusal.value.code == "jobs.not_failed"


def test_files_are_read_kept_and_gone_after_seven_days():
    with clock.travel(NOON):
        run = run_once("trial.copy", file=ContentFile(b"abc", name="folder/张三.csv"))
        assert run.input_name == "张三.csv"
        assert "张三" not in run.input_file.name
        files = queries.files_of(run)
        assert {what: (name, file.open("rb").read()) for what, (name, file) in files.items()} == {
            "result": ("upper.txt", b"ABC"),
            "errors": ("errors.csv", b"ABC"),
        }
    kept = [run.input_file.name, run.result_file.name, run.errors_file.name]
    with clock.travel(NOON + timedelta(days=7)):
        assert drop_old_files() == 0
    with clock.travel(NOON + timedelta(days=7, minutes=1)):
        assert drop_old_files() == 3
        assert drop_old_files() == 0
    assert [default_storage.exists(name) for name in kept] == [False, False, False]
    run.refresh_from_db()
    assert (queries.files_of(run), run.files_until, run.input_name) == ({}, None, "张三.csv")
    JobRun.objects.filter(pk=run.pk).update(state="FAILED")
    with pytest.raises(RuleBroken) as refusal:
        retry_job(run.pk, actor=None)
    assert refusal.value.code == "jobs.file_gone"


def test_files_of_unfinished_runs_stay_and_files_without_a_row_go():
    with clock.travel(NOON):
        run = start_job("trial.copy", actor=None, file=ContentFile(b"abc", name="in.csv"))
        stray = default_storage.save(f"jobs/{clock.today()}/stray", ContentFile(b"x"))
    with clock.travel(NOON + timedelta(days=9)):
        assert drop_old_files() == 1
    assert default_storage.exists(run.input_file.name)
    assert not default_storage.exists(stray)


@pytest.mark.parametrize(
    ("when", "now", "instant"),
    [
        (Daily(time(12, 0)), NOON, NOON),
        (Daily(time(12, 0)), NOON - timedelta(seconds=1), NOON - timedelta(days=1)),
        (Daily(time(0, 30)), NOON, datetime(2026, 11, 19, 16, 30, tzinfo=UTC)),
        (Daily(time(23, 59)), NOON, datetime(2026, 11, 19, 15, 59, tzinfo=UTC)),
        (Monthly(20, time(12, 0)), NOON, NOON),
        (Monthly(20, time(12, 1)), NOON, datetime(2026, 10, 20, 4, 1, tzinfo=UTC)),
        (Monthly(5, time(1, 30), months=(1, 4, 7, 10)), NOON, datetime(2026, 10, 4, 17, 30, tzinfo=UTC)),
        (Monthly(28, time(0, 0), months=(12,)), NOON, datetime(2025, 12, 27, 16, 0, tzinfo=UTC)),
        (EveryMinutes(60), NOON + timedelta(minutes=59, seconds=59), NOON),
        (EveryMinutes(1), NOON + timedelta(seconds=61), NOON + timedelta(minutes=1)),
    ],
)
def test_the_latest_instant(when, now, instant):
    assert when.latest(now) == instant


def test_minutes_must_divide_a_day():
    with pytest.raises(ValueError, match="do not divide"):
        EveryMinutes(7)


@pytest.fixture
def _own_schedule():
    before = schedule()
    use_schedule([Planned("trial.count", Daily(time(12, 0))), Planned("trial.slow", EveryMinutes(60))])
    yield
    use_schedule(before)


@pytest.mark.usefixtures("_own_schedule")
def test_what_fell_due_is_inserted_once_and_of_missed_nights_only_the_last():
    with clock.travel(NOON):
        assert tick() == 2
        assert tick() == 0
    with clock.travel(NOON + timedelta(days=3, hours=1)):
        assert tick() == 4  # the two waiting ones, announced long ago, and the two new ones
    due = JobRun.objects.filter(job="trial.count").order_by("scheduled_for").values_list("scheduled_for", flat=True)
    assert list(due) == [NOON, NOON + timedelta(days=3)]
    assert JobRun.objects.filter(job="trial.slow").count() == 2


@pytest.mark.usefixtures("_own_schedule")
@pytest.mark.django_db(transaction=True)
def test_many_ticks_at_once_insert_one_run_each():
    outcomes = race(*[tick] * 6)
    assert sum(outcomes) == 2
    assert sorted(JobRun.objects.values_list("job", flat=True)) == ["trial.count", "trial.slow"]


def test_old_runs_of_the_clock_go_and_those_of_people_and_failures_stay():
    for scheduled, state in ((NOON, "DONE"), (NOON + timedelta(days=1), "FAILED"), (None, "DONE")):
        JobRun.objects.create(job="trial.count", scheduled_for=scheduled, state=state, finished_at=NOON)
    with clock.travel(NOON + timedelta(days=40)):
        drop_old_files()
    assert sorted(JobRun.objects.values_list("state", flat=True)) == ["DONE", "FAILED"]
    assert not JobRun.objects.filter(scheduled_for=NOON).exists()


def test_a_person_sees_own_runs_and_what_the_role_table_opens():
    mine, admin = UserFactory(role="AGENT"), UserFactory(role="SYS_ADMIN")
    own = JobRun.objects.create(job="trial.count", actor_id=mine.pk)
    other = JobRun.objects.create(job="trial.slow", state="DONE", finished_at=NOON)
    assert list(JobRun.objects.visible_to(mine)) == [own]
    opened = JobRun.objects.visible_to(admin, sight_of(admin, "jobs.view").rows(owner="actor_id"))
    assert list(queries.job_list(opened)) == [other, own]
    assert list(queries.job_list(opened, state="DONE")) == [other]
    assert list(queries.job_list(opened, job="trial.count")) == [own]
    assert queries.title_of(own) == "Count"


def test_figures_of_background_work(django_assert_num_queries):
    with clock.travel(NOON):
        JobRun.objects.create(job="trial.count")
        for lease in (NOON + LEASE, NOON - LEASE):
            JobRun.objects.create(
                job="trial.slow", state="RUNNING", lease_until=lease, started_at=NOON - timedelta(minutes=3)
            )
        JobRun.objects.create(job="trial.count", scheduled_for=NOON, state="DONE", finished_at=NOON)
    with clock.travel(NOON + timedelta(seconds=30)):
        with django_assert_num_queries(1):
            figures = queries.job_figures()
        assert (figures.waiting, figures.running, figures.lost) == (1, 2, 1)
        assert (figures.oldest_waiting, figures.oldest_running) == (30.0, 210.0)
        assert queries.last_done() == {"trial.count": 30.0}
        assert queries.beat_silence() is None
