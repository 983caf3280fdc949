"""Which fields of the archive are changed in their place on the customer's page, and how each is said.

Sensitive ones (document, income) and the name, which every list masks, are changed on the edit page alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from customers.labels import label, value_in_words
from customers.models import Customer

if TYPE_CHECKING:
    from customers.views.showing import View


@dataclass(frozen=True)
class Inline:
    """A field: its stored name, the one type of customer that has it ("" for all), the mask it wears when closed."""

    name: str
    only: str = ""
    mask: str = ""

    @property
    def label(self) -> str:
        return label(self.name)

    @property
    def form_name(self) -> str:
        """What it is called in forms."""
        return self.name.removesuffix("_id")

    def shown_for(self, customer_type: str) -> bool:
        """Whether it stands among the plain rows of such a customer (the birthday has a row of its own)."""
        return self.only in ("", customer_type) and self.name != "birth_date"

    def words(self, view: View) -> str:
        """The value as this person may read it."""
        value = getattr(view.customer, self.name)
        if self.name == "manager_id":
            return view.manager_name
        told = value_in_words("customer", self.name, None if value is None else str(value))
        return view.shown("", self.mask, told).text if self.mask and told else told

    def open_to(self, view: View) -> bool:
        """Whether the person may change it here: with the right, and not behind a mask."""
        if not view.may_edit or view.customer.status == Customer.Status.ANONYMISED:
            return False
        if self.name == "birth_date":
            shown = view.birthday
            return shown is None or shown.text != shown.masked
        return not self.mask or self.words(view) == getattr(view.customer, self.name)


INLINE: dict[str, Inline] = {
    field.name: field
    for field in (
        Inline("short_name", only=Customer.Type.ENTERPRISE, mask="company"),
        Inline("segment"),
        Inline("gender", only=Customer.Type.PERSON),
        Inline("birth_date", only=Customer.Type.PERSON),
        Inline("home_city"),
        Inline("area_type"),
        Inline("language"),
        Inline("channel_preference"),
        Inline("manager_id"),
    )
}


def from_history(name: str, stored: str | None) -> Any:
    """A value of a field change as the service takes it."""
    if name == "birth_date":
        return date.fromisoformat(stored) if stored else None
    if name == "manager_id":
        return int(stored) if stored else None
    return stored or ""
