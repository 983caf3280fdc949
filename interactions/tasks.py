"""What the clock does in interactions; each picks what is due and calls a service."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import structlog
from celery import shared_task
from django.db import DatabaseError

from foundation.common import clock
from interactions import services
from interactions.models import Matter, MatterOffer, RightsRequest, Suggestion
from interactions.rights.watching import notice_if_due
from interactions.stages import MatterState
from outreach.lifecycle import FollowUpState

log = structlog.get_logger(__name__)
BATCH = 500


@shared_task
def remind_matters() -> int:
    """Remind owners and handlers of matters, bring overdue ones to the leads."""
    now = clock.now()
    due = Matter.objects.notice_due(now).order_by("next_notice_at", "pk").values_list("pk", flat=True)
    return _each(lambda pk: services.give_notice_if_due(pk, now=now), due[:BATCH])


@shared_task
def lapse_offers() -> int:
    """Let offers nobody answered fall back."""
    now = clock.now()
    due = MatterOffer.objects.open().filter(until__lte=now).order_by("until", "pk").values_list("pk", flat=True)
    return _each(lambda pk: services.lapse_offer(pk, now=now), due[:BATCH])


@shared_task
def settle_matters() -> int:
    """Close matters whose promised call was made."""
    due = Matter.objects.open().filter(state=MatterState.OPEN, follow_up__state=FollowUpState.DONE)
    return _each(services.settle_by_follow_up, due.order_by("pk").values_list("pk", flat=True)[:BATCH])


@shared_task
def turn_shifts() -> int:
    """Pass ownership on at the ends of shifts, and back at their beginnings."""
    now = clock.now()
    edges = dict(enumerate(services.due_turns(now)))
    return _each(lambda place: bool(services.turn_shift(*edges[place], now=now)), edges)


@shared_task
def remind_suggestions() -> int:
    """Remind of suggestions to answer, bring overdue ones to the leads."""
    now = clock.now()
    due = Suggestion.objects.notice_due(now).order_by("next_notice_at", "pk").values_list("pk", flat=True)
    return _each(lambda pk: services.give_suggestion_notice_if_due(pk, now=now), due[:BATCH])


@shared_task
def watch_rights_requests() -> int:
    """Remind of requests about own data, bring overdue ones to the director."""
    now = clock.now()
    due = RightsRequest.objects.notice_due(now).order_by("next_notice_at", "pk").values_list("pk", flat=True)
    return _each(lambda pk: notice_if_due(pk, now=now), due[:BATCH])


def _each(act: Callable[[int], bool], keys: Iterable[int]) -> int:
    done = 0
    for key in list(keys):
        try:
            done += act(key)
        except DatabaseError:
            raise
        except Exception:  # one bad row must not hold up the promises behind it
            log.exception("first_ask_clock_failed", row=key)
    return done
