"""What a page of a customer may show to whom: in clear inside one's own contact, case or follow-up, else masked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpRequest

from customers import visibility
from customers.birthday_words import BirthdayLine, birthday_line
from customers.completeness import Missing
from customers.contact_wishes import Wishes, wishes_of
from customers.models import Customer, ProfileField
from customers.optional_facts import SENSITIVE, value_words
from customers.queries import CustomerPage, customer_page
from customers.views.filling import filled_at
from staff.drafts import hold
from staff.masking import masked, name_mask
from staff.models import User

STATUS_TONES = {
    Customer.Status.ACTIVE: "ok",
    Customer.Status.PROSPECT: "info",
    Customer.Status.DORMANT: "warn",
    Customer.Status.FORMER: "mute",
    Customer.Status.DECEASED: "mute",
    Customer.Status.ANONYMISED: "mute",
    Customer.Status.MERGED: "mute",
}
# The masks that fields wear in histories and comparisons (the name: `name_mask`).
MASK_OF = {
    "name": "name",
    "short_name": "company",
    "user_name": "name",
    "guardian": "name",
    "other_name": "name",
    "street": "address",
    "birth_date": "address",
}


@dataclass
class Shown:
    """A value as this person sees it now: text, whether it may be revealed, seconds left of a reveal, and the masked
    form it goes back to."""

    field: str
    text: str
    masked: str
    left: int = 0
    can_reveal: bool = False


class View:
    """A customer's page for one person. Raises Http404 when the customer is not theirs to see."""

    def __init__(self, request: HttpRequest, pk: int) -> None:
        user: Any = request.user
        self.user: User = user
        self.opened = visibility.opened_ids(self.user)
        page = customer_page(pk, user=self.user, opened=self.opened)
        if page is None:
            raise Http404
        self.page: CustomerPage = page
        hold(request, pk, page.drafts)
        self.customer = page.customer
        self.clear = pk in self.opened
        self.open_fields = page.revealed
        self.may_reveal = self.user.has_perm("customers.reveal")
        self.may_edit = self.user.has_perm("customers.edit")
        self.may_merge = self.user.has_perm("customers.merge")

    def shown(
        self, field: str, kind: str, value: str, *, masked_as: str | None = None, sensitive: bool = False
    ) -> Shown:
        """`value` behind the mask of `kind`. `field`: its name among the reveals; sensitive ones need one."""
        mask = masked_as if masked_as is not None else masked(kind, value)
        left = self.open_fields.get(field, 0)
        clear = bool(left) or (self.clear and not sensitive)
        can = self.may_reveal and not clear and bool(value) and mask != value
        return Shown(field, value if clear else mask, mask, left, can)

    @property
    def name(self) -> Shown:
        return self.shown("name", name_mask(self.customer.customer_type), self.customer.name)

    @property
    def manager_name(self) -> str:
        """Who looks after the customer; read with the page."""
        return getattr(self.customer, "manager_name", None) or ""

    @property
    def phone(self) -> Shown | None:
        point = self.page.phone
        return self.shown("phone", "phone", point.value) if point else None

    @property
    def address(self) -> Shown | None:
        at = self.page.address
        return self.shown("address", "address", whole_address(at)) if at else None

    @property
    def birthday(self) -> Shown | None:
        """The birth date: by the sun its month and day are for everybody, the year is not; by the moon the lunar day
        is, and the date, which would tell the year, is not."""
        born = self.customer.birth_date
        if born is None:
            return None
        by_sun = self.customer.birthday_kind == Customer.BirthdayKind.SOLAR
        mask = f"****-{born:%m-%d}" if by_sun else "****"
        return self.shown("birthday", "id", born.isoformat(), masked_as=mask)

    @property
    def birthday_line(self) -> BirthdayLine:
        """What is said beside the birth date."""
        return birthday_line(self.customer, clear=self.clear or "birthday" in self.open_fields)

    @property
    def id_number(self) -> Shown | None:
        """The ID number; decrypted only while it is revealed."""
        if not self.customer.id_sealed:
            return None
        mask = masked("id", self.customer.id_last4)
        text = self.customer.id_number() if "id_number" in self.open_fields else self.customer.id_last4
        return self.shown("id_number", "id", text, masked_as=mask, sensitive=True)

    @property
    def income(self) -> Shown | None:
        return self.sensitive_fact(ProfileField.Key.INCOME_BAND)

    @property
    def stratum(self) -> Shown | None:
        return self.sensitive_fact(ProfileField.Key.STRATUM)

    @property
    def family(self) -> Shown | None:
        return self.sensitive_fact(ProfileField.Key.FAMILY)

    @property
    def plain_facts(self) -> list[tuple[str, str]]:
        """The facts that need no reveal: what they are, and their value in words."""
        rows = [row for row in self.page.fields if row.key not in SENSITIVE]
        return [(row.get_key_display(), value_words(row.key, row.value)) for row in rows]

    @property
    def wishes(self) -> Wishes:
        """How the customer wants to be reached."""
        page = self.page
        return wishes_of(self.customer, times=page.times, blocks=page.blocks, points=page.points)

    @property
    def missing(self) -> list[tuple[Missing, str]]:
        """What is missing of the archive, each with where it is filled in ("" for who may not)."""
        points = bool(self.page.points)
        return [
            (part, filled_at(part.code, self.customer.pk, points=points) if self.may_edit else "")
            for part in self.page.completeness.missing
        ]

    def sensitive_fact(self, key: str) -> Shown | None:
        """A fact behind a reveal of its own; None when it is not kept."""
        row = next((row for row in self.page.fields if row.key == key), None)
        if row is None:
            return None
        return self.shown(SENSITIVE[key], "id", value_words(key, row.value), masked_as="****", sensitive=True)


def whole_address(address: Any) -> str:
    """An address in one line, larger places first."""
    parts = (address.province, address.city, address.district, address.street)
    return "".join(parts) if not any(part.isascii() for part in parts if part) else " ".join(p for p in parts if p)


def seen(request: HttpRequest, pk: int) -> Customer:
    """The bare customer row, for a write; Http404 when the person may not see it."""
    customer = Customer.objects.visible_to(request.user).filter(pk=pk).first()  # type: ignore[arg-type]
    if customer is None:
        raise Http404
    return customer
