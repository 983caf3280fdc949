"""Asking billing for something: commands in order per account, each once (rest.md)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from billing.models import BilledProduct, BillingAccount, Command, RestoreWatch
from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import RuleBroken
from staff.models import User

LONGEST_KEY = 90
OWN_PROMISE, LAW = timedelta(hours=24), timedelta(hours=48)  # to restore (D§13.2)
OF_PRODUCTS = frozenset({*Command.SUSPENSIONS, Command.Kind.RESTORE, Command.Kind.TERMINATE})


@transaction.atomic
def queue_command(
    account_id: int,
    *,
    actor: User | None,
    kind: str,
    natural_key: str,
    params: dict[str, Any] | None = None,
) -> list[Command]:
    """Ask billing, in the order of the account: one command for each of its lines that it concerns, or one for the
    account. `natural_key`: names the decision; asked again, its commands are returned and nothing is added. `params`:
    codes, amounts as text, ids; nothing personal: {"limit": "300.00"} for CREDIT_LIMIT; {"bill": external id, "amount":
    "12.50", "until": ISO date or absent} for DISPUTE_HOLD; {"hold": natural key of the hold} for DISPUTE_RELEASE.

    RESTORE overtakes suspensions of the account that billing has not taken yet, and begins the watch over 24 and 48
    hours (D§13.2). Lines that have ended are left out. Empty when the account has no line to concern.
    Raises RuleBroken billing.bad_command for a kind there is none of or a key that is too long.
    """
    if kind not in Command.Kind.values or not 0 < len(natural_key) <= LONGEST_KEY:
        raise RuleBroken("billing.bad_command", _("Billing cannot be asked for this."))
    account = BillingAccount.objects.select_for_update(no_key=True).get(pk=account_id)
    before = list(Command.objects.filter(account=account, batch=natural_key).order_by("pk"))
    if before:
        return before
    now = clock.now()
    products: Sequence[BilledProduct | None] = [None]
    if kind in OF_PRODUCTS:
        products = list(account.products.exclude(status__in=BilledProduct.ENDED).order_by("pk"))
    if kind == Command.Kind.RESTORE:
        _overtake(account, now)
    commands = [
        Command(
            account=account,
            product=product,
            kind=kind,
            natural_key=f"{natural_key}:{product.pk}" if product is not None else natural_key,
            batch=natural_key,
            params=params or {},
            queued_at=now,
            not_before=now,
        )
        for product in products
    ]
    for command in commands:
        command.save(force_insert=True)
    if kind == Command.Kind.RESTORE and commands:
        RestoreWatch.objects.create(
            account=account,
            batch=natural_key,
            asked_at=now,
            own_due_at=now + OWN_PROMISE,
            law_due_at=now + LAW,
            next_at=now + OWN_PROMISE,
        )
    record(
        "billing.asked",
        target=account,
        actor=actor,
        customer_id=account.customer_id,
        detail={"kind": kind, "commands": len(commands), "batch": natural_key},
    )
    return commands


def _overtake(account: BillingAccount, now: Any) -> int:
    """Give up suspensions that billing has not taken: whoever has paid is not cut off any more (D§26). One whose
    attempt was cut may have taken effect; the restoration that follows it ends that."""
    waiting = Command.objects.filter(account=account, kind__in=Command.SUSPENSIONS, state=Command.State.QUEUED)
    return waiting.update(state=Command.State.OVERTAKEN, ended_at=now, why="restore")
