"""Mapping files: which column of a source becomes which field of ours. Format: docs/import.md."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from customers.imports import values
from customers.imports.values import Reader
from customers.models import (
    Address,
    ConsentChannel,
    ConsentState,
    ContactPoint,
    Customer,
    EvidenceKind,
    Purpose,
    Subscription,
)
from customers.models.subscriptions import ProductLine
from foundation.common.errors import BadSetting, RuleBroken
from foundation.ui.wording import join_words

FOLDER = Path(__file__).resolve().parent.parent / "mappings"
AS_OF = "@as-of"


def _text(longest: int) -> Reader:
    return partial(values.read_text, longest=longest)


def _choice(codes: list[str]) -> Reader:
    return partial(values.read_choice, choices={code.lower(): code for code in codes})


CUSTOMER_FIELDS: dict[str, Reader] = {
    "customer_type": _choice(Customer.Type.values),
    "name": _text(200),
    "short_name": _text(80),
    "segment": _choice(Customer.Segment.values),
    "status": _choice(Customer.Status.values),
    "gender": _choice(["F", "M"]),
    "birth_date": values.read_date,
    "id_type": _choice(Customer.IdType.values),
    "id_number": _text(64),
    "home_city": _text(60),
    "area_type": _choice(Customer.AreaType.values),
    "language": _choice(["zh-hans", "en"]),
    "channel_preference": _text(16),
    "unit": values.read_code,
    "manager": values.read_code,
}
CONTACT_FIELDS: dict[str, Reader] = {"kind": _choice(ContactPoint.Kind.values), "value": _text(254)}
ADDRESS_FIELDS: dict[str, Reader] = {
    "kind": _choice(Address.Kind.values),
    "province": _text(40),
    "city": _text(60),
    "district": _text(60),
    "street": _text(200),
    "postcode": _text(12),
}
LINE_FIELDS: dict[str, Reader] = {
    "service_no": values.read_service_no,
    "product_line": _choice(ProductLine.values),
    "status": _choice(Subscription.Status.values),
    "activated_on": values.read_date,
    "terminated_on": values.read_date,
    "contract_end": values.read_date,
    "monthly_fee": values.read_fee,
    "user_name": _text(200),
    "plan_code": _text(32),
    "plan_name": _text(80),
    "plan_fee": values.read_fee,
    "usage_month": values.read_month,
    "voice_minutes": values.read_integer,
    "sms": values.read_integer,
    "data_mb": values.read_integer,
    "roaming_days": values.read_small,
    "zero_usage_days": values.read_small,
    "net_revenue": values.read_money,
}
CONSENT_FIELDS: dict[str, Reader] = {
    "purpose": _choice(Purpose.values),
    "channel": _choice(ConsentChannel.values),
    "state": _choice([state for state in ConsentState.values if state != ConsentState.UNKNOWN]),
    "on": values.read_date,
    "evidence_kind": _choice(EvidenceKind.values),
    "evidence": _text(200),
    "expires_on": values.read_date,
}
USAGE_FIELDS = ("voice_minutes", "sms", "data_mb", "roaming_days", "zero_usage_days", "net_revenue")
_SPEC_KEYS = {"column", "constant", "template", "values", "when", "minus_months"}
_HOLE = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class When:
    """A field or block that counts only when a column holds one of certain values (small letters)."""

    column: str
    among: frozenset[str]


@dataclass(frozen=True)
class Spec:
    """Where one field comes from: a column, a constant or a template, then a table of values, then its reader."""

    target: str
    reader: Reader
    column: str = ""
    constant: str = ""
    template: str = ""
    values: dict[str, str] | None = None
    when: When | None = None
    minus_months: str = ""

    def columns(self) -> Iterator[str]:
        """The columns of the file it reads."""
        if self.column:
            yield self.column
        if self.minus_months:
            yield self.minus_months
        if self.when:
            yield self.when.column
        yield from _HOLE.findall(self.template)


@dataclass(frozen=True)
class Block:
    """A repeated part of a row: a contact point, an address, a service line, a consent."""

    specs: tuple[Spec, ...]
    when: When | None = None


@dataclass(frozen=True)
class Mapping:
    """One mapping file, checked and ready."""

    key: str
    titles: dict[str, str]
    source: str
    key_column: str
    missing_name: str
    may_miss_columns: bool
    customer: tuple[Spec, ...]
    contacts: tuple[Block, ...]
    addresses: tuple[Block, ...]
    lines: tuple[Block, ...]
    consents: tuple[Block, ...] = ()
    ignored: frozenset[str] = field(default_factory=frozenset)

    @property
    def title(self) -> str:
        """Its name in the active language."""
        return self.titles["en" if (get_language() or "").startswith("en") else "zh"]

    def columns(self) -> list[str]:
        """Every column the mapping reads, the key first."""
        found = dict.fromkeys([self.key_column])
        for spec in self._specs():
            found.update(dict.fromkeys(spec.columns()))
        for block in self._blocks():
            if block.when:
                found[block.when.column] = None
        return list(found)

    def required_columns(self) -> list[str]:
        """What a file must have: all of it, or only the key when columns may be missing."""
        return [self.key_column] if self.may_miss_columns else self.columns()

    def _specs(self) -> Iterator[Spec]:
        yield from self.customer
        for block in self._blocks():
            yield from block.specs

    def _blocks(self) -> tuple[Block, ...]:
        return (*self.contacts, *self.addresses, *self.lines, *self.consents)


def mapping_keys() -> list[str]:
    """The keys of the mappings there are: the names of the files."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def mapping_of(key: str) -> Mapping:
    """The mapping called `key`. Raises RuleBroken("imports.no_mapping") naming those there are."""
    if key not in mapping_keys():
        raise RuleBroken(
            "imports.no_mapping",
            _("There is no mapping “%(key)s”. There are: %(keys)s.")
            % {"key": key[:40], "keys": join_words(mapping_keys())},
        )
    return _load(key)


