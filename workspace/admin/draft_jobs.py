"""What drafts do in the background: counting what becomes of many open clocks, and moving them when the draft holds."""

from __future__ import annotations

from django.urls import reverse
from django.utils.translation import gettext_lazy

from foundation.common import clock
from foundation.common.paging import capped_count
from foundation.jobs.kinds import NO_CUSTOMERS, JobKind, register_job
from foundation.jobs.running import RunningJob
from foundation.jobs.services import start_job
from foundation.policies.models import Draft
from foundation.policies.moving import count_draft, drafts_to_move, holds, move_clocks, touched
from staff.models import User

COUNT, MOVE, MOVE_DUE = "policies.count_clocks", "policies.move_clocks", "policies.move_due_clocks"
COUNTED_AT_ONCE = 500  # clocks counted while somebody waits; more in the background
AT_ONCE = 200  # clocks moved while somebody waits; more in the background


def start(draft: Draft, job: str, *, actor: User) -> None:
    """Start the job of a draft, once."""
    run = start_job(job, actor=actor, params={"draft": str(draft.pk)}, key=str(draft.pk))
    Draft.objects.filter(pk=draft.pk).update(run_id=run.pk)


def start_moving(draft: Draft, *, actor: User) -> None:
    """Move the open clocks of a draft that holds: a few at once, many in the background. One that holds later is moved
    by the clock."""
    if not draft.move or not holds(draft, clock.now()):
        return
    if capped_count(touched(draft), AT_ONCE)[1]:
        start(draft, MOVE, actor=actor)
    else:
        move_clocks(draft.pk, actor=actor)


def start_counting(draft: Draft, *, actor: User) -> None:
    """Count what a draft makes of the open clocks, where they are too many for a page."""
    if capped_count(touched(draft), COUNTED_AT_ONCE)[1]:
        start(draft, COUNT, actor=actor)


def _count(job: RunningJob) -> None:
    draft = Draft.objects.get(pk=int(job.params["draft"]))
    Draft.objects.filter(pk=draft.pk).update(counts=count_draft(draft, now=clock.now()))


def _person(pk: int | None) -> User | None:
    return User.objects.filter(pk=pk).first() if pk is not None else None


def _move(job: RunningJob) -> None:
    move_clocks(
        int(job.params["draft"]), actor=_person(job.actor_id), told=lambda moved: job.progress(moved, clocks=moved)
    )


def _move_due(job: RunningJob) -> None:
    """Drafts whose beginning came meanwhile, and those whose run was lost."""
    for moved, draft in enumerate(drafts_to_move(clock.now()), 1):
        decided = Draft.objects.values_list("decided_by_id", flat=True).get(pk=draft)
        move_clocks(draft, actor=_person(decided))
        job.progress(moved)


def register() -> None:
    """Make the jobs known."""
    words = {"clocks": gettext_lazy("Clocks moved")}

    def page(run: object) -> str:
        return reverse("workspace:draft-detail", args=[int(run.params["draft"])])  # type: ignore[attr-defined]  # a JobRun

    for name, title, work in (
        (COUNT, gettext_lazy("Count what a draft changes"), _count),
        (MOVE, gettext_lazy("Move open clocks"), _move),
    ):
        register_job(JobKind(name, title, work, "", "default", counts=words, files_of=NO_CUSTOMERS, page=page))
    register_job(
        JobKind(MOVE_DUE, gettext_lazy("Move clocks of what begins to hold"), _move_due, "", files_of=NO_CUSTOMERS)
    )
