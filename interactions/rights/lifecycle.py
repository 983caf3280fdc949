"""Codes of a rights request, and which state may follow which."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class RightsKind(models.TextChoices):
    """What is asked for (D§5.11)."""

    ACCESS = "ACCESS", _("See what we hold")
    COPY = "COPY", _("A copy to take along")
    CORRECT = "CORRECT", _("Correct what is wrong")
    DELETE = "DELETE", _("Delete my data")
    EXPLAIN = "EXPLAIN", _("Explain an automatic decision")
    CLOSE = "CLOSE", _("Close the customer account")


class Requester(models.TextChoices):
    """Who asks. Near relatives only for somebody who died (D§5.13)."""

    CUSTOMER = "CUSTOMER", _("The customer")
    GUARDIAN = "GUARDIAN", _("The guardian")
    PROXY = "PROXY", _("Somebody with a power of attorney")
    RELATIVE = "RELATIVE", _("A near relative of the deceased")


class RightsState(models.TextChoices):
    RECEIVED = "RECEIVED", pgettext_lazy("rights request", "Received")
    CHECKED = "CHECKED", _("Identity checked")
    ANSWERED = "ANSWERED", pgettext_lazy("rights request", "Answered")
    REFUSED = "REFUSED", pgettext_lazy("rights request", "Refused")
    WITHDRAWN = "WITHDRAWN", pgettext_lazy("rights request", "Withdrawn")


RIGHTS_MOVES: dict[str, frozenset[str]] = {
    RightsState.RECEIVED: frozenset({RightsState.CHECKED, RightsState.REFUSED, RightsState.WITHDRAWN}),
    RightsState.CHECKED: frozenset({RightsState.ANSWERED, RightsState.REFUSED, RightsState.WITHDRAWN}),
    RightsState.ANSWERED: frozenset(),
    RightsState.REFUSED: frozenset(),
    RightsState.WITHDRAWN: frozenset(),
}
RIGHTS_OPEN = (RightsState.RECEIVED, RightsState.CHECKED)


class RefusalCode(models.TextChoices):
    """Why a request is refused; the words to the customer stand beside it."""

    NOT_IDENTIFIED = "NOT_IDENTIFIED", _("The person could not be identified")
    NOT_ENTITLED = "NOT_ENTITLED", _("The person may not ask this for the customer")
    NOTHING_HELD = "NOTHING_HELD", _("We hold nothing of the kind")
    REPEATED = "REPEATED", _("Answered a short while ago, nothing has changed")
    LAW_FORBIDS = "LAW_FORBIDS", _("A law forbids it")


class Outcome(models.TextChoices):
    """What an answer did."""

    TOLD = "TOLD", _("Told")
    HANDED_OVER = "HANDED_OVER", _("Data handed over")
    CORRECTED = "CORRECTED", _("Corrected")
    ERASED = "ERASED", _("Deleted")
    ERASED_IN_PART = "ERASED_IN_PART", _("Deleted, except what a law keeps")
    STORED_ONLY = "STORED_ONLY", _("Not deleted yet: stored only, no further use")
    CLOSED = "CLOSED", _("Customer account closed")


class RightsAct(models.TextChoices):
    RECEIVED = "RECEIVED", pgettext_lazy("rights request", "Received")
    CHECKED = "CHECKED", _("Identity checked")
    EXPORTED = "EXPORTED", _("Data put together")
    FETCHED = "FETCHED", _("Data downloaded")
    REMINDED = "REMINDED", _("Owner reminded")
    HANDED_OVER = "HANDED_OVER", _("Overdue: brought to the director")
    ANSWERED = "ANSWERED", pgettext_lazy("rights request", "Answered")
    REFUSED = "REFUSED", pgettext_lazy("rights request", "Refused")
    WITHDRAWN = "WITHDRAWN", pgettext_lazy("rights request", "Withdrawn")
