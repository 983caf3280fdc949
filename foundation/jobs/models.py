"""A run of background work, and the pieces it is cut into."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.personal import ByStep, Personal

FILES_KEPT = timedelta(days=7)  # import and export files hold personal data (issue: "gone after 7 days")


def file_place(run: JobRun, _name: str) -> str:
    """Where a file of a run lies in the storage. The given name may name a person, so it stays out of it."""
    return f"jobs/{clock.today():%Y-%m-%d}/{run.ref}-{secrets.token_hex(8)}"


class JobRunQuerySet(models.QuerySet["JobRun"]):
    def visible_to(self, user: Any, more: Q | None = None) -> JobRunQuerySet:
        """Runs the user started, and those `more` opens.

        `more` is the condition of the user's right "jobs.view" (`sight_of(user, "jobs.view").rows(owner=
        "actor_id")`): foundation does not know the role table.
        """
        own = Q(actor_id=user.pk)
        return self.filter(own if more is None else own | more)

    def unfinished(self) -> JobRunQuerySet:
        """Waiting or running."""
        return self.filter(state__in=[JobRun.State.WAITING, JobRun.State.RUNNING])

    def takeable(self, now: datetime) -> JobRunQuerySet:
        """What a worker may take at `now`: waiting runs, and running ones whose worker was lost."""
        lost = Q(state=JobRun.State.RUNNING, lease_until__lt=now)
        return self.filter(Q(state=JobRun.State.WAITING) | lost)


class JobRun(Row):
    """One run of a registered job: due by the clock (`scheduled_for`) or started by a person (`actor_id`).

    `attempts` is the fence: what a worker writes counts only while its attempt is the latest.
    """

    personal: ClassVar = Personal(
        of=ByStep("jobs.files"),
        plain=("job", "key", "state", "params", "language", "counts", "error_code"),
        empty=(
            "error_text",
            "input_file",
            "input_name",
            "result_file",
            "result_name",
            "errors_file",
            "errors_name",
        ),
    )

    class State(models.TextChoices):
        WAITING = "WAITING", _("Waiting")
        RUNNING = "RUNNING", _("Running")
        DONE = "DONE", _("Done")
        FAILED = "FAILED", _("Failed")
        CANCELLED = "CANCELLED", _("Cancelled")

    job = models.CharField(max_length=64)
    scheduled_for = models.DateTimeField(null=True)
    key = models.CharField(max_length=160, null=True)
    state = models.CharField(max_length=12, choices=State.choices, default=State.WAITING)
    params = models.JSONField(default=dict)
    actor_id = models.BigIntegerField(null=True)
    language = models.CharField(max_length=12, blank=True)
    created_at = models.DateTimeField(default=clock.now)
    enqueued_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    total = models.BigIntegerField(null=True)
    done = models.BigIntegerField(default=0)
    counts = models.JSONField(default=dict)
    error_code = models.CharField(max_length=64, blank=True)
    error_text = models.TextField(blank=True)
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    cancel_asked = models.BooleanField(default=False)
    input_file = models.FileField(upload_to=file_place, max_length=120, blank=True)
    input_name = models.CharField(max_length=255, blank=True)
    result_file = models.FileField(upload_to=file_place, max_length=120, blank=True)
    result_name = models.CharField(max_length=255, blank=True)
    errors_file = models.FileField(upload_to=file_place, max_length=120, blank=True)
    errors_name = models.CharField(max_length=255, blank=True)
    files_until = models.DateTimeField(null=True)

    objects = JobRunQuerySet.as_manager()

    class Meta:
        db_table = "job_run"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["job", "scheduled_for"], name="job_once_per_instant"),
            models.UniqueConstraint(fields=["job", "key"], name="job_once_per_key"),
            models.CheckConstraint(
                condition=Q(state="RUNNING", lease_until__isnull=False) | ~Q(state="RUNNING"),
                name="job_running_has_a_lease",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["WAITING", "RUNNING"]) | Q(finished_at__isnull=False),
                name="job_ended_has_its_moment",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["-id"], name="job_unfinished", condition=Q(state__in=["WAITING", "RUNNING"])),
            models.Index(fields=["state", "-id"], name="job_state"),
            models.Index(fields=["job", "-id"], name="job_name"),
            models.Index(fields=["actor_id", "-id"], name="job_actor", condition=Q(actor_id__isnull=False)),
            models.Index(fields=["files_until"], name="job_files", condition=Q(files_until__isnull=False)),
        ]

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen unless somebody asks for it."""
        return self.state not in (self.State.WAITING, self.State.RUNNING)

    @property
    def percent(self) -> int | None:
        """Whole per cent done, or None while the total is not known."""
        if self.state == self.State.DONE:
            return 100
        return None if not self.total else min(100, self.done * 100 // self.total)


class JobChunk(models.Model):
    """One piece of a set-based job: the ids lo <= id < hi, done in one transaction by one worker (recipes §7)."""

    personal: ClassVar = Personal(of=None)

    run = models.ForeignKey(JobRun, on_delete=models.CASCADE, related_name="chunks")
    lo = models.BigIntegerField()
    hi = models.BigIntegerField()
    rows = models.BigIntegerField(null=True)

    class Meta:
        db_table = "job_chunk"
        constraints: ClassVar = [models.UniqueConstraint(fields=["run", "lo"], name="job_chunk_once")]
        indexes: ClassVar = [models.Index(fields=["run", "lo"], name="job_chunk_open", condition=Q(rows__isnull=True))]


class Forgotten(models.Model):
    """One erasure of customers (D§5.12), for the runs that were at work meanwhile and may have read them.

    Written by one erasure at a time (foundation/jobs/forgetting.py): ids follow the order of the commits.
    """

    personal: ClassVar = Personal(of=None, plain=("customers",))

    at = models.DateTimeField()
    customers = ArrayField(models.BigIntegerField())

    class Meta:
        db_table = "job_forgotten"


class BeatMark(models.Model):
    """One row: when the leading beat last sent its ticks (for /readyz and /metrics)."""

    personal: ClassVar = Personal(of=None, plain=("leader",))

    id = models.SmallIntegerField(primary_key=True, default=1)
    ticked_at = models.DateTimeField()
    leader = models.CharField(max_length=120)

    class Meta:
        db_table = "job_beat_mark"
        constraints: ClassVar = [models.CheckConstraint(condition=Q(id=1), name="job_one_beat_mark")]
