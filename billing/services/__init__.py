"""What other apps ask billing to write or tell. One file per stage; all verbs are imported from here."""

from billing.mirror.inbox import take_event
from billing.services.asking import queue_command
from billing.services.debts import is_blocked_for_orders, open_debt_of
from billing.services.matching import match_by_hand, match_waiting

__all__ = [
    "is_blocked_for_orders",
    "match_by_hand",
    "match_waiting",
    "open_debt_of",
    "queue_command",
    "take_event",
]
