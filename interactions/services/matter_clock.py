"""What the clock does for matters: remind those who work on them, bring to the leads what was not answered (D§9)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction

from customers.models import Customer
from foundation.policies.reading import policy
from interactions.models import Matter, MatterNotice
from interactions.services.matter_ground import lead_over, remember, ring, stand_in
from interactions.stages import MatterAct
from staff.models import User

GONE = frozenset({Customer.Status.DECEASED, Customer.Status.ANONYMISED})


@transaction.atomic
def give_notice_if_due(matter_id: int, *, now: datetime) -> bool:
    """The next notice of one matter: level 0 reminds owner and handler before it is due, level 1 brings it to the
    owner's lead when it is due, level 2 to the one above. Once per level and due moment; False when there is nothing to
    do (another worker was first, the customer was told meanwhile)."""
    matter = (
        Matter.objects.notice_due(now)
        .filter(pk=matter_id)
        .select_for_update(skip_locked=True, no_key=True, of=("self",))
        .select_related("owner__unit", "handler__unit", "escalated_to__unit", "customer", "contact")
        .first()
    )
    if matter is None:
        return False
    if matter.customer is not None and matter.customer.status in GONE:  # the status stops every timer (D§5.13)
        matter.next_notice_at = None
        matter.save(update_fields=["next_notice_at"])
        return False
    level = matter.next_level
    told = stand_in(matter, matter.owner, now) if level == 0 else _lead_for(matter, level, now)
    given = _note(matter, level, told, now)
    if given and level == 0:
        remember(matter, MatterAct.REMINDED, None, level=0, new_due=matter.due_at)
        for person in {told.pk: told, matter.handler_id: stand_in(matter, matter.handler, now)}.values():
            ring(person, "due", matter, f"{person.pk}-{int(matter.due_at.timestamp())}")
    elif given:
        if told.pk != matter.owner_id:
            matter.escalated_to = told
        remember(matter, MatterAct.ESCALATED, None, level=level, new_due=matter.due_at)
        ring(told, "overdue", matter, f"{level}-{int(matter.due_at.timestamp())}")
    matter.next_level = level + 1
    matter.next_notice_at = _next(matter.due_at, level + 1)
    matter.save(update_fields=["next_level", "next_notice_at", "escalated_to"])
    return given


def _next(due_at: datetime, level: int) -> datetime | None:
    after: dict[int, timedelta] = {1: timedelta(0), 2: policy("interactions.first_ask.head_after")}
    return due_at + after[level] if level in after else None


def _lead_for(matter: Matter, level: int, now: datetime) -> User:
    """At level 1 the lead of the owner, or of the one whose shift lead keeps it; at level 2 the one above."""
    below = matter.escalated_to if level > 1 and matter.escalated_to is not None else matter.owner
    return lead_over(matter, below, now) or stand_in(matter, matter.owner, now)


def _note(matter: Matter, level: int, told: User, now: datetime) -> bool:
    same = MatterNotice.objects.filter(matter=matter, level=level, due_at=matter.due_at)
    if same.exists():  # safe: the caller holds the row's lock
        return False
    MatterNotice.objects.create(matter=matter, level=level, due_at=matter.due_at, at=now, told=told)
    return True
