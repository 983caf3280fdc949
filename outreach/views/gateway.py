"""The doors an HTTP gateway for text messages knocks at: what became of a message, and what somebody answered."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from foundation.common.doors import public
from foundation.rest.errors import error_body
from foundation.rest.signing import signature_fault
from outreach.sms.callbacks import Receipt, take_receipt
from outreach.sms.replies import Came, take_reply

LARGEST_BODY = 1_048_576
MOST = 1_000


@csrf_exempt
@require_POST
@public("the gateway for text messages signs what it tells with the shared key")
def sms_receipts(request: HttpRequest) -> HttpResponse:
    """`POST /api/careline/v1/sms-receipts`: `{"receipts": [{"reference", "state": "delivered" | "undelivered",
    "detail", "nobody"}]}`, at most 1000. Answers `{"taken", "unknown", "again"}`: how many were recorded (before counts
    too), the references nobody knows, and those of messages still under way, to be told again in a minute."""
    told = _read(request)
    if isinstance(told, HttpResponse):
        return told
    rows = told.get("receipts")
    if not isinstance(rows, list) or len(rows) > MOST or not all(isinstance(row, dict) for row in rows):
        return _refuse(HTTPStatus.BAD_REQUEST, "sms.bad_receipts", f"receipts must be a list of at most {MOST} objects")
    found: dict[str, list[str]] = {"taken": [], "unknown": [], "again": []}
    for row in rows:
        reference = row.get("reference")
        receipt = Receipt(
            reference if isinstance(reference, str) else "",
            str(row.get("state", "")),
            str(row.get("detail", "")),
            row.get("nobody") is True,
        )
        found[take_receipt(receipt)].append(receipt.reference[:200])
    body = {"taken": len(found["taken"]), "unknown": found["unknown"], "again": found["again"]}
    return JsonResponse(body | {"@type": "SmsReceipts"})


@csrf_exempt
@require_POST
@public("the gateway for text messages signs what it tells with the shared key")
def sms_replies(request: HttpRequest) -> HttpResponse:
    """`POST /api/careline/v1/sms-replies`: `{"from": number, "text": …}`, a whole message somebody sent us. 201 when it
    was taken, 200 when it is the repeat of one."""
    told = _read(request)
    if isinstance(told, HttpResponse):
        return told
    number, text = told.get("from"), told.get("text")
    if not isinstance(number, str) or not isinstance(text, str) or not number.strip() or len(text) > 10_000:
        return _refuse(HTTPStatus.BAD_REQUEST, "sms.bad_reply", "from and text must be texts, from not empty")
    reply = take_reply(Came(number, text))
    return JsonResponse({"@type": "SmsReply"}, status=HTTPStatus.CREATED if reply else HTTPStatus.OK)


def _read(request: HttpRequest) -> dict[str, Any] | HttpResponse:
    """The object in a signed body, or the refusal."""
    if not settings.SMS_KEY:
        return _refuse(HTTPStatus.FORBIDDEN, "sms.closed", "no key is set for the gateway of text messages")
    if len(request.body) > LARGEST_BODY:
        return _refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "sms.too_large", "the body is too large")
    fault = signature_fault(request, settings.SMS_KEY)
    if fault:
        return _refuse(HTTPStatus.UNAUTHORIZED, "sms.bad_signature", fault)
    try:
        told = json.loads(request.body)
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        return _refuse(HTTPStatus.BAD_REQUEST, "sms.bad_body", "the body must be a JSON object")
    return told


def _refuse(status: HTTPStatus, code: str, words: str) -> JsonResponse:
    return JsonResponse(error_body(status, code, words), status=status)
