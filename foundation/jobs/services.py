"""Starting, cancelling and repeating background work, and what the clock does about it every tick."""

from __future__ import annotations

from datetime import timedelta
from functools import partial
from typing import Any

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.ids import from_text
from foundation.jobs.kinds import JobKind, kind_of, register_job
from foundation.jobs.models import FILES_KEPT, Forgotten, JobRun
from foundation.jobs.queue import enqueue
from foundation.jobs.running import FOLDER, drop_folders, temporary_folders
from foundation.jobs.timetable import schedule

__all__ = ["JobKind", "cancel_job", "drop_old_files", "register_job", "retry_job", "start_job", "tick"]

HINT_LIFE = timedelta(minutes=5)  # a waiting run not taken by then is announced again: its message may be lost
AT_ONCE = 200  # announced per tick, so that a long outage does not end in a flood
LONGEST_REF = 12  # digits of base 36 in 63 bits, less the one that might not fit
CLOCK_RUNS_KEPT = timedelta(days=30)


def start_job(
    name: str,
    *,
    actor: Any,
    params: dict[str, Any] | None = None,
    key: str | None = None,
    file: File[Any] | None = None,
) -> JobRun:
    """Start a job in the background, once the caller's transaction commits.

    `actor`: the User who asks, or None for the clock and the command line. `params`: plain JSON, ids and codes, no
    personal data. `key`: makes it once: a second start with the same key returns the first run, whatever became
    of it. `file`: the input, kept in the storage until 7 days after the end.
    Raises NotAllowed("jobs.not_allowed") when the actor lacks the job's right, RuleBroken("jobs.unknown").
    """
    kind = kind_of(name)
    if actor is not None and kind.right and not actor.has_perm(kind.right):
        raise NotAllowed("jobs.not_allowed", _("You may not start this."))
    if key is not None and (there := JobRun.objects.filter(job=name, key=key).first()):
        return there
    run = JobRun(
        job=name,
        key=key,
        params=params or {},
        actor_id=actor.pk if actor is not None else None,
        language=get_language() or "",
    )
    try:
        with transaction.atomic():
            run.save(force_insert=True)
            record("job.started", target=run, actor=actor, detail={"job": name})
            if file is not None:
                run.input_name = (file.name or "").rpartition("/")[2][-255:]
                run.input_file.save(run.input_name, file, save=False)
                run.files_until = clock.now() + FILES_KEPT
                run.save(update_fields=["input_file", "input_name", "files_until"])
    except IntegrityError:
        if key is not None and (there := JobRun.objects.filter(job=name, key=key).first()):
            return there
        raise
    announce(run)
    return run


def announce(run: JobRun) -> None:
    """Tell the workers after the commit. A broker that is away does not fail the caller: the tick announces again."""
    transaction.on_commit(partial(enqueue, run.pk, run.job), robust=True)


@transaction.atomic
def cancel_job(run_id: int, *, actor: Any) -> JobRun:
    """Cancel a run: at once while it waits or its worker is lost, else at its next report of progress.

    Raises RuleBroken("jobs.ended") when it has ended already.
    """
    run = JobRun.objects.select_for_update(no_key=True).get(pk=run_id)
    now = clock.now()
    if run.ended:
        raise RuleBroken("jobs.ended", _("This run has already ended."))
    run.cancel_asked = True
    lost = run.lease_until is not None and run.lease_until < now
    if run.state == JobRun.State.WAITING or lost:
        run.state, run.finished_at, run.lease_until = JobRun.State.CANCELLED, now, None
    run.save(update_fields=["cancel_asked", "state", "finished_at", "lease_until"])
    record("job.cancelled", target=run, actor=actor, detail={"job": run.job, "at_once": run.ended})
    return run


