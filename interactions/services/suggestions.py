"""Suggestions: received with a contact, reviewed, decided, answered, and the author told again when it is done
(D§9.7)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from customers.models import Customer
from customers.timeline import add_line
from foundation.audit.services import record
from foundation.calendars.queries import calendar_for
from foundation.calendars.working_time import add_working, working_days
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.explain import Explanation
from foundation.common.numbers import next_number
from foundation.policies.reading import policy
from interactions.models import Interaction, Suggestion, SuggestionMove, SuggestionNotice
from interactions.stages import SUGGESTION_MOVES, VERDICTS, SuggestionAct, SuggestionState, ToldHow, WhyNot
from outreach.lifecycle import MessageClass
from outreach.services import notify, queue_message
from staff.absence import acting_for, team_lead_of
from staff.models import User
from staff.rights import sight_of

TAKE_RIGHT = "interactions.take"
ASSIGN_RIGHT = "interactions.assign"
GONE = frozenset({Customer.Status.DECEASED, Customer.Status.ANONYMISED})
LONGEST_ANSWER = 4_000
LAST_LEVEL = 2


def receive_suggestion(contact: Interaction, *, actor: User) -> Suggestion:
    """Take up the suggestion of a logged contact, in the caller's transaction; its author is answered in so many
    working days (policy) of the owner's unit, and the owner reminded before. Nobody to answer: no due moment."""
    now = clock.now()
    owner = contact.staff
    due_at, remind_at, why = None, None, Explanation()
    if contact.can_be_answered:
        days = policy("interactions.suggestion.working_days", unit=owner.unit)
        calendar = calendar_for(owner.unit.calendar_code)
        early = policy("interactions.suggestion.remind_days", unit=owner.unit)
        due_at = add_working(now, working_days(days, calendar), calendar)
        remind_at = add_working(now, working_days(max(0, days - early), calendar), calendar)
        why.add(
            "working_days",
            days,
            "suggestion",
            gettext_noop("Working days: %(value)s, by the calendar %(calendar)s, version %(version)s."),
            "S1",
            calendar=calendar.code,
            version=calendar.version,
        )
    suggestion = Suggestion(
        number=next_number("SG"),
        contact=contact,
        customer=contact.customer,
        topic=contact.topic,
        text=contact.summary,
        owner=owner,
        unit_no=owner.unit.no,
        received_at=now,
        due_at=due_at,
        explanation=why.as_json(),
        next_notice_at=remind_at,
    )
    suggestion.save(force_insert=True)
    _remember(suggestion, SuggestionAct.RECEIVED, actor)
    return suggestion


@transaction.atomic
def review_suggestion(suggestion_id: int, *, actor: User) -> Suggestion:
    """Somebody who decides has read it. Raises NotAllowed "suggestion.not_yours", RuleBroken "suggestion.state"."""
    suggestion = _locked(suggestion_id, actor, deciding=True)
    _move(suggestion, SuggestionState.REVIEWED)
    suggestion.save(update_fields=["state"])
    _remember(suggestion, SuggestionAct.REVIEWED, actor)
    return suggestion


@transaction.atomic
def decide_suggestion(
    suggestion_id: int, *, actor: User, verdict: str, wish: str = "", why_not: str = "", reason: str = ""
) -> Suggestion:
    """Adopted (with the wish: what is to change), not adopted (with a reason), or known already.

    Raises NotAllowed "suggestion.not_yours"; RuleBroken "suggestion.state", "suggestion.unknown_code",
    "suggestion.no_wish", "suggestion.no_reason".
    """
    suggestion = _locked(suggestion_id, actor, deciding=True)
    if verdict not in VERDICTS:
        raise RuleBroken("suggestion.unknown_code", _("Choose one of the values offered."))
    if verdict == SuggestionState.ADOPTED and not wish.strip():
        raise RuleBroken("suggestion.no_wish", _("Say what is to be improved."))
    if verdict == SuggestionState.NOT_ADOPTED and why_not not in WhyNot.values:
        raise RuleBroken("suggestion.no_reason", _("Say why it is not adopted."))
    if why_not == WhyNot.OTHER and not reason.strip():
        raise RuleBroken("suggestion.no_reason", _("Say why it is not adopted."))
    _move(suggestion, SuggestionState(verdict))
    suggestion.verdict = verdict
    suggestion.wish = wish.strip()[:400] if verdict == SuggestionState.ADOPTED else ""
    suggestion.why_not = why_not if verdict == SuggestionState.NOT_ADOPTED else ""
    suggestion.reason = reason.strip()[:400]
    suggestion.save(update_fields=["state", "verdict", "wish", "why_not", "reason"])
    _remember(suggestion, SuggestionAct.DECIDED, actor)
    if suggestion.owner_id != actor.pk:
        _ring(suggestion.owner, "decided", suggestion, verdict)
    return suggestion


