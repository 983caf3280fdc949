"""Requests about one's own data, for their tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from customers.models import Customer, TimelineLine
from foundation.audit.models import AuditEntry
from foundation.common.errors import RuleBroken
from interactions.models import RightsMove, RightsRequest
from interactions.rights import services
from outreach.models import OutMessage
from staff.models import User


def ask(customer: Customer, agent: User, kind: str = "ACCESS", how: str = "ID_DOCUMENT", **more: Any) -> RightsRequest:
    return services.raise_request(customer, actor=agent, kind=kind, identity_how=how, **more)


def acts(request: RightsRequest) -> list[str]:
    return list(request.moves.order_by("pk").values_list("act", flat=True))


def refused(code: str, act: Callable[[], Any]) -> None:
    """The rule says no, and nothing was written."""
    before = (RightsMove.objects.count(), AuditEntry.objects.count(), TimelineLine.objects.count())
    with pytest.raises(RuleBroken) as no:
        act()
    assert no.value.code == code
    assert (RightsMove.objects.count(), AuditEntry.objects.count(), TimelineLine.objects.count()) == before


def told(customer: Customer) -> list[tuple[str, str, str]]:
    rows = OutMessage.objects.filter(customer=customer).order_by("pk")
    return [(row.template, row.message_class, row.channel) for row in rows]
