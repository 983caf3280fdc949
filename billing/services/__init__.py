"""What other apps ask billing to write or tell. One file per stage; all verbs are imported from here."""

from billing.services.asking import queue_command
from billing.services.debts import is_blocked_for_orders, open_debt_of

__all__ = ["is_blocked_for_orders", "open_debt_of", "queue_command"]
