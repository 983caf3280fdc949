"""What becomes of the rows of a customer who turns out to be another one: each model says it of each key.

    class Need(Row):
        on_merge: ClassVar = {"customer": OnMerge.MOVE}

A key is a foreign key to a customer, or a column called `customer_id` or `…_customer_id`; the name is the field's.
`customers/merging/` reads the declarations; a test names each key that has none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache

from django.apps import apps
from django.db import models

CUSTOMER = "customers.Customer"


class OnMerge(Enum):
    """What a merge does with the rows of the absorbed customer. Undo takes all of it back."""

    MOVE = "MOVE"  # the key is changed to the survivor's, row by row, each noted
    READ_THROUGH = "READ_THROUGH"  # append-only: stays where it is; readers ask for the survivor's merged set
    COMBINE = "COMBINE"  # both customers have one: a registered handler joins them
    KEEP = "KEEP"  # stays, and nobody asks the survivor for it: derived, short-lived, or about the merge itself


@dataclass(frozen=True)
class CustomerKey:
    """One column that names a customer; `rule` is None while the model has not declared it."""

    model: type[models.Model]
    field: models.Field
    rule: OnMerge | None

    @property
    def table(self) -> str:
        return self.model._meta.db_table

    @property
    def column(self) -> str:
        return str(self.field.column)

    def __str__(self) -> str:
        return f"{self.model._meta.label}.{self.field.name}"


def customer_keys() -> Iterator[CustomerKey]:
    """Every key of every model, in a fixed order."""
    return iter(_known_keys())


@cache
def _known_keys() -> tuple[CustomerKey, ...]:
    return tuple(_read_keys())


def _read_keys() -> Iterator[CustomerKey]:
    for model in sorted(apps.get_models(include_auto_created=True), key=lambda model: model._meta.label):
        if model._meta.proxy:
            continue
        rules = model.__dict__.get("on_merge", {})
        for field in model._meta.local_concrete_fields:
            if _names_a_customer(field):
                yield CustomerKey(model, field, rules.get(field.name))


def keys_of(rule: OnMerge) -> list[CustomerKey]:
    """The keys that declare `rule`."""
    return [key for key in customer_keys() if key.rule is rule]


def stray_declarations() -> list[str]:
    """Declared names that are no key of their model: a column that was renamed or never was."""
    known = {str(key) for key in customer_keys()}
    declared = (
        f"{model._meta.label}.{name}" for model in apps.get_models() for name in model.__dict__.get("on_merge", {})
    )
    return sorted(set(declared) - known)


def _names_a_customer(field: models.Field) -> bool:
    if field.remote_field is not None and field.remote_field.model is not None:
        return str(field.remote_field.model._meta.label) == CUSTOMER
    return field.column == "customer_id" or str(field.column).endswith("_customer_id")
