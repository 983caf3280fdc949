"""Numbers telephony reported go with the customer they rang from (D§5.12); no key leads from a call to a customer."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet

from customers.models import ContactPoint, Subscription
from foundation.common.personal import Step, register_step
from interactions.models import Call, CallEvent, Interaction


def calls_of(ids: list[int]) -> QuerySet[Call]:
    """Calls taken as contacts of these customers, and calls from a number of theirs."""
    taken = Interaction.objects.filter(customer__in=ids).exclude(call_ref="").values("call_ref")
    points = ContactPoint.objects.filter(customer__in=ids).values("value")
    lines = Subscription.objects.filter(customer__in=ids).values("service_no")
    return Call.objects.filter(Q(call_ref__in=taken) | Q(number__in=points) | Q(number__in=lines))


def find(ids: list[int]) -> dict[str, int]:
    """How many calls and reports hold a number of theirs."""
    calls = calls_of(ids).values("call_ref")
    events = CallEvent.objects.filter(call_ref__in=calls).exclude(raw={})
    return {"interactions_call": calls_of(ids).exclude(number="").count(), "interactions_callevent": events.count()}


def erase(ids: list[int], at: datetime) -> dict[str, int]:
    """Take the numbers out of the calls, and the reports as they came out of the events. States and times stay."""
    calls = list(calls_of(ids).values_list("call_ref", flat=True))
    return {
        "interactions_callevent": CallEvent.objects.filter(call_ref__in=calls).exclude(raw={}).update(raw={}),
        "interactions_call": Call.objects.filter(call_ref__in=calls).exclude(number="").update(number=""),
    }


def register() -> None:
    """Make the step known."""
    register_step(Step("interactions.calls", find, erase))
