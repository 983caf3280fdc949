"""Handing customers over: offered and accepted, claimed and decided, or moved because a manager left (D§3.3, D§26).

The customer's manager stays until a transfer is accepted. With the customer go the open follow-ups the old manager
owed, and the customer is told the new name.
"""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from customers.book import MANAGE_RIGHT
from customers.models import Customer
from customers.services.managers import assign_manager, check_manager
from customers.services.remembering import locked
from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from outreach.lifecycle import MessageClass
from outreach.models import FollowUp, ManagerTransfer
from outreach.models.transfers import TRANSFER_RIGHT
from outreach.services.bell import notify
from outreach.services.followups import hand_on_followups
from outreach.services.messages import queue_message
from staff.absence import acting_for
from staff.models import RoleAssignment, User, holds_on
from staff.rights import sight_of

Kind, State = ManagerTransfer.Kind, ManagerTransfer.State
DECIDERS = "DEPT_HEAD"
LONGEST_REASON = 200
NEAREST = 3
# Those to whom the manager's name is of no use any more.
NOT_TOLD = frozenset({Customer.Status.FORMER, Customer.Status.DECEASED, Customer.Status.ANONYMISED})


@transaction.atomic
def offer_customer(customer_id: int, *, actor: User, to: User, reason: str = "") -> ManagerTransfer:
    """Offer a customer to another manager, who may accept it. By its manager, who acts for them, or the head.

    Raises NotAllowed("transfer.not_yours"); RuleBroken transfer.same (has it already), transfer.asked (is asked
    already), customers.cannot_manage, customers.anonymised.
    """
    customer = locked(customer_id)
    if not (may_give(customer, actor)):
        raise NotAllowed("transfer.not_yours", _("Only the customer's manager or the head may offer it."))
    check_manager(to)
    transfer = _ask(customer, Kind.OFFER, actor, to, reason)
    if to.pk != actor.pk:
        _ring(to, transfer, "offered")
    return transfer


@transaction.atomic
def claim_customer(customer_id: int, *, actor: User, reason: str) -> ManagerTransfer:
    """Claim a customer for oneself: the head of the department decides; until then the manager stays (D§26).

    The caller has checked that the customer is visible. Raises RuleBroken transfer.no_reason, and as `offer_customer`.
    """
    if not reason.strip():
        raise RuleBroken("transfer.no_reason", _("Say why you should look after this customer."))
    customer = locked(customer_id)
    check_manager(actor)
    transfer = _ask(customer, Kind.CLAIM, actor, actor, reason)
    for head in deciders(customer):
        if head.pk != actor.pk:
            _ring(head, transfer, "claimed")
    return transfer


@transaction.atomic
def accept_transfer(transfer_id: int, *, actor: User, answer: str = "") -> ManagerTransfer:
    """Say yes: to an offer the new manager, to a claim a head, never the one who claims (D§3.2).

    Other open transfers of the customer end. Raises NotAllowed("transfer.not_yours_to_decide"); RuleBroken
    transfer.closed, transfer.stale (another manager meanwhile), customers.cannot_manage.
    """
    transfer, customer = _locked(transfer_id)
    _check_decider(transfer, customer, actor)
    if customer.manager_id != transfer.from_manager_id:
        raise RuleBroken("transfer.stale", _("The customer has another manager meanwhile. Ask anew."))
    _close(transfer, State.ACCEPTED, actor, answer)
    for other in ManagerTransfer.objects.select_for_update(no_key=True).open().filter(customer=customer):
        _close(other, State.SUPERSEDED, actor, "")
        _ring(other.to_manager, other, "superseded")
    _give(customer, transfer.to_manager, actor)
    for person in {transfer.asked_by, transfer.to_manager, transfer.from_manager or transfer.to_manager}:
        if person.pk != actor.pk:
            _ring(person, transfer, "accepted")
    return transfer


@transaction.atomic
def refuse_transfer(transfer_id: int, *, actor: User, answer: str) -> ManagerTransfer:
    """Say no, with the reason: the customer stays. Raises as `accept_transfer`, and RuleBroken transfer.no_reason."""
    transfer, customer = _locked(transfer_id)
    _check_decider(transfer, customer, actor)
    if not answer.strip():
        raise RuleBroken("transfer.no_reason", _("Say why not; the person who asked reads it."))
    _close(transfer, State.REFUSED, actor, answer)
    if transfer.asked_by_id != actor.pk:
        _ring(transfer.asked_by, transfer, "refused")
    return transfer


@transaction.atomic
def withdraw_transfer(transfer_id: int, *, actor: User) -> ManagerTransfer:
    """Take an own offer or claim back. Raises NotAllowed("transfer.not_yours"), RuleBroken("transfer.closed")."""
    transfer, _customer = _locked(transfer_id)
    if transfer.asked_by_id != actor.pk:
        raise NotAllowed("transfer.not_yours", _("Somebody else asked for this."))
    _close(transfer, State.WITHDRAWN, actor, "")
    return transfer


def count_customers(user: User) -> int:
    """How many customers the user manages: work that must go to somebody else when the user leaves."""
    return Customer.objects.filter(manager=user).exclude(status=Customer.Status.ANONYMISED).count()


