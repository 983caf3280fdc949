"""Asking billing what changed: what an outage swallowed is found by the time of its change (rest.md).

A resource is read from where the last reading ended, a little before it, so that a change written late is not missed;
what is known already says nothing new. The place moves on with each page, in the page's own transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction

from billing.mirror.applying import OLDER, SAME, Age, Told, apply_statements
from billing.mirror.holding import hold
from billing.mirror.pieces import Partial, Unusable
from billing.mirror.reading import RESOURCES, Statement, read
from billing.models import BillingEvent, PollCursor
from billing.peer import PAGE, Billing, Refused, Unreachable, is_connected
from foundation.common import clock

BEFORE_ALL = datetime(2000, 1, 1, tzinfo=UTC)
WRITTEN_LATE = timedelta(minutes=2)
AT_ONCE = 100
# Accounts first, so that what belongs to them finds its customer at once.
ORDER = sorted(RESOURCES, key=lambda name: (name != "billingAccount", name))


def poll(report: Callable[[int], None] = lambda _read: None) -> dict[str, int]:
    """Read what changed of every resource; counts: `read`, `changed`, `refused`, `failed` (resources that could not be
    read: their next reading begins where this one got to)."""
    counts = {"read": 0, "changed": 0, "refused": 0, "failed": 0}
    if not is_connected():
        return counts
    with Billing() as billing:
        for resource in ORDER:
            cursor, _made = PollCursor.objects.get_or_create(resource=resource, defaults={"read_to": BEFORE_ALL})
            try:
                _poll_one(billing, cursor, counts, report)
            except (Unreachable, Refused) as problem:
                counts["failed"] += 1
                _note(cursor, problem=str(problem)[:120], failures=cursor.failures + 1)
            else:
                _note(cursor, problem="", failures=0)
    return counts


def _note(cursor: PollCursor, **values: Any) -> None:
    PollCursor.objects.filter(pk=cursor.pk).update(polled_at=clock.now(), **values)


def _poll_one(billing: Billing, cursor: PollCursor, counts: dict[str, int], report: Callable[[int], None]) -> None:
    since, offset = cursor.read_to - WRITTEN_LATE if cursor.read_to > BEFORE_ALL else None, 0
    while True:
        asked_at = clock.now()
        page = billing.page(cursor.resource, since=since, offset=offset)
        statements, wrong = read_all(cursor.resource, page)
        with transaction.atomic():
            keep_wrong(cursor.resource, wrong)
            counts["changed"] += tell(statements, asked_at)
            newest = max([s.stated_at for s in statements if s.stated_at is not None], default=None)
            if newest is not None and newest > cursor.read_to:
                cursor.read_to = min(newest, asked_at)
                cursor.save(update_fields=["read_to"])
        counts["read"] += len(page)
        counts["refused"] += len(wrong)
        report(counts["read"])
        if len(page) < PAGE:
            return
        if newest is not None and (since is None or newest > since):
            since, offset = newest, 0
        else:  # more rows of one moment than a page holds
            offset += len(page)


def read_all(resource: str, page: Sequence[dict[str, Any]]) -> tuple[list[Statement], list[tuple[Any, Unusable]]]:
    """The statements of a page, and the bodies that cannot be used with why."""
    statements, wrong = [], []
    for body in page:
        try:
            statements.append(read(resource, body))
        except Unusable as fault:
            wrong.append((body, fault))
        except Partial:
            wrong.append((body, Unusable("", "partial")))
    return [one for one in statements if one.finished], wrong


def tell(statements: Sequence[Statement], asked_at: datetime, *, by: str = "") -> int:
    """Apply statements read at `asked_at`; how many changed something. In the caller's transaction."""
    changed = 0
    for start in range(0, len(statements), AT_ONCE):
        some = statements[start : start + AT_ONCE]
        hold(one.account_ref for one in some)
        told = [Told(one, Age(min(one.stated_at or asked_at, asked_at), by)) for one in some]
        changed += sum(effect.outcome not in (OLDER, SAME) for effect in apply_statements(told))
    return changed


def keep_wrong(resource: str, wrong: Sequence[tuple[Any, Unusable]]) -> None:
    """Keep bodies that cannot be used where the engineer looks: among the events, refused, with why."""
    now = clock.now()
    BillingEvent.objects.bulk_create(
        (
            BillingEvent(
                event_id=f"read:{resource}:{body.get('id')}:{body.get('lastUpdate') or body.get('lastModified')}"[:100],
                kind=f"read:{resource}",
                event_time=now,
                received_at=now,
                resource_id=str(body.get("id"))[:64],
                body={"event": {resource: body}},
                state=BillingEvent.State.FAILED,
                why=BillingEvent.Why.BODY,
                faults=[fault.fault],
                done_at=now,
            )
            for body, fault in wrong
        ),
        ignore_conflicts=True,
    )
