"""The nightly jobs that keep the house in order; each is safe to run late, twice, or again from its beginning."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import timedelta
from itertools import chain

from django.contrib.sessions.backends.cached_db import SessionStore
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.integrity import FAULTS, faults
from customers.models import SearchLink
from foundation.common import clock, numbers, partitions
from foundation.common.errors import RuleBroken
from foundation.common.replica import read_from_replica
from foundation.jobs.kinds import JobKind, register_job
from foundation.jobs.running import RunningJob
from foundation.jobs.services import drop_old_files

SEARCH_LINK_LIFE = timedelta(hours=1)
NEAR_MIDNIGHT = timedelta(minutes=5)


def make_partitions(job: RunningJob) -> None:
    """Make the months ahead of every partitioned table."""
    made = partitions.ensure_partitions()
    job.progress(len(made), len(made), made=len(made))


def detach_partitions(job: RunningJob) -> None:
    """Detach months older than `careline_keep_months` of the models that say so; their tables stay for the archive."""
    gone = []
    for model in partitions.partitioned_models():
        months = getattr(model, "careline_keep_months", None)
        if months is not None:
            gone += partitions.detach_before(model, partitions.months_back(months))
    job.progress(len(gone), len(gone), detached=len(gone))


def reset_numbers(job: RunningJob) -> None:
    """Set tomorrow's numbers back to 1; not so near midnight that tomorrow could become today meanwhile."""
    if clock.today(clock.now() + NEAR_MIDNIGHT) == clock.today():
        numbers.reset_tomorrow()
        job.progress(1, 1)


def expire_search_links(job: RunningJob) -> None:
    """Delete what people searched for an hour ago or longer."""
    deleted, _by_model = SearchLink.objects.filter(created_at__lt=clock.now() - SEARCH_LINK_LIFE).delete()
    job.progress(deleted, deleted, deleted=deleted)


def drop_files(job: RunningJob) -> None:
    """Delete files of runs that ended a week ago."""
    dropped = drop_old_files()
    job.progress(dropped, dropped, deleted=dropped)


def clear_sessions(job: RunningJob) -> None:
    """Delete ended sessions."""
    SessionStore.clear_expired()
    job.progress(1, 1)


def check_integrity(job: RunningJob) -> None:
    """Look for what no constraint forbids; fails, with a list of table and row id, when it finds something."""
    with read_from_replica():
        found = list(chain.from_iterable(faults()))
    if found:
        listing = job.folder() / "integrity.csv"
        with listing.open("w", newline="", encoding="utf-8") as target:
            writer = csv.writer(target)
            writer.writerow(["fault", "table", "id"])
            writer.writerows((fault.code, fault.table, fault.row_id) for fault in found)
        job.attach_errors("integrity.csv", listing)
    counts: dict[str, int] = {}
    for fault in found:
        counts[fault.code] = counts.get(fault.code, 0) + 1
    job.progress(len(found), len(found), **counts)
    if found:
        raise RuleBroken(
            "jobs.integrity",
            _("%(n)s faults were found in the data; the file lists them.") % {"n": len(found)},
        )


_COUNTS = {
    "made": gettext_lazy("Months made"),
    "detached": gettext_lazy("Months detached"),
    "deleted": gettext_lazy("Deleted"),
    **FAULTS,
}
_JOBS: tuple[tuple[str, object, Callable[[RunningJob], None]], ...] = (
    ("common.make_partitions", gettext_lazy("Make the months ahead"), make_partitions),
    ("common.detach_partitions", gettext_lazy("Detach old months"), detach_partitions),
    ("common.reset_numbers", gettext_lazy("Reset tomorrow's numbers"), reset_numbers),
    ("common.check_integrity", gettext_lazy("Check the integrity of the data"), check_integrity),
    ("customers.expire_search_links", gettext_lazy("Forget old searches"), expire_search_links),
    ("jobs.drop_old_files", gettext_lazy("Delete old files of jobs"), drop_files),
    ("staff.clear_sessions", gettext_lazy("Delete ended sessions"), clear_sessions),
)


def register_jobs() -> None:
    """Register the nightly jobs; crm does so at start."""
    for name, title, run in _JOBS:
        register_job(JobKind(name, title, run, right="jobs.control", counts=_COUNTS))
