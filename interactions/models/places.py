"""Where customers reach us: each hall, hotline and account with its unit and opening hours (INT-02, INT-07)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import get_language

from foundation.common.personal import Personal
from interactions.lifecycle import Channel
from staff.models import OrgUnit


class ContactPlace(models.Model):
    """One place: a hotline, a hall, an official account. Names are data, in both languages.

    `calendar_code`: the work calendar it keeps (24x7: ROUND_THE_CLOCK). `address`: number, street or link-out address.
    """

    personal: ClassVar = Personal(of=None, plain=("channel", "name_zh", "name_en", "address", "calendar_code"))

    channel = models.CharField(max_length=12, choices=Channel.choices)
    unit = models.ForeignKey(OrgUnit, on_delete=models.PROTECT, related_name="contact_places")
    name_zh = models.CharField(max_length=60)
    name_en = models.CharField(max_length=60)
    address = models.CharField(max_length=200, blank=True)
    calendar_code = models.CharField(max_length=32)
    active = models.BooleanField(default=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(name_zh="") & ~Q(name_en=""), name="place_named_in_both"),
            models.UniqueConstraint(
                fields=["unit", "channel", "name_zh"], condition=Q(active=True), name="place_once_in_unit"
            ),
        ]

    def __str__(self) -> str:
        return self.name_en if (get_language() or "").startswith("en") else self.name_zh

    @property
    def is_link(self) -> bool:
        """Whether the address leads out to a page."""
        return self.address.startswith("https://")
