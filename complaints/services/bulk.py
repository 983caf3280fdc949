"""Acts on many cases at once: looked at first, then done case by case, and taken back as a whole (ui-guide §5 Queue).

Each case is a line of its own with what it was before and what became of it, and is done in its own transaction: what
is refused for one does not stop the others, and a worker killed half-way goes on where it stopped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.lifecycle import RANK, Act, HandoverRole, State, move_for
from complaints.models import BulkAct, BulkChange, BulkLine, Complaint
from complaints.services.confirming_many import confirm_batch
from complaints.services.confirming_many import refusal as nothing_suggested
from complaints.services.giving_batch import UNDONE, give_batch
from complaints.services.grading import change_grade, take_back_grade
from complaints.services.ground import ASSIGN_RIGHT
from complaints.services.handing import order_case
from complaints.services.ordering import order_reply, withdraw_order
from complaints.services.spreading import Taker, takers_of
from complaints.services.spreading import spread as spread_cases
from complaints.services.working import assign_complaint
from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.jobs.kinds import NO_CUSTOMERS, JobKind, register_job
from foundation.jobs.running import RunningJob
from foundation.jobs.services import start_job
from staff.models import OrgUnit, User

ASSESS_RIGHT = "complaints.assess"
RIGHTS = {
    BulkAct.ASSIGN: ASSIGN_RIGHT,
    BulkAct.URGE: ASSIGN_RIGHT,
    BulkAct.RAISE: ASSESS_RIGHT,
    BulkAct.CONFIRM: ASSESS_RIGHT,
}
MOST_CASES = 5_000
AT_ONCE = 100  # more are done in the background
BATCH = 100  # that many cases stay locked together
JOB = "complaints.bulk"
S = BulkLine.State


@transaction.atomic
def begin_bulk(case_ids: Sequence[int], *, actor: User, act: str) -> BulkChange:
    """Keep which cases an act is meant for; nothing is done to them yet.

    Raises NotAllowed "complaint.no_right", RuleBroken "complaint.bulk_none", "complaint.bulk_too_many".
    """
    if act not in BulkAct.values:
        raise RuleBroken("complaint.unknown_code", _("Choose what is to be done."))
    if not actor.has_perm(RIGHTS[BulkAct(act)]):
        raise NotAllowed("complaint.no_right", _("Your role does not do this to complaints."))
    if not case_ids:
        raise RuleBroken("complaint.bulk_none", _("Select the cases first."))
    if len(case_ids) > MOST_CASES:
        raise RuleBroken("complaint.bulk_too_many", _("At most 5,000 cases at once: narrow the view."))
    bulk = BulkChange.objects.create(act=act, actor=actor)
    cases = Complaint.objects.visible_to(actor).filter(pk__in=case_ids).order_by("queue_at", "pk")
    BulkLine.objects.bulk_create(
        [
            BulkLine(
                bulk=bulk,
                complaint=one,
                old_handler_id=one.handler_id,
                old_unit_id=one.work_unit_id,
                old_grade=one.grade,
                old_grade_reason=one.grade_reason,
            )
            for one in cases.only("pk", "handler_id", "work_unit_id", "queue_at", "grade", "grade_reason")
        ]
    )
    return bulk


@transaction.atomic
def aim_bulk(
    bulk_id: int,
    *,
    actor: User,
    people: Sequence[User] = (),
    unit: OrgUnit | None = None,
    spread: bool = False,
    grade: str = "",
    reason: str = "",
    due_at: datetime | None = None,
    note: str = "",
) -> BulkChange:
    """Say what is to be done, and find out which cases would be refused. Several `people` share an assignment: each
    next case goes to who has the fewest of them; `spread`: to the least loaded colleague of its unit who is there,
    below the limit and has the skill it needs.

    Raises BulkChange.DoesNotExist for another's, RuleBroken "complaint.bulk_confirmed", "complaint.no_receiver",
    "complaint.cannot_work", "complaint.order_what", "complaint.order_when", "complaint.unknown_code".
    """
    bulk = _mine(bulk_id, actor)
    if bulk.confirmed_at is not None:
        raise RuleBroken("complaint.bulk_confirmed", _("This was confirmed already."))
    if bulk.act == BulkAct.ASSIGN:
        if not people and unit is None and not spread:
            raise RuleBroken("complaint.no_receiver", _("Choose a person or a unit."))
        for person in people:
            if not person.is_active or not person.has_perm("complaints.work"):
                raise RuleBroken("complaint.cannot_work", _("%(name)s does not work on complaints.") % _name(person))
    elif bulk.act == BulkAct.URGE:
        if not note.strip():
            raise RuleBroken("complaint.order_what", _("Say what is ordered."))
        if due_at is None or due_at <= clock.now():
            raise RuleBroken("complaint.order_when", _("The reply is due in the future: name a later moment."))
    elif bulk.act == BulkAct.RAISE and grade not in RANK:
        raise RuleBroken("complaint.unknown_code", _("Choose one of the grades and reasons offered."))
    bulk.spread = spread and not people and unit is None
    bulk.unit = unit if not people else None
    bulk.grade, bulk.reason, bulk.note, bulk.due_at = grade, reason, note.strip()[:200], due_at
    bulk.aimed_at = clock.now()
    bulk.save(update_fields=["unit", "spread", "grade", "reason", "note", "due_at", "aimed_at"])
    _judge(bulk, people)
    return bulk


def _judge(bulk: BulkChange, people: Sequence[User]) -> None:
    """Who gets which case, and what would be refused, as the cases stand now."""
    related = ("complaint__topic", "complaint__customer__facts") if bulk.spread else ("complaint",)
    lines = list(bulk.lines.select_related(*related).order_by("pk"))
    found = _spread(bulk, [line.complaint for line in lines]) if bulk.spread else {}
    got: Counter[int] = Counter({person.pk: 0 for person in people})
    for line in lines:
        line.new_handler_id = None
        line.code, line.said = _refusal(bulk, line.complaint)
        taker = found.get(line.complaint_id)
        if not line.code and isinstance(taker, Taker):
            line.new_handler = taker.user
        elif not line.code and isinstance(taker, str):
            line.code, line.said = "complaint.nobody_free", taker
        if not line.code and people:
            fit = [person for person in people if person.pk not in _barred(line.complaint)]
            if fit:
                chosen = min(fit, key=lambda person: got[person.pk])
                line.new_handler = chosen
                got[chosen.pk] += 1
            else:
                line.code, line.said = "complaint.same_handler", _("None of these people can take it.")
        line.state = S.REFUSED if line.code else S.WAITING
    BulkLine.objects.bulk_update(lines, ["state", "code", "said", "new_handler"], batch_size=1_000)


def _spread(bulk: BulkChange, cases: list[Complaint]) -> dict[int, Taker | str]:
    """Who would get each of the cases that can be given away, by load."""
    free = [case for case in cases if _refusal(bulk, case) == ("", "")]
    leaving = Counter(case.handler_id for case in free if case.handler_id is not None)
    actor = bulk.actor
    takers = takers_of({case.work_unit_id for case in free}, actor=actor, leaving=leaving, now=clock.now())
    return spread_cases(free, takers)


def _barred(case: Complaint) -> set[int | None]:
    """Who cannot take it: who has it, who is complained of, who handled it badly before."""
    return {case.handler_id, case.about_staff_id, case.not_handler_id}


def _refusal(bulk: BulkChange, case: Complaint) -> tuple[str, str]:
    """What stands against the act on a case as it is now: code and words, ("", "") for nothing."""
    if bulk.act == BulkAct.CONFIRM:  # also of ended records of the past
        return nothing_suggested(case)
    if not case.is_open:
        return "complaint.ended", _("This complaint is closed.")
    if bulk.act == BulkAct.RAISE:
        if RANK[bulk.grade] <= RANK[case.grade]:
            return "complaint.same_grade", _("The complaint has this grade already, or a graver one.")
        return "", ""
    if bulk.act == BulkAct.URGE:
        if case.handler_id is None:
            return "complaint.not_worked_on", _("Nobody works on it yet: assign it.")
        return "", ""
    if not _assigns(case) and (bulk.unit is not None or case.handler_id is None):
        state = State(case.state).label
        return "complaint.illegal", _("A case that is “%(state)s” cannot be given away so.") % {"state": state}
    return "", ""


def _assigns(case: Complaint) -> bool:
    return move_for(case.state, Act.ASSIGN) is not None


@transaction.atomic
def confirm_bulk(bulk_id: int, *, actor: User) -> BulkChange:
    """Let it happen: at once up to 100 cases (the caller goes on with `run_lines`), above that in the background.

    Raises BulkChange.DoesNotExist, RuleBroken "complaint.bulk_not_aimed", "complaint.bulk_confirmed".
    """
    bulk = _mine(bulk_id, actor)
    if bulk.aimed_at is None:
        raise RuleBroken("complaint.bulk_not_aimed", _("Say first what is to be done."))
    if bulk.confirmed_at is not None:
        raise RuleBroken("complaint.bulk_confirmed", _("This was confirmed already."))
    bulk.confirmed_at = clock.now()
    bulk.save(update_fields=["confirmed_at"])
    waiting = bulk.lines.filter(state=S.WAITING).count()
    record("complaint.bulk", target=bulk, actor=actor, detail={"act": bulk.act, "cases": waiting})
    if waiting > AT_ONCE:
        run = start_job(JOB, actor=actor, params={"bulk": bulk.pk}, key=f"{bulk.pk}")
        bulk.run_id = run.pk
        bulk.save(update_fields=["run_id"])
    return bulk


@transaction.atomic
def undo_bulk(bulk_id: int, *, actor: User) -> BulkChange:
    """Ask for an act to be taken back as a whole: each case goes back to who had it, is urged no more, or has its grade
    again; what was changed or replied to since stays.

    Raises BulkChange.DoesNotExist, RuleBroken "complaint.bulk_no_undo", "complaint.bulk_undone".
    """
    bulk = _mine(bulk_id, actor)
    if bulk.done_at is None:
        raise RuleBroken("complaint.bulk_no_undo", _("Only what is finished can be taken back."))
    if bulk.undo_asked_at is not None:
        raise RuleBroken("complaint.bulk_undone", _("This was taken back already."))
    bulk.undo_asked_at = clock.now()
    bulk.save(update_fields=["undo_asked_at"])
    done = bulk.lines.filter(state=S.DONE).count()
    record("complaint.bulk_undone", target=bulk, actor=actor, detail={"act": bulk.act, "cases": done})
    if done > AT_ONCE:
        run = start_job(JOB, actor=actor, params={"bulk": bulk.pk}, key=f"{bulk.pk}-undo")
        bulk.run_id = run.pk
        bulk.save(update_fields=["run_id"])
    return bulk


def run_lines(bulk: BulkChange) -> Iterable[tuple[int, int]]:
    """Do what is confirmed, or take back what was asked to be; yields how far it has come: (done, total). May be
    repeated: what is done stays done once."""
    undoing = bulk.undo_asked_at is not None
    waiting = list(
        bulk.lines.filter(state=S.DONE if undoing else S.WAITING).order_by("pk").values_list("pk", flat=True)
    )
    actor = User.objects.select_related("unit").get(pk=bulk.actor_id)
    done = 0
    for first in range(0, len(waiting), BATCH):
        batch = waiting[first : first + BATCH]
        if bulk.act in (BulkAct.ASSIGN, BulkAct.CONFIRM):
            together = give_batch if bulk.act == BulkAct.ASSIGN else confirm_batch
            given = together(batch, actor=actor, undoing=undoing)
            done += len(given)
            batch = [key for key in batch if key not in given]
            if given:
                yield done, len(waiting)
        for line_id in batch:
            (undo_line if undoing else do_line)(line_id, actor=actor)
            done += 1
            yield done, len(waiting)
    column = "undone_at" if undoing else "done_at"
    BulkChange.objects.filter(pk=bulk.pk, **{f"{column}__isnull": True}).update(**{column: clock.now()})


@transaction.atomic
def do_line(line_id: int, *, actor: User) -> bool:
    """One case: the act, or why it was refused. False when it was done before."""
    line = _line(line_id)
    if line.state != S.WAITING:
        return False
    try:
        with transaction.atomic():
            _do(line, actor)
        line.state = S.DONE
        line.version = Complaint.objects.values_list("version", flat=True).get(pk=line.complaint_id)
    except RuleBroken as no:
        line.state, line.code, line.said = S.REFUSED, no.code[:48], str(no.message)[:300]
    line.save(update_fields=["state", "code", "said", "version", "order", "old_grade", "old_grade_reason"])
    return True


def _do(line: BulkLine, actor: User) -> None:
    bulk, case = line.bulk, line.complaint
    if bulk.act == BulkAct.RAISE:
        line.old_grade, line.old_grade_reason = case.grade, case.grade_reason
        change_grade(case.pk, actor=actor, grade=bulk.grade, reason_code=bulk.reason, reason=bulk.note)
    elif bulk.act == BulkAct.URGE:
        assert bulk.due_at is not None
        if case.handler is None:
            raise RuleBroken("complaint.not_worked_on", _("Nobody works on it yet: assign it."))
        line.order = order_reply(case.pk, actor=actor, to=case.handler, text=bulk.note, due_at=bulk.due_at)
    else:
        _give(case, actor, line.new_handler, bulk.unit, bulk.note)


def _give(case: Complaint, actor: User, to: User | None, unit: OrgUnit | None, note: str) -> None:
    if _assigns(case):
        assign_complaint(case.pk, actor=actor, to=to, unit=unit, note=note)
    elif to is not None:
        order_case(case.pk, actor=actor, role=HandoverRole.HANDLER, to=to, reason=note)
    else:
        raise RuleBroken("complaint.no_receiver", _("Somebody works on it: choose a person."))


@transaction.atomic
def undo_line(line_id: int, *, actor: User) -> bool:
    """One case back to what it was; kept as it is when it was changed since. False when it was done before."""
    line = _line(line_id)
    if line.state != S.DONE:
        return False
    try:
        with transaction.atomic():
            _undo(line, actor)
        line.state = S.UNDONE
    except RuleBroken as no:
        line.state, line.code, line.said = S.KEPT, no.code[:48], str(no.message)[:300]
    line.save(update_fields=["state", "code", "said"])
    return True


def _undo(line: BulkLine, actor: User) -> None:
    if line.order is not None:  # whatever became of the case: nobody owes the reply any more
        withdraw_order(line.order.pk, actor=actor)
        return
    case = line.complaint
    if case.version != line.version:
        raise RuleBroken("complaint.changed_since", _("It was changed since."))
    if line.bulk.act == BulkAct.RAISE:
        take_back_grade(
            case.pk, actor=actor, grade=line.old_grade, reason_code=line.old_grade_reason, reason=str(UNDONE)
        )
    elif line.bulk.act == BulkAct.ASSIGN:
        _give(case, actor, line.old_handler, line.old_unit, str(UNDONE))


def _line(line_id: int) -> BulkLine:
    BulkLine.objects.select_for_update().only("pk").get(pk=line_id)
    rows = BulkLine.objects.select_related(
        "bulk__unit", "complaint__handler", "old_handler", "old_unit", "new_handler", "order"
    )
    return rows.get(pk=line_id)


def _mine(bulk_id: int, actor: User) -> BulkChange:
    return BulkChange.objects.select_for_update().get(pk=bulk_id, actor=actor)


def _name(person: User) -> dict[str, str]:
    return {"name": person.name}


def _run(job: RunningJob) -> None:
    bulk = BulkChange.objects.get(pk=job.params["bulk"])
    for done, total in run_lines(bulk):
        job.progress(done, total)
    counts = Counter(bulk.lines.values_list("state", flat=True))
    done = sum(counts.values())
    job.progress(done, done, changed=counts[S.DONE] + counts[S.UNDONE], refused=counts[S.REFUSED] + counts[S.KEPT])


def register() -> None:
    """Make the job known."""
    counts = {"changed": gettext_lazy("Cases done"), "refused": gettext_lazy("Cases refused")}
    title = gettext_lazy("Act on many complaints")
    register_job(JobKind(JOB, title, _run, ASSESS_RIGHT, queue="default", counts=counts, files_of=NO_CUSTOMERS))
