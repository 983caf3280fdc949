"""What falls due on a case besides its marks: promises, orders, measures, parts, hand-overs, letters of authorities,
sessions, callbacks nobody could make. Each is noticed once, by its own row; found late it is noticed once, later."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from django.db import models, transaction

from complaints.lifecycle import PART_KIND, AppealState, Deed, MediationState, SeatWhy
from complaints.models import (
    AppealCase,
    Approval,
    Complaint,
    Handover,
    Measure,
    MediationCase,
    Order,
    Part,
    Promise,
    Rejection,
)
from complaints.services import answering, deciding, grouping, handing, pausing, reaching, shifting
from complaints.services.ground import remember, ring, seat
from complaints.watching.taking import DEPT_HEAD, DIRECTOR, GM, QA, Superiors
from foundation.calendars.clocks import mark_missed
from foundation.calendars.marks import claim_marks
from foundation.policies.reading import policy
from staff.models import User

_Row = TypeVar("_Row", bound=models.Model)


@dataclass(frozen=True)
class Due:
    """One kind of duty: the ids of what is due at a moment, and what is done about one of them."""

    name: str
    ids: Callable[[datetime], Iterable[int]]
    act: Callable[[int, datetime], bool]


def notice_promise(promise_id: int, now: datetime) -> bool:
    """A promise is due: who keeps it and their lead hear of it."""
    return _notice(Promise.objects.due(now), promise_id, now, "promise_due", lambda row: row.owner)


def notice_order(order_id: int, now: datetime) -> bool:
    """A reply to an order is overdue: who owes it and who ordered hear of it."""
    found = Order.objects.open().filter(noticed_at=None, due_at__lte=now)
    return _notice(found, order_id, now, "order_due", lambda row: row.to, also=lambda row: [row.by])


def notice_measure(measure_id: int, now: datetime) -> bool:
    """A measure of a solution in force is overdue: who owes it and their lead hear of it."""
    return _notice(overdue_measures(now), measure_id, now, "measure_due", lambda row: row.owner)


def overdue_measures(now: datetime) -> models.QuerySet[Measure]:
    """Those of solutions in force nobody was told of yet."""
    return Measure.objects.filter(
        done_at=None, noticed_at=None, due_at__lte=now, solution__dropped_at=None, solution__told_at__isnull=False
    )


def notice_appeal(appeal_id: int, now: datetime) -> bool:
    """Our response to an authority should be ready: the coordinator, the department, the director and the general
    manager hear of it (D§24)."""
    with transaction.atomic():
        beside = ("created_by__unit", "complaint__owner__unit", "complaint__work_unit")
        appeal = _claimed(appeals_due(now).select_related(*beside), appeal_id, now)
        if appeal is None:
            return False
        case, superiors = appeal.complaint, Superiors(now)
        if case is None:
            return True
        people = [appeal.created_by] + [
            superiors.holder(role, case.work_unit, case.about_staff_id) for role in (DEPT_HEAD, QA, DIRECTOR, GM)
        ]
        _ring_all(case, people, "appeal_due", appeal.ref, appeal.internal_due_at)
        remember(case, Deed.ESCALATED, actor=None, detail={"appeal": str(appeal.pk)})
        return True


def appeals_due(now: datetime) -> models.QuerySet[AppealCase]:
    """Appeals without a response past our own date."""
    waiting = (AppealState.RECEIVED, AppealState.LINKED)
    return AppealCase.objects.filter(closed_at=None, state__in=waiting, noticed_at=None, internal_due_at__lte=now)


def notice_session(mediation_id: int, now: datetime) -> bool:
    """A mediation session is near: who works on the case and who answers for it are reminded."""
    with transaction.atomic():
        beside = ("complaint__owner__unit", "complaint__handler__unit", "complaint__work_unit")
        found = _claimed(sessions_near(now).select_related(*beside), mediation_id, now)
        if found is None:
            return False
        case, superiors = found.complaint, Superiors(now)
        people = [superiors.stand_in(person, case.pk) for person in (case.owner, case.handler or case.owner)]
        _ring_all(case, people, "session", f"{found.ref}-{found.sessions}", found.session_at)
        return True


def sessions_near(now: datetime) -> models.QuerySet[MediationCase]:
    """Sessions that begin soon and nobody was reminded of."""
    before = now + policy("complaints.mediation.remind_before")
    return MediationCase.objects.filter(state=MediationState.SESSION, noticed_at=None, session_at__lte=before)


@transaction.atomic
def sweep_parts(now: datetime, size: int = 500) -> int:
    """Parts whose budget is used up: marked late; the unit's head hears of it (D§23). How many."""
    mark_missed(now, owner_kind=PART_KIND)
    marks = claim_marks(now, owner_kind=PART_KIND, limit=size)
    superiors = Superiors(now)
    parts = Part.objects.filter(pk__in=[mark.owner_id for mark in marks], done_at=None)
    rows = list(parts.select_related("complaint__owner__unit", "complaint__work_unit", "unit", "handler__unit"))
    # A part somebody finishes at this moment says itself that it was late.
    Part.objects.filter(
        pk__in=list(parts.select_for_update(skip_locked=True, no_key=True).order_by("pk").values_list("pk", flat=True))
    ).update(late=True)
    for part in rows:
        accused = part.complaint.about_staff_id
        head = superiors.holder(DEPT_HEAD, part.unit, accused)
        worker = superiors.stand_in(part.handler) if part.handler is not None else None
        given_by = part.complaint.handler or part.complaint.owner
        _ring_all(part.complaint, [head, worker, given_by], "part_late", part.ref, part.due_at, part=str(part.pk))
    return len(rows)


