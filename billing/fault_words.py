"""Why a body or a row of a file cannot be used, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy as _

WORDS: dict[str, Any] = {
    "missing": _("is missing"),
    "object": _("must be an object"),
    "list": _("must be a list"),
    "text": _("must be a text"),
    "number": _("must be a number"),
    "decimals": _("has more than two decimals"),
    "negative": _("may not be negative"),
    "not_negative": _("must be negative: it is a discount or credit"),
    "nothing": _("must be more than 0"),
    "too_large": _("is too large"),
    "too_long": _("is too long"),
    "too_many": _("has too many lines"),
    "currency": _("must be CNY: another currency is not taken"),
    "moment": _("is no date or moment"),
    "zone": _("lacks its time zone"),
    "code": _("is not known"),
    "yes_or_no": _("must be true or false"),
    "more_than_amount": _("is more than the bill"),
    "before_bill": _("lies before the bill"),
    "itself": _("names the bill itself"),
    "partial": _("is still not whole after it was read anew"),
    "status": _("billing answered"),
    "json": _("is no JSON that can be kept"),
    "address": _("is another than the address says"),
    "columns": _("has another number of cells than the header"),
    "header": _("is not among the columns"),
    "known_otherwise": _("is known with another amount, day or account; corrections come as events"),
    "again": _("stands in this file before with other contents"),
    "month": _("is not the month of the file"),
    "total": _("the lines do not add up to it"),
}


def say_fault(fault: Mapping[str, str]) -> str:
    """One fault as a line: the field, what is wrong, what stands there."""
    words = WORDS.get(fault["code"], fault["code"])
    value = f": {fault['value']}" if fault.get("value") else ""
    return f"{fault['field']} {words}{value}".strip()
