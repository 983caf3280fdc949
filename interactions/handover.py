"""Matters as work that can be given away all at once when a person is absent (D§3.3)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from interactions.models import Matter
from interactions.services.transfers import order_matter
from outreach.services import notify
from staff.handover import register_work
from staff.models import User


def count_open(user: User) -> int:
    """How many open matters the user answers for."""
    return Matter.objects.open().filter(owner=user).count()


def move_all(owner: User, to: User, actor: User) -> int:
    """Give every open matter of `owner` to `to` by order, in the caller's transaction; how many.

    The new owner's bell rings once for all. Raises what `order_matter` raises; nothing is moved then.
    """
    ids = Matter.objects.open().filter(owner=owner).order_by("due_at", "pk").values_list("pk", flat=True)
    moved = [order_matter(pk, actor=actor, to=to, quiet=True) for pk in ids]
    if moved and to.pk != actor.pk:
        notify(
            to,
            "matter.given",
            subject_ref=moved[0],
            params={"number": moved[0].number, "due_at": moved[0].due_at.isoformat()},
            dedupe_key=f"many-{moved[0].ref}-{len(moved)}-{owner.pk}",
        )
    return len(moved)


def register() -> None:
    """Make the kind known."""
    register_work("matters", count_open, move_all, label=_("First-ask matters"), right="interactions.take")