def move_customers(owner: User, to: User, actor: User) -> int:
    """Give every customer of `owner` to `to` for good, in the caller's transaction; each is told the new name.

    Open offers and claims of them end. Raises RuleBroken("customers.cannot_manage").
    """
    check_manager(to)
    rows = Customer.objects.filter(manager=owner).exclude(status=Customer.Status.ANONYMISED).order_by("pk")
    moved = 0
    for key in rows.values_list("pk", flat=True):
        customer = locked(key)
        for other in ManagerTransfer.objects.select_for_update(no_key=True).open().filter(customer=customer):
            _close(other, State.SUPERSEDED, actor, "")
        _give(customer, to, actor)
        moved += 1
    return moved


def may_give(customer: Customer, actor: User) -> bool:
    """Whether the actor is the customer's manager, acts for them now, or decides as head."""
    if _may_decide(customer, actor):
        return True
    manager = customer.manager
    if manager is None or not actor.has_perm(MANAGE_RIGHT):
        return False
    return manager.pk == actor.pk or acting_for(manager, clock.now(), right=MANAGE_RIGHT).pk == actor.pk


def deciders(customer: Customer) -> list[User]:
    """The heads of the departments the customer belongs to, the nearest first."""
    held = RoleAssignment.objects.filter(
        holds_on(clock.today()),
        role=DECIDERS,
        unit__no__lte=customer.unit_no,
        unit__last_no__gte=customer.unit_no,
        user__is_active=True,
    )
    return [one.user for one in held.select_related("user").order_by("-unit__no", "pk")[:NEAREST]]


def _may_decide(customer: Customer, actor: User) -> bool:
    sight = sight_of(actor, TRANSFER_RIGHT)
    return sight.covers(unit_no=customer.unit_no, owner_id=customer.manager_id)


def _ask(customer: Customer, kind: str, actor: User, to: User, reason: str) -> ManagerTransfer:
    if customer.manager_id == to.pk:
        raise RuleBroken("transfer.same", _("This manager has the customer already."))
    if ManagerTransfer.objects.open().filter(customer=customer, to_manager=to).exists():
        raise RuleBroken("transfer.asked", _("This is asked for already and waits for its answer."))
    transfer = ManagerTransfer.objects.create(
        customer=customer,
        kind=kind,
        from_manager=customer.manager,
        to_manager=to,
        asked_by=actor,
        reason=" ".join(reason.split())[:LONGEST_REASON],
    )
    _record("offered" if kind == Kind.OFFER else "claimed", transfer, actor)
    return transfer


def _locked(transfer_id: int) -> tuple[ManagerTransfer, Customer]:
    """The transfer, still open, and its customer, in that order of locks everywhere: the customer first."""
    customer_id = ManagerTransfer.objects.values_list("customer_id", flat=True).get(pk=transfer_id)
    customer = locked(customer_id)
    ManagerTransfer.objects.select_for_update(no_key=True).only("pk").get(pk=transfer_id)
    transfer = ManagerTransfer.objects.select_related("to_manager__unit", "from_manager", "asked_by").get(
        pk=transfer_id
    )
    if transfer.state != State.OPEN:
        raise RuleBroken("transfer.closed", _("This has been answered already."))
    return transfer, customer


def _check_decider(transfer: ManagerTransfer, customer: Customer, actor: User) -> None:
    if not may_answer(transfer, customer, actor):
        raise NotAllowed("transfer.not_yours_to_decide", _("This is somebody else's to answer."))


def may_answer(transfer: ManagerTransfer, customer: Customer, actor: User) -> bool:
    """Whether the actor says yes or no: to an offer the one who would get the customer, to a claim another's head."""
    if transfer.kind == Kind.OFFER:
        return transfer.to_manager_id == actor.pk
    return transfer.asked_by_id != actor.pk and _may_decide(customer, actor)


def _give(customer: Customer, to: User, actor: User) -> None:
    """Make `to` the manager, with the open follow-ups of the old one, and tell the customer."""
    old = customer.manager
    assign_manager(customer.pk, actor=actor, manager=to)
    if old is not None:
        hand_on_followups(FollowUp.objects.open().filter(customer=customer, owner=old), actor=actor, to=to)
    if customer.status in NOT_TOLD:
        return
    customer.refresh_from_db(fields=["version"])
    queue_message(
        customer=customer,
        message_class=MessageClass.SERVICE,
        template="manager_changed",
        params={"manager": to.pk},
        dedupe_key=f"manager-changed-{customer.pk}-{customer.version}",
        actor=actor,
    )


def _close(transfer: ManagerTransfer, state: str, actor: User, answer: str) -> None:
    transfer.state, transfer.decided_by, transfer.decided_at = state, actor, clock.now()
    transfer.answer = " ".join(answer.split())[:LONGEST_REASON]
    transfer.save(update_fields=["state", "decided_by", "decided_at", "answer"])
    _record(state.lower(), transfer, actor)


def _record(act: str, transfer: ManagerTransfer, actor: User) -> None:
    record(
        f"transfer.{act}",
        target=transfer,
        actor=actor,
        customer_id=transfer.customer_id,
        detail={"from": transfer.from_manager_id, "to": transfer.to_manager_id},
    )


def _ring(person: User, transfer: ManagerTransfer, news: str) -> None:
    notify(person, f"transfer.{news}", subject_ref=transfer, params={}, dedupe_key=f"transfer-{news}-{transfer.pk}")
