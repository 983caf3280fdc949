"""One run in the hands of a worker: take it, do it, keep the lease alive, store how it ended."""

from __future__ import annotations

import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.core.files import File
from django.db import InterfaceError, OperationalError, connections, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.common.replica import read_from_replica
from foundation.jobs import chunks
from foundation.jobs.forgetting import forget_files, forgotten_in, last_erasure
from foundation.jobs.kinds import files_kept, kind_of
from foundation.jobs.models import Forgotten, JobRun

log = structlog.get_logger(__name__)
FOLDER = "careline-job-"
LEASE = timedelta(seconds=60)
REPLICA_BEHIND = timedelta(minutes=10)  # more than a replica ever is
RENEW_SECONDS = 15.0
MOST_ATTEMPTS = 5  # a run that takes its worker down with it must not do so for ever
STORE_SECONDS = 0.25  # progress is written at most this often


class BadInput(RuleBroken):
    """What the person gave (a file, a range) cannot be used; the run fails with these words."""


class JobCancelled(Exception):
    """Somebody asked to cancel; the job lets it through, after rolling back what is half done."""


class MadeAgain(Exception):
    """Somebody who stands in the file was erased while it was made: it is thrown away and the run begins again."""


class LeaseLost(Exception):
    """Another worker has taken the run: this one must stop and write nothing more."""


