"""A line of a bill that a customer disputes, as the intake page begins with it (D§10.11)."""

from __future__ import annotations

from django.http import QueryDict
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from billing.disputing import DisputePlace, register_dispute_place
from billing.glance import may_see
from billing.models import BilledProduct, BillLine
from complaints.intake.forms import FACT
from customers.models import Customer
from foundation.common import ids
from staff.drafts import Place, held
from staff.requests import StaffRequest

TAKE = "complaints.take"
TEXT = "complaints.intake"


def address_of(customer: Customer, line: BillLine) -> str:
    """The intake page with this line filled in: the address names bill and line, never amount or number."""
    query = {"customer": customer.ref, "bill": ids.to_text(line.bill_id), "line": str(line.position)}
    return f"{reverse('complaints:intake')}?{urlencode(query)}"


def disputed_line(request: StaffRequest, customer: Customer) -> QueryDict | None:
    """What the page begins with for `bill` and `line` of the address: words, amount, month, the line it is about.

    A draft the person has for this customer keeps its words. None for a line that is not the customer's or whose bills
    the person may not see.
    """
    line = _line_of(request, customer)
    if line is None:
        return None
    given = QueryDict(mutable=True)
    month = f"{line.bill.month:%Y-%m}"
    draft = held(request, Place(TEXT, customer.pk))
    words = _("The customer disputes %(amount)s CNY for %(name)s on the bill of %(month)s.")
    name = line.name or line.get_kind_display()
    given["text"] = draft.text if draft else words % {"amount": f"{line.amount:.2f}", "name": name, "month": month}
    given["amount"] = f"{line.amount:.2f}"
    given["disputed_fee"] = "on"
    given[f"{FACT}month"] = month
    given[f"{FACT}item"] = name
    lines = _subscriptions(line)
    given.setlist("lines", [str(key) for key in lines])
    return given


def _line_of(request: StaffRequest, customer: Customer) -> BillLine | None:
    position = request.GET.get("line", "")
    try:
        bill = ids.from_text(request.GET.get("bill", "")[:13])
    except ValueError:
        return None
    if not position.isascii() or not position.isdecimal() or len(position) > 4 or not may_see(customer, request.user):
        return None
    rows = BillLine.objects.filter(bill_id=bill, position=int(position), bill__account__customer=customer)
    return rows.select_related("bill").first()


def _subscriptions(line: BillLine) -> list[int]:
    """The service the line was billed for, where it is known here."""
    if not line.service_no:
        return []
    known = BilledProduct.objects.filter(account_id=line.bill.account_id, service_no=line.service_no)
    return [key for key in known.values_list("subscription_id", flat=True) if key is not None]


def register() -> None:
    """Let bills know where they are disputed."""
    register_dispute_place(DisputePlace(TAKE, address_of))
