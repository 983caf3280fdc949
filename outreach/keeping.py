"""What the archive asks of us: tell the customer, owe and close work (customers.duties)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from customers.duties import register_keeper
from customers.models import Customer
from outreach.lifecycle import FollowUpKind, FollowUpState, MessageClass
from outreach.models import FollowUp
from outreach.services import close_followup, owe_followup, queue_message
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
    ) -> int:
        owed = owe_followup(
            customer=customer,
            kind=FollowUpKind.TASK,
            owner=owner,
            due_at=due_at,
            subject=subject,
            actor=actor,
            dedupe_key=dedupe_key,
            source=source,
        )
        return owed.pk

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
