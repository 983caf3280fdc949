"""Numbers telephony reported go with the customer they rang from (D§5.12); no key leads from a call to a customer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Greatest

from customers.models import ContactPoint, Subscription
from foundation.common import clock
from foundation.common.personal import Step, register_step
from interactions.lifecycle import Result
from interactions.models import Call, CallEvent, Interaction

LONGEST_CONTACT = timedelta(hours=4)


def calls_of(ids: list[int]) -> QuerySet[Call]:
    """Calls taken as contacts of these customers, and calls from a number of theirs."""
    taken = Interaction.objects.filter(customer__in=ids).exclude(call_ref="").values("call_ref")
    points = ContactPoint.objects.filter(customer__in=ids).values("value")
    lines = Subscription.objects.filter(customer__in=ids).values("service_no")
    return Call.objects.filter(Q(call_ref__in=taken) | Q(number__in=points) | Q(number__in=lines))


def find(ids: list[int]) -> dict[str, QuerySet[Any]]:
    """The calls and reports that hold a number of theirs."""
    calls = calls_of(ids).values("call_ref")
    events = CallEvent.objects.filter(call_ref__in=calls).exclude(raw={})
    return {"interactions_call": calls_of(ids).exclude(number=""), "interactions_callevent": events}


def busy(ids: list[int]) -> set[int]:
    """Customers somebody speaks with at this moment."""
    open_ = Interaction.objects.filter(customer__in=ids, ended_at=None, started_at__gt=clock.now() - LONGEST_CONTACT)
    return {pk for pk in open_.values_list("customer_id", flat=True) if pk is not None}


def erase(ids: list[int], at: datetime) -> dict[str, int]:
    """Take the numbers out of the calls, and the reports as they came out of the events. States and times stay.

    Contacts nobody wrote up are closed without a word, or a note would still come."""
    unwritten = Interaction.objects.filter(customer__in=ids, logged_at=None)
    unwritten.filter(ended_at=None).update(ended_at=Greatest("started_at", Value(at)))
    unwritten.update(logged_at=at, result=Result.NO_RESULT)
    Interaction.objects.filter(customer__in=ids, opens_until__gt=at).update(opens_until=at)
    calls = list(calls_of(ids).values_list("call_ref", flat=True))
    return {
        "interactions_callevent": CallEvent.objects.filter(call_ref__in=calls).exclude(raw={}).update(raw={}),
        "interactions_call": Call.objects.filter(call_ref__in=calls).exclude(number="").update(number=""),
    }


def read(ids: list[int]) -> dict[str, list[dict[str, Any]]]:
    """The calls for an access request."""
    rows = calls_of(ids).order_by("pk").values("call_ref", "number", "started_at", "answered_at")
    return {
        "interactions.Call": [
            {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in row.items() if value}
            for row in rows
        ]
    }


def register() -> None:
    """Make the step known."""
    register_step(Step("interactions.calls", find, erase, busy, read))
