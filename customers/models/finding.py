"""Side tables that make every kind of search one short index look-up (recipes §5)."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.indexes import OpClass
from django.db import models
from django.db.models import F, Q

from foundation.common import clock
from foundation.common.ids import Row


class FindName(models.Model):
    """The searchable forms of a customer's name and the end of the ID number."""

    customer_id = models.BigIntegerField(primary_key=True)
    unit_no = models.IntegerField()
    manager_id = models.IntegerField(null=True)
    name = models.CharField(max_length=200)
    pinyin = models.CharField(max_length=400)
    initials = models.CharField(max_length=80)
    id_last4 = models.CharField(max_length=4, blank=True)

    class Meta:
        db_table = "customer_find_name"
        indexes: ClassVar = [
            models.Index(OpClass(F("name"), "text_pattern_ops"), name="find_name"),
            models.Index(OpClass(F("pinyin"), "text_pattern_ops"), name="find_pinyin"),
            models.Index(fields=["initials", "-customer_id"], include=["unit_no", "manager_id"], name="find_initials"),
            models.Index(
                fields=["id_last4", "-customer_id"],
                include=["unit_no", "manager_id"],
                condition=~Q(id_last4=""),
                name="find_id_last4",
            ),
        ]


class FindNumber(Row):
    """One searchable number of a customer: phone, line, account, external or business number."""

    class Kind(models.TextChoices):
        PHONE = "PHONE"
        LINE = "LINE"
        EXTERNAL = "EXTERNAL"
        CUSTOMER = "CUSTOMER"

    customer_id = models.BigIntegerField()
    unit_no = models.IntegerField()
    manager_id = models.IntegerField(null=True)
    kind = models.CharField(max_length=8, choices=Kind.choices)
    value = models.CharField(max_length=64)
    tail = models.CharField(max_length=64)  # the value reversed, so that "ends with" is a prefix

    class Meta:
        db_table = "customer_find_number"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer_id", "kind", "value"], name="find_number_once")
        ]
        indexes: ClassVar = [
            models.Index(OpClass(F("value"), "text_pattern_ops"), name="find_number"),
            models.Index(
                OpClass(F("tail"), "text_pattern_ops"),
                F("customer_id").desc(),
                include=["unit_no", "manager_id"],
                name="find_number_tail",
            ),
        ]


class NameGram(models.Model):
    """One two-character piece of a customer's name."""

    pk = models.CompositePrimaryKey("gram", "customer_id")
    gram = models.CharField(max_length=2)
    customer_id = models.BigIntegerField()
    unit_no = models.IntegerField()
    manager_id = models.IntegerField(null=True)

    class Meta:
        db_table = "customer_name_gram"
        indexes: ClassVar = [
            models.Index(fields=["gram", "-customer_id"], include=["unit_no", "manager_id"], name="name_gram_newest"),
            models.Index(fields=["customer_id"], name="name_gram_customer"),
        ]


class SearchLink(models.Model):
    """What a person searched for, behind an opaque id that lives an hour: no personal datum stands in a URL."""

    token = models.CharField(max_length=32, primary_key=True)
    user_id = models.IntegerField()
    query = models.CharField(max_length=80)
    created_at = models.DateTimeField(default=clock.now, db_index=True)

    class Meta:
        db_table = "customer_search_link"
