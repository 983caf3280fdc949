"""What credit says of a customer now, with the steps: for whoever asks why (D§1.7, D§5.11)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from billing.credit.service import latest_scores, manual_on
from billing.credit.showing import counting_of
from billing.models import BillingAccount, CreditRun
from billing.models.credit import WHOLE
from customers.decisions import Decided, DecisionKind, register_decision
from customers.models import Customer
from foundation.common import clock


def register() -> None:
    """Make the decision known to the rights desk."""
    register_decision(DecisionKind("billing.credit", _("Credit grade and limit"), credit_decided))


def credit_decided(customer_id: int) -> list[Decided]:
    """The grade that counts now by the rules of its month, one for each account of an enterprise; empty before the
    first."""
    customer = Customer.objects.filter(pk=customer_id).first()
    rows = latest_scores(customer) if customer is not None else []
    run = CreditRun.objects.filter(pk=rows[0].month).first() if rows else None
    if customer is None or run is None:
        return []
    keys = [row.account_id for row in rows if row.account_id != WHOLE]
    accounts = BillingAccount.objects.in_bulk(keys) if keys else {}
    today = clock.today()
    found = []
    for row in rows:
        counting = counting_of(row, manual_on(customer, accounts.get(row.account_id), today), today, run.rules)
        found.append(Decided(run.done_at or run.begun_at, counting.held.grade, counting.why()))
    return found