@transaction.atomic
def answer_suggestion(suggestion_id: int, *, actor: User, told_how: str, answer: str = "") -> Suggestion:
    """The author has an answer: by a message of ours, or told by a person (`answer`: the words).

    Raises NotAllowed "suggestion.not_yours"; RuleBroken "suggestion.state" before a decision,
    "suggestion.unknown_code", "suggestion.no_customer" (a message without customer), "suggestion.no_answer",
    "suggestion.nobody" (an anonymous author cannot be answered).
    """
    suggestion = _locked(suggestion_id, actor)
    if told_how not in ToldHow.values:
        raise RuleBroken("suggestion.unknown_code", _("Choose one of the values offered."))
    if not suggestion.contact.can_be_answered:
        raise RuleBroken("suggestion.nobody", _("The author left no way to answer."))
    if told_how == ToldHow.MESSAGE:
        _write(suggestion, "suggestion_answered", actor)
    elif not answer.strip():
        raise RuleBroken("suggestion.no_answer", _("Write the answer in a sentence."))
    _move(suggestion, SuggestionState.ANSWERED)
    suggestion.answer, suggestion.answered_how = answer.strip()[:LONGEST_ANSWER], told_how
    suggestion.answered_at, suggestion.next_notice_at = clock.now(), None
    suggestion.save(update_fields=["state", "answer", "answered_how", "answered_at", "next_notice_at"])
    _remember(suggestion, SuggestionAct.ANSWERED, actor)
    return suggestion


@transaction.atomic
def finish_suggestion(suggestion_id: int, *, actor: User) -> Suggestion:
    """What was adopted is in effect: the author is told again. Raises NotAllowed "suggestion.not_yours"; RuleBroken
    "suggestion.not_adopted", "suggestion.done"."""
    suggestion = _locked(suggestion_id, actor, deciding=True)
    if suggestion.verdict != SuggestionState.ADOPTED:
        raise RuleBroken("suggestion.not_adopted", _("Only an adopted suggestion is put into effect."))
    if suggestion.done_at is not None:
        raise RuleBroken("suggestion.done", _("It is in effect already."))
    suggestion.done_at = clock.now()
    suggestion.save(update_fields=["done_at"])
    _remember(suggestion, SuggestionAct.DONE, actor)
    if suggestion.customer is not None:
        _write(suggestion, "suggestion_done", actor)
    elif suggestion.contact.can_be_answered:
        _ring(suggestion.owner, "tell_author", suggestion, "done")
    return suggestion


@transaction.atomic
def give_suggestion_notice_if_due(suggestion_id: int, *, now: datetime) -> bool:
    """Level 0 reminds the owner before the answer is due, level 1 brings it to the lead when it is, level 2 above.
    Once per level and due moment; False when there is nothing to do."""
    suggestion = (
        Suggestion.objects.notice_due(now)
        .filter(pk=suggestion_id)
        .select_for_update(skip_locked=True, no_key=True, of=("self",))
        .select_related("owner__unit", "escalated_to__unit", "customer", "contact")
        .first()
    )
    if suggestion is None or suggestion.due_at is None:
        return False
    level = suggestion.next_level
    if suggestion.customer is not None and suggestion.customer.status in GONE:
        suggestion.next_notice_at = None
        suggestion.save(update_fields=["next_notice_at"])
        return False
    stand_in = acting_for(suggestion.owner, now, right=TAKE_RIGHT)
    told = stand_in
    if level:
        below = suggestion.escalated_to if level > 1 and suggestion.escalated_to else suggestion.owner
        told = team_lead_of(below, now, but={suggestion.owner_id}) or stand_in
    given = not SuggestionNotice.objects.filter(
        suggestion=suggestion, level=level, due_at=suggestion.due_at
    ).exists()  # safe: the row is locked
    if given:
        SuggestionNotice.objects.create(suggestion=suggestion, level=level, due_at=suggestion.due_at, at=now, told=told)
        if level and told.pk != suggestion.owner_id:
            suggestion.escalated_to = told
        _remember(suggestion, SuggestionAct.ESCALATED if level else SuggestionAct.REMINDED, None, level=level)
        _ring(told, "overdue" if level else "due", suggestion, f"{level}-{int(suggestion.due_at.timestamp())}")
    suggestion.next_level = level + 1
    suggestion.next_notice_at = _next_notice(suggestion)
    suggestion.save(update_fields=["next_level", "next_notice_at", "escalated_to"])
    return given


