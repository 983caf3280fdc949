"""How the line to the message centre is, for the doctor and whoever looks."""

from __future__ import annotations

from datetime import timedelta

from foundation.common import clock
from outreach.models import SmsLine

SILENT = timedelta(minutes=3)  # the process that holds the line writes every minute


def note_line(name: str, state: str, detail: str = "") -> None:
    """Write down the state of a line; `since` stays while it does not change."""
    now = clock.now()
    line = SmsLine.objects.filter(name=name).first() or SmsLine(name=name, since=now)
    if line.state != state:
        line.state, line.since = state, now
    line.detail, line.seen_at = detail[:120], now
    line.save()


def line_called(name: str) -> SmsLine | None:
    """What was last written about a line."""
    return SmsLine.objects.filter(name=name).first()
