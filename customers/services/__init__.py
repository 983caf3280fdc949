"""Everything that changes the archive. One file per stage; all verbs are imported from here."""

from customers.services.archive import Duplicate, StaleCopy, change_customer, create_customer, find_duplicates
from customers.services.consent import give_consent, refuse_by_reply, refuse_consent, withdraw_consent
from customers.services.contact_points import (
    add_contact_point,
    end_contact_point,
    make_primary,
    mark_unusable,
    set_address,
    verify_contact_point,
)
from customers.services.facts import block_contact, lift_block, update_facts
from customers.services.profile import (
    add_need,
    change_need,
    record_profile_field,
    remove_profile_field,
)
from customers.services.subscriptions import (
    change_subscription,
    end_subscription,
    open_subscription,
    record_usage,
)
from customers.services.wishes import add_contact_time, change_wishes, drop_contact_time

__all__ = [
    "Duplicate",
    "StaleCopy",
    "add_contact_point",
    "add_contact_time",
    "add_need",
    "block_contact",
    "change_customer",
    "change_need",
    "change_subscription",
    "change_wishes",
    "create_customer",
    "drop_contact_time",
    "end_contact_point",
    "end_subscription",
    "find_duplicates",
    "give_consent",
    "lift_block",
    "make_primary",
    "mark_unusable",
    "open_subscription",
    "record_profile_field",
    "record_usage",
    "refuse_by_reply",
    "refuse_consent",
    "remove_profile_field",
    "set_address",
    "update_facts",
    "verify_contact_point",
    "withdraw_consent",
]
