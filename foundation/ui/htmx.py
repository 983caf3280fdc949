"""Small words views use to speak htmx."""

from __future__ import annotations

import json
from typing import Any, Literal

from django.http import HttpRequest, HttpResponse, HttpResponseBase


def wants_fragment(request: HttpRequest) -> bool:
    """Whether htmx asks for a part of the page: not a boosted visit, not a restored history entry."""
    headers = request.headers
    return (
        headers.get("HX-Request") == "true"
        and headers.get("HX-Boosted") != "true"
        and headers.get("HX-History-Restore-Request") != "true"
    )


def trigger(response: HttpResponseBase, event: str, detail: Any = True) -> HttpResponseBase:
    """Add a browser event to the answer (`HX-Trigger`), beside those already there."""
    events = json.loads(response.headers.get("HX-Trigger", "{}"))
    events[event] = detail
    response.headers["HX-Trigger"] = json.dumps(events)
    return response


def toast(
    response: HttpResponseBase, message: str, *, tone: Literal["ok", "danger"] = "ok", undo_url: str = ""
) -> HttpResponseBase:
    """Say `message` in the corner of the page after this answer.

    `undo_url` adds an "Undo" button that POSTs there; it stays 8 seconds.
    """
    return trigger(response, "toast", {"message": str(message), "tone": tone, "undo": undo_url})


def redirect_page(url: str) -> HttpResponse:
    """Make htmx leave for `url` with a full page load."""
    return HttpResponse(headers={"HX-Redirect": url})
