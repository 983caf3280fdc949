"""Which mails no person wrote: out-of-office answers, bounces, lists, our own coming back. They get no answer, and
count as nothing (RFC 3834)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.message import Message
from enum import StrEnum

from complaints.mail.quoting import is_by_machine
from outreach.channels.smtp import says_nobody

OWN_MARK = ".careline@"
_MACHINES = re.compile(r"(mailer-daemon|postmaster|mail-daemon|mailerdaemon|bounces?)([+=.-].*)?@.*")
_STATUS = re.compile(r"[245]\.\d{1,3}\.\d{1,3}")
_BULK = {"bulk", "junk", "list", "auto_reply", "auto-reply"}
_DEEPEST = 6


class Why(StrEnum):
    """Why a mail is no person's."""

    RETURNED = "returned"  # a delivery report
    OWN = "own"  # we sent it ourselves
    AUTOMATIC = "automatic"  # it says so, or its subject does
    LIST = "list"


@dataclass(frozen=True)
class Returned:
    """A delivery report: which message of ours (its Message-ID), whether it is given up, and whether there is nobody
    at the address, now or later."""

    message_id: str
    status: str
    failed: bool
    nobody: bool


def why_automatic(heads: Mapping[str, Sequence[str]], *, sender: str, subject: str, own_host: str) -> str:
    """The reason, or "" for a mail a person wrote. `heads`: lines by name in small letters."""

    def said(name: str) -> str:
        return (heads.get(name) or [""])[0].strip().lower()

    own_id = said("message-id")
    if OWN_MARK in own_id and own_host and own_id.rstrip("> ").endswith(f"@{own_host.lower()}"):
        return Why.OWN
    kind = said("content-type")
    if kind.startswith("multipart/report") or said("return-path") == "<>" or _MACHINES.fullmatch(sender):
        return Why.RETURNED
    marked = said("auto-submitted")
    if marked and marked.partition(";")[0].strip() != "no":
        return Why.AUTOMATIC
    if any(said(name) for name in ("x-autoreply", "x-autorespond", "x-autoreply-from", "x-mail-autoreply")):
        return Why.AUTOMATIC
    if is_by_machine(subject):
        return Why.AUTOMATIC
    if said("precedence") in _BULK or said("list-id") or said("list-unsubscribe"):
        return Why.LIST
    return ""


def is_unproven(heads: Mapping[str, Sequence[str]]) -> bool:
    """Whether the mail server that took it for us (its line stands on top) says that the sender is somebody else."""
    told = (heads.get("authentication-results") or [""])[0].lower()
    return bool(re.search(r"\bdmarc=fail\b", told))


def returned_of(message: Message) -> Returned | None:
    """What a delivery report (RFC 3464) says of a mail of ours; None for what is none or names no mail of ours."""
    status, action, reference = "", "", ""
    for part in _walk(message, 0):
        kind = part.get_content_type()
        if kind == "message/delivery-status":
            for block in part.get_payload() if part.is_multipart() else ():
                if isinstance(block, Message):
                    status = status or _first(_STATUS, str(block.get("Status", "")))
                    action = action or str(block.get("Action", "")).strip().lower()
        elif kind in {"text/rfc822-headers", "message/rfc822"} and not reference:
            reference = _own_reference(part)
    if not reference:
        return None
    failed = action == "failed" or (not action and status.startswith("5"))
    nobody = failed and status.startswith("5") and says_nobody(550, status.encode("ascii"))
    return Returned(reference, status, failed, nobody)


def _walk(message: Message, depth: int) -> Iterator[Message]:
    yield message
    kind = message.get_content_type()
    if depth < _DEEPEST and message.is_multipart() and kind.startswith("multipart/"):
        payload = message.get_payload()
        for child in payload if isinstance(payload, list) else ():
            if isinstance(child, Message):
                yield from _walk(child, depth + 1)


def _own_reference(part: Message) -> str:
    """The Message-ID of ours in the head of a returned mail."""
    if part.is_multipart():
        payload = part.get_payload()
        inner = payload[0] if isinstance(payload, list) and payload else None
        text = "".join(f"{n}: {v}\n" for n, v in inner.raw_items()) if isinstance(inner, Message) else ""
    else:
        data = part.get_payload(decode=True)
        text = data.decode("ascii", "replace") if isinstance(data, bytes) else ""
    found = re.search(r"^message-id:\s*(<[!-;=?-~]{3,250}>)", text[:50_000], re.IGNORECASE | re.MULTILINE)
    return found[1] if found and OWN_MARK in found[1] else ""


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text[:200])
    return found[0] if found else ""
