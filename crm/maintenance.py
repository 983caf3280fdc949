"""Maintenance mode: pages say so in a friendly way, health and static files go on answering."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

RETRY_SECONDS = 120
OPEN = ("/healthz", "/readyz", "/metrics")
PROGRAMS = ("/api/", "/tmf-api/")


def flag() -> Path:
    """The file whose presence switches maintenance on (`manage maintenance on`); no restart is needed.

    It lies in the folder of the files, which all web processes share.
    """
    return Path(settings.CARELINE_FILES_DIR) / ".maintenance"


def is_on() -> bool:
    """Whether CARELINE_MAINTENANCE or the flag says so."""
    return bool(settings.CARELINE_MAINTENANCE) or flag().exists()


class Maintenance:
    """Answer 503 with Retry-After while maintenance is on; touches neither session nor database."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path in OPEN or not is_on():
            return self.get_response(request)
        answer: HttpResponse
        if request.path.startswith(PROGRAMS):
            words = _("Careline is being maintained.")
            answer = JsonResponse(
                {
                    "code": "maintenance",
                    "reason": "Service Unavailable",
                    "message": words,
                    "status": "503",
                    "referenceError": "",
                    "@type": "Error",
                },
                status=503,
            )
        else:
            answer = HttpResponse(render_to_string("maintenance.html"), status=503)
        answer.headers["Retry-After"] = str(RETRY_SECONDS)
        return answer
