"""Why complaints come about: causes set at closing, in a tree of two levels (D§10.2)."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import get_language

from foundation.common.personal import Personal


class CauseQuerySet(models.QuerySet["Cause"]):
    def offered(self) -> CauseQuerySet:
        """Those that may be chosen: neither retired nor below a retired one."""
        return self.filter(Q(parent=None) | Q(parent__active=True), active=True)


class Cause(models.Model):
    """A cause with both names, a code list; seed: complaints/causes.toml. `network`: such a case is not charged to a
    person (D§20.1)."""

    personal: ClassVar = Personal(of=None, plain=("code", "name_zh", "name_en"))

    code = models.CharField(max_length=40, unique=True)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    name_zh = models.CharField(max_length=60)
    name_en = models.CharField(max_length=60)
    network = models.BooleanField(default=False)
    order = models.PositiveSmallIntegerField(default=0)
    active = models.BooleanField(default=True)

    objects = CauseQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(parent__isnull=True) | ~Q(parent=F("id")), name="cause_not_own_parent"),
            models.CheckConstraint(condition=~Q(name_zh="") & ~Q(name_en=""), name="cause_named_in_both"),
        ]

    def __str__(self) -> str:
        return self.name_en if (get_language() or "").startswith("en") else self.name_zh


class RequiredFact(models.Model):
    """What must be asked when a complaint of a topic is taken: a question with both wordings, in order. A
    retired one is asked no more; answers given to it stay."""

    personal: ClassVar = Personal(of=None, plain=("code", "ask_zh", "ask_en"))

    topic = models.ForeignKey("interactions.Topic", on_delete=models.CASCADE, related_name="+")
    code = models.CharField(max_length=40)
    ask_zh = models.CharField(max_length=120)
    ask_en = models.CharField(max_length=120)
    required = models.BooleanField(default=True)
    order = models.PositiveSmallIntegerField(default=0)
    active = models.BooleanField(default=True, db_default=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["topic", "code"], name="complaint_fact_once")]

    def __str__(self) -> str:
        return self.ask_en if (get_language() or "").startswith("en") else self.ask_zh
