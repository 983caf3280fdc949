"""Signed requests between us and other systems: HMAC-SHA256 with a shared key over a moment and the body."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import timedelta

from django.http import HttpRequest

from foundation.common import clock

HEADER = "X-Careline-Signature"
WINDOW = timedelta(minutes=5)
_SIGNATURE = re.compile(r"t=(\d{1,12}),v1=([0-9a-f]{64})")


def sign(key: str, moment: int, body: bytes) -> str:
    """The value of `X-Careline-Signature`: HMAC-SHA256 over "<epoch seconds>." and the body."""
    digest = hmac.new(key.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def signature_fault(request: HttpRequest, key: str) -> str:
    """What is wrong with the signature of a request, shown to the sender; "" when it fits and is fresh."""
    match = _SIGNATURE.fullmatch(request.headers.get(HEADER, ""))
    if match is None:
        return f"{HEADER} must read t=<epoch seconds>,v1=<hex HMAC-SHA256>"
    moment = int(match.group(1))
    if not hmac.compare_digest(sign(key, moment, request.body), match.group(0)):
        return "the signature does not fit the body"
    if abs(clock.now().timestamp() - moment) > WINDOW.total_seconds():
        return "the signature is older or newer than five minutes"
    return ""
