"""What every act on a follow-up leaves behind: history, audit, the customer's timeline, the clock's next moment."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from customers.timeline import add_line
from foundation.audit.services import record
from foundation.common import clock
from outreach import policies
from outreach.lifecycle import FollowUpAct
from outreach.models import FollowUp, FollowUpMove
from staff.models import User


def behalf(follow_up: FollowUp, actor: User) -> User | None:
    """The owner, when somebody else acts."""
    return follow_up.owner if actor.pk != follow_up.owner_id else None


def remember(follow_up: FollowUp, act: FollowUpAct, actor: User | None, **what: Any) -> FollowUpMove:
    """History row and audit entry of one act."""
    move = FollowUpMove.objects.create(
        follow_up=follow_up,
        act=act,
        at=clock.now(),
        actor=actor,
        on_behalf_of=behalf(follow_up, actor) if actor and "new_owner" not in what else None,
        reason=(what.pop("reason", "") or "").strip()[:200],
        **what,
    )
    record(
        f"followup.{act.lower()}",
        target=follow_up,
        actor=actor,
        customer_id=follow_up.customer_id,
        unit_id=follow_up.owner.unit_id,
        on_behalf_of=move.on_behalf_of,
        detail={
            "owner": follow_up.owner_id,
            **({"level": move.level} if move.level is not None else {}),
            **({"due_at": move.new_due.isoformat()} if move.new_due else {}),
        },
    )
    return move


def tell(follow_up: FollowUp, kind: str, actor: User | None, params: dict[str, Any]) -> None:
    """The line on the customer's timeline."""
    if follow_up.customer_id is not None:
        add_line(
            follow_up.customer_id,
            kind,
            actor=actor,
            ref_id=follow_up.pk,
            params={"number": follow_up.number, "kind": follow_up.kind, **params},
            unit_id=follow_up.owner.unit_id,
        )


def next_notice(due_at: datetime, level: int, levels: tuple[timedelta, ...]) -> datetime | None:
    """When the clock acts next: the owner at `due_at` (level 0), then each hand-over `levels[n-1]` later."""
    if level == 0:
        return due_at
    return due_at + levels[level - 1] if level <= len(levels) else None


def set_next_notice(follow_up: FollowUp, level: int) -> None:
    """Store the next moment at which the clock must act, after `level - 1` was given. Called under the row's lock."""
    follow_up.next_level = level
    follow_up.next_notice_at = next_notice(follow_up.due_at, level, policies.hand_over_after())
    follow_up.save(update_fields=["next_level", "next_notice_at", "handed_to"])
