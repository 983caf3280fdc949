"""What a mediation binds, and who takes part in it (D§11.4)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from complaints.lifecycle import Act, MediationState


class Party(models.TextChoices):
    """The two sides of a dispute."""

    CUSTOMER = "CUSTOMER", _("The customer")
    OPERATOR = "OPERATOR", _("We")


# While a mediation stands so, the complaint rests (D§11.4).
MEDIATING: tuple[str, ...] = (MediationState.REQUESTED, MediationState.BOTH_AGREED, MediationState.SESSION)
# What leads out of a dispute and waits for the mediation.
HELD_BY_MEDIATION: tuple[str, ...] = (Act.REWORK, Act.FINAL, Act.CLOSE_GROUP)
MEDIATION_MOVES: dict[str, tuple[str, ...]] = {
    MediationState.REQUESTED: (MediationState.BOTH_AGREED, MediationState.REFUSED),
    MediationState.BOTH_AGREED: (MediationState.SESSION, MediationState.REFUSED),
    MediationState.SESSION: (MediationState.SESSION, MediationState.AGREED, MediationState.NOT_AGREED),
    MediationState.REFUSED: (MediationState.CLOSED,),
    MediationState.AGREED: (MediationState.CLOSED,),
    MediationState.NOT_AGREED: (MediationState.CLOSED,),
    MediationState.CLOSED: (),
}
