"""Proposing, deciding and setting aside (D§5.14, D§3.2). A merge is done by the second of two people, never by one."""

from __future__ import annotations

from collections.abc import Iterable

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from customers.merging import fields, rules
from customers.merging.both import both_of, check_right, given_reason, held, refind, remember_merge
from customers.merging.moving import Work, move_all
from customers.merging.score import known_of, score_pair
from customers.models import Band, Customer, DuplicatePair, Merge
from customers.services.remembering import remember
from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.ids import new_id
from foundation.common.numbers import next_number
from foundation.policies.reading import policy
from staff.drafts import hold_drafts
from staff.models import User

PROPOSE_RIGHT, APPROVE_RIGHT = "customers.merge", "customers.approve_merge"


@transaction.atomic
def propose_merge(
    survivor_id: int, absorbed_id: int, *, actor: User, reason: str, choices: Iterable[str] = ()
) -> Merge:
    """Ask for `absorbed` to be taken up by `survivor`. `choices`: fields (`fields.CHOICES`) to take from the absorbed.

    Raises NotAllowed (merge.may_not_propose); Customer.DoesNotExist for one the actor does not see; RuleBroken
    merge.itself, merge.gone (anonymous or merged already), merge.types (a person and a company stay two, D§26),
    merge.family (one belongs to the other), merge.unknown_field, merge.no_reason, merge.proposed_before,
    customers.invisible, customers.too_long.
    """
    check_right(actor, PROPOSE_RIGHT, "merge.may_not_propose", _("Your role does not propose merges."))
    reason = given_reason(reason)
    asked = fields.checked(choices)
    survivor, absorbed = both_of(survivor_id, absorbed_id, actor)
    if Merge.objects.filter(_about(survivor, absorbed), state=Merge.State.PROPOSED).exists():
        raise RuleBroken("merge.proposed_before", _("Merging these two has been proposed already."))
    merge = Merge.objects.create(
        number=next_number("MG"),
        survivor=survivor,
        absorbed=absorbed,
        choices=asked,
        reason=reason,
        proposed_by=actor,
        proposed_at=clock.now(),
    )
    remember_merge(merge, "merge.proposed", actor, fields=asked)
    return merge


@transaction.atomic
def approve_merge(merge_id: int, *, actor: User, versions: tuple[int, int] | None = None) -> Merge:
    """Do it: the second person's word, in one transaction. `versions` of (survivor, absorbed) as they were read.

    Raises NotAllowed (merge.may_not_approve, merge.own); RuleBroken merge.decided, merge.changed_meanwhile and as
    `propose_merge`.
    """
    check_right(actor, APPROVE_RIGHT, "merge.may_not_approve", _("Your role does not decide about merges."))
    merge, survivor, absorbed = held(merge_id, actor, Merge.State.PROPOSED)
    if merge.proposed_by_id == actor.pk:
        raise NotAllowed("merge.own", _("A merge takes two people: somebody else decides about your proposal."))
    if versions is not None and versions != (survivor.version, absorbed.version):
        raise RuleBroken("merge.changed_meanwhile", _("One of the two was changed meanwhile. Look again, then decide."))
    merge.state, merge.decided_by, merge.decided_at = Merge.State.DONE, actor, clock.now()
    merge.undo_until = merge.decided_at + policy("customers.merge_undo")
    hold_drafts(absorbed.pk)
    work = Work(merge, survivor, absorbed)
    changed = fields.take_chosen(work)
    work.change(Customer, absorbed.pk, status=Customer.Status.MERGED, merged_into_id=survivor.pk)
    rules.settle(work)
    moved = move_all(work)
    _settle_pair(work)
    # What is younger than this came after the merge.
    merge.result |= {
        "moved": moved,
        "kept": {table: len(rows) for table, rows in work.kept.items()},
        "mark": str(new_id()),
    }
    merge.save()
    _overtake(merge)
    survivor.refresh_from_db()
    Customer.objects.filter(pk=absorbed.pk).update(version=F("version") + 1, updated_at=merge.decided_at)
    remember_merge(merge, "merge.done", actor, rows=sum(moved.values()), fields=merge.choices)
    remember(
        survivor,
        "customer.changed",
        actor=actor,
        changed=changed,
        detail={"source": merge.number},
        line="merge.done",
        line_params={"merge": merge.number, "absorbed": absorbed.number},
        source=merge.number,
    )
    refind(survivor.pk, absorbed.pk)
    return merge


