"""What every verb about two archives begins with, and what it leaves behind."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from customers import normal
from customers.finding import former_owners, rebuild_find_rows
from customers.models import Customer, DuplicatePair, Merge
from customers.quality import refresh_one
from customers.timeline import add_line
from foundation.audit.services import record
from foundation.common.errors import NotAllowed, RuleBroken
from staff.models import User

LONGEST_REASON = 200
LONGEST_FAMILY = 50  # parents above one another; more is a circle
GONE = frozenset({Customer.Status.ANONYMISED, Customer.Status.MERGED})


def lock_both(one_id: int, other_id: int) -> dict[int, Customer]:
    """Both customers and those that hang on them, locked in the order of their ids, so that two merges never wait for
    each other. Nothing can be written for them until the transaction ends: other apps' rows hold on to the customer."""
    both = [one_id, other_id]
    near = Customer.objects.filter(Q(pk__in=both) | Q(parent__in=both) | Q(merged_into__in=both))
    ids = sorted({*near.values_list("pk", flat=True)})
    rows = Customer.objects.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk")
    return {row.pk: row for row in rows}


def refind(*customer_ids: int) -> None:
    """Make the find rows and the items of data quality of these customers right, and the find rows of former owners of
    their numbers."""
    rebuild_find_rows([*customer_ids, *former_owners(customer_ids)])
    for customer_id in customer_ids:
        refresh_one(customer_id)


def reopen_pair(merge: Merge) -> None:
    """After an undo the two are what they were before the merge; a pair that a merge made without a note of it is a
    question again."""
    low, high = sorted((merge.survivor_id, merge.absorbed_id))
    DuplicatePair.objects.filter(low=low, high=high, state=DuplicatePair.State.MERGED).update(
        state=DuplicatePair.State.OPEN, decided_by=None, decided_at=None, why=""
    )


def both_of(
    survivor_id: int, absorbed_id: int, actor: User, *, standing: bool = True, strict: bool = True
) -> tuple[Customer, Customer]:
    """The two, locked, seen by the actor, and fit to be merged (`standing`: still customers of their own; `strict`:
    of one kind and not of one family)."""
    if survivor_id == absorbed_id:
        raise RuleBroken("merge.itself", _("A customer cannot be merged into itself."))
    locked = lock_both(survivor_id, absorbed_id)
    survivor, absorbed = locked.get(survivor_id), locked.get(absorbed_id)
    if survivor is None or absorbed is None:
        raise Customer.DoesNotExist
    if not standing:
        return survivor, absorbed
    for one in (survivor, absorbed):
        if one.status in GONE:
            words = _("%(number)s is no customer of its own any more (%(status)s).")
            raise RuleBroken("merge.gone", words % {"number": one.number, "status": one.get_status_display()})
    if Customer.objects.visible_to(actor).filter(pk__in=[survivor_id, absorbed_id]).count() < 2:
        raise Customer.DoesNotExist
    if strict:
        _check_kinds(survivor, absorbed)
    return survivor, absorbed


def _check_kinds(survivor: Customer, absorbed: Customer) -> None:
    if survivor.customer_type != absorbed.customer_type:
        raise RuleBroken(
            "merge.types",
            _("A person and a company stay two customers; link them instead."),
        )
    if _above(survivor, absorbed.pk) or _above(absorbed, survivor.pk):
        raise RuleBroken("merge.family", _("One of the two belongs to the other. Change that first."))


def _above(customer: Customer, other_id: int) -> bool:
    """Whether `other_id` is among the customers this one belongs to."""
    parent_id = customer.parent_id
    for _level in range(LONGEST_FAMILY):
        if parent_id is None:
            return False
        if parent_id == other_id:
            return True
        parent_id = Customer.objects.values_list("parent_id", flat=True).get(pk=parent_id)
    return True


def held(merge_id: int, actor: User, state: str, *, standing: bool = True) -> tuple[Merge, Customer, Customer]:
    """The merge with both customers, all locked: customers first, in the order everybody takes."""
    ids = Merge.objects.values_list("survivor_id", "absorbed_id").get(pk=merge_id)
    survivor, absorbed = both_of(*ids, actor, standing=False)
    merge = Merge.objects.select_for_update().get(pk=merge_id)
    if merge.state != state:
        words = _("This merge has been decided already: %(state)s.")
        raise RuleBroken("merge.decided", words % {"state": merge.get_state_display()})
    if standing:
        survivor, absorbed = both_of(*ids, actor)
    merge.survivor, merge.absorbed = survivor, absorbed
    return merge, survivor, absorbed


def remember_merge(merge: Merge, verb: str, actor: User, **detail: Any) -> None:
    """One audit entry for each of the two, so that either's log tells."""
    for mine, other in ((merge.survivor, merge.absorbed_id), (merge.absorbed, merge.survivor_id)):
        record(
            verb,
            target=merge,
            actor=actor,
            customer_id=mine.pk,
            unit_id=mine.unit_id,
            detail={"number": merge.number, "other": str(other), **detail},
        )


def tell(merge: Merge, kind: str, actor: User) -> None:
    """A line on the timeline of each of the two."""
    for one, other in ((merge.survivor, merge.absorbed), (merge.absorbed, merge.survivor)):
        params = {"merge": merge.number, "other": other.number}
        add_line(one.pk, kind, actor=actor, ref_id=merge.pk, params=params, unit_id=one.unit_id)


def given_reason(text: str) -> str:
    reason = normal.plain_text(text, longest=LONGEST_REASON, label=_("Reason"))
    if not reason:
        raise RuleBroken("merge.no_reason", _("Say why."))
    return reason


def check_right(actor: User, right: str, code: str, words: str) -> None:
    if not actor.has_perm(right):
        raise NotAllowed(code, words)