def _next_notice(suggestion: Suggestion) -> datetime | None:
    """When the next level is told: the lead at the due moment, the one above so many working days later."""
    if suggestion.due_at is None or suggestion.next_level > LAST_LEVEL:
        return None
    if suggestion.next_level < LAST_LEVEL:
        return suggestion.due_at
    unit = suggestion.owner.unit
    calendar = calendar_for(unit.calendar_code)
    days = policy("interactions.suggestion.head_days", unit=unit)
    return add_working(suggestion.due_at, working_days(days, calendar), calendar)


def may_decide(suggestion: Suggestion, user: User) -> bool:
    """Whether `user` reviews and decides it: a lead in whose scope it lies, or to whom it was brought."""
    if not user.has_perm(ASSIGN_RIGHT):
        return False
    sight = sight_of(user, ASSIGN_RIGHT)
    return suggestion.escalated_to_id == user.pk or sight.covers(
        unit_no=suggestion.unit_no, owner_id=suggestion.owner_id
    )


def may_answer(suggestion: Suggestion, user: User) -> bool:
    """Whether `user` answers the author: the owner, who acts for them, or who decides."""
    if not user.has_perm(TAKE_RIGHT):
        return False
    return (
        user.pk == suggestion.owner_id
        or acting_for(suggestion.owner, clock.now(), right=TAKE_RIGHT).pk == user.pk
        or may_decide(suggestion, user)
    )


def _locked(suggestion_id: int, actor: User, *, deciding: bool = False) -> Suggestion:
    # Two steps: a join in the locking query would lose the row when its keys changed while we waited for the lock.
    Suggestion.objects.select_for_update(no_key=True).only("pk").get(pk=suggestion_id)
    suggestion = Suggestion.objects.select_related("owner__unit", "customer", "contact").get(pk=suggestion_id)
    allowed = may_decide(suggestion, actor) if deciding else may_answer(suggestion, actor)
    if not allowed:
        raise NotAllowed("suggestion.not_yours", _("This suggestion is looked after by somebody else."))
    return suggestion


def _move(suggestion: Suggestion, state: SuggestionState) -> None:
    if state not in SUGGESTION_MOVES[suggestion.state]:
        raise RuleBroken("suggestion.state", _("This step does not follow from where the suggestion stands."))
    suggestion.state = state


def _write(suggestion: Suggestion, template: str, actor: User) -> None:
    if suggestion.customer is None:
        raise RuleBroken("suggestion.no_customer", _("There is no customer to write to; tell them another way."))
    queue_message(
        customer=suggestion.customer,
        message_class=MessageClass.SERVICE,
        template=template,
        params={"number": suggestion.number, "verdict": suggestion.verdict, "why_not": suggestion.why_not},
        dedupe_key=f"{template}-{suggestion.ref}",
        actor=actor,
    )


def _remember(suggestion: Suggestion, act: SuggestionAct, actor: User | None, level: int | None = None) -> None:
    SuggestionMove.objects.create(
        suggestion=suggestion, act=act, at=clock.now(), actor=actor, state=suggestion.state, level=level
    )
    record(
        f"suggestion.{act.lower()}",
        target=suggestion,
        actor=actor,
        customer_id=suggestion.customer_id,
        unit_id=suggestion.owner.unit_id,
        detail={"state": suggestion.state, **({"level": level} if level is not None else {})},
    )
    if suggestion.customer_id is not None and act not in (SuggestionAct.REMINDED, SuggestionAct.ESCALATED):
        add_line(
            suggestion.customer_id,
            f"suggestion.{act.lower()}",
            actor=actor,
            ref_id=suggestion.pk,
            params={"number": suggestion.number, "verdict": suggestion.verdict},
            unit_id=suggestion.owner.unit_id,
        )


def _ring(person: User, kind: str, suggestion: Suggestion, key: str) -> None:
    notify(
        person,
        f"suggestion.{kind}",
        subject_ref=suggestion,
        params={
            "number": suggestion.number,
            **({"due_at": suggestion.due_at.isoformat()} if suggestion.due_at else {}),
        },
        dedupe_key=f"{kind}-{suggestion.ref}-{key}"[:80],
    )
