"""Running a rehearsal: asked for, done in the background piece by piece, never writing to cases or clocks."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import connection, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.models import Rehearsal, RehearsalLine
from complaints.models.cases import ComplaintQuerySet
from complaints.rehearsing.replay import LONG_AGO, cases_after, lines_of, taken_in, units_with_paths
from complaints.rehearsing.sides import Side
from complaints.rehearsing.staff import staff_of, staffed
from complaints.rehearsing.sums import sum_up
from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.jobs.kinds import NO_CUSTOMERS, JobKind, register_job
from foundation.jobs.running import RunningJob
from foundation.jobs.services import start_job
from foundation.policies.drafting import frozen
from foundation.policies.models import Draft
from foundation.policies.reading import begin_work
from staff.models import OrgUnit, User

JOB = "complaints.rehearse"
RIGHT = "complaints.rehearse"
PIECE = 500
STAFF_PIECE = 5_000
LONGEST = timedelta(days=3 * 366)
MOST_DRAFTS = 12


@transaction.atomic
def start_rehearsal(
    *, actor: User, title: str, from_day: date, to_day: date, left: list[int], right: list[int]
) -> Rehearsal:
    """Rehearse what `right` (ids of drafts; none: what is in force) would have made of the cases received on these
    days, against `left`. The drafts are kept as they are now.

    Refuses NotAllowed "complaint.no_right"; RuleBroken "complaint.rehearsal_title", "complaint.rehearsal_period": it
    ends before it begins, in the future, or lasts more than three years; "complaint.rehearsal_draft": a draft that was
    dropped or is none, or more than 12; "complaint.drafts_clash".
    """
    if not actor.has_perm(RIGHT):
        raise NotAllowed("complaint.no_right", _("Your role does not do this to complaints."))
    if not title.strip() or len(title) > 80:
        raise RuleBroken("complaint.rehearsal_title", _("Give it a name of at most 80 characters."))
    now = clock.now()
    if from_day > to_day or to_day > clock.today(now):
        raise RuleBroken("complaint.rehearsal_period", _("The period ends today at the latest, not before it begins."))
    if to_day - from_day > LONGEST:
        raise RuleBroken("complaint.rehearsal_period", _("A period lasts three years at most."))
    sides = [_frozen(ids) for ids in (left, right)]
    for drafts in sides:
        Side(drafts, now)
    rehearsal = Rehearsal.objects.create(
        title=title.strip(), from_day=from_day, to_day=to_day, as_of=now, made_by=actor, left=sides[0], right=sides[1]
    )
    run = start_job(JOB, actor=actor, params={"rehearsal": str(rehearsal.pk)}, key=str(rehearsal.pk))
    rehearsal.run_id = run.pk
    rehearsal.save(update_fields=["run_id"])
    record("complaint.rehearsed", target=rehearsal, actor=actor, detail={"drafts": len(sides[0]) + len(sides[1])})
    return rehearsal


def _frozen(ids: list[int]) -> list[dict[str, object]]:
    drafts = Draft.objects.filter(pk__in=ids).exclude(state=Draft.State.DROPPED).order_by("pk")
    found = [frozen(draft) for draft in drafts]
    if len(found) != len(set(ids)) or len(found) > MOST_DRAFTS:
        raise RuleBroken("complaint.rehearsal_draft", _("Choose drafts that still are, at most twelve a side."))
    return found


def rehearse(rehearsal_id: int, job: RunningJob | None = None) -> Rehearsal:
    """Do all of a rehearsal that is not done yet; one that is finished stays as it is. Each piece is a transaction of
    its own, so that one killed goes on where it stopped."""
    rehearsal = Rehearsal.objects.get(pk=rehearsal_id)
    if rehearsal.finished_at is None:
        units = units_with_paths()
        left, right = Side(rehearsal.left, rehearsal.as_of), Side(rehearsal.right, rehearsal.as_of)
        total = _period(rehearsal).count()
        while _do_piece(rehearsal, units, left, right):
            begin_work()
            if job is not None:
                job.progress(min(rehearsal.cases, total), total, cases=rehearsal.cases)
        for side, name in ((left, "left"), (right, "right")):
            if side.staff:
                _do_staff(rehearsal, units, side, name, job)
        sum_up(rehearsal, bounds(rehearsal)[0])
    return rehearsal


def _period(rehearsal: Rehearsal) -> ComplaintQuerySet:
    return taken_in(*bounds(rehearsal))


def bounds(rehearsal: Rehearsal) -> tuple[datetime, datetime]:
    """When the period begins, and when it is over."""
    return clock.business_midnight(rehearsal.from_day), clock.business_midnight(rehearsal.to_day + timedelta(days=1))


@transaction.atomic
def _do_piece(rehearsal: Rehearsal, units: dict[int, OrgUnit], left: Side, right: Side) -> bool:
    """The next cases; false when there are none. Another worker who took the run over goes on from here."""
    held = Rehearsal.objects.select_for_update(no_key=True).get(pk=rehearsal.pk)
    first, _last = bounds(held)
    cases = cases_after(_period(held), (held.reached_at or LONG_AGO, held.reached_id), PIECE)
    if cases:
        RehearsalLine.objects.bulk_create(lines_of(held, cases, units, left, right, first), batch_size=1_000)
        held.reached_at, held.reached_id = cases[-1].received_at, cases[-1].id
        held.cases += sum(not case.carried(first) for case in cases)
        held.save(update_fields=["reached_at", "reached_id", "cases"])
    rehearsal.cases = held.cases
    return bool(cases)


def _do_staff(rehearsal: Rehearsal, units: dict[int, OrgUnit], side: Side, name: str, job: RunningJob | None) -> None:
    """Say of every case when the staff of a side would have come through with it; from the first one each time. What
    waited before the period is taken first, from its beginning on."""
    first, _last = bounds(rehearsal)
    staff = staff_of(side, units, first)
    after = (LONG_AGO, 0)
    while True:
        rows = list(
            RehearsalLine.objects.filter(rehearsal=rehearsal, first=True, received_at__gte=after[0])
            .exclude(received_at=after[0], pk__lte=after[1])
            .order_by("received_at", "pk")
            .values_list("pk", "unit_id", "received_at")[:STAFF_PIECE]
        )
        if not rows:
            return
        ends: list[tuple[int, datetime]] = []
        for pk, unit, received_at in rows:
            serving = staffed(units[unit], staff)
            if serving is not None:
                ends.append((pk, serving.take(received_at)))
        with connection.cursor() as cursor:
            cursor.execute(
                f"""UPDATE complaints_rehearsal_line l SET done_{name} = d.done
                    FROM unnest(%s::bigint[], %s::timestamptz[]) AS d (id, done) WHERE l.id = d.id""",
                [[pk for pk, _done in ends], [done for _pk, done in ends]],
            )
        after = (rows[-1][2], rows[-1][0])
        if job is not None:
            job.progress(rehearsal.cases, rehearsal.cases)


def _run(job: RunningJob) -> None:
    rehearse(int(job.params["rehearsal"]), job)


def register() -> None:
    """Make the job known."""
    from django.urls import reverse

    register_job(
        JobKind(
            JOB,
            gettext_lazy("Rehearsal of complaints"),
            _run,
            RIGHT,
            counts={"cases": gettext_lazy("Cases")},
            files_of=NO_CUSTOMERS,
            page=lambda run: reverse("complaints:rehearsal", args=[int(run.params["rehearsal"])]),
        )
    )
