"""What a customer is worth and how we stand with them: one row per customer and month, with what it was made of.

The rows hold counts, sums, dates and codes, never a text of a person. `careline_partitioned`: by month; every query
on them carries a lower bound.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from foundation.common import clock
from foundation.common.merging import OnMerge
from foundation.common.personal import Personal


class ValueClass(models.TextChoices):
    """Place of the current value among all of the same kind (D§6.1)."""

    TOP = "5", pgettext_lazy("value class", "5 (top)")
    HIGH = "4", pgettext_lazy("value class", "4 (high)")
    MIDDLE = "3", pgettext_lazy("value class", "3 (middle)")
    LOW = "2", pgettext_lazy("value class", "2 (low)")
    LOWEST = "1", pgettext_lazy("value class", "1 (lowest)")
    NEW = "NEW", pgettext_lazy("value class", "New (no bill yet)")


class ValueCell(models.TextChoices):
    """Where value and potential meet (D§6.3)."""

    STAR = "STAR", pgettext_lazy("value cell", "Star")
    CORE = "CORE", pgettext_lazy("value cell", "Core")
    GROWTH = "GROWTH", pgettext_lazy("value cell", "Growth")
    BASIC = "BASIC", pgettext_lazy("value cell", "Basic")


class Persona(models.TextChoices):
    """What the monthly totals of use say of a grown-up person."""

    TRAVELLER = "TRAVELLER", _("Frequent business traveller")
    YOUNG_DATA = "YOUNG_DATA", _("Young heavy data user")


class Location(models.TextChoices):
    """Where the customer mostly is (D§6.14)."""

    HOME = "HOME", _("At home")
    OUTBOUND_DOMESTIC = "OUTBOUND_DOMESTIC", _("Roaming in the country")
    OUTBOUND_INTL = "OUTBOUND_INTL", _("Roaming abroad")
    INBOUND = "INBOUND", _("Visitor from another network")


class RelationshipBand(models.TextChoices):
    """How we stand with the customer."""

    STRONG = "STRONG", pgettext_lazy("relationship", "Strong")
    STEADY = "STEADY", pgettext_lazy("relationship", "Steady")
    WEAK = "WEAK", pgettext_lazy("relationship", "Weak")
    AT_RISK = "AT_RISK", pgettext_lazy("relationship", "At risk")


class PassState(models.TextChoices):
    """How far a run over everybody is: collecting what is known, judging it, done."""

    MEASURE = "MEASURE", _("Collecting")
    JUDGE = "JUDGE", _("Judging")
    DONE = "DONE", _("Done")


class EvaluationRun(models.Model):
    """A look at everybody for a month: the rules it went by and what it found of the whole, kept with its results."""

    month = models.DateField(primary_key=True)
    job_run_id = models.BigIntegerField()
    state = models.CharField(max_length=8, choices=PassState.choices, default=PassState.MEASURE)
    rules = models.JSONField()
    begun_at = models.DateTimeField(default=clock.now)
    done_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


class ValueRun(EvaluationRun):
    """The value of everybody in a month: policies, medians of use and bounds of the classes (D§6.1-6.4)."""

    personal: ClassVar = Personal(of=None, plain=("state", "rules"))

    class Meta:
        db_table = "customers_valuerun"


class RelationshipRun(EvaluationRun):
    """The relationship with everybody in a quarter; `month` is its first day."""

    personal: ClassVar = Personal(of=None, plain=("state", "rules"))

    class Meta:
        db_table = "customers_relationshiprun"


class Measured(models.Model):
    """What a month knows of a customer. Nobody knows more of it than these columns: the judgement is made of them.

    `value`: CNY, mean of the last bills (at most 6 within a year), null without a bill. `lines_held`: bits of the
    product lines. `voice_*`, `data_*`: mean minutes and MB of the last three months and the three before. `since`:
    the oldest live line began. `contacts`: answered in the 90 days before the month ended. `unit_id`: who served the
    customer when it was collected.
    """

    month = models.DateField()
    customer_id = models.BigIntegerField()
    unit_id = models.IntegerField(null=True)
    kind = models.CharField(max_length=12)
    category = models.CharField(max_length=12)
    bills = models.PositiveSmallIntegerField(default=0)
    value = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    lines_held = models.PositiveSmallIntegerField(default=0)
    voice_now = models.BigIntegerField(null=True)
    voice_before = models.BigIntegerField(null=True)
    data_now = models.BigIntegerField(null=True)
    data_before = models.BigIntegerField(null=True)
    full_months = models.PositiveSmallIntegerField(default=0)
    roaming_days = models.PositiveIntegerField(default=0)
    roaming_last = models.PositiveIntegerField(default=0)
    age = models.SmallIntegerField(null=True)
    since = models.DateField(null=True)
    contract_end = models.DateField(null=True)
    contacts = models.PositiveIntegerField(default=0)
    no_profile = models.BooleanField(default=False)

    class Meta:
        abstract = True


class ValueDraft(Measured):
    """What was collected and waits for the judgement; a piece leaves it in the transaction that judges it."""

    on_merge: ClassVar = {"customer_id": OnMerge.KEEP}
    personal: ClassVar = Personal(of="customer_id", delete=True, unread=True)
    pk = models.CompositePrimaryKey("month", "customer_id")

    class Meta:
        db_table = "customers_valuedraft"


class ValueMonth(Measured):
    """The judgement of a month: inputs and results. `potential`: 0-100; `clv`: CNY; `usage_*`: index of use."""

    careline_partitioned = "month"

    on_merge: ClassVar = {"customer_id": OnMerge.KEEP}
    personal: ClassVar = Personal(
        of="customer_id", null=("age",), empty=("personas",), plain=("kind", "category", "value_class", "cell")
    )
    pk = models.CompositePrimaryKey("customer_id", "month")
    value_class = models.CharField(max_length=3, choices=ValueClass.choices)
    usage_now = models.DecimalField(max_digits=16, decimal_places=6, null=True)
    usage_before = models.DecimalField(max_digits=16, decimal_places=6, null=True)
    potential = models.PositiveSmallIntegerField()
    cell = models.CharField(max_length=8, choices=ValueCell.choices)
    clv = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    personas: ArrayField[Any, Any] = ArrayField(models.CharField(max_length=12), default=list)

    class Meta:
        db_table = "customers_valuemonth"


class RelationshipReview(models.Model):
    """How a quarter judged the relationship: inputs and result. `month` is the first day of the quarter.

    `usage_change`: the index of use of its last three months against the three before, -0.25 = a quarter less.
    """

    careline_partitioned = "month"

    on_merge: ClassVar = {"customer_id": OnMerge.KEEP}
    personal: ClassVar = Personal(of="customer_id", plain=("band",))
    pk = models.CompositePrimaryKey("customer_id", "month")
    customer_id = models.BigIntegerField()
    month = models.DateField()
    last_contact = models.DateField(null=True)
    contacts = models.PositiveIntegerField(default=0)
    complaints = models.PositiveIntegerField(default=0)
    usage_change = models.DecimalField(max_digits=12, decimal_places=6, null=True)
    consents = models.PositiveSmallIntegerField(default=0)
    since = models.DateField(null=True)
    live_lines = models.PositiveIntegerField(default=0)
    score = models.PositiveSmallIntegerField()
    band = models.CharField(max_length=8, choices=RelationshipBand.choices)

    class Meta:
        db_table = "customers_relationshipreview"


class ValueTally(models.Model):
    """How many customers of a unit stood in a cell and a class when the newest month was judged: what boards add up."""

    personal: ClassVar = Personal(of=None, plain=("kind", "cell", "value_class"))

    unit_id = models.IntegerField()
    kind = models.CharField(max_length=12)
    cell = models.CharField(max_length=8)
    value_class = models.CharField(max_length=3)
    customers = models.PositiveIntegerField()

    class Meta:
        db_table = "customers_valuetally"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["unit_id", "kind", "cell", "value_class"], name="value_tally_once")
        ]