class RunningJob:
    """What a job's function gets: its parameters, its input, and where it reports to.

    Call `progress` and the `attach_` methods outside transactions, or nobody sees them before the commit.
    """

    def __init__(self, run: JobRun) -> None:
        self._run = run
        self._stored_at = 0.0
        self._folder: Path | None = None
        self._erasures = last_erasure()  # before anything is read
        self.lost = threading.Event()
        self.run_id = run.pk
        self.attempt = run.attempts
        self.params: dict[str, Any] = run.params
        self.actor_id = run.actor_id
        self.scheduled_for = run.scheduled_for
        self.input_name = run.input_name

    def open_input(self) -> File[Any]:
        """The input file, opened for reading bytes. Raises BadInput("jobs.no_file") when there is none."""
        if not self._run.input_file:
            raise BadInput("jobs.no_file", _("This run has no file."))
        return self._run.input_file.open("rb")

    def input_path(self) -> Path:
        """The input as a local file; a storage elsewhere is copied, the copy goes with the end of the run."""
        with self.open_input() as source:
            try:
                return Path(self._run.input_file.path)
            except NotImplementedError:
                copy = self.folder() / "input"
                with copy.open("wb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)
                return copy

    def folder(self) -> Path:
        """A folder for what is being made; removed at the end of the run."""
        if self._folder is None:
            drop_folders(self._run.ref)  # of a worker that was killed at it
            self._folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER}{self._run.ref}-"))
        return self._folder

    def reading(self) -> AbstractContextManager[None]:
        """`read_from_replica()` for what goes into a file; the server itself when somebody was erased a short while
        ago, whom the replica may still hold."""
        last = Forgotten.objects.order_by("-pk").values_list("at", flat=True).first()
        return nullcontext() if last and last > clock.now() - REPLICA_BEHIND else read_from_replica()

    def progress(self, done: int, total: int | None = None, **counts: int) -> None:
        """Report: `done` of `total` units and named counts, which replace those of the same names.

        Stored at most four times a second and at the end. Renews the lease. Raises JobCancelled when somebody
        asked to cancel, LeaseLost when another worker has the run.
        """
        run = self._run
        run.done, run.total = done, run.total if total is None else total
        run.counts = {**run.counts, **counts}
        if time.monotonic() - self._stored_at >= STORE_SECONDS:
            self._store()

    def run_chunks(self, lo: int, hi: int, *, size: int = 10_000) -> int:
        """Cut the ids lo <= id < hi into pieces and let all bulk workers do the kind's `chunk` on them.

        Returns the sum of rows when every piece is done. Pieces done by an earlier attempt are not done again.
        """
        chunks.cut(self.run_id, lo, hi, size)
        return chunks.work_all(self._run, self.progress)

    def run_chunks_of(self, table: str, *, size: int = 10_000, since: int = 0) -> int:
        """The same over the rows of a big table, whose ids lie far apart: `size` rows a piece, by its key `id`.

        `since`: the id to begin with. A job of several passes calls it once a pass, `chunks.reopen` in between.
        """
        chunks.cut_table(self.run_id, table, size, since)
        return chunks.work_all(self._run, self.progress)

    def attach_result(self, name: str, path: Path | str) -> None:
        """Keep a file as the result, downloadable as `name` until 7 days after the end."""
        self._attach("result", name, path)

    def attach_errors(self, name: str, path: Path | str) -> None:
        """Keep a file of refused rows, downloadable as `name` until 7 days after the end."""
        self._attach("errors", name, path)

    def _attach(self, what: str, name: str, path: Path | str) -> None:
        field = getattr(self._run, f"{what}_file")
        if field:
            field.delete(save=False)
        with Path(path).open("rb") as source:
            field.save(name, File(source), save=False)
        until = clock.now() + files_kept(self._run.job)
        try:
            with transaction.atomic():
                self._write(**{f"{what}_file": field.name, f"{what}_name": name, "files_until": until})
                if what == "result" and forgotten_in(self._run, since=self._erasures):
                    raise MadeAgain
        except MadeAgain:
            field.delete(save=False)
            raise

    def _store(self) -> None:
        run = self._run
        self._write(done=run.done, total=run.total, counts=run.counts, lease_until=clock.now() + LEASE)
        self._stored_at = time.monotonic()
        if JobRun.objects.filter(pk=run.pk, cancel_asked=True).exists():
            raise JobCancelled

    def _write(self, **fields: Any) -> None:
        mine = JobRun.objects.filter(pk=self.run_id, attempts=self.attempt, state=JobRun.State.RUNNING)
        if self.lost.is_set() or not mine.update(**fields):
            raise LeaseLost

    def renew(self) -> None:
        """Keep the lease while a long statement runs. Sets `lost` when another worker has the run."""
        mine = JobRun.objects.filter(pk=self.run_id, attempts=self.attempt, state=JobRun.State.RUNNING)
        if not mine.update(lease_until=clock.now() + LEASE):
            self.lost.set()

    def end(self, state: str, code: str = "", text: str = "") -> None:
        """Store the end with its audit entry. Raises LeaseLost, and MadeAgain when the result may not stay."""
        run, now = self._run, clock.now()
        has_files = bool(run.input_file or run.result_file or run.errors_file)
        with transaction.atomic():
            if has_files and self._somebody_is_gone(state):
                has_files, text = False, ""
            self._write(
                state=state,
                finished_at=now,
                lease_until=None,
                done=run.done,
                total=run.total,
                counts=run.counts,
                error_code=code,
                error_text=text,
                files_until=now + files_kept(run.job) if has_files else None,
            )
            record(
                f"job.{state.lower()}",
                target=run,
                actor=None,
                detail={"job": run.job, "counts": run.counts, "code": code},
            )

    def _somebody_is_gone(self, state: str) -> bool:
        """Whether the files are gone because somebody in them was erased meanwhile; a result is wanted, so its run
        begins again (MadeAgain). In the transaction of the end."""
        gone = forgotten_in(self._run, since=self._erasures)
        stored = JobRun.objects.get(pk=self.run_id)
        if state == JobRun.State.DONE and self._run.result_file and (gone or not stored.result_file):
            raise MadeAgain
        gone = gone or (bool(stored.input_file) and forgotten_in(self._run))
        if gone:
            forget_files(stored)
        return gone

    def give_back(self) -> None:
        """Let the run wait again: the database was away for a moment, or what was made may not stay."""
        self._write(state=JobRun.State.WAITING, lease_until=None, enqueued_at=None)

    def begin_again(self) -> None:
        """Throw away what was made and let the run wait: somebody who stood in it was erased meanwhile."""
        with transaction.atomic():
            self.give_back()
            forget_files(JobRun.objects.get(pk=self.run_id), ("result_file", "errors_file"))
            record("job.made_again", target=self._run, actor=None, detail={"job": self._run.job})
        log.info("job_made_again", job=self._run.job, run=self._run.ref, attempt=self.attempt)

    def clean(self) -> None:
        """Remove what lies in the temporary folder."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)


def temporary_folders(ref: str = "[0-9a-z]*") -> list[Path]:
    """The folders of runs (of one, by its reference) in this machine's temporary folder."""
    return list(Path(tempfile.gettempdir()).glob(f"{FOLDER}{ref}-*"))