def _claimed(found: models.QuerySet[_Row], key: int, now: datetime) -> _Row | None:
    """The row, locked and marked as noticed; None when another worker has it or nothing is to be said of it."""
    row = found.filter(pk=key).select_for_update(skip_locked=True, no_key=True, of=("self",)).first()
    if row is not None:
        row.noticed_at = now  # type: ignore[attr-defined]  # every model noticed here has it
        row.save(update_fields=["noticed_at"])
    return row


def _notice(
    found: models.QuerySet[Any],
    key: int,
    now: datetime,
    kind: str,
    owes: Callable[[Any], User],
    also: Callable[[Any], list[User]] | None = None,
) -> bool:
    with transaction.atomic():
        row = _claimed(found, key, now)
        if row is None:
            return False
        case = row.solution.complaint if isinstance(row, Measure) else row.complaint
        if not case.is_open and not isinstance(row, Promise):
            return True
        superiors, person = Superiors(now), owes(row)
        people = [superiors.stand_in(person, case.pk), superiors.lead_of(person, case.about_staff_id)]
        people += also(row) if also is not None else []
        _ring_all(case, people, kind, row.ref, row.due_at)
        remember(case, Deed.REMINDED, actor=None, detail={"to": person.pk, "due_at": row.due_at.isoformat()})
        return True


def _ring_all(
    case: Complaint, people: Iterable[User | None], kind: str, key: str, until: datetime | None, **more: Any
) -> None:
    """Each present one once, never the person complained of; who has no part in the case yet gets a seat."""
    for person in {person.pk: person for person in people if person is not None}.values():
        if person.pk == case.about_staff_id:
            continue
        if person.pk not in (case.owner_id, case.handler_id):
            seat(case, person, SeatWhy.RAISED)
        ring(case, person, kind, f"{key}-{person.pk}", until_at=until.isoformat() if until else "", **more)


def _ids(rows: models.QuerySet[Any], by: str = "due_at") -> list[int]:
    return list(rows.order_by(by, "pk").values_list("pk", flat=True)[:500])


def _undecided(model: type[models.Model], now: datetime) -> list[int]:
    return _ids(deciding.undecided(model, now), "decide_by")


DUES: tuple[Due, ...] = (
    Due(
        "handover",
        lambda now: _ids(Handover.objects.open().filter(until__lte=now, noticed_at=None), "until"),
        lambda key, now: handing.lapse_handover(key, now=now),
    ),
    Due("pause", pausing.pauses_over, lambda key, now: pausing.resume_if_due(key, now=now)),
    Due("silence", answering.silences_over, lambda key, now: answering.accept_silence_if_due(key, now=now)),
    Due("member", lambda _now: grouping.members_to_close(), lambda key, _now: grouping.close_member(key)),
    Due("tried", lambda _now: _ids(reaching.tried_callbacks()), reaching.ask_by_message),
    Due("unanswered", lambda now: _ids(reaching.unanswered_callbacks(now)), reaching.give_up_callback),
    Due("promise", lambda now: _ids(Promise.objects.due(now)), notice_promise),
    Due(
        "order",
        lambda now: _ids(Order.objects.open().filter(noticed_at=None, due_at__lte=now)),
        notice_order,
    ),
    Due("measure", lambda now: _ids(overdue_measures(now)), notice_measure),
    Due("appeal", lambda now: _ids(appeals_due(now), "internal_due_at"), notice_appeal),
    *(
        Due(
            f"undecided {model.__name__.lower()}",
            partial(_undecided, model),
            partial(deciding.pass_up, model),
        )
        for model in (Approval, Rejection, AppealCase)
    ),
    Due("unsigned", lambda now: _ids(shifting.sheets_unsigned(now), "sign_by"), shifting.notice_sheet),
    Due("shift", lambda now: _ids(shifting.sheets_over(now), "until"), shifting.end_sheet),
    Due("session", lambda now: _ids(sessions_near(now), "session_at"), notice_session),
)
