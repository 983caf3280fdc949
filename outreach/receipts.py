"""What a gateway says became of the letters it took from the outbox files (D§5.4: where nothing arrives is marked).

It puts files into `outbox/receipts/` of the state directory, each under another name first and renamed to `*.jsonl`
when it is whole. A line: {"reference": as in the outbox, "state": "delivered" | "undelivered", "detail": a code,
"nobody": true when nothing else will arrive there either}. A file is removed when all of it is recorded; one that was
read half-way is read again and changes nothing twice.
"""

from __future__ import annotations

import fcntl
import json
from pathlib import Path
from typing import Any

import structlog
from django.db import DatabaseError

from foundation.common.errors import RuleBroken
from outreach.bounces import report_delivered, report_undelivered
from outreach.channels.file import outbox_dir
from outreach.delivery import message_of
from outreach.lifecycle import MESSAGE_OPEN, MessageState
from outreach.models import OutMessage

log = structlog.get_logger(__name__)
MOST_FILES = 50


def receipts_dir() -> Path:
    """Where a gateway puts them."""
    return outbox_dir() / "receipts"


def read_receipts() -> int:
    """Record the receipts that are there; returns how many messages moved. Several workers may run this at once."""
    files = sorted(receipts_dir().glob("*.jsonl"))[:MOST_FILES] if receipts_dir().is_dir() else []
    return sum(_read(path) for path in files)


def _read(path: Path) -> int:
    try:
        file = path.open("rb")
    except FileNotFoundError:  # another worker has just finished it
        return 0
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return 0
        moved, early = 0, False
        for number, line in enumerate(file, start=1):
            try:
                moved += _record(json.loads(line))
            except _TooEarlyError:
                early = True
            except DatabaseError:
                raise
            except (ValueError, TypeError, KeyError, AttributeError, OutMessage.DoesNotExist, RuleBroken) as no:
                log.warning("receipt_not_taken", file=path.name, line=number, why=type(no).__name__)
        if not early:
            path.unlink(missing_ok=True)
    return moved


class _TooEarlyError(Exception):
    """The gateway was faster than the worker that handed the letter over."""


def _record(receipt: dict[str, Any]) -> int:
    """One receipt; 0 when it was recorded before."""
    message_id, state = message_of(receipt["reference"]), receipt["state"]
    stored = OutMessage.objects.values_list("state", flat=True).get(pk=message_id)
    if stored in MESSAGE_OPEN:
        raise _TooEarlyError
    if stored == state:
        return 0
    if state == MessageState.DELIVERED:
        report_delivered(message_id)
    elif state == MessageState.UNDELIVERED:
        detail = str(receipt.get("detail", ""))
        code = detail if detail.replace(".", "").replace("_", "").isalnum() and len(detail) <= 40 else ""
        report_undelivered(message_id, detail=code, for_good=receipt.get("nobody") is True)
    else:
        raise ValueError("no such state")
    return 1
