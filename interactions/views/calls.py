"""The telephony door, and the chip that tells an agent who rings."""

from __future__ import annotations

import json
from datetime import datetime
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from customers.models import Customer
from foundation.common import clock
from foundation.common.doors import public, requires
from foundation.rest.errors import error_body
from foundation.rest.signing import WINDOW, signature_fault
from foundation.ui.moulds import pour
from foundation.ui.navigation import FrameQuery
from interactions.forms import StartForm
from interactions.identifiers import customers_with
from interactions.lifecycle import CALL_LIVE, CallState
from interactions.models import Call
from interactions.queries import CALL_FADES_AFTER, live_call
from interactions.services import CallReport, take_call_event
from staff.masking import mask_phone, masked_name
from staff.requests import StaffRequest

LARGEST_BODY = 65_536
CHIP = "interactions/_call_chip.html"


class BadCallEvent(ValueError):
    """The body is no call event; the text says what is wrong and is shown to the sender."""


@csrf_exempt
@require_POST
@public("telephony signs every event with the shared key")
def call_events(request: HttpRequest) -> HttpResponse:
    """`POST /api/careline/v1/call-events`: one event, 201 when new, 200 when it was known; 401 for a bad or stale
    signature, 400 for a body that is none, 403 while no key is set."""
    if not settings.CARELINE_TELEPHONY_KEY:
        return _refuse(HTTPStatus.FORBIDDEN, "telephony.closed", "no key is set for telephony")
    if len(request.body) > LARGEST_BODY:
        return _refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "telephony.too_large", "the event is too large")
    fault = signature_fault(request, settings.CARELINE_TELEPHONY_KEY)
    if fault:
        return _refuse(HTTPStatus.UNAUTHORIZED, "telephony.bad_signature", fault)
    try:
        report = read_event(request.body)
    except BadCallEvent as error:
        return _refuse(HTTPStatus.BAD_REQUEST, "telephony.bad_event", str(error))
    event, new = take_call_event(report)
    body = {"id": str(event.pk), "eventId": event.event_id, "state": event.state, "@type": "CallEvent"}
    return JsonResponse(body, status=HTTPStatus.CREATED if new else HTTPStatus.OK)


def read_event(body: bytes) -> CallReport:
    """The event in a body: `eventId`, `callId`, `state`, `at` (ISO, zone), `number`, `agent` (extension or account).

    Raises BadCallEvent."""
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        raise BadCallEvent("the body is no JSON") from None
    if not isinstance(raw, dict):
        raise BadCallEvent("the body must be an object")
    state = _text(raw, "state", 10).upper()
    if state not in CallState.values:
        raise BadCallEvent(f"state must be one of {', '.join(CallState.values)}")
    try:
        at = datetime.fromisoformat(_text(raw, "at", 40))
        aware = at.tzinfo is not None and at <= clock.now() + WINDOW
    except (ValueError, OverflowError):
        aware = False
    if not aware:
        raise BadCallEvent("at must be a past moment with its zone, as 2026-11-22T10:24:00+08:00")
    return CallReport(
        event_id=_text(raw, "eventId", 64),
        call_ref=_text(raw, "callId", 64),
        state=state,
        number=_text(raw, "number", 32, required=False),
        agent=_text(raw, "agent", 64, required=False),
        at=at,
        raw=raw,
    )


def _text(raw: dict[str, Any], name: str, longest: int, *, required: bool = True) -> str:
    value = raw.get(name, "")
    if not isinstance(value, str) or len(value) > longest or "\x00" in value:
        raise BadCallEvent(f"{name} must be a text of at most {longest} characters")
    if required and not value.strip():
        raise BadCallEvent(f"{name} is missing")
    return value.strip()


def _refuse(status: HTTPStatus, code: str, message: str) -> HttpResponse:
    return JsonResponse(error_body(status, code, message), status=status)


def _first_chip(call_id: int | None) -> str:
    """The inner HTML of the call chip on a fresh page: no query of its own while nobody calls."""
    return _chip(Call.objects.filter(pk=call_id).first() if call_id else None)


# The call of `live_call` by hand: the frame of every page asks for it.
CALL_CHIP = FrameQuery(
    "SELECT id FROM interactions_call WHERE agent_id = %s AND state = ANY(%s) AND event_at >= %s"
    " ORDER BY started_at DESC, id DESC LIMIT 1",
    lambda user: [user.pk, list(CALL_LIVE), clock.now() - CALL_FADES_AFTER],
    _first_chip,
)


@require_GET
@requires("interactions.take")
def call_chip(request: StaffRequest) -> HttpResponse:
    """The chip again; 204 while the browser shows this call in this state."""
    call = live_call(request.user)
    if request.GET.get("seen", "") == _seen(call):
        return HttpResponse(status=204)
    return HttpResponse(_chip(call), headers={"Cache-Control": "no-store"})


def _seen(call: Call | None) -> str:
    return f"{call.ref}-{call.state}" if call else ""


def _chip(call: Call | None) -> str:
    shown = None
    if call is not None:
        found = customers_with(call.number)
        name = masked_name(found[0].name, found[0].customer_type) if len(found) == 1 else ""
        ringing = call.state == CallState.RINGING
        words = _("Incoming: %(who)s") if ringing else _("On the phone: %(who)s")
        who = " ".join(part for part in (name, mask_phone(call.number)) if part) or _("unknown number")
        shown = {
            "state": "ringing" if ringing else "answered",
            "url": reverse("interactions:call-open", args=[call.pk]),
            "words": words % {"who": who},
            "since": call.answered_at or call.started_at,
        }
    context = {"call": shown, "seen": _seen(call)}
    return render_to_string(CHIP, context) if shown else pour(CHIP, None, lambda: context, {})


@require_GET
@requires("interactions.take")
def call_open(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Where the chip leads: the customer's page when it is one the agent may see, else the start of the contact."""
    call = get_object_or_404(Call, pk=pk, agent=request.user)
    found = customers_with(call.number)
    if len(found) == 1 and Customer.objects.visible_to(request.user).filter(pk=found[0].pk).exists():
        return redirect("customers:customer-detail", found[0].pk)
    known = found[0] if len(found) == 1 else None
    form = StartForm(known=known is not None, user=request.user, initial={"call_ref": call.call_ref})
    return render(request, "interactions/contact_start.html", {"form": form, "customer": known, "call": call})
