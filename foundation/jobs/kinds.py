"""The jobs there are: each app registers its own in `AppConfig.ready()`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from foundation.common.errors import RuleBroken
from foundation.jobs.models import FILES_KEPT

if TYPE_CHECKING:
    from foundation.jobs.models import JobRun
    from foundation.jobs.running import RunningJob


@dataclass(frozen=True)
class JobKind:
    """One kind of background work.

    `title`: lazy translation for the page. `run(job)`: does the work; may be repeated from its beginning after a
    lost worker, so a repeat must be harmless. `right`: the permission to start it by hand; "" when only the
    clock does. `queue`: urgent, default or bulk. `chunk(cursor, run, lo, hi) -> rows`: for set-based jobs, one
    statement over the ids lo <= id < hi (`RunningJob.run_chunks`). `counts`: lazy words for the names of the counts
    it reports. `files_of(ids)`: the runs whose files may hold data of these customers, for erasure; left out, any file
    of the job is taken to hold them; `NO_CUSTOMERS` says that none ever does. `page(run)`: the address where the files
    of a run are fetched, instead of on the page of runs. `files_kept`: how long they lie after the end, when not the
    usual time.
    """

    name: str
    title: Any
    run: Callable[[RunningJob], None]
    right: str
    queue: str = "bulk"
    chunk: Callable[[Any, Any, int, int], int] | None = None
    counts: Mapping[str, Any] = field(default_factory=dict)
    files_of: Callable[[list[int]], Iterable[int]] | None = None
    page: Callable[[JobRun], str] | None = None
    files_kept: Callable[[], timedelta] | None = None


def NO_CUSTOMERS(_ids: list[int]) -> list[int]:
    """For kinds whose files never hold data of customers."""
    return []


_kinds: dict[str, JobKind] = {}


def register_job(kind: JobKind) -> JobKind:
    """Make a job known under its name. Raises ValueError when another one has it."""
    if _kinds.setdefault(kind.name, kind) != kind:
        raise ValueError(f"two jobs are called {kind.name}")
    return kind


def kind_of(name: str) -> JobKind:
    """The job called `name`. Raises RuleBroken("jobs.unknown") when no installed app registers it (any more)."""
    try:
        return _kinds[name]
    except KeyError:
        raise RuleBroken("jobs.unknown", _("No job is called “%(name)s”.") % {"name": name}) from None


def job_kinds() -> dict[str, JobKind]:
    """Every registered job by its name."""
    return dict(_kinds)


def files_kept(name: str) -> timedelta:
    """How long the files of a run of `name` lie after its end."""
    kind = _kinds.get(name)
    return kind.files_kept() if kind and kind.files_kept else FILES_KEPT
