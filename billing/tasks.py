"""What the clock does about billing; each picks what is due and calls what does it."""

from __future__ import annotations

import time

from celery import shared_task

from billing.commands import sending, watching
from billing.mirror import working

LONGEST_SECONDS = 8.0  # a tick comes every 10 seconds


@shared_task
def work_events() -> int:
    """Take what billing told into the mirror, until nothing waits or the time is up."""
    until, done = time.monotonic() + LONGEST_SECONDS, 0
    while (settled := working.work_events()) and time.monotonic() < until:
        done += settled
    return done + settled


@shared_task
def send_commands() -> int:
    """Send what billing is asked for, until nothing is due or the time is up."""
    until, done = time.monotonic() + LONGEST_SECONDS, 0
    while (sent := sending.send_due()) and time.monotonic() < until:
        done += sent
    return done + sent


@shared_task
def watch_restores() -> int:
    """Ring for restorations that are late."""
    return watching.watch_restores()
