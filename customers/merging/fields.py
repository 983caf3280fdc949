"""The fields of two archives side by side: what can be chosen, what it takes with it, and what is chosen by itself."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers import birthday_quality
from customers.labels import LABELS
from customers.merging.moving import Work
from customers.models import Customer
from foundation.common import crypto
from foundation.common.errors import RuleBroken

# A choice and the columns that go together with it.
CHOICES: dict[str, tuple[str, ...]] = {
    "name": ("name", "short_name"),
    "status": ("status",),
    "document": ("id_type", "id_hash", "id_last4", "identity_status"),
    "birthday": ("birthday_kind", "birth_date", "lunar_month", "lunar_day", "lunar_leap"),
    "gender": ("gender",),
    "segment": ("segment",),
    "home_city": ("home_city", "area_type"),
    "language": ("language",),
    "channel_preference": ("channel_preference",),
    "manager": ("manager_id",),
}
# What a choice is empty without.
_TELLING = {"document": "id_hash", "birthday": "birth_date", "manager": "manager_id"}
WORDS: dict[str, Any] = {
    "document": gettext_lazy("Document"),
    "birthday": gettext_lazy("Birthday"),
    "manager": gettext_lazy("Manager"),
}


def words_of(choice: str) -> str:
    """What a choice is called."""
    return str(WORDS.get(choice) or LABELS[choice])


def checked(choices: Any) -> list[str]:
    """The choices in their fixed order. Raises RuleBroken (merge.unknown_field)."""
    asked = set(choices)
    if asked - set(CHOICES):
        raise RuleBroken("merge.unknown_field", _("There is no such field to choose."))
    return [choice for choice in CHOICES if choice in asked]


def differs(one: Customer, other: Customer, choice: str) -> bool:
    """Whether the two archives say different things."""
    return any(_plain(one, column) != _plain(other, column) for column in CHOICES[choice])


def is_empty(customer: Customer, choice: str) -> bool:
    """Whether an archive says nothing there."""
    return not getattr(customer, _TELLING.get(choice, CHOICES[choice][0]))


def suggested(survivor: Customer, absorbed: Customer) -> list[str]:
    """The choices a form begins with: where only the absorbed archive says something."""
    return [one for one in CHOICES if is_empty(survivor, one) and not is_empty(absorbed, one)]


def take_chosen(work: Work) -> dict[str, tuple[Any, Any]]:
    """Give the survivor the chosen values; returns what changed, column -> (old, new), the document masked."""
    survivor, absorbed = work.survivor, work.absorbed
    changed: dict[str, tuple[Any, Any]] = {}
    for choice in work.merge.choices:
        if not differs(survivor, absorbed, choice):
            continue
        if choice == "document":
            changed["id_number"] = (_masked(survivor), _masked(absorbed))
            swap_documents(work)
            continue
        for column in CHOICES[choice]:
            old, new = getattr(survivor, column), getattr(absorbed, column)
            if old != new:
                changed[column] = (old, new)
                work.change(Customer, survivor.pk, **{column: new})
                setattr(survivor, column, new)
    work.change(Customer, survivor.pk, created_at=min(survivor.created_at, absorbed.created_at))
    work.change(Customer, survivor.pk, quality_marks=birthday_quality.marked(survivor))
    return changed


def swap_documents(work: Work, *, noted: bool = True) -> None:
    """The two archives change their documents, so that none is lost and each stays sealed to its row."""
    survivor, absorbed = work.survivor, work.absorbed
    mine, theirs = survivor.id_number(), absorbed.id_number()
    before = {one.pk: {column: getattr(one, column) for column in CHOICES["document"]} for one in (survivor, absorbed)}
    for one, other, number in ((survivor, absorbed, theirs), (absorbed, survivor, mine)):
        # The seal goes first to nothing: a number and its index stand or fall together.
        for column, value in before[other.pk].items():
            setattr(one, column, value)
        one.id_sealed = crypto.encrypt(number, row_id=one.pk) if number else None
        one.save(update_fields=["id_sealed", *CHOICES["document"]])
    if not noted:
        return
    for one, other in ((survivor, absorbed), (absorbed, survivor)):
        for column in CHOICES["document"]:
            work.note(Customer, one.pk, column, before[one.pk][column], before[other.pk][column])


def _masked(customer: Customer) -> str:
    return f"****{customer.id_last4}" if customer.id_last4 else ""


def _plain(customer: Customer, column: str) -> Any:
    value = getattr(customer, column)
    return bytes(value) if isinstance(value, memoryview) else value
