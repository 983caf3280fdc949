"""What the archive asks of us: tell the customer, owe and close work (customers.duties)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

from customers.duties import register_keeper
from customers.models import Customer
from outreach.lifecycle import FollowUpKind, FollowUpState, MessageClass
from outreach.models import FollowUp
from outreach.services import close_followup, owe_followup, queue_message
from outreach.services.followups import WORK_RIGHT
from staff.models import User


class OutreachKeeper:
    """Acts in the archive's transaction, on the strength of what the archive has checked."""

    def tell(
        self, customer: Customer, template: str, *, params: dict[str, Any], dedupe_key: str, actor: User | None
    ) -> None:
        queue_message(
            customer=customer,
            message_class=MessageClass.SERVICE,
            template=template,
            params=params,
            dedupe_key=dedupe_key,
            actor=actor,
        )

    def owe(
        self,
        customer: Customer,
        *,
        owner: User,
        due_at: datetime,
        subject: str,
        source: str,
        dedupe_key: str,
        actor: User,
        call: bool = False,
    ) -> int:
        owed = owe_followup(
            customer=customer,
            kind=FollowUpKind.CALLBACK if call else FollowUpKind.TASK,
            owner=owner,
            due_at=due_at,
            subject=subject,
            actor=actor,
            dedupe_key=dedupe_key,
            source=source,
        )
        return owed.pk

    def can_owe(self, user: User) -> bool:
        return user.is_active and user.has_perm(WORK_RIGHT)

    def owners(self, followup_ids: Collection[int]) -> dict[int, str]:
        return dict(FollowUp.objects.filter(pk__in=followup_ids).values_list("pk", "owner__name"))

    def settle(self, followup_id: int, *, actor: User | None, done: bool, words: str) -> None:
        state = FollowUpState.DONE if done else FollowUpState.CANCELLED
        close_followup(followup_id, actor=actor, state=state, words=words)

    def stop(self, customer: Customer, *, actor: User | None, words: str) -> int:
        ids = FollowUp.objects.open().filter(customer=customer).order_by("pk").values_list("pk", flat=True)
        return sum(close_followup(pk, actor=actor, state=FollowUpState.CANCELLED, words=words) for pk in list(ids))


KEEPER = OutreachKeeper()


def register() -> None:
    """Make us known to the archive."""
    register_keeper(KEEPER)
