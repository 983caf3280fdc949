"""The door billing knocks at: every event is stored as it came and answered at once (rest.md)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.db import transaction
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response

from billing.mirror.inbox import parse, take_event
from billing.mirror.pieces import Unusable
from foundation.rest.document import answer, refusals
from foundation.rest.views import CallView, caller_in

NOTIFY = "billing:notify"


class EventBody(BaseParser):
    """JSON as it came, its numbers as they were written."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        try:
            return parse(stream.read())
        except Unusable as wrong:
            raise ParseError("The body is not JSON in UTF-8 that can be kept.") from wrong


class Listener(CallView):
    """Events of billing. A sandbox program's are checked and not kept."""

    scope = NOTIFY
    audited_as = "billingEvent"
    parser_classes = (EventBody,)

    def scope_for(self, method: str) -> str:
        return NOTIFY

    def operation(self, method: str, _registry: Any) -> dict[str, Any]:
        """What the document says of it."""
        return {
            "operationId": "tellBillingEvent",
            "tags": ["billing"],
            "summary": "Tell an event of billing",
            "parameters": [{"name": "event", "in": "path", "required": True, "schema": {"type": "string"}}],
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {
                            "type": "object",
                            "required": ["eventId", "eventTime", "eventType", "event"],
                            "properties": {
                                "eventId": {"type": "string", "maxLength": 100},
                                "eventTime": {"type": "string", "format": "date-time"},
                                "eventType": {"type": "string"},
                                "correlationId": {"type": "string"},
                                "event": {"type": "object"},
                            },
                        }
                    }
                },
            },
            "security": [{"oauth2": [NOTIFY]}],
            "responses": {**answer(201, {"type": "object"}), **refusals((400, 401, 403, 413, 415, 429))},
        }

    def post(self, request: Request, event: str) -> Response:
        """201 when the event is stored, also when it was before; 400 when it is none, or another than the address
        says."""
        told: Any = request.data
        try:
            if isinstance(told, dict) and str(told.get("eventType", "")).lower() != event.lower():
                raise Unusable("eventType", "address")
            with transaction.atomic():
                take_event(told)
                if caller_in(request).sandbox:
                    transaction.set_rollback(True)
        except Unusable as wrong:
            raise ParseError(f"{wrong.fault['field']}: {wrong.fault['code']}") from wrong
        return Response({"@type": "Event", "id": str(told["eventId"])}, status=HTTPStatus.CREATED)
