"""Which status of a customer may follow which. ANONYMISED is reached by erasure alone, never by hand."""

from __future__ import annotations

from django.utils.translation import gettext as _

from customers.models import Customer
from foundation.common.errors import RuleBroken

S = Customer.Status
MOVES: dict[str, frozenset[str]] = {
    S.PROSPECT: frozenset({S.ACTIVE, S.FORMER, S.DECEASED}),
    S.ACTIVE: frozenset({S.DORMANT, S.FORMER, S.DECEASED}),
    S.DORMANT: frozenset({S.ACTIVE, S.FORMER, S.DECEASED}),
    S.FORMER: frozenset({S.ACTIVE, S.DECEASED}),
    # A death noted by mistake must be undone.
    S.DECEASED: frozenset({S.ACTIVE, S.FORMER}),
    S.ANONYMISED: frozenset(),
}


def check_status(old: str, new: str) -> None:
    """Refuse (customers.bad_move) a status that may not follow."""
    if new not in MOVES[old]:
        raise RuleBroken(
            "customers.bad_move",
            _("A customer who is %(old)s cannot become %(new)s.") % {"old": S(old).label, "new": S(new).label},
        )
