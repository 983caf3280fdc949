"""What billing writes on the timeline, in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _

from billing.models import Bill, Payment
from customers.models import TimelineLine
from customers.timeline import LineKind, register_kind
from foundation.ui.wording import say_day, say_money

BILL_READY, BILL_REPLACED = "bill.ready", "bill.replaced"
PAYMENT_RECEIVED, PAYMENT_REVERSED = "payment.received", "payment.reversed"


def _load_bills(ids: Iterable[int]) -> dict[int, Any]:
    return Bill.objects.in_bulk(list(ids))


def _load_payments(ids: Iterable[int]) -> dict[int, Any]:
    return Payment.objects.in_bulk(list(ids))


def _month(bill: Bill | None) -> str:
    return f"{bill.month:%Y-%m}" if bill is not None else "–"


def _ready(line: TimelineLine, ref: Any) -> tuple[str, str]:
    if ref is None:
        return _("Bill ready"), ""
    words = _("%(amount)s, due %(day)s") % {"amount": say_money(ref.amount), "day": say_day(ref.due_date)}
    return _("Bill of %(month)s ready") % {"month": _month(ref)}, words


def _replaced(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("Bill of %(month)s replaced") % {"month": _month(ref)}, ""


def _received(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("Payment received"), say_money(ref.amount) if ref else ""


def _reversed(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("Payment taken back"), say_money(ref.amount) if ref else ""


def register() -> None:
    """Make the kinds known to the timeline."""
    for kind in (
        LineKind(BILL_READY, "receipt", "", "business", _ready, _load_bills),
        LineKind(BILL_REPLACED, "receipt", "warn", "business", _replaced, _load_bills),
        LineKind(PAYMENT_RECEIVED, "banknote", "ok", "business", _received, _load_payments),
        LineKind(PAYMENT_REVERSED, "banknote", "warn", "business", _reversed, _load_payments),
    ):
        register_kind(kind)
