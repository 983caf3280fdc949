"""One shape for every refusal of the REST interface (rest.md, TMF630): code, reason, message, status."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from foundation.common.errors import NotAllowed, RuleBroken


def error_body(status: int, code: str, message: str, *, reference: str = "") -> dict[str, str]:
    """The body of a refusal: `code` for machines, `message` for people, `reference` for what to look up."""
    return {
        "code": code,
        "reason": HTTPStatus(status).phrase,
        "message": message,
        "status": str(status),
        "referenceError": reference,
        "@type": "Error",
    }


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: NotAllowed → 403, RuleBroken → 409, all others by DRF, each with our body.

    None for defects, which Django answers with 500 and logs.
    """
    if isinstance(error, RuleBroken):
        status = HTTPStatus.FORBIDDEN if isinstance(error, NotAllowed) else HTTPStatus.CONFLICT
        set_rollback()
        return Response(error_body(status, error.code, str(error.message)), status=status)
    answer = exception_handler(error, context)
    if answer is None:
        return None
    answer.data = error_body(answer.status_code, _code(error), _words(error))
    return answer


def _code(error: Exception) -> str:
    if isinstance(error, Http404):
        return "not_found"
    if isinstance(error, PermissionDenied):
        return "permission_denied"
    if isinstance(error, exceptions.ValidationError):
        return "invalid"
    return str(getattr(error, "default_code", "error"))


def _words(error: Exception) -> str:
    if isinstance(error, exceptions.ValidationError):
        return "; ".join(_flat(error.detail))
    if isinstance(error, exceptions.APIException):
        return str(error.detail)
    if isinstance(error, Http404):
        return str(exceptions.NotFound().detail)
    return str(exceptions.PermissionDenied().detail)


def _flat(detail: Any, path: str = "") -> list[str]:
    """A line for every fault of a body: "engagedParty[1].id: This field is required."."""
    if isinstance(detail, dict):
        return [line for name, part in detail.items() for line in _flat(part, _below(path, name))]
    if isinstance(detail, list) and any(isinstance(part, dict | list) for part in detail):
        return [line for index, part in enumerate(detail) for line in _flat(part, _below(path, index))]
    words = detail if isinstance(detail, list) else [detail]
    return [f"{path}: {part}" if path else str(part) for part in words]


def _below(path: str, name: str | int) -> str:
    if isinstance(name, int):
        return f"{path}[{name}]"
    return path if name == "non_field_errors" else f"{path}.{name}".lstrip(".")
