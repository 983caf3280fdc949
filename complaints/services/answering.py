"""The customer has the answer, agrees with it, disputes it, or stays silent; the last position (D§10.3)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from complaints.lifecycle import OWNER_KIND, Act, ClockKind, EntryKind, Solved, State
from complaints.models import Approval, Callback, Complaint, Entry, Measure, Solution
from complaints.rules import SERVICE, STATUTORY
from complaints.services.callback_owing import drop_callback, owe_callback
from complaints.services.ground import (
    case_to,
    check_works,
    clocks_for,
    lead_over,
    move,
    ring,
    tell_customer,
)
from complaints.services.proving import check_proof
from complaints.services.settling import is_authorised
from complaints.services.solving import solution_of
from foundation.calendars.models import Clock
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.policies.reading import policy
from staff.models import User

LONGEST_WORDS = 10_000


@transaction.atomic
def decide_complaint(case_id: int, *, actor: User, words: str) -> Complaint:
    """The customer is answered: `words` are the whole answer (finding, reason, measures, dates). It stops the statutory
    and the service clock; the callback is owed by somebody else than the handler.

    Raises as `ground.case_to`, NotAllowed "complaint.not_handler"; RuleBroken "complaint.no_words",
    "complaint.unapproved", "complaint.no_proof".
    """
    case = case_to(case_id, Act.DECIDE, actor)
    check_works(case, actor)
    solution = solution_of(case)
    if solution is None or not is_authorised(case, solution):
        raise RuleBroken(
            "complaint.unapproved",
            _("The compensation of this solution is not approved yet: it goes on when who was asked has decided."),
        )
    check_proof(case, solution)
    answer(case, solution, act=Act.DECIDE, actor=actor, words=words, template="complaint_answered")
    return case


@transaction.atomic
def tell_final_position(case_id: int, *, actor: User, words: str) -> Complaint:
    """The operator stays with its position and says so in writing; the callback follows, mediation and appeal are open
    to the customer. What was promised in the answer before stays owed.

    Raises as `decide_complaint`.
    """
    case = case_to(case_id, Act.FINAL, actor)
    check_works(case, actor)
    before = solution_of(case)
    now = clock.now()
    if before is not None and not is_authorised(case, before):
        raise RuleBroken(
            "complaint.unapproved",
            _("The compensation of this solution is not approved yet: it goes on when who was asked has decided."),
        )
    if before is not None:
        check_proof(case, before)
    Solution.objects.filter(complaint=case, dropped_at=None).update(dropped_at=now)
    last = Solution.objects.create(
        complaint=case,
        finding=before.finding if before is not None else _words(words),
        reason=before.reason if before is not None else "",
        final=True,
        proof=before.proof if before is not None else "",
        proof_note=before.proof_note if before is not None else "",
        by=actor,
        at=now,
    )
    if before is not None:
        Measure.objects.filter(solution=before).update(solution=last)
        Approval.objects.filter(solution=before).update(solution=last)
    answer(case, last, act=Act.FINAL, actor=actor, words=words, template="complaint_final")
    return case


def answer(case: Complaint, solution: Solution, *, act: Act, actor: User, words: str, template: str) -> None:
    """What both answers have in common, for a locked case."""
    said = _words(words)
    now = clock.now()
    clocks = clocks_for(case, actor)
    clocks.stop(STATUTORY, SERVICE, ClockKind.FIRST_CONTACT, ClockKind.PROGRESS, ClockKind.LEAD_CONTACT)
    clocks.start(clocks.duty(ClockKind.CALLBACK))
    row = move(
        case,
        act,
        actor=actor,
        decided_at=now,
        answered_at=case.answered_at or now,
        solved="",
        satisfaction=None,
    )
    solution.told_at = now
    solution.save(update_fields=["told_at"])
    due = now + policy("complaints.callback.within", unit=case.work_unit)
    message = tell_customer(case, template, key=row.ref, actor=actor, words=said, callback_by_at=due.isoformat())
    Entry.objects.create(
        complaint=case,
        kind=EntryKind.REPLY,
        channel=case.channel,
        text=said,
        by=actor,
        at=now,
        leaves_at=now,
        left_at=now,
        message_id=message.pk if message is not None else None,
    )
    owe_callback(case, solution, due_at=due, actor=actor)
    if case.owner_id != actor.pk:
        ring(case, case.owner, "answered", row.ref)


@transaction.atomic
def agree_complaint(case_id: int, *, actor: User | None) -> Complaint:
    """The customer agrees with the answer; by the clock (actor None) when an unreachable customer stayed silent for the
    policy's time after the notices (D§18.6): then nothing more is waited for but closing.

    Raises as `ground.case_to`, RuleBroken "complaint.not_silent".
    """
    case = case_to(case_id, Act.AGREE, actor)
    if actor is None:
        _check_silent(case)
    clocks = clocks_for(case, actor)
    clocks.stop(ClockKind.SILENCE, judged=False)
    row = move(case, Act.AGREE, actor=actor, accepted_by_silence=actor is None)
    if actor is None:
        move(case, Act.CALL_BACK, actor=None, solved=Solved.UNREACHABLE)
    tell_customer(case, "complaint_silent" if actor is None else "complaint_accepted", key=row.ref, actor=actor)
    return case


def _check_silent(case: Complaint) -> None:
    solution = solution_of(case)
    callback = Callback.objects.filter(solution=solution, done_at__isnull=False, solved=Solved.UNREACHABLE).first()
    silence = clocks_for(case, None).open.get(ClockKind.SILENCE.value)
    if callback is None or silence is None or silence.due_at is None or silence.due_at > clock.now():
        raise RuleBroken(
            "complaint.not_silent", _("The customer still has time to answer: wait for their word, or ask them.")
        )


@transaction.atomic
def accept_silence_if_due(case_id: int, *, now: datetime) -> bool:
    """Take silence as agreement when its time has come; once, whatever runs twice. False when another worker has the
    case or there is nothing (more) to do."""
    held = (
        Complaint.objects.filter(pk=case_id, state=State.DECIDED)
        .select_for_update(skip_locked=True, no_key=True)
        .only("pk")
    )
    due = Clock.objects.filter(owner_kind=OWNER_KIND, owner_id=case_id, kind=ClockKind.SILENCE, due_at__lte=now)
    if not held.exists() or not due.open().exists():
        return False
    agree_complaint(case_id, actor=None)
    return True


def silences_over(now: datetime, limit: int = 500) -> list[int]:
    """Cases whose customer's time to answer has passed."""
    found = Clock.objects.open().filter(owner_kind=OWNER_KIND, kind=ClockKind.SILENCE, due_at__lte=now)
    return list(found.order_by("due_at", "pk").values_list("owner_id", flat=True)[:limit])


