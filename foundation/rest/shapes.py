"""The shape of attributes: the same JSON Schema stands in the OpenAPI document and checks what callers send."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from rest_framework.exceptions import ValidationError

from foundation.common.clock import BUSINESS_ZONE

Schema = Mapping[str, Any]
EARLIEST, LATEST = 1900, 2199
MOST_DIGITS = 15


def text(most: int = 255, **more: Any) -> dict[str, Any]:
    """A text of at most so many characters."""
    return {"type": "string", "maxLength": most, **more}


def moment(**more: Any) -> dict[str, Any]:
    """An ISO 8601 moment; without a zone it is of the business zone."""
    return {"type": "string", "format": "date-time", **more}


def code(*values: str, **more: Any) -> dict[str, Any]:
    """One of these words, in any spelling of capitals."""
    return {"type": "string", "enum": list(values), **more}


def listing(items: Schema, most: int = 100, **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": dict(items), "maxItems": most, **more}


def thing(properties: Mapping[str, Schema], *required: str, **more: Any) -> dict[str, Any]:
    """An object; what else it holds is ignored."""
    shape = {"type": "object", "properties": {name: dict(one) for name, one in properties.items()}, **more}
    return {**shape, "required": list(required)} if required else shape


REFERENCE = thing(
    {
        "id": text(80),
        "href": text(400),
        "name": text(200),
        "role": text(60),
        "@type": text(60),
        "@baseType": text(60),
        "@referredType": text(60),
        "@schemaLocation": text(400),
    }
)
MONEY = thing({"unit": text(3), "value": {"type": "number"}})


def read_moment(said: str) -> datetime:
    """A moment with its zone. Raises ValueError."""
    at = datetime.fromisoformat(said.strip().replace(" ", "+") if "T" in said else said.strip())
    at = at if at.tzinfo is not None else at.replace(tzinfo=BUSINESS_ZONE)
    if not EARLIEST <= at.year <= LATEST:
        raise ValueError(said)
    return at


def checked(schema: Schema, value: Any, path: str) -> Any:
    """The value as the schema means it: moments as datetimes, codes in our spelling. Raises ValidationError that names
    each faulty place."""
    faults: dict[str, list[str]] = {}
    result = _checked(schema, value, path, faults)
    if faults:
        raise ValidationError(faults)
    return result


def _checked(schema: Schema, value: Any, path: str, faults: dict[str, list[str]]) -> Any:
    kind = schema.get("type")
    if kind == "string" and isinstance(value, str):
        return _text(schema, value, path, faults)
    if kind == "boolean" and isinstance(value, bool):
        return value
    if kind in ("number", "integer") and isinstance(value, int | Decimal) and not isinstance(value, bool):
        whole = isinstance(value, int) or kind == "number"
        if whole and Decimal(value).adjusted() < MOST_DIGITS:
            return value
    if kind == "array" and isinstance(value, list):
        if len(value) > schema.get("maxItems", 100):
            faults.setdefault(path, []).append(f"at most {schema.get('maxItems', 100)} entries")
            return value
        return [_checked(schema["items"], one, f"{path}[{index}]", faults) for index, one in enumerate(value)]
    if kind == "object" and isinstance(value, dict):
        known = schema.get("properties", {})
        for name in schema.get("required", ()):
            if value.get(name) is None:
                faults.setdefault(f"{path}.{name}", []).append("is missing")
        return {
            name: _checked(known[name], part, f"{path}.{name}", faults) if name in known else part
            for name, part in value.items()
            if part is not None
        }
    faults.setdefault(path, []).append(f"must be a {kind}")
    return value


def _text(schema: Schema, value: str, path: str, faults: dict[str, list[str]]) -> Any:
    if len(value) > schema.get("maxLength", 20_000):
        faults.setdefault(path, []).append(f"at most {schema['maxLength']} characters")
    elif schema.get("format") == "date-time":
        try:
            return read_moment(value)
        except (ValueError, OverflowError):
            faults.setdefault(path, []).append("must be a moment in ISO 8601")
    elif "enum" in schema:
        spelling = {one.lower(): one for one in schema["enum"]}
        if value.lower() in spelling:
            return spelling[value.lower()]
        faults.setdefault(path, []).append("must be one of " + ", ".join(schema["enum"]))
    return value
