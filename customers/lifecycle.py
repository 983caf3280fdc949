"""Which status and which identity of a customer may follow which. ANONYMISED comes by erasure, MERGED by a merge."""

from __future__ import annotations

from django.utils.translation import gettext as _

from customers.models import Customer, Need
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
    # Undoing the merge gives the former status back.
    S.MERGED: frozenset(),
}


def check_status(old: str, new: str) -> None:
    """Refuse (customers.bad_move) a status that may not follow."""
    if new not in MOVES[old]:
        raise RuleBroken(
            "customers.bad_move",
            _("A customer who is %(old)s cannot become %(new)s.") % {"old": S(old).label, "new": S(new).label},
        )


Identity = Customer.IdentityStatus
# A verified one is looked at again before it can be rejected: nobody loses lines by one click.
IDENTITY_MOVES: dict[str, frozenset[str]] = {
    Identity.UNVERIFIED: frozenset({Identity.VERIFIED, Identity.REJECTED}),
    Identity.VERIFIED: frozenset({Identity.RECHECK}),
    Identity.REJECTED: frozenset({Identity.VERIFIED, Identity.RECHECK}),
    Identity.RECHECK: frozenset({Identity.VERIFIED, Identity.REJECTED}),
}


def check_identity(old: str, new: str) -> None:
    """Refuse (customers.bad_move) an identity that may not follow."""
    if new not in IDENTITY_MOVES[old]:
        raise RuleBroken(
            "customers.bad_move",
            _("The identity is %(old)s; it cannot become %(new)s.")
            % {"old": Identity(old).label, "new": Identity(new).label},
        )


N = Need.State
NEED_MOVES: dict[str, frozenset[str]] = {
    N.NEW: frozenset({N.PLANNED, N.MET, N.DECLINED}),
    N.PLANNED: frozenset({N.NEW, N.MET, N.DECLINED}),
    # What was closed by mistake, or comes up again, begins anew.
    N.MET: frozenset({N.NEW}),
    N.DECLINED: frozenset({N.NEW}),
}


def check_need(old: str, new: str) -> None:
    """Refuse (customers.bad_move) a state of a need that may not follow."""
    if new not in NEED_MOVES[old]:
        raise RuleBroken(
            "customers.bad_move",
            _("A need that is %(old)s cannot become %(new)s.") % {"old": N(old).label, "new": N(new).label},
        )
