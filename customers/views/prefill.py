"""What the forms of the profile begin with: what is on file, as far as this person may read it.

A form over masked parts is empty, and what is left empty in it stays as it is; the sealed copy in the form says so,
for the mask may have gone or come back by the time it is saved.
"""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _

from customers import copies
from customers.models import Address, ProfileField
from customers.optional_facts import CODES, SENSITIVE
from customers.services.contact_points import ADDRESS_PARTS
from customers.services.profile import FACT_FIELDS
from customers.views.showing import View

# Beside the rows of a copy, which are named by their kind.
ABOUT, HIDDEN = "", "hidden"


def reads_addresses(view: View) -> bool:
    """Whether this person sees addresses in clear now."""
    return view.clear or "address" in view.open_fields


def address_copy(view: View) -> str:
    """The addresses on file, sealed into the form, and whether the form showed them."""
    rows = {row.kind: copies.copy_of(row, ADDRESS_PARTS) for row in view.page.addresses}
    return copies.sealed(view.customer.pk, {ABOUT: {HIDDEN: not reads_addresses(view)}, **rows})


def fact_copy(view: View) -> str:
    """The facts on file, sealed into the form."""
    rows = {row.key: copies.copy_of(row, FACT_FIELDS) for row in view.page.fields}
    return copies.sealed(view.customer.pk, {ABOUT: {}, **rows})


def address_start(view: View, kind: str) -> dict[str, Any]:
    """The form of the address of `kind`; without one, of the address the page shows first."""
    first = view.page.address
    if kind not in Address.Kind.values:
        kind = first.kind if first else Address.Kind.HOME
    row = next((row for row in view.page.addresses if row.kind == kind), None)
    start: dict[str, Any] = {"kind": kind, "copy": address_copy(view)}
    if row is not None and reads_addresses(view):
        start |= {part: getattr(row, part) for part in ADDRESS_PARTS}
    return start


def explain_hidden(form: forms.Form, view: View) -> None:
    """Say in the form of addresses what an empty part means, where the parts on file are not shown."""
    if view.page.addresses and not reads_addresses(view):
        form.fields["street"].help_text = _("Hidden here. A part left empty stays as it is on file.")


def fact_start(view: View, key: str) -> dict[str, Any]:
    """The form of the fact `key`, with what is on file of it; a sensitive value only while it is revealed."""
    start: dict[str, Any] = {"copy": fact_copy(view)}
    if key not in ProfileField.Key.values:
        return start
    start["key"] = key
    row = next((row for row in view.page.fields if row.key == key), None)
    if row is None:
        return start
    start |= {name: getattr(row, name) for name in FACT_FIELDS}
    if key in SENSITIVE and SENSITIVE[key] not in view.open_fields:
        start["value"] = ""
    if key in CODES:
        start |= {"choice": f"{key}:{start['value']}" if start["value"] else "", "value": ""}
    return start


def kept_where_hidden(data: dict[str, Any], was: dict[str, Any], hidden: bool) -> dict[str, Any]:
    """The address to be saved: parts left empty in a form that did not show them are those on file."""
    if not hidden:
        return data
    return data | {part: data[part] or was.get(part, "") for part in ADDRESS_PARTS}