def drop_folders(ref: str) -> int:
    """Remove the temporary folders a run left on this machine when its worker was killed; how many."""
    left = temporary_folders(ref)
    for folder in left:
        shutil.rmtree(folder, ignore_errors=True)
    return len(left)


class _Heartbeat(threading.Thread):
    """Renews the lease every few seconds on a connection of its own; ends with the run or the process."""

    def __init__(self, renew: Callable[[], None]) -> None:
        super().__init__(daemon=True, name="job-lease")
        self.renew, self.over = renew, threading.Event()

    def run(self) -> None:
        while not self.over.wait(RENEW_SECONDS):
            try:
                self.renew()
            except (OperationalError, InterfaceError):
                log.warning("job_lease_not_renewed")
            finally:
                connections.close_all()


def claim(run_id: int) -> JobRun | None:
    """Take a waiting or lost run; None when another worker has it, it has ended, or it is over with it.

    A lost run that somebody asked to cancel ends CANCELLED here; one that lost its worker too often ends FAILED.
    """
    now = clock.now()
    with transaction.atomic():
        takeable = JobRun.objects.takeable(now).filter(pk=run_id)
        run = takeable.select_for_update(skip_locked=True, no_key=True).first()
        if run is None:
            return None
        fields = ["state", "lease_until", "attempts", "started_at", "finished_at", "error_code", "error_text"]
        if run.cancel_asked or run.attempts >= MOST_ATTEMPTS:
            run.state = JobRun.State.CANCELLED if run.cancel_asked else JobRun.State.FAILED
            run.lease_until, run.finished_at = None, now
            if not run.cancel_asked:
                run.error_code = "jobs.given_up"
                with translation.override(run.language or settings.LANGUAGE_CODE):
                    run.error_text = _("Given up after %(n)s attempts.") % {"n": run.attempts}
            run.save(update_fields=fields)
            record(f"job.{run.state.lower()}", target=run, actor=None, detail={"job": run.job, "code": run.error_code})
            return None
        run.state, run.lease_until = JobRun.State.RUNNING, now + LEASE
        run.attempts, run.started_at = run.attempts + 1, now
        run.done, run.counts = 0, {}
        run.save(update_fields=[*fields, "done", "counts"])
    return run


def claim_and_run(run_id: int) -> bool:
    """Do one run, if it is free; returns whether this worker did it.

    A refusal by a rule ends it FAILED with its words; a defect ends it FAILED with a reference number that stands
    in the log; a database that was away lets it wait again. A worker killed here is noticed by its lease.
    """
    run = claim(run_id)
    if run is None:
        return False
    job = RunningJob(run)
    heartbeat = _Heartbeat(job.renew)
    heartbeat.start()
    try:
        with translation.override(run.language or settings.LANGUAGE_CODE):
            _run(job, run)
    except LeaseLost:
        log.warning("job_lease_lost", job=run.job, run=run.ref, attempt=run.attempts)
    finally:
        heartbeat.over.set()
        job.clean()
    return True


def _run(job: RunningJob, run: JobRun) -> None:
    try:
        kind_of(run.job).run(job)
    except LeaseLost:
        raise
    except MadeAgain:
        job.begin_again()
    except JobCancelled:
        job.end(JobRun.State.CANCELLED)
    except RuleBroken as refusal:
        job.end(JobRun.State.FAILED, refusal.code, str(refusal.message))
    except (OperationalError, InterfaceError):
        log.warning("job_given_back", job=run.job, run=run.ref, attempt=run.attempts, exc_info=True)
        connections["default"].close()
        job.give_back()
    except Exception:
        reference = secrets.token_hex(4)
        log.exception("job_failed", job=run.job, run=run.ref, reference=reference)
        text = _("Something went wrong on our side. Reference: %(reference)s") % {"reference": reference}
        job.end(JobRun.State.FAILED, "jobs.defect", text)
    else:
        try:
            job.end(JobRun.State.DONE)
        except MadeAgain:
            job.begin_again()
