"""What a resource is: its attributes, its filters, whose rows, and the services behind its verbs.

An app writes a subclass and registers it in `AppConfig.ready()`; addresses, scopes, paging, patching, keys, audit and
the OpenAPI document follow from it (README).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.urls import reverse
from rest_framework.exceptions import ValidationError

from foundation.common.ids import from_text
from foundation.rest.clients import Caller
from foundation.rest.filters import BIGGEST_ID, Filter, Indexed, Of, Refused
from foundation.rest.scopes import PERSONAL, register_scope
from foundation.rest.shapes import Schema, checked

ALWAYS = ("id", "href", "@type")
VERBS = ("GET", "POST", "PATCH", "DELETE")


@dataclass(frozen=True)
class Call:
    """Who calls, and how addresses are made absolute."""

    user: Any
    caller: Caller
    root: str  # "https://host", without a slash

    @property
    def sees_personal(self) -> bool:
        """Whether the caller was given names and numbers in full."""
        return PERSONAL in self.caller.scopes

    def href(self, resource: str, ref: str) -> str:
        """The absolute address of one thing of a registered resource."""
        return self.root + reverse(f"tmf:{resource}-detail", kwargs={"ref": ref})


@dataclass(frozen=True)
class Attribute:
    """One attribute of a resource.

    `value(row, beside)`: what it is in the answer, None where there is none (then it is left out); `beside` is what
    `Resource.beside` loaded for all rows at once, so that no attribute asks the database. `schema`: its shape.
    `mandatory`: POST needs it. `server`: ours alone, ignored on POST and refused on PATCH. `create_only`: told once.
    """

    value: Callable[[Any, Any], Any]
    schema: Schema
    mandatory: bool = False
    server: bool = False
    create_only: bool = False


class Resource:
    """One TMF resource over one model."""

    base: ClassVar[str]  # the base path's word: "partyInteraction"
    api: ClassVar[str]  # the word of its scopes; resources of one base may have their own
    name: ClassVar[str]  # "troubleTicket"
    kind: ClassVar[str]  # "@type"
    about: ClassVar[str]  # a sentence for the document
    reads: ClassVar[str]  # the right that opens rows, "complaints.view"
    verbs: ClassVar[Sequence[str]] = ("GET",)
    attributes: ClassVar[Mapping[str, Attribute]]
    filters: ClassVar[Mapping[str, Filter]]
    order: ClassVar[Sequence[str]] = ("-pk",)  # newest first: ids are ordered by time
    events: ClassVar[Sequence[str]] = ()

    def rows(self, user: Any) -> QuerySet[Any]:
        """The rows this user sees."""
        raise NotImplementedError

    def beside(self, rows: Sequence[Any], wanted: frozenset[str], call: Call) -> Any:
        """What the wanted attributes of these rows need, loaded in a fixed number of queries."""
        return call

    def customer_of(self, row: Any) -> int | None:
        """Whose data a row is, for the audit and for erasure."""
        return None

    def create(self, data: dict[str, Any], call: Call) -> Any:
        """A new row by the app's service; `data` is checked and holds no server-owned attribute."""
        raise NotImplementedError

    def change(self, row: Any, data: dict[str, Any], call: Call) -> Any:
        """The row after a patch by the app's services; None as a value takes an attribute away."""
        raise NotImplementedError

    def remove(self, row: Any, call: Call) -> None:
        """Take a row away by the app's service, or raise RuleBroken with the rule."""
        raise NotImplementedError

    @property
    def read_scope(self) -> str:
        return f"{self.api}:read"

    @property
    def write_scope(self) -> str:
        return f"{self.api}:write"

    def all_filters(self) -> dict[str, Filter]:
        """The declared filters; `id` is always there, and what nobody declared is refused."""
        unsaid: dict[str, Filter] = {name: Refused() for name in (*ALWAYS, *self.attributes)}
        return unsaid | {"id": Indexed("pk", Of.ID)} | dict(self.filters)

    def wanted(self, said: str | None) -> frozenset[str]:
        """The attributes `fields` names (None: all). Raises ValidationError for one there is none of."""
        if said is None:
            return frozenset(self.attributes)
        asked = {name.strip() for name in said.split(",") if name.strip()}
        if unknown := sorted(asked - set(self.attributes) - set(ALWAYS)):
            raise ValidationError({"fields": [f"there is no attribute {unknown[0][:60]}"]})
        return frozenset(asked & set(self.attributes))

    def bodies(self, rows: Sequence[Any], wanted: frozenset[str], call: Call) -> list[dict[str, Any]]:
        """The rows as the answer shows them."""
        beside = self.beside(rows, wanted, call) if rows else None
        return [
            {
                "id": row.ref,
                "href": call.href(self.name, row.ref),
                "@type": self.kind,
                **{
                    name: value
                    for name, one in self.attributes.items()
                    if name in wanted and (value := one.value(row, beside)) is not None
                },
            }
            for row in rows
        ]

    def new_data(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """The body of a POST, checked. Raises ValidationError."""
        faults = {
            name: ["is missing"]
            for name, one in self.attributes.items()
            if one.mandatory and body.get(name) in (None, "", [])
        }
        if faults:
            raise ValidationError(faults)
        return self._checked({n: v for n, v in body.items() if n in self.attributes and v is not None}, ours=False)

    def patch_data(self, body: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, Any]:
        """The body of a PATCH, merged with what the row shows `now` (RFC 7396), checked. Raises ValidationError."""
        own = [name for name in body if name in ALWAYS or (name in self.attributes and self._is_ours(name))]
        # A client may send back what it was shown.
        faults = {name: ["is ours to set"] for name in own if name != "@type" and body[name] != now.get(name)}
        faults |= {
            name: ["cannot be taken away"]
            for name, value in body.items()
            if value is None and name in self.attributes and self.attributes[name].mandatory
        }
        if faults:
            raise ValidationError(faults)
        told = {n: v for n, v in body.items() if n in self.attributes and n not in own}
        there = self._checked({n: merged(now.get(n), v) for n, v in told.items() if v is not None}, ours=True)
        return {name: there.get(name) for name in told}

    def _is_ours(self, name: str) -> bool:
        return self.attributes[name].server or self.attributes[name].create_only

    def _checked(self, told: dict[str, Any], *, ours: bool) -> dict[str, Any]:
        faults: dict[str, Any] = {}
        found = {}
        for name, value in told.items():
            if self.attributes[name].server and not ours:
                continue
            try:
                found[name] = checked(self.attributes[name].schema, value, name)
            except ValidationError as no:
                faults |= dict(no.detail)  # type: ignore[arg-type]  # of `checked` always a table
        if faults:
            raise ValidationError(faults)
        return found


def merged(old: Any, new: Any) -> Any:
    """A merge patch: objects part by part, everything else replaced whole."""
    if not isinstance(new, dict):
        return new
    base = dict(old) if isinstance(old, dict) else {}
    for name, value in new.items():
        if value is None:
            base.pop(name, None)
        else:
            base[name] = merged(base.get(name), value)
    return base


def id_of(ref: str) -> int | None:
    """The id an address names; None where it is none."""
    if not ref.isascii() or not ref.isalnum() or ref != ref.lower() or len(ref) > 13:
        return None
    value = from_text(ref)
    return value if value < BIGGEST_ID else None


_resources: dict[str, Resource] = {}


def register_resource(resource: Resource, *, read: Any, write: Any = "") -> None:
    """Serve a resource; `read` and `write` name its scopes in words. Call it in `AppConfig.ready()`."""
    _resources[resource.name] = resource
    register_scope(resource.read_scope, read)
    if write:
        register_scope(resource.write_scope, write)


def resources() -> dict[str, Resource]:
    """Every resource served, by its name."""
    return dict(_resources)


def bases() -> dict[str, list[Resource]]:
    """The resources by the base path of their API."""
    found: dict[str, list[Resource]] = {}
    for one in _resources.values():
        found.setdefault(one.base, []).append(one)
    return found
