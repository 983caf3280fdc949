"""What a step of the ladder does: a message in words, a call owed by a person, a request to billing (D§13.4, D§24)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db.models import Count, Q
from django.utils import translation
from django.utils.translation import gettext as _

from billing.dunning.facts import AccountKind, Step
from billing.dunning.ladder import Course, ahead_of
from billing.dunning.rules import Ladder
from billing.dunning.situation import Situation
from billing.dunning.wordings import CLASSES, STEP_TEMPLATES
from billing.models import BillingAccount, DunningCase, DunningStep
from billing.services.asking import queue_command
from customers.models import Customer
from customers.services.relations import guardian_of
from foundation.common import clock
from outreach.lifecycle import FollowUpKind, FollowUpState
from outreach.services import owe_followup, queue_message
from outreach.services.answering import who_answers
from staff.absence import absence_of
from staff.models import RoleAssignment, User, holds_on

log = structlog.get_logger(__name__)
CALLS = frozenset({Step.CALL, Step.MANAGER_CONTACT})
COMMANDS = {
    Step.SUSPEND_ONE_WAY: "SUSPEND_ONE_WAY",
    Step.SUSPEND_TWO_WAY: "SUSPEND_TWO_WAY",
    Step.TERMINATION: "TERMINATE",
    Step.RESTORE: "RESTORE",
}
CALLERS = "FINANCE_DUNNING"
CALL_WITHIN = timedelta(hours=8)


def act(
    account: BillingAccount, case: DunningCase, row: DunningStep, course: Course, seen: Situation, ladder: Ladder
) -> bool:
    """Do what a step is for, in the caller's transaction; whether the row has changed."""
    customer = account.customer
    assert customer is not None
    step = Step(row.step)
    if step in COMMANDS:
        row.batch = f"dunning:{case.pk}:{row.round}:{step.lower()}"
        queue_command(account.pk, actor=None, kind=COMMANDS[step], natural_key=row.batch)
    if step in CALLS:
        _owe_call(customer, case, row, step)
    if step in STEP_TEMPLATES and not (step == Step.FINAL_WARNING and _said_with_reversal(case, row)):
        _tell(customer, account, case, row, course, seen, ladder)
    return True


def _said_with_reversal(case: DunningCase, row: DunningStep) -> bool:
    """The notice of a payment taken back was the final warning: its message is this one's."""
    notice = DunningStep.objects.filter(case=case, round=row.round, step=Step.REVERSAL_NOTICE, at=row.at).first()
    if notice is None:
        return False
    row.message_id = notice.message_id
    return True


def _owe_call(customer: Customer, case: DunningCase, row: DunningStep, step: Step) -> None:
    """A call owed: by the manager where the customer must be spoken with first, else by those of the call list."""
    owner = who_answers(customer, row.at) if step == Step.MANAGER_CONTACT else None
    owner = owner or _caller(row.at) or who_answers(customer, row.at)
    if owner is None:
        log.error("dunning_call_without_owner", case=case.pk)
        return
    with translation.override(settings.LANGUAGE_CODE):
        subject = _("Speak about arrears of %(amount)s CNY") % {"amount": f"{row.due:.2f}"}
    owed = owe_followup(
        customer=customer,
        kind=FollowUpKind.CALLBACK,
        owner=owner,
        due_at=row.at + CALL_WITHIN,
        subject=subject,
        actor=None,
        dedupe_key=f"dunning:{case.pk}:{row.round}:{step.lower()}",
        source=f"dunning:{case.pk}",
    )
    row.follow_up_id = owed.pk


def _caller(at: datetime) -> User | None:
    """Who takes a call about arrears: of those who work on them and are there the one with the fewest open duties."""
    assigned = RoleAssignment.objects.filter(holds_on(clock.today(at)), role=CALLERS)
    people = User.objects.filter(is_active=True, pk__in=assigned.values("user")).annotate(
        duties=Count("follow_ups", filter=Q(follow_ups__state=FollowUpState.OPEN))
    )
    return next((user for user in people.order_by("duties", "pk") if absence_of(user, at) is None), None)


def _tell(
    customer: Customer,
    account: BillingAccount,
    case: DunningCase,
    row: DunningStep,
    course: Course,
    seen: Situation,
    ladder: Ladder,
) -> None:
    step = Step(row.step)
    params: dict[str, Any] = {
        "case": case.pk,
        "account": account.external_id,
        "step": step.value,
        "round": row.round,
        "amount": f"{seen.overdue:.2f}",
        "late_fee": f"{seen.late_fee:.2f}",
        "open": f"{sum((one.due for one in seen.books.standings), row.due * 0):.2f}",
        "bill": seen.track.key if seen.track is not None else "",
        "due_day": seen.track.due_date.isoformat() if seen.track is not None else "",
        "free_days": ladder.fees.free_days,
    }
    if (acts_at := _next_act(course, row.at)) is not None:
        params["act_at"] = acts_at.isoformat()
    expires = _expires(step, row.at, params)
    template, message_class = STEP_TEMPLATES[step], CLASSES[step]
    recipients = [(customer, "")]
    guardian = guardian_of(customer) if course.facts.kind == AccountKind.MINOR else None
    if guardian is not None and guardian.other is not None:
        recipients.append((guardian.other, ":guardian"))
    for person, mark in recipients:
        message = queue_message(
            customer=person,
            message_class=message_class,
            template=template,
            params=params,
            dedupe_key=f"dunning:{case.pk}:{row.round}:{step.lower()}{mark}",
            expires_at=expires,
        )
        if message is not None and not mark:
            row.message_id = message.pk


def _next_act(course: Course, now: datetime) -> datetime | None:
    """The moment of the suspension or end the customer is to be told: found by going on as if nothing happened."""
    for planned in ahead_of(course, now):
        if planned.step in (Step.SUSPEND_ONE_WAY, Step.SUSPEND_TWO_WAY, Step.TERMINATION):
            return planned.at
    return None


def _expires(step: Step, at: datetime, params: dict[str, Any]) -> datetime | None:
    """A reminder is of no use any more on the next day; a warning not after what it warns of."""
    if step in (Step.REMINDER_1, Step.REMINDER_2, Step.OVERDUE_1, Step.OVERDUE_2):
        return clock.business_midnight(clock.today(at) + timedelta(days=2))
    if "act_at" in params and step not in (Step.SUSPEND_ONE_WAY, Step.SUSPEND_TWO_WAY):
        until = datetime.fromisoformat(params["act_at"])
        return until if until > at else None
    return None
