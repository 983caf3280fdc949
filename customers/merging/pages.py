"""What the pages about pairs and merges show: two archives side by side, the rows that move, what happened since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.labels import CHANNELS, LANGUAGES, label, value_in_words
from customers.merging.fields import CHOICES, differs, words_of
from customers.merging.score import Match, known_of, score_pair
from customers.merging.undoing import Edited, Since
from customers.models import Customer
from foundation.common.ids import moment_of
from foundation.common.sentences import join_words
from staff.masking import masked, masked_name

TABLES: dict[str, Any] = {
    "customers_customer": gettext_lazy("Customers below"),
    "customers_contactpoint": gettext_lazy("Numbers and addresses of contact"),
    "customers_address": gettext_lazy("Addresses"),
    "customers_profilefield": gettext_lazy("Facts of the profile"),
    "customers_need": gettext_lazy("Needs"),
    "customers_subscription": gettext_lazy("Products"),
    "customers_consent": gettext_lazy("Consents"),
    "customers_facts": gettext_lazy("Figures"),
    "customers_contactblock": gettext_lazy("Blocks of contact"),
    "customers_contact_time": gettext_lazy("Times of contact"),
    "customers_change_request": gettext_lazy("Requests to change data"),
    "customers_identity_check": gettext_lazy("Checks of identity"),
    "customers_protective_hold": gettext_lazy("Protective holds"),
    "customers_death_note": gettext_lazy("Notes of a death"),
    "customers_relation": gettext_lazy("Relations"),
    "customers_household_member": gettext_lazy("Households"),
    "outreach_managertransfer": gettext_lazy("Offers to another manager"),
    "interactions_matter": gettext_lazy("First-ask matters"),
    "interactions_suggestion": gettext_lazy("Suggestions"),
    "interactions_rightsrequest": gettext_lazy("Rights requests"),
    "staff_draft": gettext_lazy("Texts not saved yet"),
    "customers_fieldchange": gettext_lazy("Changes of fields"),
    "customers_consent_event": gettext_lazy("Answers about consent"),
    "customers_consent_evidence": gettext_lazy("Evidence of consents"),
    "customers_usagemonth": gettext_lazy("Months of use"),
    "timeline": gettext_lazy("Lines of the timeline"),
    "audit_entry": gettext_lazy("Entries of the log"),
    "audit_personal": gettext_lazy("Personal parts of the log"),
    "interactions_interaction": gettext_lazy("Contacts"),
    "outreach_followup": gettext_lazy("Follow-ups"),
    "outreach_message": gettext_lazy("Messages"),
    "outreach_message_text": gettext_lazy("Texts of messages"),
    "outreach_sms_reply": gettext_lazy("Replies by text message"),
    "billing_billingaccount": gettext_lazy("Billing accounts"),
    "billing_creditchange": gettext_lazy("Credit grades set by hand"),
    "complaints_complaint": gettext_lazy("Complaints"),
    "rest_keptanswer": gettext_lazy("Answers kept for programs"),
    "complaints_complainerflag": gettext_lazy("Marks of having complained"),
}


@dataclass(frozen=True)
class Row:
    """One field of two archives, as this person may see it."""

    choice: str
    label: str
    mine: str
    theirs: str
    differs: bool
    taken: bool


@dataclass(frozen=True)
class Counted:
    """How many rows of a table."""

    label: str
    many: int


def side_by_side(keeps: Any, goes: Any, taken: list[str]) -> list[Row]:
    """The fields that can be chosen, of two `View`s; `taken`: those in which the absorbed one's value holds."""
    return [
        Row(one, words_of(one), _said(keeps, one), _said(goes, one), *_state(keeps, goes, one, taken))
        for one in CHOICES
    ]


def _state(keeps: Any, goes: Any, choice: str, taken: list[str]) -> tuple[bool, bool]:
    return differs(keeps.customer, goes.customer, choice), choice in taken


def _said(view: Any, choice: str) -> str:
    """The value of a choice in words, masked as on the customer's page."""
    customer = view.customer
    if choice == "name":
        short = customer.short_name
        return view.name.text + (f" ({masked('company', short) if not view.clear else short})" if short else "")
    if choice == "document":
        number = view.id_number
        if number is None:
            return ""
        return f"{customer.get_id_type_display()} {number.text} · {customer.get_identity_status_display()}"
    if choice == "birthday":
        born = view.birthday
        return f"{born.text} · {customer.get_birthday_kind_display()}" if born else ""
    if choice == "manager":
        return customer.manager_name or ""
    if choice == "channel_preference":
        return str(CHANNELS.get(customer.channel_preference, customer.channel_preference))
    if choice == "language":
        return LANGUAGES.get(customer.language, customer.language)
    if choice == "home_city":
        return " · ".join(part for part in (customer.home_city, customer.get_area_type_display()) if part)
    shown = getattr(customer, f"get_{choice}_display", None)
    return str(shown() if shown else getattr(customer, choice))


def match_of(one_id: int, other_id: int) -> Match | None:
    """The score of two archives as they are now; None when one stands no more for itself."""
    known = known_of([one_id, other_id])
    return score_pair(known[one_id], known[other_id]) if len(known) == 2 else None


def counted(rows: dict[str, int]) -> list[Counted]:
    """Counts by table in words, the largest first."""
    return [Counted(table_words(table), many) for table, many in sorted(rows.items(), key=lambda row: -row[1])]


def table_words(table: str) -> str:
    """What a table's rows are called."""
    if table in TABLES:
        return str(TABLES[table])
    model = next((model for model in apps.get_models() if model._meta.db_table == table), None)
    return str(model._meta.verbose_name_plural) if model is not None else table


def since_words(rows: list[Since]) -> list[dict[str, Any]]:
    """Rows as lines of a list: what, and when it was written."""
    return [{"ref": row.ref, "words": table_words(row.table), "at": moment_of(int(row.row))} for row in rows]


def edited_words(rows: list[Edited], customer_type: str) -> list[dict[str, str]]:
    """Changed columns as lines of a list; names stay behind the mask of the survivor's type."""
    return [
        {
            "ref": one.ref,
            "label": label(one.move.column)
            if one.move.table == Customer._meta.db_table
            else table_words(one.move.table),
            "was": _value(one.move.column, one.move.old, customer_type),
            "now": _value(one.move.column, one.now, customer_type),
        }
        for one in rows
    ]


def _value(column: str, value: Any, customer_type: str) -> str:
    if value in (None, ""):
        return "–"
    if column in {"name", "short_name"}:
        return masked_name(str(value), customer_type)
    if column == "birth_date":
        return f"****{str(value)[4:]}"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, list):
        return join_words(map(str, value))
    return value_in_words("customer", column, str(value))
