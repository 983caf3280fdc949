"""Putting right what is told of a case, one field or several; what somebody else changed meanwhile is not overwritten
(ui-guide §5 Collision)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.library.words import forget_reading
from complaints.models import CaseChange
from complaints.services import ground
from complaints.services.fee_holds import follow_dispute
from customers.copies import plain
from customers.models.subscriptions import ProductLine
from foundation.audit.services import record
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.ui.wording import say_choice, say_money
from interactions.models import Topic
from staff.models import User

TAKE_RIGHT = "complaints.take"
AMOUNT_DIGITS = 12
# Fields changed by hand, in the order of the page: stored name -> what it is called.
FIELDS: dict[str, Any] = {
    "subject": gettext_lazy("Subject"),
    "topic_id": gettext_lazy("Topic"),
    "product_line": gettext_lazy("Product line"),
    "brand": gettext_lazy("Brand"),
    "area": gettext_lazy("Area"),
    "demand": gettext_lazy("What the customer wants"),
    "amount": gettext_lazy("Amount in question"),
    "disputed_fee": gettext_lazy("Disputed fee"),
}


class StaleCase(RuleBroken):
    """Somebody changed the case after this copy was read. `current`: field -> present value, for the fields the caller
    wanted to change; `version`: the present one."""

    def __init__(self, current: dict[str, Any], version: int) -> None:
        super().__init__("complaint.stale", _("This case was changed meanwhile. Compare, then save again."))
        self.current = current
        self.version = version


@transaction.atomic
def change_case(case_id: int, *, actor: User, version: int, changes: dict[str, Any]) -> list[CaseChange]:
    """Change fields of an open case, or of a record of the past (names of `FIELDS`); returns what became different. A
    topic given, also the same, is no longer one its words suggested.

    `version`: of the copy the person saw; what already stands as asked is no conflict. Raises StaleCase, NotAllowed
    (complaints.take over the case), RuleBroken "complaint.ended", "complaint.no_subject", "complaint.bad_amount",
    "complaint.bad_topic".
    """
    case = ground.case_for(case_id, actor, TAKE_RIGHT)
    if not case.is_imported:  # what files left out of the past is put right later
        ground.check_open(case)
    confirms = case.topic_suggested and changes.get("topic_id") is not None
    different = {name: value for name, value in _checked(changes).items() if plain(getattr(case, name)) != plain(value)}
    if not different and not confirms:
        return []
    if case.version != version:
        raise StaleCase({name: getattr(case, name) for name in different}, case.version)
    rows = [
        CaseChange(complaint=case, field=name, old=as_text(getattr(case, name)), new=as_text(value), actor=actor)
        for name, value in different.items()
    ]
    for name, value in different.items():
        setattr(case, name, value)
    if confirms:
        case.topic_suggested = False
    ground.save_case(case, *different, *(["topic_suggested"] if confirms else []))
    CaseChange.objects.bulk_create(rows)
    if not {"disputed_fee", "amount"}.isdisjoint(different):
        follow_dispute(case, actor=actor)
    if not {"subject", "demand"}.isdisjoint(different):
        forget_reading(case.pk)
    record(
        "complaint.changed",
        target=case,
        actor=actor,
        customer_id=case.customer_id,
        unit_id=case.owner.unit_id,
        detail={"fields": sorted(different) or ["topic_id"]},
    )
    return rows


@transaction.atomic
def undo_change(change_id: int, *, actor: User) -> CaseChange:
    """Take one's own change of a field back, while nobody has changed it again.

    Raises NotAllowed "complaint.not_your_change", RuleBroken "complaint.changed_again" and as `change_case`.
    """
    change = CaseChange.objects.get(pk=change_id)
    if change.actor_id != actor.pk:
        raise NotAllowed("complaint.not_your_change", _("Only who changed it takes it back."))
    case = ground.case_for(change.complaint_id, actor, TAKE_RIGHT)
    if as_text(getattr(case, change.field)) != change.new:
        raise RuleBroken("complaint.changed_again", _("Somebody has changed it again; it was not taken back."))
    made = change_case(
        case.pk, actor=actor, version=case.version, changes={change.field: from_text(change.field, change.old)}
    )
    for row in made:
        row.undone_of = change
        row.save(update_fields=["undone_of"])
    return change


def as_text(value: Any) -> str:
    """A value as history holds it."""
    return "" if value is None else str(value)


def from_text(field: str, text: str) -> Any:
    """A value of the history as `change_case` takes it."""
    if field == "topic_id":
        return int(text) if text else None
    if field == "amount":
        return Decimal(text) if text else None
    return text == "True" if field == "disputed_fee" else text


def in_words(field: str, text: str) -> str:
    """A value of the history in words; a topic by its name, money as money."""
    if field == "topic_id" and text:
        return str(Topic.objects.filter(pk=text).first() or text)
    if field == "disputed_fee":
        return _("yes") if text == "True" else _("no")
    if field == "amount" and text:
        return say_money(Decimal(text))
    return say_choice(ProductLine, text) if field == "product_line" and text else text


def _checked(changes: dict[str, Any]) -> dict[str, Any]:
    unknown = set(changes) - set(FIELDS)
    if unknown:
        raise ValueError(f"not changed by hand: {sorted(unknown)}")
    found = {name: value.strip() if isinstance(value, str) else value for name, value in changes.items()}
    if "subject" in found and not found["subject"]:
        raise RuleBroken("complaint.no_subject", _("A case needs a subject."))
    if found.get("amount") is not None:
        amount = Decimal(found["amount"]).quantize(Decimal("0.01"))
        if amount < 0:
            raise RuleBroken("complaint.bad_amount", _("An amount cannot be negative."))
        found["amount"] = amount
    if found.get("topic_id") is not None and not Topic.objects.filter(pk=found["topic_id"], active=True).exists():
        raise RuleBroken("complaint.bad_topic", _("This topic is no longer in use. Choose another one."))
    return found