@transaction.atomic
def refuse_merge(merge_id: int, *, actor: User, reason: str) -> Merge:
    """The second person says no. Raises NotAllowed (merge.may_not_approve, merge.own); RuleBroken merge.decided,
    merge.no_reason."""
    check_right(actor, APPROVE_RIGHT, "merge.may_not_approve", _("Your role does not decide about merges."))
    merge, _survivor, _absorbed = held(merge_id, actor, Merge.State.PROPOSED, standing=False)
    if merge.proposed_by_id == actor.pk:
        raise NotAllowed("merge.own", _("A merge takes two people: somebody else decides about your proposal."))
    _close(merge, Merge.State.REFUSED, actor, given_reason(reason))
    remember_merge(merge, "merge.refused", actor)
    return merge


@transaction.atomic
def withdraw_merge(merge_id: int, *, actor: User) -> Merge:
    """The proposer takes the proposal back. Raises NotAllowed (merge.not_yours), RuleBroken (merge.decided)."""
    merge, _survivor, _absorbed = held(merge_id, actor, Merge.State.PROPOSED, standing=False)
    if merge.proposed_by_id != actor.pk:
        raise NotAllowed("merge.not_yours", _("Only who proposed a merge takes it back."))
    _close(merge, Merge.State.WITHDRAWN, actor, "")
    remember_merge(merge, "merge.withdrawn", actor)
    return merge


@transaction.atomic
def set_apart(one_id: int, other_id: int, *, actor: User, why: str) -> DuplicatePair:
    """These two are not the same person: neither list nor nightly run proposes them again.

    Raises NotAllowed (merge.may_not_propose), Customer.DoesNotExist, RuleBroken merge.itself, merge.gone,
    merge.no_reason.
    """
    check_right(actor, PROPOSE_RIGHT, "merge.may_not_propose", _("Your role does not propose merges."))
    why = given_reason(why)
    low, high = sorted(both_of(one_id, other_id, actor, strict=False), key=lambda one: one.pk)
    pair = DuplicatePair.objects.select_for_update().filter(low=low, high=high).first()
    if pair is None:
        known = known_of([low.pk, high.pk])
        match = score_pair(known[low.pk], known[high.pk]) if len(known) == 2 else None
        pair = DuplicatePair(low=low, high=high, score=match.score if match else 0)
        pair.band, pair.reasons = (match.band, match.why.as_json()) if match else (Band.LEAVE, [])
    pair.state, pair.decided_by, pair.decided_at, pair.why = DuplicatePair.State.SET_ASIDE, actor, clock.now(), why
    pair.save()
    record(
        "merge.set_apart",
        target=pair,
        actor=actor,
        customer_id=low.pk,
        unit_id=low.unit_id,
        detail={"other": str(high.pk)},
        personal={"why": why},
    )
    return pair


def _overtake(merge: Merge) -> None:
    """Other proposals about the absorbed customer have nothing to merge any more."""
    others = Merge.objects.filter(
        Q(survivor=merge.absorbed_id) | Q(absorbed=merge.absorbed_id), state=Merge.State.PROPOSED
    )
    others.exclude(pk=merge.pk).update(state=Merge.State.OVERTAKEN)


def _settle_pair(work: Work) -> None:
    """The two were a question, or had been set apart: noted, so that an undo asks, or does not ask, as before."""
    merge = work.merge
    low, high = sorted((merge.survivor_id, merge.absorbed_id))
    state, by = DuplicatePair.State.MERGED, merge.decided_by_id
    for pk in DuplicatePair.objects.filter(low=low, high=high).values_list("pk", flat=True):
        work.change(DuplicatePair, pk, state=state, decided_by_id=by, decided_at=merge.decided_at, why=merge.number)


def _about(one: Customer, other: Customer) -> Q:
    return Q(survivor=one, absorbed=other) | Q(survivor=other, absorbed=one)


def _close(merge: Merge, state: str, actor: User, refusal: str) -> None:
    merge.state, merge.decided_by, merge.decided_at, merge.refusal = state, actor, clock.now(), refusal
    merge.save(update_fields=["state", "decided_by", "decided_at", "refusal"])
