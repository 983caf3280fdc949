"""`manage receive_mail < mail`: for the pipe of a mail server; its exit code says whether the mail is ours now."""

from __future__ import annotations

import os
import sys
from typing import Any

import structlog
from django.core.management.base import BaseCommand

from complaints.mail.mailbox import BEGINNING, MB
from complaints.mail.receiving import receive_mail
from complaints.models import InMail
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.policies.reading import policy

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    help = "Take one e-mail from standard input. Exit codes (sysexits.h): 0 taken, 65 not for us, 75 try again later."

    def handle(self, *_args: Any, **_options: Any) -> None:
        sys.exit(take(sys.stdin.buffer))


def take(source: Any) -> int:
    """Read one mail and take it; the exit code. Whatever goes wrong on our side is "later": the server keeps it."""
    try:
        limit = int(policy("complaints.mail_megabytes")) * MB
        raw = source.read(limit + 1)
        cut = len(raw) > limit
        while cut and source.read(MB):
            pass
        if not raw.strip():
            return os.EX_DATAERR
        row = receive_mail(raw[:BEGINNING] if cut else raw, received_at=clock.now(), cut=cut, keep_crowds=False)
    except RuleBroken as no:
        log.warning("mail_waits", code=no.code)
        return os.EX_TEMPFAIL
    except Exception:  # no mail may be lost by a fault of ours: whatever it is, it is asked for again
        log.exception("mail_not_taken")
        return os.EX_TEMPFAIL
    return os.EX_DATAERR if row.state == InMail.State.ASIDE else os.EX_OK
