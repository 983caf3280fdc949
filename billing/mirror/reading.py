"""TM Forum bodies of billing, read strictly: what each says, or why it cannot be used.

Money is exact: at most two decimals, CNY alone. A body that lacks something a resource always has is `Partial`: not
wrong, but to be read from billing anew. Unknown attributes are left alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from billing.mirror.pieces import (
    Unusable,
    code_in,
    day_in,
    exact,
    maybe_moment,
    moment_in,
    money,
    need,
    ref,
    short,
    text,
    yes_in,
)
from billing.models import Bill, BilledProduct, BillingAccount, BillLine, Payment

MOST_LINES = 500


@dataclass(frozen=True)
class Line:
    """A line of a bill."""

    kind: str
    name: str
    service_no: str
    amount: Decimal


@dataclass(frozen=True)
class Statement:
    """A resource as billing states it. `values`: columns of its model. `account_ref`: the account it belongs to."""

    resource: str
    external_id: str
    account_ref: str
    stated_at: datetime | None
    values: dict[str, Any]
    lines: tuple[Line, ...] = ()
    finished: bool = True


@dataclass(frozen=True)
class Envelope:
    """An event around its resource. `resource`: which kind; "" when nobody reads such events."""

    event_id: str
    event_time: datetime
    kind: str
    resource: str
    correlation_id: str
    body: Mapping[str, Any]
    resource_id: str = ""


RESOURCES = ("customerBill", "billingAccount", "payment", "bucket", "product")
_NOUNS = {"".join((name[0].upper(), name[1:])): name for name in RESOURCES}
_VERBS = ("CreateEvent", "StateChangeEvent", "AttributeValueChangeEvent")
KINDS = {f"{noun}{verb}": name for noun, name in _NOUNS.items() for verb in _VERBS}


def read_envelope(told: Any) -> Envelope:
    """The event as it came. Raises Unusable; a kind nobody reads is an Envelope without a resource."""
    if not isinstance(told, dict):
        raise Unusable("", "object")
    event_id = text(told, "eventId", longest=100)
    kind = text(told, "eventType", longest=60)
    kind = kind[0].upper() + kind[1:]
    moment = moment_in(told.get("eventTime"), "eventTime")
    resource = KINDS.get(kind, "")
    inner = told.get("event", told.get("payload"))
    body = inner.get(resource) if isinstance(inner, dict) and resource else {}
    if resource and not isinstance(body, dict):
        raise Unusable(f"event.{resource}", "object")
    body = body or {}
    named = body.get("id")
    resource_id = short(named, "id") if named is not None else ""
    if resource and not resource_id:
        raise Unusable(f"event.{resource}.id", "missing")
    correlation = told.get("correlationId")
    return Envelope(
        event_id,
        moment,
        kind,
        resource,
        correlation if isinstance(correlation, str) and len(correlation) <= 100 else "",
        body,
        resource_id,
    )


def account_named(resource: str, body: Mapping[str, Any]) -> str:
    """The account a body names, as far as it can be told; "" otherwise."""
    if resource == "billingAccount":
        named = body.get("id")
    else:
        told = body.get(_ACCOUNT_OF.get(resource, ""))
        named = told.get("id") if isinstance(told, dict) else None
    return str(named) if isinstance(named, str | int) and not isinstance(named, bool) and len(str(named)) <= 64 else ""


def read(resource: str, body: Mapping[str, Any]) -> Statement:
    """What a body states. Raises Partial, Unusable."""
    return _READERS[resource](body)


# --- one reader for each resource ---------------------------------------------------------------------------------

_ACCOUNT_OF = {
    "customerBill": "billingAccount",
    "payment": "account",
    "bucket": "partyAccount",
    "product": "billingAccount",
}
_BILL_STATES = {
    **dict.fromkeys(("new", "onhold", "validated", "sent", "partiallypaid", "settled"), ""),
    "cancelled": Bill.State.CANCELLED.value,
    "replaced": Bill.State.REPLACED.value,
}
_PAY_STATES = {
    "done": Payment.State.DONE.value,
    "captured": Payment.State.DONE.value,
    "reversed": Payment.State.REVERSED.value,
    "canceled": Payment.State.REVERSED.value,
    "cancelled": Payment.State.REVERSED.value,
    **dict.fromkeys(("failed", "denied", "pendingauthorization", "authorized"), ""),
}
_ACCOUNT_STATES = {
    **dict.fromkeys(("active", "defined", "suspended"), BillingAccount.Status.ACTIVE.value),
    **dict.fromkeys(("closed", "inactive"), BillingAccount.Status.CLOSED.value),
}
_PAY_TYPES = {"postpaid": BillingAccount.PayType.POSTPAID.value, "prepaid": BillingAccount.PayType.PREPAID.value}
_KINDS_OF_PARTY = {
    **dict.fromkeys(("person", "individual", "customer"), BillingAccount.Kind.PERSON.value),
    **dict.fromkeys(("enterprise", "organization", "company"), BillingAccount.Kind.ENTERPRISE.value),
}
_PAY_WAYS = {value.replace("_", "").lower(): value for value in BillingAccount.PayWay.values if value != "OTHER"}
_PRODUCT_STATES = {value.lower(): value for value in BilledProduct.Status.values}
_SUSPENSIONS = {"oneway": "oneWay", "twoway": "twoWay", "": ""}
_LINE_KINDS = {value.replace("_", "").lower(): value for value in BillLine.Kind.values}
_NEGATIVE_LINES = frozenset({BillLine.Kind.DISCOUNT, BillLine.Kind.CREDIT})


def bill_values(
    *, month: date, bill_date: date, due_date: date, amount: Decimal, remaining: Decimal, state: str
) -> dict[str, Any]:
    """The columns of a bill that hang on one another; `state` "" stands for what the amounts say. Raises Unusable."""
    if remaining > amount:
        raise Unusable("remainingAmount.value", "more_than_amount", str(remaining))
    if due_date < bill_date:
        raise Unusable("paymentDueDate", "before_bill", due_date.isoformat())
    if not state:
        part = Bill.State.PARTIAL if remaining < amount else Bill.State.OPEN
        state = part.value if remaining else Bill.State.SETTLED.value
    return {
        "month": month.replace(day=1),
        "bill_date": bill_date,
        "due_date": due_date,
        "amount": amount,
        "remaining": remaining,
        "state": state,
    }


def _bill(body: Mapping[str, Any]) -> Statement:
    need(
        body,
        "id",
        "billDate",
        "paymentDueDate",
        "billingAccount",
        "taxIncludedAmount",
        "remainingAmount",
        "state",
        "appliedCustomerBillingRate",
    )
    bill_date = day_in(body["billDate"], "billDate")
    period = body.get("billingPeriod")
    began = period.get("startDateTime") if isinstance(period, dict) else None
    month = day_in(began, "billingPeriod.startDateTime") if began else bill_date.replace(day=1) - timedelta(days=1)
    state = code_in(body["state"], "state", _BILL_STATES)
    values = bill_values(
        month=month,
        bill_date=bill_date,
        due_date=day_in(body["paymentDueDate"], "paymentDueDate"),
        amount=money(body["taxIncludedAmount"], "taxIncludedAmount"),
        remaining=money(body["remainingAmount"], "remainingAmount"),
        state=state,
    )
    lines = _lines(body["appliedCustomerBillingRate"])
    replaced = body.get("replacedBy")
    key = short(body["id"], "id")
    replaced_by = ref(body, "replacedBy") if replaced is not None and state == Bill.State.REPLACED else ""
    if replaced_by == key:
        raise Unusable("replacedBy.id", "itself")
    written_off = body.get("writtenOffDate")
    return Statement(
        "customerBill",
        key,
        ref(body, "billingAccount"),
        maybe_moment(body, "lastUpdate"),
        values
        | {
            "bill_no": short(body.get("billNo") or "", "billNo"),
            "late_fee": late_fee_of(lines, values["amount"]),
            "replaced_by_ref": replaced_by,
            "delivered": yes_in(body, "delivered", True),
            "written_off_on": day_in(written_off, "writtenOffDate") if written_off else None,
        },
        lines,
    )


def late_fee_of(lines: tuple[Line, ...], amount: Decimal) -> Decimal:
    """What of a bill is late fee: its lines of the kind, at most the whole bill."""
    return min(amount, sum((one.amount for one in lines if one.kind == BillLine.Kind.LATE_FEE), Decimal("0.00")))


def read_line(kind: Any, name: Any, service_no: Any, amount: Any, place: str) -> Line:
    """A line of a bill from its parts, checked. Raises Unusable."""
    code = code_in(str(kind or "OTHER").replace("_", ""), f"{place}.type", _LINE_KINDS)
    value = exact(amount, f"{place}.amount", negative=code in _NEGATIVE_LINES)
    if code in _NEGATIVE_LINES and value > 0:
        raise Unusable(f"{place}.amount", "not_negative", str(value))
    return Line(code, short(name or "", f"{place}.name", 120), short(service_no or "", f"{place}.serviceNo"), value)


def _lines(told: Any) -> tuple[Line, ...]:
    if not isinstance(told, list):
        raise Unusable("appliedCustomerBillingRate", "list")
    if len(told) > MOST_LINES:
        raise Unusable("appliedCustomerBillingRate", "too_many")
    found = []
    for number, one in enumerate(told):
        place = f"appliedCustomerBillingRate[{number}]"
        if not isinstance(one, dict):
            raise Unusable(place, "object")
        product = one.get("product")
        service_no = (product.get("id") or product.get("name")) if isinstance(product, dict) else ""
        price = one.get("taxIncludedAmount")
        if not isinstance(price, dict) or price.get("unit") != "CNY":
            raise Unusable(f"{place}.taxIncludedAmount.unit", "currency")
        found.append(read_line(one.get("type"), one.get("name"), service_no, price.get("value"), place))
    return tuple(found)


def _account(body: Mapping[str, Any]) -> Statement:
    need(body, "id", "state", "relatedParty")
    parties = body["relatedParty"]
    if not isinstance(parties, list) or not all(isinstance(one, dict) for one in parties):
        raise Unusable("relatedParty", "list")
    owner: dict[str, Any] = next((one for one in parties if str(one.get("role", "")).lower() == "customer"), {})
    kind = str(owner.get("@referredType") or "Person")
    values: dict[str, Any] = {
        "party": short(owner.get("id") or "", "relatedParty.id"),
        "kind": _KINDS_OF_PARTY.get(kind.lower(), BillingAccount.Kind.PERSON.value),
        "status": code_in(body["state"], "state", _ACCOUNT_STATES),
        "pay_type": _PAY_TYPES.get(str(body.get("accountType") or "").lower(), BillingAccount.PayType.POSTPAID.value),
        "pay_way": _pay_way(body.get("defaultPaymentMethod")),
        "balance": None,
        "credit_limit": None,
    }
    if body.get("creditLimit") is not None:
        values["credit_limit"] = money(body["creditLimit"], "creditLimit")
    for one in body.get("accountBalance") or []:
        if not isinstance(one, dict):
            raise Unusable("accountBalance", "object")
        if one.get("balanceType") == "receivable":
            values["balance"] = money(one.get("amount"), "accountBalance.amount", negative=True)
    key = short(body["id"], "id")
    return Statement("billingAccount", key, key, maybe_moment(body, "lastUpdate", "lastModified"), values)


def _pay_way(told: Any) -> str:
    if not isinstance(told, dict):
        return BillingAccount.PayWay.CASH.value
    named = str(told.get("name") or told.get("id") or "")
    return _PAY_WAYS.get(named.replace("_", "").replace(" ", "").lower(), BillingAccount.PayWay.OTHER.value)


def _payment(body: Mapping[str, Any]) -> Statement:
    need(body, "id", "account", "amount", "paymentDate", "status")
    state = code_in(body["status"], "status", _PAY_STATES)
    amount = money(body["amount"], "amount")
    if not amount:
        raise Unusable("amount.value", "nothing")
    paid_at = moment_in(body["paymentDate"], "paymentDate")
    back = state == Payment.State.REVERSED
    way = body.get("paymentMethod")
    return Statement(
        "payment",
        short(body["id"], "id"),
        ref(body, "account"),
        maybe_moment(body, "lastUpdate"),
        {
            "amount": amount,
            "paid_at": paid_at,
            "way": short(str(way.get("name") or "") if isinstance(way, dict) else "", "paymentMethod.name", 40),
            "state": state,
            "reversed_at": (maybe_moment(body, "statusDate", "lastUpdate") or paid_at) if back else None,
            "bank_erred": back and yes_in(body, "bankErred", False),
        },
        finished=bool(state),
    )


def _bucket(body: Mapping[str, Any]) -> Statement:
    need(body, "id", "partyAccount", "remainingValue")
    return Statement(
        "bucket",
        short(body["id"], "id"),
        ref(body, "partyAccount"),
        maybe_moment(body, "lastUpdate", "confirmationDate"),
        {"remaining": money(body["remainingValue"], "remainingValue", negative=True)},
    )


def _product(body: Mapping[str, Any]) -> Statement:
    need(body, "id", "billingAccount", "productSerialNumber", "status")
    status = code_in(body["status"], "status", _PRODUCT_STATES)
    told = body.get("suspensionType")
    for one in body.get("productCharacteristic") or []:
        if isinstance(one, dict) and one.get("name") == "suspensionType":
            told = one.get("value")
    suspension = code_in(told or "", "suspensionType", _SUSPENSIONS)
    suspended = status == BilledProduct.Status.SUSPENDED
    return Statement(
        "product",
        short(body["id"], "id"),
        ref(body, "billingAccount"),
        maybe_moment(body, "lastUpdate"),
        {
            "service_no": short(body["productSerialNumber"], "productSerialNumber"),
            "status": status,
            "suspension_type": suspension if suspended else "",
        },
    )


_READERS: dict[str, Callable[[Mapping[str, Any]], Statement]] = {
    "customerBill": _bill,
    "billingAccount": _account,
    "payment": _payment,
    "bucket": _bucket,
    "product": _product,
}
