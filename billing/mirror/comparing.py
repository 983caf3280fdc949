"""Every night: what we hold against what billing says, page by page; what differs is listed, repaired, counted.

Open bills, balances, limits and lines are compared. Of what billing has and we have not, its word is taken; what we
hold open and billing does not list is asked for by name.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from billing.mirror.applying import MODELS, Age, Told, apply_statements
from billing.mirror.holding import hold
from billing.mirror.polling import keep_wrong, read_all
from billing.mirror.reading import Statement, read
from billing.models import Bill, BilledProduct, BillingAccount, Difference, Reconciliation
from billing.peer import Billing, Refused, Unreachable
from foundation.common import clock

SETTLED = timedelta(minutes=5)  # what was stated longer ago than this is not just on its way
REPAIRED_BY = "~compared"  # behind every event of the same moment
AT_ONCE = 200
Kind = Difference.Kind
# Which columns of a resource are compared, and what a difference in each is called.
COMPARED: dict[str, dict[str, str]] = {
    "billingAccount": {"status": Kind.STATE, "balance": Kind.BALANCE, "credit_limit": Kind.LIMIT},
    "customerBill": {
        "state": Kind.STATE,
        "amount": Kind.AMOUNT,
        "remaining": Kind.AMOUNT,
        "due_date": Kind.DUE_DATE,
    },
    "product": {"status": Kind.STATE, "suspension_type": Kind.STATE},
    "bucket": {"remaining": Kind.BALANCE},
}
OPEN_STATES = "new,onHold,validated,sent,partiallyPaid"
_FILTERS: dict[str, dict[str, str]] = {"customerBill": {"state": OPEN_STATES}}


def compare_all(run: Reconciliation, report: Callable[[int], None] = lambda _done: None) -> Counter[str]:
    """Compare everything and repair it; the counts, kept with `run` as well. Raises Unreachable, Refused: what was
    compared until then stays repaired."""
    counts: Counter[str] = Counter()
    with Billing() as billing:
        for resource in COMPARED:
            seen: set[str] = set()
            for page in billing.pages(resource, _FILTERS.get(resource)):
                asked_at = clock.now()
                statements, wrong = read_all(resource, page)
                keep_wrong(resource, wrong)
                counts["refused"] += len(wrong)
                for start in range(0, len(statements), AT_ONCE):
                    _compare(run, statements[start : start + AT_ONCE], asked_at, counts)
                seen |= {str(body.get("id")) for body in page}
                counts[f"compared_{resource}"] += len(page)
                report(sum(counts[f"compared_{name}"] for name in COMPARED))
            _ask_for(billing, run, resource, _held(resource) - seen, counts)
    run.counts = dict(counts)
    run.save(update_fields=["counts"])
    return counts


@transaction.atomic
def _compare(run: Reconciliation, statements: Sequence[Statement], asked_at: datetime, counts: Counter[str]) -> None:
    """Compare some resources and repair what differs, in one transaction with its list."""
    if not statements:
        return
    resource = statements[0].resource
    hold(one.account_ref for one in statements)
    model: Any = MODELS[resource]
    rows = {row.external_id: row for row in model.objects.filter(external_id__in=[s.external_id for s in statements])}
    told: list[Told] = []
    found: list[Difference] = []
    for statement in statements:
        row = rows.get(statement.external_id)
        wrong = _unlike(statement, row)
        if not wrong:
            continue
        at = statement.stated_at or asked_at
        if row is not None and row.stated_at is not None:
            if at < row.stated_at and row.stated_at > asked_at - SETTLED:
                counts["on_its_way"] += 1
                continue
            at = max(at, row.stated_at)
        told.append(Told(statement, Age(at, REPAIRED_BY)))
        found += [_difference(run, kind, statement, row, columns) for kind, columns in wrong.items()]
    if not told:
        return
    apply_statements(told)
    refs = [one.statement.account_ref for one in told]
    accounts = dict(BillingAccount.objects.filter(external_id__in=refs).values_list("external_id", "pk"))
    by_id = {one.statement.external_id: accounts[one.statement.account_ref] for one in told}
    now = clock.now()
    for one in found:
        one.account_id, one.repaired_at = by_id[one.external_id], now
        counts[f"differs_{one.kind}"] += 1
    Difference.objects.bulk_create(found)
    counts["repaired"] += len(told)


def _unlike(statement: Statement, row: Any) -> dict[str, list[str]]:
    """The columns that differ, by kind of difference."""
    if row is None:
        return {Kind.MISSING_HERE: []}
    wrong: dict[str, list[str]] = {}
    for column, kind in COMPARED[statement.resource].items():
        if getattr(row, column) != statement.values[column]:
            wrong.setdefault(kind, []).append(column)
    return wrong


def _difference(run: Reconciliation, kind: str, statement: Statement, row: Any, columns: Iterable[str]) -> Difference:
    return Difference(
        kind=kind,
        resource=statement.resource,
        external_id=statement.external_id,
        reconciliation=run,
        ours={column: str(getattr(row, column)) for column in columns},
        theirs={column: str(statement.values[column]) for column in columns},
    )


def _held(resource: str) -> set[str]:
    """The ids of what we hold and billing should have listed."""
    if resource == "customerBill":
        rows: Any = Bill.objects.filter(state__in=Bill.OWED, remaining__gt=0)
    elif resource == "product":
        rows = BilledProduct.objects.exclude(status__in=BilledProduct.ENDED)
    elif resource == "billingAccount":
        rows = BillingAccount.objects.exclude(stated_at=None)
    else:
        rows = MODELS[resource]._default_manager.all()
    return set(rows.values_list("external_id", flat=True).iterator(chunk_size=10_000))


def _ask_for(billing: Billing, run: Reconciliation, resource: str, keys: set[str], counts: Counter[str]) -> None:
    """Ask by name for what billing did not list: it has another state by now, or billing does not know it."""
    for key in sorted(keys):
        asked_at = clock.now()
        try:
            statements, wrong = read_all(resource, [billing.read(resource, key)])
        except Unreachable:
            raise
        except Refused as refusal:
            if refusal.status in (404, 410):
                counts[f"differs_{Kind.MISSING_THERE}"] += _missing_there(run, resource, key)
            continue
        keep_wrong(resource, wrong)
        _compare(run, statements, asked_at, counts)


def _missing_there(run: Reconciliation, resource: str, key: str) -> int:
    """List what billing does not know: a person has to look. Listed once."""
    row: Any = MODELS[resource]._default_manager.get(external_id=key)
    one = Difference(
        kind=Kind.MISSING_THERE,
        resource=resource,
        external_id=key,
        account_id=row.pk if resource == "billingAccount" else row.account_id,
        reconciliation=run,
    )
    Difference.objects.bulk_create([one], ignore_conflicts=True)
    return 1


def read_unheard(at_once: int = AT_ONCE) -> int:
    """Read the accounts we only heard of, because a bill or payment named them; how many could be read."""
    done = 0
    keys = list(BillingAccount.objects.filter(stated_at=None).order_by("pk").values_list("external_id", flat=True))
    with Billing() as billing:
        for key in keys[:at_once]:
            asked_at = clock.now()
            try:
                statement = read("billingAccount", billing.read("billingAccount", key))
            except Refused:
                continue
            with transaction.atomic():
                hold([key])
                apply_statements([Told(statement, Age(statement.stated_at or asked_at, ""))])
            done += 1
    return done
