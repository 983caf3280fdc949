"""Where each part of an archive is filled in: the way from what is missing to the form that takes it (D§5.4)."""

from __future__ import annotations

from foundation.ui.addresses import row_address

# Part of customers/completeness.py -> page, what is opened there, and the place on it.
FILLED_AT: dict[str, tuple[str, str, str]] = {
    "name": ("customers:customer-edit", "", "id_name"),
    "id": ("customers:identity", "", "id_verify_id_number"),
    "contact": ("customers:customer-profile", "add=contact", "add-contact"),
    "address": ("customers:customer-profile", "add=address", "add-address"),
    "birthday": ("customers:customer-edit", "", "id_birth_date"),
    "channel": ("customers:customer-wishes", "", "id_channel"),
    "interests": ("customers:customer-profile", "add=fact&key=INTERESTS", "add-fact"),
    "spending": ("customers:customer-profile", "add=fact&key=SPENDING_HABIT", "add-fact"),
    "needs": ("customers:customer-profile", "add=need", "add-need"),
}
# A number that is on file already is verified, not entered again.
TO_VERIFY = ("customers:customer-profile", "", "reached-at")


def filled_at(part: str, pk: int, *, points: bool) -> str:
    """The address where a part of a customer's archive is filled in. `points`: there are numbers to verify."""
    name, query, place = TO_VERIFY if part == "contact" and points else FILLED_AT[part]
    return f"{row_address(name, pk)}{'?' if query else ''}{query}#{place}"
