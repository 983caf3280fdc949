"""How and when the customer wants to hear from us: channel, language, times, reminders off (D§5.7)."""

from __future__ import annotations

from datetime import time

from django.db import transaction
from django.utils.translation import gettext as _

from customers.labels import CHANNELS, LANGUAGES
from customers.models import ContactBlock, ContactTime, Customer
from customers.models.wishes import DAY, minutes_of_week
from customers.services.contact_points import check_may_edit
from customers.services.facts import block_contact, lift_block
from customers.services.remembering import locked, remember
from foundation.common import clock
from foundation.common.errors import RuleBroken
from staff.models import User

MOST_TIMES = 10
REMINDERS = ["REMINDER"]


@transaction.atomic
def change_wishes(customer_id: int, *, actor: User | None, channel: str, language: str, reminders: bool) -> None:
    """The channel the customer likes best ("" for none), the language of messages, and whether reminders leave; what
    the law demands leaves all the same (D§5.7). What is so already is left alone.

    Raises NotAllowed (customers.may_not_edit); RuleBroken customers.bad_code.
    """
    check_may_edit(actor)
    for value, offered, field in ((channel, {"", *CHANNELS}, _("Channel")), (language, set(LANGUAGES), _("Language"))):
        if value not in offered:
            raise RuleBroken("customers.bad_code", _("%(field)s: choose one of the offered.") % {"field": field})
    customer = locked(customer_id)
    wanted = {"channel_preference": channel, "language": language}
    changed = {
        field: (getattr(customer, field), value) for field, value in wanted.items() if getattr(customer, field) != value
    }
    if changed:
        for field in changed:
            setattr(customer, field, wanted[field])
        customer.save(update_fields=list(changed))
        params = {"fields": sorted(changed)}
        remember(
            customer, "customer.changed", actor=actor, changed=changed, line="customer.changed", line_params=params
        )
    _switch_reminders(customer_id, actor=actor, on=reminders)


def reminders_off(blocks: list[ContactBlock]) -> bool:
    """Whether one of these blocks, all in force, is the customer's own wish to get no reminders."""
    return any(_is_own_wish(block) for block in blocks)


@transaction.atomic
def add_contact_time(
    customer_id: int, *, actor: User | None, wish: str, days: str, starts: time, ends: time
) -> ContactTime:
    """From now on AVOID lets nothing but service messages and what the law demands leave in this time (business zone);
    PREFER is shown to who calls. One on file already stays as it is.

    Raises NotAllowed (customers.may_not_edit); RuleBroken customers.bad_code, customers.too_many_times,
    customers.no_time_left (nothing of the week would be left; a withdrawn consent says that).
    """
    check_may_edit(actor)
    for good, field in (
        (wish in ContactTime.Wish.values, _("Wish")),
        (days in ContactTime.Days.values, _("Days")),
    ):
        if not good:
            raise RuleBroken("customers.bad_code", _("%(field)s: choose one of the offered.") % {"field": field})
    starts, ends = starts.replace(second=0, microsecond=0), ends.replace(second=0, microsecond=0)
    customer = locked(customer_id)
    times = list(customer.contact_times.all())
    there = next(
        (row for row in times if (row.wish, row.days, row.starts, row.ends) == (wish, days, starts, ends)), None
    )
    if there is not None:
        return there
    if len(times) >= MOST_TIMES:
        words = _("At most %(most)s times can be kept; remove one first.") % {"most": MOST_TIMES}
        raise RuleBroken("customers.too_many_times", words)
    if wish == ContactTime.Wish.AVOID:
        avoided = minutes_of_week(days, starts, ends).union(
            *(minutes_of_week(row.days, row.starts, row.ends) for row in times if row.wish == wish)
        )
        if len(avoided) == 7 * DAY:
            words = _("That would leave no time at all. Withdraw the consents, or switch the reminders off, instead.")
            raise RuleBroken("customers.no_time_left", words)
    row = ContactTime.objects.create(customer=customer, wish=wish, days=days, starts=starts, ends=ends)
    _remember(customer, "wish.time_added", row, actor, None, str(row))
    return row


@transaction.atomic
def drop_contact_time(time_id: int, *, actor: User | None) -> None:
    """The customer minds this time no more; one that is gone already is no fault.

    Raises NotAllowed (customers.may_not_edit).
    """
    check_may_edit(actor)
    owner = ContactTime.objects.filter(pk=time_id).values_list("customer_id", flat=True).first()
    if owner is None:
        return
    customer = locked(owner)
    row = ContactTime.objects.filter(pk=time_id).first()
    if row is None:
        return
    _remember(customer, "wish.time_dropped", row, actor, str(row), None)
    row.delete()


def _switch_reminders(customer_id: int, *, actor: User | None, on: bool) -> None:
    now = clock.now()
    own = ContactBlock.objects.filter(customer=customer_id, classes__contains=REMINDERS)
    holding = [block for block in own if _is_own_wish(block) and block.holds(now)]
    if on:
        for block in holding:
            lift_block(block.pk, actor=actor)
            if others := sorted(set(block.classes) - set(REMINDERS)):
                block_contact(customer_id, actor=actor, reason=block.reason, classes=others, ends_at=block.ends_at)
    elif not holding:
        block_contact(customer_id, actor=actor, reason=ContactBlock.Reason.ASKED, classes=REMINDERS)


def _is_own_wish(block: ContactBlock) -> bool:
    return block.reason == ContactBlock.Reason.ASKED and REMINDERS[0] in block.classes


def _remember(
    customer: Customer, verb: str, row: ContactTime, actor: User | None, old: str | None, new: str | None
) -> None:
    remember(
        customer,
        verb,
        actor=actor,
        target=row,
        changed={"contact_times": (old, new)},
        detail={"wish": row.wish},
        line="customer.changed",
        line_params={"fields": ["contact_times"]},
    )