@transaction.atomic
def retry_job(run_id: int, *, actor: Any) -> JobRun:
    """Let a failed or cancelled run start again from its beginning; pieces already done stay done.

    Raises RuleBroken: "jobs.not_failed" for any other state, "jobs.file_gone" when its input was dropped.
    """
    run = JobRun.objects.select_for_update(no_key=True).get(pk=run_id)
    if run.state not in (JobRun.State.FAILED, JobRun.State.CANCELLED):
        raise RuleBroken("jobs.not_failed", _("Only a failed or cancelled run can start again."))
    if run.input_name and not run.input_file:
        raise RuleBroken("jobs.file_gone", _("The file of this run was deleted. Upload it again."))
    run.state, run.finished_at, run.lease_until = JobRun.State.WAITING, None, None
    run.cancel_asked, run.attempts, run.done, run.total, run.counts = False, 0, 0, None, {}
    run.error_code = run.error_text = ""
    if run.files_until:
        run.files_until = clock.now() + FILES_KEPT
    run.save()
    record("job.retried", target=run, actor=actor, detail={"job": run.job})
    announce(run)
    return run


def tick() -> int:
    """What the clock does every few seconds: insert what fell due, announce what waits or was lost.

    Of a job that was missed several times only the latest instant is inserted, so a missed night runs once. Two
    ticks at once, or a tick twice, insert and do nothing more. Returns how many runs were announced.
    """
    now = clock.now()
    due = [JobRun(job=planned.job, scheduled_for=planned.when.latest(now)) for planned in schedule()]
    JobRun.objects.bulk_create(due, ignore_conflicts=True)
    return announce_due()


def announce_due() -> int:
    """Announce waiting runs never announced or too long ago, and runs whose worker was lost."""
    now, announced = clock.now(), 0
    with transaction.atomic():
        due = list(
            JobRun.objects.takeable(now)
            .exclude(enqueued_at__gt=now - HINT_LIFE, state=JobRun.State.WAITING)
            .exclude(enqueued_at__gt=now - timedelta(seconds=30), state=JobRun.State.RUNNING)
            .order_by("id")
            .select_for_update(skip_locked=True)
            .values_list("pk", "job")[:AT_ONCE]
        )
        JobRun.objects.filter(pk__in=[pk for pk, _job in due]).update(enqueued_at=now)
    for pk, job in due:
        enqueue(pk, job)
        announced += 1
    return announced


def drop_old_files() -> int:
    """Delete files whose time is over, files no row knows, and month-old finished runs of the clock.

    Files of unfinished runs stay. Returns the number of files deleted.
    """
    now, dropped = clock.now(), 0
    old = JobRun.objects.filter(files_until__lt=now).exclude(pk__in=JobRun.objects.unfinished().values("pk"))
    for run in old.order_by("pk").iterator(chunk_size=200):
        for field in (run.input_file, run.result_file, run.errors_file):
            if field:
                field.delete(save=False)
                dropped += 1
        run.files_until = None
        run.save(update_fields=["input_file", "result_file", "errors_file", "files_until"])
    dropped += _drop_strays() + _drop_folders()
    Forgotten.objects.filter(at__lt=now - CLOCK_RUNS_KEPT).delete()
    JobRun.objects.filter(
        scheduled_for__lt=now - CLOCK_RUNS_KEPT, state__in=[JobRun.State.DONE, JobRun.State.CANCELLED]
    ).delete()
    return dropped


def _drop_folders() -> int:
    """What killed workers left in this machine's temporary folder, of runs nobody has in hand."""
    left = {path.name.removeprefix(FOLDER).partition("-")[0] for path in temporary_folders()}
    refs = [ref for ref in left if ref.isalnum() and len(ref) <= LONGEST_REF]
    known = JobRun.objects.filter(pk__in=[from_text(ref) for ref in refs])  # others' are not ours to judge
    return sum(drop_folders(run.ref) for run in known.exclude(state=JobRun.State.RUNNING))


def _drop_strays() -> int:
    """A start that was rolled back leaves its file without a row."""
    if not default_storage.exists("jobs"):
        return 0
    limit, dropped = f"{clock.today(clock.now() - FILES_KEPT):%Y-%m-%d}", 0
    for day in sorted(default_storage.listdir("jobs")[0]):
        if day >= limit:
            continue
        names = [f"jobs/{day}/{name}" for name in default_storage.listdir(f"jobs/{day}")[1]]
        known = {
            name
            for field in ("input_file", "result_file", "errors_file")
            for name in JobRun.objects.filter(**{f"{field}__in": names}).values_list(field, flat=True)
        }
        for name in names:
            if name not in known:
                default_storage.delete(name)
                dropped += 1
        if not known:
            default_storage.delete(f"jobs/{day}")
    return dropped
