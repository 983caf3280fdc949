"""The credit of one customer, worked out row by row: the twin of the run over everybody; and grades set by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from billing.credit.grading import Manual, Standing, by_hand, standing
from billing.credit.measuring import facts_of
from billing.credit.rules import CreditRules
from billing.credit.running import before, credit_rules
from billing.credit.scorecard import CreditFacts, Score, score
from billing.models import BillingAccount, CreditChange, CreditRun, CreditScore
from billing.models.credit import WHOLE
from customers.models import Customer, CustomerFacts
from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from staff.models import User

LONGEST_REASON = 200
FACTS = (
    "day", "since", "due", "on_time", "late", "suspensions", "value", "fee", "auto_debit", "identity", "contract_end",
    "written_off", "two_way", "fraud",
)  # fmt: skip


def score_of(customer: Customer, account: BillingAccount | None, month: date) -> CreditScore:
    """What the run of `month` (its first day) says of a person (`account` None) or an account of an enterprise, not
    saved. Raises CreditRun.DoesNotExist for a month nobody judged."""
    rules = CreditRules.from_json(CreditRun.objects.values_list("rules", flat=True).get(pk=month))
    facts = facts_of(customer, account, month, rules)
    found = score(facts, rules)
    last = _score(customer, account, before(month))
    held = standing(facts, found, standing_in(last) if last else None, manual_on(customer, account, facts.day), rules)
    return as_row(customer, account, month, facts, found, held)


def as_row(
    customer: Customer, account: BillingAccount | None, month: date, facts: CreditFacts, found: Score, held: Standing
) -> CreditScore:
    """Facts and what was made of them as the row that is kept."""
    inputs: dict[str, Any] = {name: getattr(facts, name) for name in FACTS}
    return CreditScore(
        customer_id=customer.pk,
        account_id=account.pk if account else WHOLE,
        month=month,
        **inputs,
        basis=found.basis,
        score=found.total,
        cap=found.cap,
        score_grade=found.grade,
        by_score=held.by_score,
        falls_to=held.falls_to,
        falls_on=held.falls_on,
        grade=held.grade,
        credit_limit=held.limit,
        grace_days=held.grace_days,
    )


def facts_in(row: CreditScore) -> CreditFacts:
    """The facts a kept row was made of."""
    return CreditFacts(**{name: getattr(row, name) for name in FACTS})


def standing_in(row: CreditScore) -> Standing:
    """What a kept row left behind."""
    return Standing(row.grade, row.by_score, row.falls_to, row.falls_on, row.credit_limit, row.grace_days)


def manual_on(customer: Customer, account: BillingAccount | None, day: date) -> Manual | None:
    """The grade set by hand that holds on a day: the latest."""
    changes = CreditChange.objects.filter(customer=customer, account=account, begins__lte=day, until__gte=day)
    held = changes.exclude(ended_on__lte=day).order_by("-pk").first()
    return Manual(held.to_grade, held.until) if held else None


def latest_scores(customer: Customer) -> list[CreditScore]:
    """The scores of the customer's newest judged month: one of a person, one for each account of an enterprise."""
    month = CustomerFacts.objects.filter(pk=customer.pk).values_list("credit_month", flat=True).first()
    if month is None:
        return []
    return list(CreditScore.objects.filter(customer_id=customer.pk, month=month).order_by("account_id"))


def grade_of_account(account_id: int) -> str | None:
    """The grade of an account that counts today: of its person, or its own under an enterprise; None without one."""
    account = BillingAccount.objects.select_related("customer__facts").get(pk=account_id)
    customer = account.customer
    if customer is None or customer.facts.credit_month is None:
        return None
    wanted = (WHOLE, account.pk)
    row = (
        CreditScore.objects.filter(customer_id=customer.pk, month=customer.facts.credit_month, account_id__in=wanted)
        .order_by("-account_id")
        .first()
    )
    if row is None:
        return None
    today = clock.today()
    return counting_grade(row, manual_on(customer, account if row.account_id else None, today), today)


def counting_grade(row: CreditScore, manual: Manual | None, day: date) -> str:
    """The grade that counts on a day: by hand while that holds, else of the score. What was written off has no hand."""
    if manual is not None and not row.written_off:
        return manual.grade
    return row.grade_on(day)


@transaction.atomic
def set_grade(
    customer_id: int, *, to: str, reason: str, actor: User, account: BillingAccount | None = None
) -> CreditChange:
    """Set a grade by hand from today on, for the months of the policy (D§6.9); one that holds already ends.

    `account`: of an enterprise. Raises NotAllowed without `billing.approve`, Customer.DoesNotExist outside the actor's
    sight, RuleBroken "credit.no_score" before the first score, "credit.no_reason", "credit.written_off" while a debt is
    written off, "credit.no_change", "credit.too_far".
    """
    if not actor.has_perm("billing.approve"):
        raise NotAllowed("credit.not_yours", _("Only a lead sets a credit grade by hand."))
    customer = Customer.objects.visible_to(actor).select_for_update(of=("self",)).get(pk=customer_id)
    reason = reason.strip()
    if not reason or len(reason) > LONGEST_REASON:
        raise RuleBroken("credit.no_reason", _("Say why, in at most %(most)s characters.") % {"most": LONGEST_REASON})
    wanted = account.pk if account else WHOLE
    row = next((one for one in latest_scores(customer) if one.account_id == wanted), None)
    if row is None:
        raise RuleBroken("credit.no_score", _("There is no score yet; it comes on the second day of the month."))
    if row.written_off:
        raise RuleBroken("credit.written_off", _("A debt was written off: the grade cannot be set by hand."))
    today = clock.today()
    rules = credit_rules(row.month)
    now = counting_grade(row, manual_on(customer, account, today), today)
    hand = by_hand(now, to, today, rules)
    CreditChange.objects.filter(customer=customer, account=account, until__gte=today, ended_on=None).update(
        ended_on=today
    )
    change = CreditChange.objects.create(
        customer=customer,
        account=account,
        from_grade=now,
        to_grade=to,
        begins=today,
        until=hand.until,
        reason=reason,
        actor_id=actor.pk,
    )
    _tell_facts(customer)
    record(
        "billing.credit_set",
        actor=actor,
        target=change,
        customer_id=customer.pk,
        unit_id=customer.unit_id,
        detail={"from": now, "to": to},
    )
    return change


def _tell_facts(customer: Customer) -> None:
    """The facts say what counts today: of an enterprise the worst grade and the limits together."""
    today = clock.today()
    grades, limits = [], 0
    for row in latest_scores(customer):
        account = BillingAccount.objects.filter(pk=row.account_id).first() if row.account_id else None
        grade = counting_grade(row, manual_on(customer, account, today), today)
        grades.append(grade)
        limits += 0 if row.fraud else credit_rules(row.month).limit_of(grade, facts_in(row).monthly)
    CustomerFacts.objects.filter(pk=customer.pk).update(credit_grade=max(grades), credit_limit=limits)


def _score(customer: Customer, account: BillingAccount | None, month: date | None) -> CreditScore | None:
    if month is None:
        return None
    wanted = account.pk if account else WHOLE
    return CreditScore.objects.filter(customer_id=customer.pk, account_id=wanted, month=month).first()
