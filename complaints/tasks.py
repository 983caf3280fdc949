"""What the clock does in complaints; each picks what is due and calls a service."""

from __future__ import annotations

import structlog
from celery import shared_task
from django.db import DatabaseError

from complaints.library import words as library
from complaints.mail import mailbox
from complaints.services.suggesting import suggest_groups
from complaints.services.talking import due_replies, let_reply_go
from complaints.watching import dues, sweeping
from foundation.common import clock

log = structlog.get_logger(__name__)


@shared_task
def watch_complaints() -> int:
    """Bring what reached a mark up the org tree, and grave cases to the director; ring what waited for office hours."""
    now = clock.now()
    return sweeping.sweep(now) + sweeping.bring_up_grave(now) + sweeping.ring_waiting(now)


@shared_task
def settle_dues() -> int:
    """Whatever else fell due: offers, promises, orders, measures, parts, pauses, silences, callbacks, letters."""
    now = clock.now()
    done = dues.sweep_parts(now)
    for due in dues.DUES:
        for key in due.ids(now):
            try:
                done += due.act(key, now)
            except DatabaseError:
                raise
            except Exception:  # one bad row must not hold up the duties behind it
                log.exception("complaint_due_failed", duty=due.name, row=key)
    return done


@shared_task
def send_replies() -> int:
    """Let replies go whose moment to be taken back is over. Returns how many."""
    gone = 0
    for entry_id in due_replies():
        try:
            gone += let_reply_go(entry_id)
        except DatabaseError:
            raise
        except Exception:  # one bad row must not hold up the replies behind it
            log.exception("complaint_reply_failed", row=entry_id)
    return gone


@shared_task
def poll_mailbox() -> int:
    """Take the mails that came in."""
    return mailbox.poll_mailbox()


@shared_task
def read_library() -> int:
    """Read the words of cases that came in or ended lately into the library."""
    return library.read_lately()


@shared_task
def suggest_group_cases() -> int:
    """Suggest groups of complaints that came together."""
    return suggest_groups()
