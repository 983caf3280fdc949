"""The value of one customer in a month, worked out row by row: the twin of the run over everybody."""

from __future__ import annotations

from dataclasses import fields
from datetime import date
from typing import Any

from customers.models import Customer, ValueMonth, ValueRun
from customers.value.engine import Inputs, Judgement, judge
from customers.value.measuring import inputs_of
from customers.value.rules import Rules


def value_of(customer: Customer, month: date) -> ValueMonth:
    """What the run of `month` (its first day) says of the customer, not saved.

    The bounds of the classes are those the run has kept: raises ValueRun.DoesNotExist for a month nobody judged.
    """
    rules = Rules.from_json(ValueRun.objects.values_list("rules", flat=True).get(pk=month))
    given = inputs_of(customer, month)
    return as_row(customer.pk, given, judge(given, rules))


def as_row(customer_id: int, given: Inputs, found: Judgement) -> ValueMonth:
    """Inputs and judgement as the row that is kept."""
    measured: dict[str, Any] = {one.name: getattr(given, one.name) for one in fields(given)}
    return ValueMonth(
        customer_id=customer_id,
        **measured,
        value_class=found.value_class,
        usage_now=found.usage_now,
        usage_before=found.usage_before,
        potential=found.potential,
        cell=found.cell,
        clv=found.clv,
        personas=found.personas,
    )


def inputs_in(row: ValueMonth) -> Inputs:
    """The inputs a kept row was made of."""
    return Inputs(**{one.name: getattr(row, one.name) for one in fields(Inputs)})


def judged_again(row: ValueMonth, rules: Rules) -> Judgement:
    """The judgement of a kept row with its terms, from what it keeps: nothing else is read."""
    return judge(inputs_in(row), rules)
