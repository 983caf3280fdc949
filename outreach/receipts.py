"""What a gateway says became of the letters it took from the outbox files (D§5.4: where nothing arrives is marked).

It puts files into `outbox/receipts/` of the state directory, each under another name first and renamed to `*.jsonl`
when it is whole. A line: {"reference": as in the outbox, "state": "delivered" | "undelivered", "detail": a code,
"nobody": true when nothing else will arrive there either}. A file is removed when all of it is recorded; one that was
read half-way is read again and changes nothing twice. Lines that cannot be taken stand in `<file>.refused` beside it,
each {"why": a code, "line": as it came}, until a person has seen to them. Lines about a letter whose hand-over is not
recorded yet stay in their file, which goes to the end of the queue.
"""

from __future__ import annotations

import fcntl
import json
import os
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


def refused_files() -> list[Path]:
    """The files with lines nobody could take and nobody has seen to yet."""
    return sorted(receipts_dir().glob("*.refused"))


def read_receipts() -> int:
    """Record the receipts that are there, those that wait longest first; returns how many messages moved. Several
    workers may run this at once."""
    return sum(_read(path) for path in sorted(receipts_dir().glob("*.jsonl"), key=_waits_since)[:MOST_FILES])


def _waits_since(path: Path) -> tuple[int, str]:
    try:
        return path.stat().st_mtime_ns, path.name
    except FileNotFoundError:  # another worker has just finished it
        return 0, path.name


def _read(path: Path) -> int:
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return 0
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(file.fileno()).st_ino != path.stat().st_ino:  # finished meanwhile; this is another file
                return 0
        except (BlockingIOError, FileNotFoundError):
            return 0
        moved, early, refused = 0, [], []
        for line in file:
            if not line.strip():
                continue
            try:
                moved += _record(json.loads(line))
            except _TooEarlyError:
                early.append(line)
            except DatabaseError:
                raise
            except (ValueError, TypeError, KeyError, AttributeError, RecursionError, RuleBroken) as no:
                refused.append({"why": _why(no), "line": line.decode(errors="replace").rstrip("\n")})
            except OutMessage.DoesNotExist:
                refused.append({"why": "no_such_message", "line": line.decode(errors="replace").rstrip("\n")})
        if refused:
            _put_aside(path.with_name(f"{path.name}.refused"), refused)
            log.warning("receipts_refused", file=path.name, lines=len(refused))
        if early:
            _replace(path, b"".join(early))
        else:
            path.unlink(missing_ok=True)
    return moved


def _why(no: Exception) -> str:
    """Why a line is not taken, as a code."""
    if isinstance(no, RuleBroken):
        return no.code
    if isinstance(no, _UnknownStateError):
        return "unknown_state"
    if isinstance(no, json.JSONDecodeError | UnicodeDecodeError | RecursionError):
        return "not_json"
    return "no_reference_of_ours" if isinstance(no, ValueError) else "no_receipt"


def _put_aside(path: Path, refused: list[dict[str, str]]) -> None:
    """Add lines to what was refused before, each once: a file may be read again after a kill."""
    there = path.read_text().splitlines(keepends=True) if path.exists() else []
    lines = [json.dumps(one, ensure_ascii=False) + "\n" for one in refused]
    _replace(path, "".join(dict.fromkeys([*there, *lines])).encode())


def _replace(path: Path, data: bytes) -> None:
    """Write a file so that it is as before or whole, whenever this is cut."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


class _TooEarlyError(Exception):
    """The gateway was faster than the worker that handed the letter over."""


class _UnknownStateError(ValueError):
    """Neither arrived nor came back."""


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
        raise _UnknownStateError
    return 1
