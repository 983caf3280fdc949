"""The outbox of commands: the first open one of each account, sent, repeated under its key, never in another order.

What billing answered with 2xx is SENT; it is done when the effect is told. Anything that decides nothing (no answer, a
cut connection, 5xx) leaves it QUEUED for another attempt with the same key, which billing does once.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import structlog
from django.db import connection, transaction

from billing.commands.acknowledging import acknowledge
from billing.commands.ringing import ring_finance
from billing.mirror.applying import Age, Told, apply_statements
from billing.mirror.holding import hold
from billing.mirror.pieces import Partial, Unusable
from billing.mirror.reading import read
from billing.models import BilledProduct, Command
from billing.peer import BASES, DISPUTES, Billing, Refused, Unreachable, is_connected
from foundation.audit.services import record
from foundation.common import clock
from foundation.policies.reading import policy

log = structlog.get_logger(__name__)
AT_ONCE = 50
LEASE = timedelta(seconds=60)  # longer than the longest answer
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=1), timedelta(seconds=60)
State, Kind = Command.State, Command.Kind
_WANTED: dict[str, tuple[str, str]] = {
    Kind.SUSPEND_ONE_WAY: ("suspended", "oneWay"),
    Kind.SUSPEND_TWO_WAY: ("suspended", "twoWay"),
    Kind.RESTORE: ("active", ""),
    Kind.TERMINATE: ("terminated", ""),
}
_FIRST = """NOT EXISTS (SELECT FROM billing_command e WHERE e.account_id = c.account_id AND e.id < c.id
  AND e.state IN ('QUEUED', 'SENDING', 'SENT'))"""
# A restoration behind it: whoever has paid is not cut off by another attempt.
_OVERTAKE = """UPDATE billing_command c SET state = 'OVERTAKEN', ended_at = %(now)s, why = 'restore'
WHERE c.kind IN ('SUSPEND_ONE_WAY', 'SUSPEND_TWO_WAY')
  AND (c.state = 'QUEUED' OR (c.state = 'SENDING' AND c.not_before <= %(now)s))
  AND EXISTS (SELECT FROM billing_command r WHERE r.account_id = c.account_id AND r.id > c.id AND r.kind = 'RESTORE'
    AND r.state IN ('QUEUED', 'SENDING', 'SENT', 'ACKNOWLEDGED'))"""
_CLAIM = f"""UPDATE billing_command SET state = 'SENDING', attempts = attempts + 1, not_before = %(until)s
WHERE id = ANY(ARRAY(SELECT c.id FROM billing_command c WHERE c.state IN ('QUEUED', 'SENDING')
    AND c.not_before <= %(now)s AND {_FIRST} ORDER BY c.not_before, c.id LIMIT %(most)s FOR UPDATE SKIP LOCKED))
  AND state IN ('QUEUED', 'SENDING') AND not_before <= %(now)s RETURNING id"""


def send_due(at_once: int = AT_ONCE) -> int:
    """Send what is due, then ask about what was taken and not told of; returns how many commands went a step on."""
    if not is_connected():
        return 0
    claimed = _claim(at_once)
    with Billing() as billing:
        done = sum(_send(billing, command) for command in claimed)
        return done + sum(_ask(billing, command) for command in _silent(at_once))


def _claim(at_once: int) -> list[Command]:
    now = clock.now()
    values: dict[str, Any] = {"now": now, "until": now + LEASE, "most": at_once}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_OVERTAKE, values)
        cursor.execute(_CLAIM, values)
        keys = [pk for (pk,) in cursor.fetchall()]
    return list(Command.objects.filter(pk__in=keys).select_related("account", "product").order_by("pk"))


def _send(billing: Billing, command: Command) -> bool:
    """One attempt. What is stored afterwards only holds while the lease is still ours."""
    method, path, body = request_of(command)
    mine = Command.objects.filter(pk=command.pk, attempts=command.attempts, state=State.SENDING)
    try:
        billing.change(method, path, body, str(command.key))
    except Unreachable as why:
        wait = min(LONGEST_WAIT, FIRST_WAIT * 2 ** min(command.tries, 8))
        mine.update(
            state=State.QUEUED, tries=command.tries + 1, not_before=clock.now() + wait, why=f"no answer: {why}"[:200]
        )
        return False
    except Refused as refusal:
        _refuse(command, f"{refusal.status} {refusal.code}".strip())
        return True
    now = clock.now()
    sent = mine.update(
        state=State.SENT, sent_at=now, tries=command.tries + 1, why="",
        not_before=now + policy("billing.acknowledged_within"),
    )  # fmt: skip
    if sent and command.kind in (Kind.DISPUTE_HOLD, Kind.DISPUTE_RELEASE):
        with transaction.atomic():
            acknowledge({command.key})
    return bool(sent)


def request_of(command: Command) -> tuple[str, str, dict[str, Any]]:
    """Method, path and body of a command."""
    params = command.params
    if command.kind == Kind.CREDIT_LIMIT:
        limit = {"unit": "CNY", "value": float(Decimal(params["limit"]))}
        return "PATCH", f"{BASES['billingAccount']}/{command.account.external_id}", {"creditLimit": limit}
    if command.kind in (Kind.DISPUTE_HOLD, Kind.DISPUTE_RELEASE):
        released = command.kind == Kind.DISPUTE_RELEASE
        amount = {"unit": "CNY", "value": 0.0 if released else float(Decimal(params["amount"]))}
        until = {"until": params["until"]} if params.get("until") else {}
        return "POST", DISPUTES, {"bill": {"id": params["bill"]}, "amount": amount} | until
    assert command.product is not None, "commands about lines name one"
    status, suspension = _WANTED[command.kind]
    body = {"status": status} | ({"suspensionType": suspension} if suspension else {})
    return "PATCH", f"{BASES['product']}/{command.product.external_id}", body


@transaction.atomic
def _refuse(command: Command, why: str) -> None:
    """Note that billing will not; finance hears of it."""
    now = clock.now()
    mine = Command.objects.filter(pk=command.pk, attempts=command.attempts, state__in=(State.SENDING, State.SENT))
    if not mine.update(state=State.FAILED, ended_at=now, why=why[:200]):
        return
    command.why = why
    record(
        "billing.refused",
        target=command,
        actor=None,
        customer_id=command.account.customer_id,
        detail={"kind": command.kind, "why": why[:200]},
    )
    ring_finance("billing.refused", command.account, {"kind": command.kind}, f"billing-refused-{command.pk}", now)


# --- taken, and nothing told of it --------------------------------------------------------------------------------


def _silent(at_once: int) -> list[Command]:
    due = Command.objects.filter(state=State.SENT, not_before__lte=clock.now())
    return list(due.select_related("account", "product").order_by("not_before", "pk")[:at_once])


def _ask(billing: Billing, command: Command) -> bool:
    """Read what the command is about: the effect, or that there is none."""
    resource = "billingAccount" if command.kind == Kind.CREDIT_LIMIT else "product"
    about = command.account if command.product is None else command.product
    asked_at = clock.now()
    try:
        statement = read(resource, billing.read(resource, about.external_id))
    except Unreachable:
        return _later(command, asked_at)
    except (Refused, Partial, Unusable) as fault:
        _refuse(command, str(fault))
        return True
    with transaction.atomic():
        hold([statement.account_ref])
        apply_statements([Told(statement, Age(statement.stated_at or asked_at, ""))])
        if _has_effect(command, statement.values):
            return bool(acknowledge({command.key}))
    _refuse(command, "no effect")
    return True


def _later(command: Command, now: datetime) -> bool:
    Command.objects.filter(pk=command.pk, state=State.SENT).update(not_before=now + LONGEST_WAIT)
    return False


def _has_effect(command: Command, values: dict[str, Any]) -> bool:
    if command.kind == Kind.CREDIT_LIMIT:
        return values["credit_limit"] == Decimal(command.params["limit"])
    status, suspension = _WANTED[command.kind]
    ended = status == "terminated" and values["status"] in BilledProduct.ENDED
    return ended or (values["status"], values["suspension_type"]) == (status, suspension)
