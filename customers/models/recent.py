"""Whom a person looked at last."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from foundation.common.personal import ByStep, Personal
from staff.models import User


class RecentlyViewed(models.Model):
    """The customers whose page a person opened last, the newest first: ids alone, one short row a person."""

    personal: ClassVar = Personal(of=ByStep("customers.looking"), plain=("customer_ids",))

    KEPT = 12

    user = models.OneToOneField(User, primary_key=True, on_delete=models.CASCADE, related_name="+")
    customer_ids = ArrayField(models.BigIntegerField())

    def __str__(self) -> str:
        return str(self.pk)