@transaction.atomic
def dispute_complaint(case_id: int, *, actor: User | None, words: str) -> Complaint:
    """The customer does not agree: a lead contacts them within a working day, and a new service limit runs. `actor`
    None: they said so themselves, on the status page.

    Raises as `ground.case_to`, RuleBroken "complaint.no_words".
    """
    case = case_to(case_id, Act.DISPUTE, actor)
    dispute(case, actor=actor, words=words)
    return case


def dispute(case: Complaint, *, actor: User | None, words: str) -> None:
    """The same for a locked case."""
    said = _words(words)
    clocks = clocks_for(case, actor)
    clocks.stop(ClockKind.CALLBACK, ClockKind.SILENCE, judged=False)
    clocks.start(clocks.duty(ClockKind.LEAD_CONTACT), clocks.disputed())
    row = move(case, Act.DISPUTE, actor=actor)
    drop_callback(case, actor=actor)
    Entry.objects.create(complaint=case, kind=EntryKind.INBOUND, channel=case.channel, text=said, by=actor)
    contact = clocks.open[ClockKind.LEAD_CONTACT.value].due_at if not case.is_imported else None
    until = contact.isoformat() if contact is not None else ""
    now = clock.now()
    people = {person for person in (case.handler, case.owner) if person is not None}
    lead = lead_over(case, case.handler or case.owner, now)
    for person in {*people, *([lead] if lead is not None else [])}:
        if actor is None or person.pk != actor.pk:
            ring(case, person, "disputed", row.ref, until_at=until)
    tell_customer(case, "complaint_disputed", key=row.ref, actor=actor, contact_by_at=until)


def _words(words: str) -> str:
    if not words.strip():
        raise RuleBroken("complaint.no_words", _("Write what is said to the customer, or by them."))
    return words.strip()[:LONGEST_WORDS]
