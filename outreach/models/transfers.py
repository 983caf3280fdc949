"""Handing a customer from one manager to another: offered or claimed, and who said yes (D§26)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.models import Customer
from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.merging import OnMerge
from foundation.common.personal import Personal
from staff.models import User
from staff.rights import sight_of

TRANSFER_RIGHT = "customers.transfer"


class ManagerTransferQuerySet(models.QuerySet["ManagerTransfer"]):
    def open(self) -> ManagerTransferQuerySet:
        return self.filter(state=ManagerTransfer.State.OPEN)

    def visible_to(self, user: User) -> ManagerTransferQuerySet:
        """Those the user asked for, gives or would get, and those of the customers "customers.transfer" covers."""
        mine = Q(asked_by=user) | Q(to_manager=user) | Q(from_manager=user)
        if user.has_perm(TRANSFER_RIGHT):
            mine |= sight_of(user, TRANSFER_RIGHT).rows(unit_no="customer__unit_no", owner="customer__manager_id")
        return self.filter(mine)


class ManagerTransfer(Row):
    """One offer of a customer to another manager, or one manager's claim to a customer.

    Until it is accepted the customer stays where it is. `from_manager` is null for a customer nobody managed.
    """

    class Kind(models.TextChoices):
        OFFER = "OFFER", _("Offered")
        CLAIM = "CLAIM", _("Claimed")

    class State(models.TextChoices):
        OPEN = "OPEN", pgettext_lazy("transfer", "Waits for an answer")
        ACCEPTED = "ACCEPTED", pgettext_lazy("transfer", "Accepted")
        REFUSED = "REFUSED", pgettext_lazy("transfer", "Refused")
        WITHDRAWN = "WITHDRAWN", pgettext_lazy("transfer", "Withdrawn")
        SUPERSEDED = "SUPERSEDED", _("Another manager has it")

    on_merge: ClassVar = {"customer": OnMerge.MOVE}
    personal: ClassVar = Personal(of="customer", empty=("reason", "answer"), plain=("kind", "state"))

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="manager_transfers")
    kind = models.CharField(max_length=6, choices=Kind.choices)
    state = models.CharField(max_length=12, choices=State.choices, default=State.OPEN)
    from_manager = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    to_manager = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=clock.now)
    reason = models.CharField(max_length=200, blank=True)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    decided_at = models.DateTimeField(null=True)
    answer = models.CharField(max_length=200, blank=True)

    objects = ManagerTransferQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(state="OPEN", decided_at__isnull=True) | ~Q(state="OPEN") & Q(decided_at__isnull=False),
                name="transfer_decided_has_its_moment",
            ),
        ]

    def __str__(self) -> str:
        return self.ref
