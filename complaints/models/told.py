"""What a program told of a case that nothing of ours holds."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from complaints.models.cases import Complaint
from foundation.common.personal import Personal


class TicketTold(models.Model):
    """References to objects of other systems, and what the caller calls the case (rest.md: kept, not refused).

    `told`: {"channel": …, "relatedEntity": […], "relatedParty": […]} as they came. `wished_for`: the customer's wish.
    """

    personal: ClassVar = Personal(
        of="complaint__customer", empty=("external_id",), null=("told",), plain=("schema_location",)
    )

    complaint = models.OneToOneField(Complaint, on_delete=models.CASCADE, primary_key=True, related_name="told")
    external_id = models.CharField(max_length=80, blank=True, db_index=True)
    wished_for = models.DateTimeField(null=True)
    schema_location = models.CharField(max_length=400, blank=True)
    told = models.JSONField(null=True, default=dict)
