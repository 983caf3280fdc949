"""Mappings of customers: which column of a source becomes which field of ours. Format: docs/import.md."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from customers.imports import values
from customers.imports.specs import FileMapping, Spec, When, heading, specs_of, when_of
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
from foundation.common.errors import BadSetting

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


@dataclass(frozen=True)
class Block:
    """A repeated part of a row: a contact point, an address, a service line, a consent."""

    specs: tuple[Spec, ...]
    when: When | None = None


@dataclass(frozen=True, kw_only=True)
class Mapping(FileMapping):
    """A mapping whose rows become customers."""

    missing_name: str
    customer: tuple[Spec, ...]
    contacts: tuple[Block, ...]
    addresses: tuple[Block, ...]
    lines: tuple[Block, ...]
    consents: tuple[Block, ...] = ()

    def specs(self) -> Iterator[Spec]:
        """Every field it fills."""
        yield from self.customer
        for block in self._blocks():
            yield from block.specs

    def columns(self) -> list[str]:
        """Every column the mapping reads, the key first."""
        found = dict.fromkeys(super().columns())
        for block in self._blocks():
            if block.when:
                found[block.when.column] = None
        return list(found)

    def _blocks(self) -> tuple[Block, ...]:
        return (*self.contacts, *self.addresses, *self.lines, *self.consents)


def parse(key: str, text: dict[str, Any]) -> Mapping:
    """A mapping from its TOML. Raises BadSetting naming the file and what it cannot use."""
    try:
        return Mapping(
            **heading(key, text),
            missing_name=text.get("missing_name", "Customer {key}"),
            customer=specs_of(text.get("customer", {}), CUSTOMER_FIELDS),
            contacts=_blocks(text.get("contact", []), CONTACT_FIELDS, {"kind", "value"}),
            addresses=_blocks(text.get("address", []), ADDRESS_FIELDS, {"kind"}),
            lines=_blocks(text.get("line", []), LINE_FIELDS, {"service_no", "product_line"}),
            consents=_blocks(text.get("consent", []), CONSENT_FIELDS, {"purpose", "state", "on"}),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadSetting(f"the mapping {key}.toml cannot be used: {error!r}") from error


def _blocks(tables: list[dict[str, Any]], fields: dict[str, Reader], needed: set[str]) -> tuple[Block, ...]:
    found = []
    for table in tables:
        rest = dict(table)
        when = when_of(rest.pop("when", None))
        if missing := needed - rest.keys():
            raise ValueError(f"{', '.join(sorted(missing))} must be given")
        found.append(Block(specs_of(rest, fields), when))
    return tuple(found)
