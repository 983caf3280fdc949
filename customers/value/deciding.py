"""What value, matrix and relationship say of a customer now, with the steps: for whoever asks why (D§1.7)."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from customers.decisions import Decided, DecisionKind, register_decision
from customers.models import CustomerFacts, RelationshipReview, RelationshipRun, ValueMonth, ValueRun
from customers.models.value import EvaluationRun
from customers.value import explaining, relationship
from customers.value.relationship import RelationshipRules
from customers.value.rules import Rules


def register() -> None:
    """Make the decisions known to the rights desk."""
    register_decision(DecisionKind("customers.value", _("Value, potential, matrix and personas"), value_decided))
    register_decision(DecisionKind("customers.relationship", _("Relationship with the customer"), relationship_decided))


def value_decided(customer_id: int) -> list[Decided]:
    """The judgement that counts now, by the rules of its month; empty before the first."""
    month = CustomerFacts.objects.filter(pk=customer_id).values_list("value_month", flat=True).first()
    if month is None:
        return []
    row = ValueMonth.objects.filter(customer_id=customer_id, month=month).first()
    run = ValueRun.objects.filter(pk=month).first()
    if row is None or run is None:
        return []
    return [Decided(_moment(run), row.cell, explaining.why(row, Rules.from_json(run.rules)))]


def relationship_decided(customer_id: int) -> list[Decided]:
    """The evaluation that counts now, by the rules of its quarter; empty before the first."""
    month = CustomerFacts.objects.filter(pk=customer_id).values_list("relationship_month", flat=True).first()
    if month is None:
        return []
    row = RelationshipReview.objects.filter(customer_id=customer_id, month=month).first()
    run = RelationshipRun.objects.filter(pk=month).first()
    if row is None or run is None:
        return []
    return [Decided(_moment(run), row.band, relationship.why(row, RelationshipRules.from_json(run.rules)))]


def _moment(run: EvaluationRun) -> datetime:
    return run.done_at or run.begun_at
