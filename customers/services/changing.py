"""Keeping an archive right: changing it, and confirming that it holds (D§4, D§5.4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from customers import birthday_quality, normal
from customers.lifecycle import check_status
from customers.models import Customer
from customers.services.archive_fields import EDITABLE, check_by_hand, check_whole, checked, fill_lunar
from customers.services.documents import change_document
from customers.services.remembering import LastChange, last_change_of, locked, remember
from customers.services.second_look import check_second_look
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.ui.wording import say_moment
from staff.models import User

EDIT_RIGHT = "customers.edit"
SHOWN_IN_FIND = {"name", "short_name", "customer_type", "manager_id", "id_number"}
NAME_MISSING = "NAME_MISSING"


class StaleCopy(RuleBroken):
    """Somebody changed the customer after this copy was read.

    `current`: field -> present value, for the fields the caller wanted to change; `version`: the present version;
    `last`: who made it and when.
    """

    def __init__(self, current: dict[str, Any], version: int, last: LastChange) -> None:
        super().__init__("customers.stale", _stale_words(last))
        self.current = current
        self.version = version
        self.last = last


def _stale_words(last: LastChange) -> str:
    said = {"name": last.name, "when": say_moment(last.at)}
    if not last.name:
        return _("This customer was changed meanwhile (%(when)s). Compare, then save again.") % said
    return _("%(name)s has changed this customer meanwhile (%(when)s). Compare, then save again.") % said


@transaction.atomic
def confirm_archive(customer_id: int, *, actor: User) -> Customer:
    """Somebody went through the data with the customer: they count as fresh from now (D§5.4).

    Raises NotAllowed (customers.may_not_edit).
    """
    if not actor.has_perm(EDIT_RIGHT):
        raise NotAllowed("customers.may_not_edit", _("Your role does not change archives."))
    customer = locked(customer_id)
    remember(customer, "customer.confirmed", actor=actor)
    return customer


@transaction.atomic
def change_customer(
    customer_id: int,
    *,
    actor: User | None,
    version: int,
    changes: Mapping[str, Any],
    id_number: str | None = None,
    source: str = "",
    decided: bool = False,
) -> Customer:
    """Change fields of `EDITABLE`, and the ID number when one is given ("" removes it); returns the customer.

    `version`: of the copy the changes were made on. What is as asked already is not a change; without any, nothing is
    written. `decided`: a second person has looked (services/change_requests.py). Raises NotAllowed
    (customers.may_not_edit), StaleCopy, and RuleBroken as `create_customer`, customers.anonymised, customers.bad_move
    (a status that may not follow), customers.too_many_mobiles, customers.needs_evidence (identity and death, by hand),
    customers.second_look (name or document of an identity once verified, by hand and not decided).
    """
    by_hand = actor is not None and not decided
    if actor is not None and not actor.has_perm(EDIT_RIGHT):
        raise NotAllowed("customers.may_not_edit", _("Your role does not change archives."))
    customer = locked(customer_id)
    if customer.version != version:
        current = {field: getattr(customer, field) for field in changes if field in EDITABLE}
        raise StaleCopy(current, customer.version, last_change_of(customer))
    values = checked(changes)
    if "name" in values and not values["name"]:
        raise RuleBroken("customers.no_name", _("A customer needs a name."))
    changed = {f: (getattr(customer, f), new) for f, new in values.items() if getattr(customer, f) != new}
    if actor is not None:
        check_by_hand(changed)
    if by_hand:
        check_second_look(customer, changed)
    if "status" in changed:
        check_status(*changed["status"])
    if "name" in changed and NAME_MISSING in customer.quality_marks:
        marks = [mark for mark in customer.quality_marks if mark != NAME_MISSING]
        changed.setdefault("quality_marks", (customer.quality_marks, marks))
    for field, (_old, new) in changed.items():
        setattr(customer, field, new)
    if birthday_quality.FIELDS & set(changed):
        changed |= fill_lunar(customer)
    columns = list(changed)
    if id_number is not None and (sealed := change_document(customer, id_number)):
        if by_hand:
            check_second_look(customer, ["id_number"])
        changed["id_number"] = sealed
        columns += ["id_sealed", "id_hash", "id_last4", "id_type"]
    elif "id_type" in changed and customer.id_sealed:
        normal.id_number(customer.id_number(), id_type=customer.id_type)
    verified = Customer.IdentityStatus.VERIFIED
    seen_anew = "identity_status" in changed
    if customer.identity_status == verified and {"id_type", "id_number"} & set(changed) and not seen_anew:
        # Another document: whoever checked the old one did not see this one.
        customer.identity_status = Customer.IdentityStatus.RECHECK
        changed["identity_status"] = (verified, customer.identity_status)
        columns.append("identity_status")
    if not changed:
        return customer
    check_whole(customer)
    if birthday_quality.FIELDS & set(changed):
        before, customer.quality_marks = customer.quality_marks, birthday_quality.marked(customer)
        if customer.quality_marks != before:
            changed["quality_marks"] = (changed.get("quality_marks", (before,))[0], customer.quality_marks)
            columns.append("quality_marks")
    customer.save(update_fields=columns)
    remember(
        customer,
        "customer.changed",
        actor=actor,
        changed=changed,
        line="customer.changed",
        line_params={"fields": sorted(changed)},
        source=source,
        refind=bool(SHOWN_IN_FIND & set(changed)),
    )
    return customer
