"""What the customer wants of us: written down, planned with an owner and a day, met or declined (ARC-11, CLS-16)."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from customers import normal
from customers.copies import copy_of
from customers.duties import keeper
from customers.lifecycle import check_need
from customers.models import Customer, Need
from customers.services.contact_points import check_may_edit
from customers.services.copy_check import Copy, check_copy
from customers.services.remembering import locked, remember
from foundation.common import clock
from foundation.common.errors import RuleBroken
from staff.models import User

S = Need.State
REMINDED_AT = timedelta(hours=9)  # of the day it is due, in the business zone
SOON = timedelta(hours=1)


@transaction.atomic
def add_need(customer_id: int, *, actor: User, text: str, category: str = "", due_on: date | None = None) -> Need:
    """Write down something the customer wants of us; `category` is one of `Need.Category` or "".

    Raises NotAllowed (customers.may_not_edit); RuleBroken customers.bad_code, customers.no_value,
    customers.invisible, customers.too_long, customers.impossible_date.
    """
    check_may_edit(actor)
    text = normal.plain_text(text, longest=400, label=_("Need"))
    if category and category not in Need.Category.values:
        raise RuleBroken("customers.bad_code", _("%(field)s: choose one of the offered.") % {"field": _("Category")})
    if not text:
        raise RuleBroken("customers.no_value", _("Write what the customer needs."))
    _check_due(due_on)
    customer = locked(customer_id)
    need = Need.objects.create(
        customer=customer, text=text, category=category, due_on=due_on, created_by_id=actor.pk, created_at=clock.now()
    )
    remember(
        customer,
        "need.added",
        actor=actor,
        target=need,
        changed={"text": (None, text)},
        detail={"category": category},
        line="need.added",
    )
    return need


@transaction.atomic
def change_need(
    need_id: int,
    *,
    actor: User,
    state: str,
    due_on: date | None = None,
    owner: User | None = None,
    reason: str = "",
    was: Copy = None,
) -> Need:
    """Move a need on. Planned, it has an owner (default the actor) and a day: the owner is reminded on it by a
    follow-up, which closes with the need. Declined, it says why. `was`: the state the person saw.

    Raises NotAllowed (customers.may_not_edit); StaleCopy; RuleBroken customers.bad_code, customers.bad_move,
    needs.no_due, needs.no_reason, customers.impossible_date, followup.owner_cannot.
    """
    check_may_edit(actor)
    if state not in S.values:
        raise RuleBroken("customers.bad_code", _("%(field)s: choose one of the offered.") % {"field": _("State")})
    reason = normal.plain_text(reason, longest=200, label=_("Reason"))
    customer = locked(Need.objects.values_list("customer_id", flat=True).get(pk=need_id))
    need = Need.objects.get(pk=need_id)
    check_copy(customer, was, copy_of(need, ("state",)))
    due = due_on or need.due_on
    moved_day = state == S.PLANNED and (due != need.due_on or (owner is not None and owner.pk != need.owner_id))
    if need.state == state and not moved_day:
        return need
    if need.state != state:
        check_need(need.state, state)
    if state == S.DECLINED and not reason:
        raise RuleBroken("needs.no_reason", _("Write down why it is declined."))
    changed = {}
    for field, new in _planned(need, state, due, owner, actor).items():
        if getattr(need, field) != new:
            changed[field] = (getattr(need, field), new)
            setattr(need, field, new)
    need.reason = reason if state == S.DECLINED else ""
    need.closed_at = clock.now() if state in (S.MET, S.DECLINED) else None
    _settle(need, customer, actor)
    need.save(update_fields=["state", "due_on", "owner", "reason", "closed_at", "followup_id"])
    remember(
        customer,
        "need.changed",
        actor=actor,
        target=need,
        changed=changed | ({"reason": (None, reason)} if need.reason else {}),
        line="need.changed",
        line_params={"state": state},
    )
    return need


def _planned(need: Need, state: str, due: date | None, owner: User | None, actor: User) -> dict[str, object]:
    """The columns a move sets; planning asks for a day."""
    if state != S.PLANNED:
        return {"state": state}
    if due is None:
        raise RuleBroken("needs.no_due", _("Say by when it is planned."))
    _check_due(due)
    who = owner.pk if owner else need.owner_id or actor.pk
    return {"state": state, "due_on": due, "owner_id": who}


def _settle(need: Need, customer: Customer, actor: User) -> None:
    """Close what was owed for the need before, and owe what is planned now."""
    if need.followup_id is not None:
        keeper().settle(need.followup_id, actor=actor, done=need.state == S.MET, words=need.get_state_display())
        need.followup_id = None
    if need.state == S.PLANNED and need.due_on is not None and need.owner_id is not None:
        need.followup_id = keeper().owe(
            customer,
            owner=User.objects.select_related("unit").get(pk=need.owner_id),
            due_at=_moment(need.due_on),
            subject=_("A need of the customer is due"),
            source=f"need:{need.ref}",
            dedupe_key=f"need-{need.ref}-{customer.version}",
            actor=actor,
        )


def _moment(day: date) -> datetime:
    """When the owner is reminded: in the morning of the day, or soon when that has passed."""
    return max(clock.business_midnight(day) + REMINDED_AT, clock.now() + SOON)


def _check_due(day: date | None) -> None:
    if day is not None and day < clock.today():
        raise RuleBroken("customers.impossible_date", _("The day lies in the past."))