@cache
def _load(key: str) -> Mapping:
    with (FOLDER / f"{key}.toml").open("rb") as file:
        return parse(key, tomllib.load(file))


def parse(key: str, text: dict[str, Any]) -> Mapping:
    """A mapping from its TOML. Raises BadSetting naming the file and what it cannot use."""
    try:
        return Mapping(
            key=key,
            titles={"en": text["title"], "zh": text.get("title_zh", text["title"])},
            source=text["source"],
            key_column=text["key"],
            missing_name=text.get("missing_name", "Customer {key}"),
            may_miss_columns=text.get("may_miss_columns", False),
            customer=_specs(text.get("customer", {}), CUSTOMER_FIELDS),
            contacts=_blocks(text.get("contact", []), CONTACT_FIELDS, {"kind", "value"}),
            addresses=_blocks(text.get("address", []), ADDRESS_FIELDS, {"kind"}),
            lines=_blocks(text.get("line", []), LINE_FIELDS, {"service_no", "product_line"}),
            consents=_blocks(text.get("consent", []), CONSENT_FIELDS, {"purpose", "state", "on"}),
            ignored=frozenset(text.get("ignored", [])),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadSetting(f"the mapping {key}.toml cannot be used: {error!r}") from error


def _blocks(tables: list[dict[str, Any]], fields: dict[str, Reader], needed: set[str]) -> tuple[Block, ...]:
    found = []
    for table in tables:
        rest = dict(table)
        when = _when(rest.pop("when", None))
        if missing := needed - rest.keys():
            raise ValueError(f"{', '.join(sorted(missing))} must be given")
        found.append(Block(_specs(rest, fields), when))
    return tuple(found)


def _specs(table: dict[str, Any], fields: dict[str, Reader]) -> tuple[Spec, ...]:
    return tuple(_spec(target, given, fields) for target, given in table.items())


def _spec(target: str, given: str | dict[str, Any], fields: dict[str, Reader]) -> Spec:
    if target not in fields:
        raise ValueError(f"{target} is no field; there are {', '.join(fields)}")
    if isinstance(given, str):  # the short form: the name of a column
        given = {"column": given}
    if unknown := given.keys() - _SPEC_KEYS:
        raise ValueError(f"{target}: {', '.join(sorted(unknown))} is not understood")
    if not given.keys() & {"column", "constant", "template"}:
        raise ValueError(f"{target} needs a column, a constant or a template")
    return Spec(
        target=target,
        reader=fields[target],
        column=given.get("column", ""),
        constant=str(given.get("constant", "")),
        template=given.get("template", ""),
        values={key.lower(): value for key, value in given["values"].items()} if "values" in given else None,
        when=_when(given.get("when")),
        minus_months=given.get("minus_months", ""),
    )


def _when(given: dict[str, Any] | None) -> When | None:
    if given is None:
        return None
    return When(given["column"], frozenset(value.lower() for value in given["among"]))


def fill(template: str, cell: Callable[[str], str]) -> str:
    """`template` with its {columns} filled; "" when one of them is empty."""
    empty = False

    def put(found: re.Match[str]) -> str:
        nonlocal empty
        text = cell(found[1])
        empty = empty or not text
        return text

    made = _HOLE.sub(put, template)
    return "" if empty else made
