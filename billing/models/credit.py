"""How credit was judged: one row per month and customer, per account for an enterprise; and grades set by hand."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from billing.models.accounts import BillingAccount
from customers.models import Customer
from customers.models.value import EvaluationRun
from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.merging import OnMerge
from foundation.common.personal import Personal

WHOLE = 0  # `account_id` of the score of a person: all accounts together (D§6.7)


class Grade(models.TextChoices):
    """Credit grades, the best first (D§6.8)."""

    A = "A", pgettext_lazy("credit grade", "A")
    B = "B", pgettext_lazy("credit grade", "B")
    C = "C", pgettext_lazy("credit grade", "C")
    D = "D", pgettext_lazy("credit grade", "D")
    E = "E", pgettext_lazy("credit grade", "E")


class CreditBasis(models.TextChoices):
    """What a score is made of."""

    BILLS = "BILLS", _("Bills of the last year")
    FIRST_MONTHS = "FIRST_MONTHS", _("First months")
    NO_BILLS = "NO_BILLS", _("No bills")


class CreditRun(EvaluationRun):
    """The credit of everybody in a month (its first day; judged on the 2nd), with the rules it went by."""

    personal: ClassVar = Personal(of=None, plain=("state", "rules"))


class CreditScore(models.Model):
    """What a month knew of a customer's credit and what it made of that; `CreditFacts` says what the inputs mean.

    `account_id` WHOLE: all accounts of a person. `by_score`, `falls_to`, `falls_on`, `grade`: `grading.Standing`;
    `credit_limit`: whole CNY.
    """

    careline_partitioned = "month"

    on_merge: ClassVar = {"customer_id": OnMerge.KEEP}
    personal: ClassVar = Personal(
        of="customer_id", plain=("basis", "cap", "score_grade", "by_score", "falls_to", "grade")
    )
    pk = models.CompositePrimaryKey("customer_id", "account_id", "month")
    customer_id = models.BigIntegerField()
    account_id = models.BigIntegerField(default=WHOLE)
    month = models.DateField()
    day = models.DateField()
    since = models.DateField(null=True)
    due = models.PositiveIntegerField()
    on_time = models.PositiveIntegerField()
    late = models.PositiveIntegerField()
    suspensions = models.PositiveIntegerField()
    value = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    fee = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    auto_debit = models.BooleanField()
    identity = models.BooleanField()
    contract_end = models.DateField(null=True)
    written_off = models.BooleanField()
    two_way = models.BooleanField()
    fraud = models.BooleanField()
    basis = models.CharField(max_length=12, choices=CreditBasis.choices)
    score = models.PositiveSmallIntegerField()
    cap = models.CharField(max_length=12, blank=True)
    score_grade = models.CharField(max_length=1, choices=Grade.choices)
    by_score = models.CharField(max_length=1, choices=Grade.choices)
    falls_to = models.CharField(max_length=1, choices=Grade.choices, blank=True)
    falls_on = models.DateField(null=True)
    grade = models.CharField(max_length=1, choices=Grade.choices)
    credit_limit = models.PositiveIntegerField()
    grace_days = models.PositiveSmallIntegerField()

    def grade_on(self, day: date) -> str:
        """The grade of the score on a day, before there is a newer one; a hand may have set another."""
        return self.falls_to if self.falls_on is not None and day >= self.falls_on else self.by_score


class CreditChange(Row):
    """A grade set by hand, with the reason: one step from the grade that counted, for a time (D§6.9)."""

    on_merge: ClassVar = {"customer": OnMerge.MOVE}
    personal: ClassVar = Personal(of="customer", empty=("reason",), plain=("from_grade", "to_grade"))

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="credit_changes", db_index=False)
    account = models.ForeignKey(
        BillingAccount, null=True, on_delete=models.CASCADE, related_name="credit_changes", db_index=False
    )
    from_grade = models.CharField(max_length=1, choices=Grade.choices)
    to_grade = models.CharField(max_length=1, choices=Grade.choices)
    begins = models.DateField()
    until = models.DateField()
    ended_on = models.DateField(null=True)
    reason = models.CharField(max_length=200)
    actor_id = models.BigIntegerField()
    at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(until__gte=F("begins")), name="credit_change_ends_after_start"),
            models.CheckConstraint(condition=~Q(from_grade=F("to_grade")), name="credit_change_changes"),
        ]
        indexes: ClassVar = [models.Index(fields=["customer", "-id"], name="credit_change_customer")]
