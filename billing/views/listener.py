"""The door billing knocks at: every event is stored as it came and answered at once (rest.md)."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from billing.mirror.inbox import parse, take_event
from billing.mirror.pieces import Unusable
from foundation.common.doors import public
from foundation.rest.errors import error_body
from foundation.rest.signing import signature_fault

LARGEST_BODY = 1_048_576


@csrf_exempt
@require_POST
@public("billing signs what it tells with the shared key")
def listener(request: HttpRequest, event: str) -> HttpResponse:
    """`POST /listener/<event>`: an event of billing. 201 when it is stored, also when it was before; 400 when it is no
    event, or another than the address says; 401, 413, 415."""
    if not settings.BILLING_CLIENT_SECRET:
        return _refuse(HTTPStatus.FORBIDDEN, "billing.closed", "no billing is connected")
    if request.content_type != "application/json":
        return _refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "billing.media_type", "send application/json")
    if int(request.headers.get("Content-Length") or 0) > LARGEST_BODY or len(request.body) > LARGEST_BODY:
        return _refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "billing.too_large", "an event has at most 1 MB")
    fault = signature_fault(request, settings.BILLING_CLIENT_SECRET)
    if fault:
        return _refuse(HTTPStatus.UNAUTHORIZED, "billing.bad_signature", fault)
    try:
        told = parse(request.body)
        if isinstance(told, dict) and str(told.get("eventType", "")).lower() != event.lower():
            raise Unusable("eventType", "address")
        take_event(told)
    except Unusable as wrong:
        return _refuse(HTTPStatus.BAD_REQUEST, "billing.bad_event", f"{wrong.fault['field']}: {wrong.fault['code']}")
    return JsonResponse({"@type": "Event", "id": str(told["eventId"])}, status=HTTPStatus.CREATED)


def _refuse(status: HTTPStatus, code: str, words: str) -> JsonResponse:
    return JsonResponse(error_body(status, code, words), status=status)
