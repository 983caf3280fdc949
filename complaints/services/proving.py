"""A disputed fee for an order: the proof that it was confirmed lies with us; without it, a refund (D§10.11)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from django.utils.translation import gettext as _

from complaints.lifecycle import MeasureKind, Proof
from complaints.models import Complaint, Measure, Solution
from customers.models.subscriptions import ProductLine
from foundation.common.errors import RuleBroken
from foundation.ui.wording import say_money

VAS_TOPIC = "BILLING.VAS_FEE"
# Orders too where the customer disputes the fee.
DISPUTED_TOPICS = ("BILLING.UNKNOWN_DEDUCTION",)
LONGEST_NOTE = 400


def needs_proof(case: Complaint) -> bool:
    """Whether the case is about the fee of an order the customer may never have confirmed: of a value-added service, or
    another disputed fee nobody can place."""
    code = case.topic.code if case.topic is not None else ""
    if code == VAS_TOPIC:
        return True
    return case.disputed_fee and (case.product_line == ProductLine.VAS or code in DISPUTED_TOPICS)


def checked_proof(case: Complaint, proof: str, note: str, measures: Sequence[Measure]) -> dict[str, str]:
    """The columns of a solution that hold the proof. Raises RuleBroken "complaint.unknown_code",
    "complaint.proof_where" (nothing says when it was confirmed and where that lies), and as `check_proof`."""
    if proof not in Proof.values:
        raise RuleBroken("complaint.unknown_code", _("Choose one of the values offered."))
    if proof and not note.strip():
        raise RuleBroken("complaint.proof_where", _("Say when the customer confirmed the order and where that lies."))
    _check(case, proof, measures)
    return {"proof": proof, "proof_note": note.strip()[:LONGEST_NOTE] if proof else ""}


def check_proof(case: Complaint, solution: Solution) -> None:
    """That a solution may be told: with the proof, or refunding the fee. Raises RuleBroken "complaint.no_proof"."""
    _check(case, solution.proof, list(solution.measures.all()))


def _check(case: Complaint, proof: str, measures: Sequence[Measure]) -> None:
    if proof or not needs_proof(case):
        return
    refunds = [one.amount or Decimal(0) for one in measures if one.kind == MeasureKind.REFUND]
    owed = case.amount if case.disputed_fee else None
    if refunds and (owed is None or sum(refunds) >= owed):
        return
    if owed is not None:
        words = _("Nothing proves that the customer confirmed this order: refund %(amount)s, or name the proof.")
        raise RuleBroken("complaint.no_proof", words % {"amount": say_money(owed)})
    raise RuleBroken(
        "complaint.no_proof",
        _("Nothing proves that the customer confirmed this order: refund the fee, or name the proof."),
    )
