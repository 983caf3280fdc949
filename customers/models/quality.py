"""What is wrong with an archive, as rows that lists and counts read (D§5.4, D§26): one a customer and kind."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from customers.models.archive import Customer
from foundation.common import clock
from foundation.common.merging import OnMerge
from foundation.common.personal import Personal
from staff.models import User
from staff.rights import sight_of


class QualityKind(models.TextChoices):
    """What a person can mend, the gravest first."""

    NAME_MISSING = "NAME_MISSING", _("Name missing")
    ID_MISSING = "ID_MISSING", _("Document missing")
    IDENTITY_OPEN = "IDENTITY_OPEN", _("Identity not verified")
    CONTACT_MISSING = "CONTACT_MISSING", _("No number or address to reach")
    CONTACT_BOUNCED = "CONTACT_BOUNCED", _("Messages came back")
    CONTACT_UNVERIFIED = "CONTACT_UNVERIFIED", _("Contact not verified")
    BIRTHDAY_MISSING = "BIRTHDAY_MISSING", _("Birthday missing")
    BIRTHDAY_PLACEHOLDER = "BIRTHDAY_PLACEHOLDER", _("Birthday looks like a filler")
    STALE = "STALE", _("Not confirmed for long")
    BELOW_TARGET = "BELOW_TARGET", _("Below the target of completeness")


class QualityItemQuerySet(models.QuerySet["QualityItem"]):
    def visible_to(self, user: User) -> QualityItemQuerySet:
        """Items of the customers in the user's own scope (D§3.1)."""
        return self.filter(sight_of(user, "customers.view").rows(unit_no="unit_no", owner="manager_id"))


class QualityItem(models.Model):
    """Reckoned from the archive (`customers/quality.py`): with each change of it, and for all by night."""

    on_merge: ClassVar = {"customer": OnMerge.KEEP}
    personal: ClassVar = Personal(of="customer", plain=("kind",), unread=True)

    id = models.BigAutoField(primary_key=True)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="quality_items", db_index=False)
    kind = models.CharField(max_length=24, choices=QualityKind.choices)
    unit_no = models.IntegerField()
    manager_id = models.IntegerField(null=True)
    since = models.DateTimeField(default=clock.now)

    objects = QualityItemQuerySet.as_manager()

    class Meta:
        db_table = "customers_quality_item"
        constraints: ClassVar = [models.UniqueConstraint(fields=["customer", "kind"], name="customer_quality_once")]
        indexes: ClassVar = [
            models.Index(fields=["kind", "-customer"], name="quality_kind"),
            models.Index(fields=["kind", "unit_no", "-customer"], name="quality_kind_unit"),
            models.Index(
                fields=["manager_id", "kind", "-customer"],
                name="quality_manager",
                condition=models.Q(manager_id__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.customer_id} {self.kind}"
