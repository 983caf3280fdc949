"""Follow-ups as work that can be given away all at once when a person is absent (D§3.3)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from customers.book import MANAGE_RIGHT
from outreach.models import FollowUp
from outreach.services import notify, reassign_followup
from outreach.services.transfers import count_customers, move_customers
from staff.handover import register_work
from staff.models import User


def count_open(user: User) -> int:
    """How many open follow-ups the user owns."""
    return FollowUp.objects.open().filter(owner=user).count()


def move_all(owner: User, to: User, actor: User) -> int:
    """Give every open follow-up of `owner` to `to`, each with its history, in the caller's transaction; how many.

    The new owner's bell rings once for all. Raises what `reassign_followup` raises; nothing is moved then.
    """
    ids = FollowUp.objects.open().filter(owner=owner).order_by("due_at", "pk").values_list("pk", flat=True)
    moved = [reassign_followup(pk, actor=actor, to=to, quiet=True) for pk in ids]
    if moved and to.pk != actor.pk:
        notify(
            to,
            "followup.many_given",
            subject_ref=moved[0],
            params={"count": len(moved)},
            dedupe_key=f"many-{moved[0].ref}-{len(moved)}-{owner.pk}",
        )
    return len(moved)


def register() -> None:
    """Make the kinds known: customers go with their manager."""
    register_work("followups", count_open, move_all, label=_("Follow-ups"))
    register_work("customers", count_customers, move_customers, label=_("Customers"), right=MANAGE_RIGHT)
