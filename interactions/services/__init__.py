"""Every write of interactions, by business stage; other apps import from here."""

from interactions.services.attaching import attach_customer, open_customer_for
from interactions.services.calls import CallReport, take_call_event
from interactions.services.contacts import (
    end_contact,
    link_customer,
    start_contact,
    verify_caller,
)
from interactions.services.logging import NextAction, log_contact, quick_log
from interactions.services.matter_clock import give_notice_if_due
from interactions.services.matters import (
    answer_matter,
    pass_on_matter,
    refer_matter,
    secure_matter,
    settle_by_follow_up,
    tell_customer,
)
from interactions.services.places import save_place
from interactions.services.quality import mark_quality
from interactions.services.shift_turns import due_turns, turn_shift
from interactions.services.suggestions import (
    answer_suggestion,
    decide_suggestion,
    finish_suggestion,
    give_suggestion_notice_if_due,
    review_suggestion,
)
from interactions.services.transfers import (
    accept_matter,
    lapse_offer,
    offer_matter,
    order_matter,
    refuse_matter,
    withdraw_offer,
)

__all__ = [
    "CallReport",
    "NextAction",
    "accept_matter",
    "answer_matter",
    "answer_suggestion",
    "attach_customer",
    "decide_suggestion",
    "due_turns",
    "end_contact",
    "finish_suggestion",
    "give_notice_if_due",
    "give_suggestion_notice_if_due",
    "lapse_offer",
    "link_customer",
    "log_contact",
    "mark_quality",
    "offer_matter",
    "open_customer_for",
    "order_matter",
    "pass_on_matter",
    "quick_log",
    "refer_matter",
    "refuse_matter",
    "review_suggestion",
    "save_place",
    "secure_matter",
    "settle_by_follow_up",
    "start_contact",
    "take_call_event",
    "tell_customer",
    "turn_shift",
    "verify_caller",
    "withdraw_offer",
]
