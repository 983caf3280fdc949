"""Statements into the mirror: many at a time, in one transaction, with the same end whatever the order they come in.

Each resource is what its newest statement says, `(stated_at, stated_by)` being its age. What follows from all of them
(links between bills, allocations, debts, whose account it is) is worked out anew, never added up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db import transaction

from billing.dunning.poking import poke
from billing.lines import BILL_READY, BILL_REPLACED, PAYMENT_RECEIVED, PAYMENT_REVERSED
from billing.mirror.allocation_rows import refresh_debts, settle_accounts
from billing.mirror.following import follow_products
from billing.mirror.matching import link_products, match_accounts
from billing.mirror.reading import Statement
from billing.mirror.telling import Line, tell, tell_history
from billing.mirror.totals import check_totals
from billing.models import Bill, BilledProduct, BillingAccount, BillLine, Bucket, Payment
from billing.models.accounts import Stated
from foundation.common.clock import business_midnight
from foundation.common.ids import new_id

OLDER, SAME, NEW, CHANGED = "older", "same", "new", "changed"
MODELS: dict[str, type[Stated]] = {
    "billingAccount": BillingAccount,
    "customerBill": Bill,
    "payment": Payment,
    "bucket": Bucket,
    "product": BilledProduct,
}


class Age(NamedTuple):
    """How new a statement is: the moment, then the event that brought it."""

    at: datetime
    by: str


@dataclass(frozen=True)
class Told:
    """A statement with its age; `command`: the key of the command that caused it."""

    statement: Statement
    age: Age
    command: UUID | None = None


@dataclass
class Effect:
    """What became of a statement: `outcome`, and the columns that changed."""

    outcome: str
    changed: list[str] = field(default_factory=list)


@dataclass
class _World:
    """The rows a batch is about, by their external ids, and what has to be saved."""

    accounts: dict[str, BillingAccount]
    rows: dict[str, dict[str, Any]]
    fresh: dict[str, list[Any]] = field(default_factory=lambda: {name: [] for name in MODELS})
    dirty: dict[str, dict[int, Any]] = field(default_factory=lambda: {name: {} for name in MODELS})
    bills: dict[str, Statement] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    moved: dict[int, BilledProduct] = field(default_factory=dict)


@transaction.atomic
def apply_statements(told: Sequence[Told]) -> list[Effect]:
    """Apply statements; the effect of each, in their order. The caller holds the accounts (`inbox.hold_accounts`).

    Unknown accounts are made and kept, unmatched, until something is stated about them.
    """
    world = _world(told)
    order = sorted(range(len(told)), key=lambda place: told[place].age)
    effects: list[Effect] = [Effect(OLDER)] * len(told)
    for place in order:
        effects[place] = _state(world, told[place])
    _save(world)
    return effects


def _world(told: Sequence[Told]) -> _World:
    refs = sorted({one.statement.account_ref for one in told})
    BillingAccount.objects.bulk_create(
        (BillingAccount(external_id=ref) for ref in _missing(refs)), ignore_conflicts=True
    )
    locked = BillingAccount.objects.select_for_update(no_key=True).filter(external_id__in=refs).order_by("external_id")
    accounts = {row.external_id: row for row in locked}
    rows: dict[str, dict[str, Any]] = {"billingAccount": dict(accounts)}
    for name, model in MODELS.items():
        wanted = sorted({one.statement.external_id for one in told if one.statement.resource == name})
        if name != "billingAccount":
            found = model._default_manager.select_for_update(no_key=True).filter(external_id__in=wanted)
            rows[name] = {row.external_id: row for row in found.order_by("external_id")} if wanted else {}
    return _World(accounts, rows)


def _missing(refs: list[str]) -> list[str]:
    known = set(BillingAccount.objects.filter(external_id__in=refs).values_list("external_id", flat=True))
    return [ref for ref in refs if ref not in known]


def _state(world: _World, told: Told) -> Effect:
    """Let one statement speak, in memory."""
    said, name = told.statement, told.statement.resource
    row: Any = world.rows[name].get(said.external_id)
    if row is not None and row.stated_at is not None and Age(row.stated_at, row.stated_by) >= told.age:
        return Effect(OLDER)
    values = dict(said.values)
    if name != "billingAccount":
        values["account_id"] = world.accounts[said.account_ref].pk
    if name == "customerBill":
        values["open_amount"] = row.open_amount if row is not None and row.amount == said.values["amount"] else None
        if values["open_amount"] is None:
            values["open_amount"] = said.values["remaining"]
    if name == "product" and told.command:
        values["last_command_id"] = told.command
    made = row is None
    if row is None:
        row = MODELS[name](id=new_id(), external_id=said.external_id)
        world.rows[name][said.external_id] = row
        world.fresh[name].append(row)
    changed = sorted(column for column, value in values.items() if made or getattr(row, column) != value)
    before = None if made else getattr(row, "state", None)
    for column in changed:
        setattr(row, column, values[column])
    row.stated_at, row.stated_by = told.age
    if name == "customerBill":
        world.bills[said.external_id] = said
    if name == "billingAccount" and changed:
        row.version += 1
    if not made:
        world.dirty[name][row.pk] = row
    if name == "product" and {"status", "suspension_type", "service_no"} & set(changed):
        world.moved[row.pk] = row
    _tell(world, name, row, before, made)
    return Effect(NEW if made else CHANGED if changed else SAME, changed)


def _tell(world: _World, name: str, row: Any, before: str | None, made: bool) -> None:
    """Note the lines of the timeline a statement is worth: the same ones whatever the order."""
    if name == "payment":
        if made:
            world.lines.append(Line(PAYMENT_RECEIVED, row.account_id, row.pk, row.paid_at))
        if row.state == Payment.State.REVERSED and before != Payment.State.REVERSED:
            world.lines.append(Line(PAYMENT_REVERSED, row.account_id, row.pk, row.reversed_at))
    if name == "customerBill":
        if made:
            world.lines.append(Line(BILL_READY, row.account_id, row.pk, business_midnight(row.bill_date)))
        if row.state == Bill.State.REPLACED and before != Bill.State.REPLACED:
            world.lines.append(Line(BILL_REPLACED, row.account_id, row.pk, row.stated_at))


# --- saving -------------------------------------------------------------------------------------------------------


def _save(world: _World) -> None:
    _save_accounts(world)
    for name in ("customerBill", "payment", "bucket", "product"):
        if name == "product":
            world.moved |= {row.pk: row for row in link_products(_touched(world, name))}
        _store(MODELS[name], world.fresh[name], list(world.dirty[name].values()))
    _save_lines(world)
    _link_replacements(world)
    accounts = list(world.accounts.values())
    matched = match_accounts(accounts)
    BillingAccount.objects.bulk_update(matched, ["customer", "unit_no", "matched_at"])
    touched = {row.account_id for name in ("customerBill", "payment") for row in _touched(world, name)}
    settle_accounts(touched)
    refresh_debts({row.customer_id for row in accounts if row.customer_id and (row.pk in touched or row in matched)})
    newly = {row.pk for row in matched}
    poke(touched | newly | {row.account_id for row in _touched(world, "bucket")})
    tell_history(newly)
    tell([line for line in world.lines if line.account_id not in newly])
    follow_products(world.moved.values())


def _touched(world: _World, name: str) -> list[Any]:
    return [*world.fresh[name], *world.dirty[name].values()]


def _save_accounts(world: _World) -> None:
    _store(BillingAccount, [], list(world.dirty["billingAccount"].values()))


def _store(model: type[Stated], fresh: list[Any], dirty: list[Any]) -> None:
    model._default_manager.bulk_create(fresh, batch_size=500)
    columns = [
        column.name
        for column in model._meta.concrete_fields
        if column.name not in ("id", "external_id", "customer", "unit_no", "matched_at", "replaced_by")
    ]
    model._default_manager.bulk_update(dirty, columns, batch_size=200)


def _save_lines(world: _World) -> None:
    """Write the lines of bills anew, and note totals that are wrong."""
    said = {world.rows["customerBill"][key]: statement for key, statement in world.bills.items()}
    BillLine.objects.filter(bill__in=[row.pk for row in said]).delete()
    BillLine.objects.bulk_create(
        (
            BillLine(
                bill=row,
                position=place,
                kind=line.kind,
                name=line.name,
                service_no=line.service_no,
                amount=line.amount,
            )
            for row, statement in said.items()
            for place, line in enumerate(statement.lines)
        ),
        batch_size=2_000,
    )
    check_totals(
        [(row, sum((line.amount for line in statement.lines), Decimal("0.00"))) for row, statement in said.items()]
    )


def _link_replacements(world: _World) -> None:
    """Tie a replaced bill to the one that took its place, whichever came first. A bill may be replaced again."""
    touched = {row.external_id: row for row in _touched(world, "customerBill")}
    if not touched:
        return
    refs = {row.replaced_by_ref for row in touched.values() if row.replaced_by_ref}
    known = dict(Bill.objects.filter(external_id__in=refs).values_list("external_id", "pk")) if refs else {}
    for row in touched.values():
        wanted = known.get(row.replaced_by_ref)
        if row.replaced_by_id != wanted:
            Bill.objects.filter(pk=row.pk).update(replaced_by=wanted)
    waiting = Bill.objects.filter(replaced_by_ref__in=touched, replaced_by=None).exclude(replaced_by_ref="")
    for row in waiting:
        Bill.objects.filter(pk=row.pk).update(replaced_by=touched[row.replaced_by_ref])
