"""Why this deadline? The clocks of a case with every step behind them, for other systems (rest.md, careline/v1)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from complaints.lifecycle import OWNER_KIND, ClockKind, label_of
from complaints.models import Complaint
from complaints.models.cases import VIEW_RIGHT
from foundation.calendars.clock_queries import read_clock
from foundation.calendars.clock_record import event_from
from foundation.calendars.clock_words import explain
from foundation.calendars.models import Clock, ClockEvent
from foundation.common import clock
from foundation.common.explain import Explanation
from foundation.rest.rights import BOTH, HoldsRight
from foundation.rest.views import CallView
from staff.models import User

MINUTE = timedelta(minutes=1)
MOST = 1_000
ALWAYS = ("id", "href", "@type")
NAMED = (
    "name", "label", "state", "startedAt", "dueDate", "missedAt", "stoppedAt", "elapsedMinutes", "remainingMinutes",
    "policyKey", "policyVersion", "why",
)  # fmt: skip


class CaseClockList(CallView):
    """All clocks of a case the caller may see, the newest first. `fields` names the attributes wanted."""

    careline_door = VIEW_RIGHT
    authentication_classes = BOTH
    permission_classes = (HoldsRight,)
    scope = "troubleTicket:read"
    audited_as = "complaintClock"

    @extend_schema(operation_id="listComplaintClock", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, pk: int) -> Response:
        """200 with the list; 400 for a parameter or attribute that does not exist, 403, 404."""
        wanted = _wanted(request)
        case = get_object_or_404(Complaint.objects.visible_to(_caller(request)), pk=pk)
        clocks = list(Clock.objects.filter(owner_kind=OWNER_KIND, owner_id=case.pk).order_by("-pk")[:MOST])
        why = _explained(clocks, clock.now()) if "why" in wanted else {}
        body = [_body(request, case, one, why.get(one.pk), wanted) for one in clocks]
        return Response(body, headers={"X-Result-Count": str(len(body)), "X-Total-Count": str(len(body))})


class CaseClock(CallView):
    """One clock of a case."""

    careline_door = VIEW_RIGHT
    authentication_classes = BOTH
    permission_classes = (HoldsRight,)
    scope = "troubleTicket:read"
    audited_as = "complaintClock"

    @extend_schema(operation_id="retrieveComplaintClock", responses=OpenApiTypes.OBJECT)
    def get(self, request: Request, pk: int, number: int) -> Response:
        """200 with the clock; refusals as for the list."""
        wanted = _wanted(request)
        case = get_object_or_404(Complaint.objects.visible_to(_caller(request)), pk=pk)
        one = get_object_or_404(Clock, owner_kind=OWNER_KIND, owner_id=case.pk, pk=number)
        why = _explained([one], clock.now()) if "why" in wanted else {}
        return Response(_body(request, case, one, why.get(one.pk), wanted))


def _caller(request: Request) -> User:
    """Who asks; `HoldsRight` let in nobody else."""
    assert isinstance(request.user, User)
    return request.user


def _wanted(request: Request) -> set[str]:
    """The attributes asked for. Raises ValidationError for what is not known."""
    if unknown := sorted(set(request.query_params) - {"fields"}):
        raise ValidationError({name: [_("There is no such parameter.")] for name in unknown})
    if "fields" not in request.query_params:
        return set(NAMED)
    asked = {name.strip() for name in request.query_params["fields"].split(",") if name.strip()}
    if unknown := sorted(asked - set(NAMED) - set(ALWAYS)):
        raise ValidationError({"fields": [_("There is no attribute %(name)s.") % {"name": unknown[0][:40]}]})
    return asked


def _explained(clocks: list[Clock], now: datetime) -> dict[int, Explanation]:
    """Why each clock is due when it is; one query."""
    rows = ClockEvent.objects.filter(clock__in=clocks).order_by("clock_id", "sequence")
    events: Iterable[tuple[int, Any]] = groupby(rows, key=lambda row: row.clock_id)
    return {key: explain([event_from(row) for row in some], now, OWNER_KIND) for key, some in events}


def _body(request: Request, case: Complaint, one: Clock, why: Explanation | None, wanted: set[str]) -> dict[str, Any]:
    figures = read_clock(one, clock.now())
    address = reverse("api:complaint-clock", args=[case.pk, one.pk])
    body = {
        "name": one.kind,
        "label": label_of(ClockKind, one.kind),
        "state": figures.state.value,
        "startedAt": _moment(one.started_at),
        "dueDate": _moment(figures.due),
        "missedAt": _moment(one.missed_at),
        "stoppedAt": _moment(one.stopped_at),
        "elapsedMinutes": figures.elapsed // MINUTE,
        "remainingMinutes": figures.remaining // MINUTE,
        "policyKey": one.policy_key,
        "policyVersion": str(one.policy_version) if one.policy_version is not None else None,
        "why": _steps(why) if why is not None else [],
    }
    kept = {name: value for name, value in body.items() if name in wanted}
    return {"id": one.ref, "href": request.build_absolute_uri(address), "@type": "ComplaintClock", **kept}


def _steps(why: Explanation) -> list[dict[str, Any]]:
    return [
        {
            "input": step.input,
            "value": step.value,
            "rule": step.rule,
            "effect": step.effect,
            "source": step.source,
            "params": step.params,
            "words": words,
        }
        for step, words in zip(why.steps, why.in_words(), strict=True)
    ]


def _moment(moment: datetime | None) -> str | None:
    return moment.astimezone(clock.BUSINESS_ZONE).isoformat() if moment is not None else None
