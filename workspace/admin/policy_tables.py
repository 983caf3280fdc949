"""Policies that are tables, as tables people read: what each key means, in both languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.models import Grade
from customers.completeness import PARTS
from customers.labels import TIERS
from customers.models import Customer, RelationshipBand, ValueClass
from foundation.policies.kinds import Kind
from foundation.policies.registry import Policy
from foundation.ui.wording import join_words
from staff.roles import ROLES

# Bounds stand for themselves: from so many months, or so many CNY a month, on.
_BOUNDS = {bound: f"≥ {bound}" for bound in ("0", "6", "12", "30", "36", "60", "120", "240")}
_AGES = {"age_from": gettext_lazy("From the age of"), "age_to": gettext_lazy("To the age of")}
# Key of the policy -> what each key of its table means.
KEYS: dict[str, dict[str, Any]] = {
    "billing.credit_arrears": {
        "suspension": gettext_lazy("Points lost for a suspension"),
        "late_bill": gettext_lazy("Points lost for a late bill"),
        "late_days": gettext_lazy("Late after so many days"),
        "months": gettext_lazy("Months looked back"),
    },
    "billing.credit_first_months": {
        "base": gettext_lazy("Points to begin with"),
        "months": gettext_lazy("Months without another score"),
    },
    "billing.credit_grades": dict(Grade.choices),
    "billing.credit_points": {
        "punctuality": gettext_lazy("All bills paid in time"),
        "arrears": gettext_lazy("No arrears"),
        "auto_debit": gettext_lazy("Standing order or bank collection"),
        "identity": gettext_lazy("Verified identity"),
        "contract": gettext_lazy("Long contract"),
    },
    "billing.credit_spend": _BOUNDS,
    "billing.credit_tenure": _BOUNDS,
    "customers.completeness_targets": TIERS | {"ENTERPRISE": Customer.Type.ENTERPRISE.label},
    "customers.completeness_weights": PARTS,
    "customers.duplicate_bands": {
        "auto": gettext_lazy("The same person"),
        "review": gettext_lazy("Worth a look"),
    },
    "customers.duplicate_weights": {
        "id": gettext_lazy("Document number"),
        "other_id": gettext_lazy("Different documents"),
        "phone_verified": gettext_lazy("Verified phone number"),
        "name": gettext_lazy("Name"),
        "phone": gettext_lazy("Phone"),
        "email": gettext_lazy("E-mail"),
        "address": gettext_lazy("Address"),
        "pinyin": gettext_lazy("Name in pinyin"),
        "birthday": gettext_lazy("Birthday"),
    },
    "customers.graduate_ages": _AGES,
    "customers.persona_traveller": {
        "roaming_days": gettext_lazy("Days of roaming in three months"),
        "voice_minutes": gettext_lazy("Minutes of voice a month"),
    },
    "customers.persona_young_data": _AGES | {"data_mb": gettext_lazy("MB a month")},
    "customers.potential_weights": {
        "gap": gettext_lazy("Products not held"),
        "trend": gettext_lazy("Trend of use"),
        "pressure": gettext_lazy("Plan nearly used up"),
        "age": gettext_lazy("Age or kind of customer"),
        "commitment": gettext_lazy("Contract or tenure"),
        "engagement": gettext_lazy("Answered lately"),
    },
    "customers.relationship_bands": dict(RelationshipBand.choices),
    "customers.relationship_weights": {
        "contact": gettext_lazy("Contacts"),
        "usage": gettext_lazy("Trend of use"),
        "complaints": gettext_lazy("Complaints"),
        "consents": gettext_lazy("Consents"),
        "tenure": gettext_lazy("Tenure"),
        "lines": gettext_lazy("Lines"),
    },
    "customers.spend_bands": {
        "1": gettext_lazy("Band 1: below"),
        "2": gettext_lazy("Band 2: below"),
        "3": gettext_lazy("Band 3: below"),
        "4": gettext_lazy("Band 4: below"),
    },
    "customers.value_matrix": {
        "value_class": gettext_lazy("Valuable from class"),
        "potential": gettext_lazy("Promising from a potential of"),
    },
    "customers.value_shares": dict(ValueClass.choices),
    "staff.settlement_limits": {code: role.label for code, role in ROLES.items()},
}
# Heads of tables that hold rows.
HEADS: dict[str, Any] = {
    "code": gettext_lazy("Code"),
    "zh": gettext_lazy("Chinese name"),
    "en": gettext_lazy("English name"),
    "ways": gettext_lazy("Asked for"),
    "rule": gettext_lazy("Rule"),
    "use": gettext_lazy("In use"),
    "from": gettext_lazy("From"),
    "days": gettext_lazy("Days"),
    "weeks": gettext_lazy("Weeks"),
    "factor": gettext_lazy("Times the monthly value"),
    "cap": gettext_lazy("At most, CNY"),
    "grace_days": gettext_lazy("Days of grace"),
}
CODES: dict[str, Any] = {
    "PHONE": gettext_lazy("Phone call"),
    "FACE": gettext_lazy("Face to face"),
    "WRITTEN": gettext_lazy("In writing"),
}


@dataclass(frozen=True)
class Shown:
    """A table of a policy in words."""

    head: list[str]
    rows: list[list[str]]

    @property
    def is_pairs(self) -> bool:
        """Whether it holds a value for each thing."""
        return len(self.head) == 2

    @property
    def cells(self) -> list[list[tuple[str, str]]]:
        """The rows with the head beside each cell, for narrow screens."""
        return [list(zip(self.head, row, strict=True)) for row in self.rows]


def table_of(policy: Policy, value: Any) -> Shown | None:
    """A value of a table policy as a table; None for any other policy."""
    if policy.kind != Kind.TABLE:
        return None
    if isinstance(value, dict):
        words = KEYS.get(policy.key, {})
        # In the order of the words, which is that of the field; keys without words at the end.
        order = [*(key for key in words if key in value), *(key for key in value if key not in words)]
        if value and all(isinstance(row, dict) for row in value.values()):
            columns = list(dict.fromkeys(column for row in value.values() for column in row))
            head = [_("What"), *(str(HEADS.get(column, column)) for column in columns)]
            return Shown(
                head,
                [[str(words.get(key, key)), *(_cell(value[key].get(column)) for column in columns)] for key in order],
            )
        return Shown([_("What"), _("Value")], [[str(words.get(key, key)), _number(value[key])] for key in order])
    rows = [row for row in value if isinstance(row, dict)]
    columns = list(dict.fromkeys(column for row in rows for column in row))
    return Shown(
        [str(HEADS.get(column, column)) for column in columns],
        [[_cell(row.get(column)) for column in columns] for row in rows],
    )


def in_line(policy: Policy, value: Any) -> str:
    """The same in one line, for lists, histories and sentences."""
    shown = table_of(policy, value)
    return join_words(" ".join(cell for cell in row if cell) for row in shown.rows) if shown else ""


def _number(value: Any) -> str:
    return _("no limit") if value is None else str(value)


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return join_words(str(CODES.get(item, item)) for item in value)
    return "" if value is None else str(value)
