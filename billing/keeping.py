"""What forbids the deletion of a customer who owes money or is owed some (D§5.12, D§13.12: an end never erases debt).

Bills, payments and allocations are records of account and stay without names: amounts, days and the numbers billing
gave them. The service numbers on them go with the identity.
"""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from customers.erasure.keeping import Hold, register_hold

OWING = """SELECT a.customer_id, NULL::date FROM billing_billingaccount a
  WHERE a.customer_id = ANY(%(ids)s) AND EXISTS (SELECT FROM billing_bill b
    WHERE b.account_id = a.id AND b.open_amount > 0 AND b.written_off_on IS NULL) GROUP BY a.customer_id"""


def register() -> None:
    """Make the hold known."""
    register_hold(Hold("DEBT", _("Bills are open: the debt stays"), "D§13.12", OWING))
