"""Every write of interactions, by business stage; other apps import from here."""

from interactions.services.calls import CallReport, take_call_event
from interactions.services.contacts import (
    end_contact,
    link_customer,
    start_contact,
    verify_caller,
)
from interactions.services.logging import NextAction, log_contact, quick_log

__all__ = [
    "CallReport",
    "NextAction",
    "end_contact",
    "link_customer",
    "log_contact",
    "quick_log",
    "start_contact",
    "take_call_event",
    "verify_caller",
]
