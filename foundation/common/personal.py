"""The register of personal columns: what of each row is personal, whose row it is, and what erasure leaves of it.

Every model of ours says so beside its columns: `personal: ClassVar = Personal(of=…, empty=(…), plain=(…))`. A test
fails for a text-like column nobody declared. The register serves erasure (D§5.12), the access export (D§5.11) and the
log filter; what no column path reaches (a number somewhere in a message, a file) an app erases by a registered step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

TEXT_LIKE = (
    models.CharField,  # with e-mail, slug and URL
    models.TextField,
    models.JSONField,
    models.BinaryField,
    models.FileField,
    models.GenericIPAddressField,
    ArrayField,
)


@dataclass(frozen=True)
class Through:
    """A row belongs to whom the row of `model` (a label, "outreach.OutMessage") with the key in `column` belongs."""

    column: str
    model: str


@dataclass(frozen=True)
class ByStep:
    """Whose the row is stands in no key of it (a caller's number, words searched for): the app's step `name` knows."""

    name: str


Owner = str | Through | ByStep | None


@dataclass(frozen=True)
class Personal:
    """What is personal in a model's rows.

    `of`: how a row belongs to a customer: its key column ("customer", "customer_id", "id" for the customer itself), a
    path of foreign keys ("follow_up__customer"), `Through`, `ByStep`, or None: not of customers (staff's own data,
    code lists, settings). Erasure takes these columns to NULL (`null`), to "" or an empty list (`empty`), to a token
    that tells rows apart (`token`, for what must be unique or filled), or to a fixed value (`fixed`); `delete` takes
    the whole row, so that all text of it is personal. `plain` columns are not personal and stay. `kept`: columns a law
    keeps longer, by the name of their rule (customers/erasure/keeping.py); for `delete`, the whole rows stay.
    `optional`: kept only because the customer agreed to it: goes when deletion is asked, even while a contract runs.
    `unread`: not given to the customer on an access request, for it says nothing more (digests, search pieces).
    """

    of: Owner
    null: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    token: tuple[str, ...] = ()
    fixed: dict[str, Any] = field(default_factory=dict)
    plain: tuple[str, ...] = ()
    delete: bool = False
    kept: str = ""
    kept_columns: tuple[str, ...] = ()
    optional: bool = False
    unread: bool | tuple[str, ...] = ()

    @property
    def columns(self) -> list[str]:
        """Every column it speaks of."""
        return [*self.null, *self.empty, *self.token, *self.fixed, *self.plain]

    def is_personal(self, column: str) -> bool:
        """Whether a column of the model holds what may name or describe the customer."""
        return column in {*self.null, *self.empty, *self.token} or (self.delete and column not in self.plain)


def personal_of(model: type[models.Model]) -> Personal | None:
    """What a model declares, or None."""
    declared = model.__dict__.get("personal")
    return declared if isinstance(declared, Personal) else None


def own_models() -> list[type[models.Model]]:
    """The models of our own apps, in a fixed order."""
    here = Path(settings.BASE_DIR)
    own = [
        config for config in apps.get_app_configs() if here in Path(config.path).parents and ".venv" not in config.path
    ]
    found = [model for config in own for model in config.get_models() if not model._meta.proxy]
    return sorted(found, key=lambda model: model._meta.label)


def of_customers() -> list[tuple[type[models.Model], Personal]]:
    """The models whose rows belong to customers, with what they declare."""
    pairs = [(model, personal_of(model)) for model in own_models()]
    return [(model, said) for model, said in pairs if said is not None and said.of is not None]


def faults_of(model: type[models.Model]) -> list[str]:
    """What is wrong with a model's declaration, one line each; an empty list when all is told."""
    label, said = model._meta.label, personal_of(model)
    if said is None:
        return [f"{label} declares no `personal`"]
    named = {column.name for column in model._meta.concrete_fields}
    told = said.columns
    faults = [f"{label}.{name} is declared and does not exist" for name in sorted(set(told) - named)]
    faults += [f"{label}.{name} is declared twice" for name in sorted({name for name in told if told.count(name) > 1})]
    if not said.delete:
        texts = [column.name for column in model._meta.concrete_fields if isinstance(column, TEXT_LIKE)]
        faults += [f"{label}.{name} is not declared" for name in texts if name not in told]
    if said.of is None and named & {"customer", "customer_id"}:
        faults.append(f"{label} has a customer key and says it is not of customers")
    if said.of is None and (said.null or said.empty or said.token or said.delete):
        faults.append(f"{label} has something to erase and says it is not of customers")
    if isinstance(said.of, ByStep) and said.of.name not in _steps:
        faults.append(f"{label}: no app registered the step {said.of.name!r}")
    return faults


def rows_sql(model: type[models.Model]) -> str:
    """The condition that a row belongs to one of `%(ids)s` customers. Raises ValueError when only a step knows."""
    said = personal_of(model)
    return _condition(model, said.of if said else None)


def _condition(model: type[models.Model], owner: Owner) -> str:
    if isinstance(owner, Through):
        key, above, rest = column_of(model, owner.column), apps.get_model(owner.model), ""
    elif isinstance(owner, str):
        first, _, rest = owner.partition("__")
        key = column_of(model, first)
        if not rest:
            return f'"{key.column}" = ANY(%(ids)s)'
        above = key.related_model
    else:
        raise ValueError(f"{model._meta.label} has no key of a customer")
    said = personal_of(above)
    inner = _condition(above, rest or (said.of if said else None))
    return f'"{key.column}" IN (SELECT "{above._meta.pk.column}" FROM "{above._meta.db_table}" WHERE {inner})'


def rows_of(model: type[models.Model], ids: list[int]) -> models.QuerySet[Any]:
    """The same rows as `rows_sql`, to be read. Raises ValueError as it does."""
    said = personal_of(model)
    owner = said.of if said else None
    if isinstance(owner, str):
        return model._default_manager.filter(**{f"{owner}__in": ids})
    if isinstance(owner, Through):
        above = rows_of(apps.get_model(owner.model), ids)
        return model._default_manager.filter(**{f"{owner.column}__in": above.values("pk")})
    raise ValueError(f"{model._meta.label} has no key of a customer")


def column_of(model: type[models.Model], name: str) -> Any:
    """The field of a column, by the field's name."""
    return next(column for column in model._meta.concrete_fields if column.name == name)


# --- what no key reaches ------------------------------------------------------------------------------------------

Counts = dict[str, int]


@dataclass(frozen=True)
class Step:
    """What an app erases itself, before the columns go: rows and files no customer key leads to.

    `find(ids)` tells what would go, by table or kind of file, as rows still to be counted or as a number;
    `erase(ids, at)` does it in the caller's transaction, repeatable, and returns the numbers. A file is deleted before
    its row forgets it. `busy(ids)`: those something is being done with at this moment (a message under way), whose turn
    comes later. `read(ids)`: the same rows for an access request, by the model's label.
    """

    name: str
    find: Callable[[list[int]], Mapping[str, int | models.QuerySet[Any]]]
    erase: Callable[[list[int], datetime], Counts]
    busy: Callable[[list[int]], set[int]] = lambda _ids: set()
    read: Callable[[list[int]], dict[str, list[dict[str, Any]]]] = lambda _ids: {}


_steps: dict[str, Step] = {}


def register_step(step: Step) -> None:
    """Make an app's step known. Raises ValueError for a second one of the name."""
    if _steps.setdefault(step.name, step) is not step:
        raise ValueError(f"two steps of erasure are called {step.name!r}")


def steps() -> Iterator[Step]:
    """The registered steps, by name."""
    return iter(sorted(_steps.values(), key=lambda step: step.name))


@cache
def personal_names() -> frozenset[str]:
    """Names of free columns that are personal wherever customers have them: no log line carries a value of one."""
    found: set[str] = set()
    for model, said in of_customers():
        free = (
            column for column in model._meta.concrete_fields if isinstance(column, TEXT_LIKE) and not column.choices
        )
        found |= {column.name for column in free if said.is_personal(column.name)}
    return frozenset(found - _EVERYDAY)


# Words that name harmless things in log lines as well: a seal's digest, a table, the result of a task.
_EVERYDAY = frozenset(
    {"column", "data", "kind", "digest", "field", "key", "label", "message_id", "number", "params", "place"}
    | {"problem", "reference", "result", "row", "source", "state", "table", "text", "token", "value"}
)
