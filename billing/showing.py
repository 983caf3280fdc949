"""Bodies of billing as pages may show them: numbers of people masked, everything else as it came."""

from __future__ import annotations

from typing import Any

from staff.masking import mask_account

# Attributes that name a line or a person wherever they stand.
_NUMBERS = frozenset({"productSerialNumber", "serviceNo"})
_PEOPLE = frozenset({"relatedParty", "payer", "contact"})
_LINES = frozenset({"appliedCustomerBillingRate"})


def masked_body(told: Any, inside: str = "") -> Any:
    """A copy of a body with service numbers, parties and contacts masked."""
    if isinstance(told, dict):
        return {name: _part(name, part, inside) for name, part in told.items()}
    if isinstance(told, list):
        return [masked_body(part, inside) for part in told]
    return mask_account(str(told)) if inside in _PEOPLE and isinstance(told, str) else told


def _part(name: str, part: Any, inside: str) -> Any:
    if name in _NUMBERS or (inside == "product" and name in ("id", "name")):
        return mask_account(str(part)) if part else part
    if name in ("role", "@referredType", "@type"):
        return part
    below = inside if inside in _PEOPLE else name
    # A line of a bill names its service number as the id of a product; an event's product is a line of its own.
    if name == "product" and inside not in _LINES:
        below = ""
    return masked_body(part, below)
