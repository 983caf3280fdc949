"""Changes made on a copy of a row somebody else has changed since are refused, whoever wrote it and however."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from customers.copies import plain
from customers.models import Customer
from customers.services.changing import StaleCopy
from customers.services.remembering import last_change_of

Copy = Mapping[str, Any] | None


def check_copy(customer: Customer, was: Copy, now: Mapping[str, Any]) -> None:
    """Refuse (StaleCopy) when `now`, read under the customer's lock, is not `was`, as `copies` holds it.

    `was` None: the change was made on no copy, as by a job, and holds whatever stands there.
    """
    if was is not None and any(was.get(field) != plain(value) for field, value in now.items()):
        raise StaleCopy(dict(now), customer.version, last_change_of(customer))
