"""What contacts are about: a tree of two levels, shared later by complaints (D§10.2)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, Lower
from django.utils.translation import get_language

from foundation.common.personal import Personal


class Topic(models.Model):
    """A topic with both names; a code list, so it is data and not in the catalogues. Seed: interactions/topics.toml."""

    personal: ClassVar = Personal(of=None, plain=("code", "name_zh", "name_en"))

    code = models.CharField(max_length=40, unique=True)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    name_zh = models.CharField(max_length=60)
    name_en = models.CharField(max_length=60)
    order = models.PositiveSmallIntegerField(default=0)
    active = models.BooleanField(default=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(parent__isnull=True) | ~Q(parent=F("id")), name="topic_not_own_parent"),
            models.CheckConstraint(condition=~Q(name_zh="") & ~Q(name_en=""), name="topic_named_in_both"),
            # Two of one name beside each other could not be told apart when one is chosen.
            models.UniqueConstraint(
                Coalesce("parent", Value(0)), Lower("name_zh"), condition=Q(active=True), name="topic_name_zh_once"
            ),
            models.UniqueConstraint(
                Coalesce("parent", Value(0)), Lower("name_en"), condition=Q(active=True), name="topic_name_en_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name_en if (get_language() or "").startswith("en") else self.name_zh

    @property
    def is_offered(self) -> bool:
        """Whether it may be chosen for something new: neither it nor what it lies below is retired."""
        return self.active and (self.parent is None or self.parent.active)
