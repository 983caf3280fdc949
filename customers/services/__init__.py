"""Everything that changes the archive. One file per stage; all verbs are imported from here."""

from customers.services.change_requests import apply_request, refuse_request, request_change
from customers.services.changing import StaleCopy, change_customer, confirm_archive
from customers.services.consent import give_consent, refuse_by_reply, refuse_consent, withdraw_consent
from customers.services.contact_points import (
    add_contact_point,
    end_contact_point,
    make_primary,
    mark_unusable,
    note_bounce,
    set_address,
    verify_contact_point,
)
from customers.services.death import note_death, take_back_death
from customers.services.duplicates import Duplicate, find_duplicates
from customers.services.facts import block_contact, lift_block, update_facts
from customers.services.holds import lift_hold, put_hold
from customers.services.identity import ActingPerson, recheck_identity, reject_identity, verify_identity
from customers.services.needs import add_need, change_need
from customers.services.opening import create_customer
from customers.services.profile import confirm_profile_field, record_profile_field, remove_profile_field
from customers.services.relations import add_relation, end_relation, join_household, leave_household
from customers.services.subscriptions import (
    change_subscription,
    end_subscription,
    follow_line,
    open_subscription,
    record_usage,
)
from customers.services.wishes import add_contact_time, change_wishes, drop_contact_time

__all__ = [
    "ActingPerson",
    "Duplicate",
    "StaleCopy",
    "add_contact_point",
    "add_contact_time",
    "add_need",
    "add_relation",
    "apply_request",
    "block_contact",
    "change_customer",
    "change_need",
    "change_subscription",
    "change_wishes",
    "confirm_archive",
    "confirm_profile_field",
    "create_customer",
    "drop_contact_time",
    "end_contact_point",
    "end_relation",
    "end_subscription",
    "find_duplicates",
    "follow_line",
    "give_consent",
    "join_household",
    "leave_household",
    "lift_block",
    "lift_hold",
    "make_primary",
    "mark_unusable",
    "note_bounce",
    "note_death",
    "open_subscription",
    "put_hold",
    "recheck_identity",
    "record_profile_field",
    "record_usage",
    "refuse_by_reply",
    "refuse_consent",
    "refuse_request",
    "reject_identity",
    "remove_profile_field",
    "request_change",
    "set_address",
    "take_back_death",
    "update_facts",
    "verify_contact_point",
    "verify_identity",
    "withdraw_consent",
]
