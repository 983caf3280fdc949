"""One append-only stream per customer. A line is a kind and parameters, never copied text."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models

from foundation.common.ids import Row, moment_of
from foundation.common.merging import OnMerge
from foundation.common.personal import Personal

CONTACT = (
    "contact.logged"  # an answered contact; the room that writes them makes it count (customers/value/contacts.py)
)


class TimelineLine(Row):
    """Something that happened with a customer. Rendered by the kind's registered words (customers/timeline.py).

    `params` holds codes, numbers and ids; texts stay in the row `ref_id` points to and are read when shown.
    """

    on_merge: ClassVar = {"customer_id": OnMerge.READ_THROUGH}
    personal: ClassVar = Personal(of="customer_id", plain=("kind", "params"))

    careline_partitioned = "id"

    customer_id = models.BigIntegerField()
    kind = models.CharField(max_length=40)
    ref_id = models.BigIntegerField(null=True)
    params = models.JSONField(default=dict)
    actor_id = models.BigIntegerField(null=True)
    unit_id = models.IntegerField(null=True)

    class Meta:
        db_table = "timeline"
        indexes: ClassVar = [
            models.Index(fields=["customer_id", "-id"], name="timeline_customer"),
            # Jobs over everybody look for the few lines that are answered contacts.
            models.Index(fields=["customer_id", "id"], name="timeline_contacts", condition=models.Q(kind=CONTACT)),
        ]

    @property
    def at(self) -> datetime:
        """The moment of the line, from its id."""
        return moment_of(self.pk)
