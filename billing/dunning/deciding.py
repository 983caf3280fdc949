"""What people decide about arrears: ending contracts, suspending companies, what could not be delivered (D§13.4)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from billing.dunning.facts import Step
from billing.dunning.planning import Needs
from billing.dunning.poking import open_amount_of
from billing.dunning.running import advance
from billing.models import BillingAccount, DunningCase, DunningStep, Hold
from billing.services.holds import check_right
from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.policies.reading import policy
from outreach.lifecycle import AttemptOutcome, MessageState
from outreach.models import FollowUpAttempt, OutMessage, RescueStep
from outreach.models.messages import message_floor
from staff.models import User

RIGHTS = {Needs.FINANCE: "billing.finance", Needs.DELIVERY: "billing.finance", Needs.DEPT_HEAD: "billing.approve"}
LEAST_CHANNELS, LEAST_CALLS = 2, 3
CALLS_WITHIN = timedelta(days=3)
LOST = (MessageState.FAILED, MessageState.UNDELIVERED, MessageState.UNKNOWN, MessageState.SUPPRESSED)


@transaction.atomic
def approve_step(case_id: int, *, actor: User, letter_sent_on: date | None = None) -> DunningCase:
    """Say yes to the step a case waits with: finance to the end of a contract and to a suspension whose final warning
    could not be delivered, the head of department to the suspension of a company. It is taken when its time has come.

    Refuses (RuleBroken) a case that waits for nobody ("dunning.waits_for_nobody"), and a warning of which not two
    channels and three calls in three days failed and a letter was sent ("dunning.not_tried"). NotAllowed without the
    right.
    """
    case = DunningCase.objects.get(pk=case_id)
    account = BillingAccount.objects.select_for_update(no_key=True).get(pk=case.account_id)
    case.refresh_from_db()
    if case.closed_at is not None or not case.next_needs:
        raise RuleBroken("dunning.waits_for_nobody", _("Nothing waits for a decision here."))
    needs = Needs(case.next_needs)
    check_right(actor, RIGHTS[needs])
    if needs == Needs.DELIVERY:
        _check_tried(case, letter_sent_on)
    now = clock.now()
    case.approvals = [*case.approvals, {"at": now.isoformat(), "step": case.next_step, "by": actor.pk}]
    case.save(update_fields=["approvals"])
    detail = {"step": case.next_step, "needs": needs.value}
    if letter_sent_on is not None:
        detail["letter"] = letter_sent_on.isoformat()
    record("billing.approved_step", target=case, actor=actor, customer_id=account.customer_id, detail=detail)
    advance(account.pk, now=now)
    case.refresh_from_db()
    return case


def _check_tried(case: DunningCase, letter_sent_on: date | None) -> None:
    """Whether everything was tried to deliver the final warning (D§13.5a)."""
    steps = DunningStep.objects.filter(case=case, step__in=[Step.FINAL_WARNING, Step.REVERSAL_NOTICE])
    asked = [one for one in steps.values_list("message_id", flat=True) if one is not None]
    again = RescueStep.objects.filter(message_id__in=asked, step=RescueStep.Step.CHANNEL, result_id__isnull=False)
    messages = {*asked, *(one for one in again.values_list("result_id", flat=True) if one is not None)}
    lost = OutMessage.objects.filter(pk__in=messages, pk__gte=message_floor(), state__in=LOST).count()
    calls = FollowUpAttempt.objects.filter(
        follow_up__source__in=[f"message:{one}" for one in messages], at__gte=clock.now() - CALLS_WITHIN
    ).exclude(outcome=AttemptOutcome.REACHED)
    tried = lost >= LEAST_CHANNELS and calls.count() >= LEAST_CALLS
    if not tried or letter_sent_on is None or letter_sent_on > clock.today():
        raise RuleBroken(
            "dunning.not_tried",
            _("First two channels and three calls within three days must have failed and a letter been sent."),
        )


@transaction.atomic
def note_reached(case_id: int, *, actor: User) -> DunningCase:
    """The customer was told the final warning by a person. Refuses (RuleBroken "dunning.not_warned") when none was
    given. NotAllowed without the right to work on arrears."""
    check_right(actor, "billing.work")
    case = DunningCase.objects.get(pk=case_id)
    account = BillingAccount.objects.select_for_update(no_key=True).get(pk=case.account_id)
    case.refresh_from_db()
    if Step.FINAL_WARNING not in case.done or case.closed_at is not None:
        raise RuleBroken("dunning.not_warned", _("No final warning waits to be told."))
    now = clock.now()
    case.reached = [*case.reached, now.isoformat()]
    case.save(update_fields=["reached"])
    record("billing.reached", target=case, actor=actor, customer_id=account.customer_id)
    advance(account.pk, now=now)
    case.refresh_from_db()
    return case


@transaction.atomic
def restore_by_lead(account_id: int, *, actor: User) -> None:
    """A lead restores services on a running promise once the policy's share of what was overdue is paid (D§13.8).

    Refuses (RuleBroken) an account that is not suspended ("restore.not_suspended"), one without a promise
    ("restore.no_promise") and too small a payment ("restore.too_little"). NotAllowed without the right to approve.
    """
    check_right(actor, "billing.approve")
    account = BillingAccount.objects.select_for_update(no_key=True).get(pk=account_id)
    now = clock.now()
    case = DunningCase.objects.filter(account=account, closed_at=None).first()
    if case is None or not case.level:
        raise RuleBroken("restore.not_suspended", _("The services of this account are not suspended for arrears."))
    promises = Hold.objects.filter(account=account, kind=Hold.Kind.PROMISE, ended_at=None)
    if not promises.filter(from_at__lte=now, to_at__gt=now).exists():
        raise RuleBroken("restore.no_promise", _("The rest must be promised first."))
    then = DunningStep.objects.filter(case=case, step__startswith="SUSPEND").order_by("at").first()
    was = then.due if then is not None else Decimal(0)
    open_now = open_amount_of(account, overdue=True)
    share = int(policy("billing.restore_share"))
    if was <= 0 or (was - open_now) * 100 < was * share:
        raise RuleBroken(
            "restore.too_little", _("At least %(share)s %% of what was overdue must be paid.") % {"share": share}
        )
    record("billing.restored_by_lead", target=case, actor=actor, customer_id=account.customer_id)
    advance(account.pk, now=now, lead_restores=True)


@transaction.atomic
def change_grade(account_id: int, *, grade: str, shortens: bool = False) -> None:
    """Credit found another grade while a case is open: it may lengthen the grace, for fraud or a write-off shorten it
    (D§13.10). Called in the transaction of whoever found it."""
    case = DunningCase.objects.filter(account=account_id, closed_at=None).first()
    if case is None:
        return
    now = clock.now()
    case.grades = [*case.grades, {"at": now.isoformat(), "grade": grade, "shortens": shortens}]
    case.next_at = now
    case.save(update_fields=["grades", "next_at"])
