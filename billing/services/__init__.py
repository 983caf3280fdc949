"""What other apps ask billing to write or tell. One file per stage; all verbs are imported from here."""

from billing.mirror.inbox import take_event
from billing.services.asking import queue_command
from billing.services.debts import is_blocked_for_orders, open_debt_of
from billing.services.holds import end_hold, hold_account, hold_dispute, promise_to_pay, release_dispute
from billing.services.matching import match_by_hand, match_waiting

__all__ = [
    "end_hold",
    "hold_account",
    "hold_dispute",
    "is_blocked_for_orders",
    "match_by_hand",
    "match_waiting",
    "open_debt_of",
    "promise_to_pay",
    "queue_command",
    "release_dispute",
    "take_event",
]
