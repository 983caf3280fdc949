"""Side tables that make every kind of search one short index look-up (recipes §5).

Every look-up has two ways: by the value alone, for those who see everything, and by unit and value, for those who see
some units; the planner takes the shorter. Columns sort by code point (collation C), so that one plain index serves
equality, prefix and order.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Concat, Left

from foundation.common import clock
from foundation.common.merging import OnMerge
from foundation.common.personal import ByStep, Personal


class FindName(models.Model):
    """The searchable forms of a customer's name and the end of the ID number."""

    on_merge: ClassVar = {"customer_id": OnMerge.KEEP}
    personal: ClassVar = Personal(of="customer_id", delete=True, unread=True)

    customer_id = models.BigIntegerField(primary_key=True)
    unit_no = models.IntegerField()
    manager_id = models.IntegerField(null=True)
    name = models.CharField(max_length=200, db_collation="C")
    short_name = models.CharField(max_length=80, blank=True, db_default="", db_collation="C")
    pinyin = models.CharField(max_length=400, db_collation="C")
    initials = models.CharField(max_length=80, db_collation="C")
    short_pinyin = models.CharField(max_length=400, blank=True, db_default="", default="", db_collation="C")
    short_initials = models.CharField(max_length=80, blank=True, db_default="", default="", db_collation="C")
    id_last4 = models.CharField(max_length=4, blank=True)

    class Meta:
        db_table = "customer_find_name"
        indexes: ClassVar = [
            models.Index(fields=["name", "customer_id"], name="find_name"),
            models.Index(fields=["unit_no", "name", "customer_id"], name="find_name_unit"),
            models.Index(fields=["short_name", "customer_id"], name="find_short_name", condition=~Q(short_name="")),
            models.Index(fields=["pinyin", "customer_id"], name="find_pinyin"),
            models.Index(fields=["unit_no", "pinyin", "customer_id"], name="find_pinyin_unit"),
            models.Index(fields=["initials", "-customer_id"], name="find_initials"),
            models.Index(fields=["initials", "unit_no", "-customer_id"], name="find_initials_unit"),
            # A sign and letters behind it, for who sees everything.
            models.Index(Concat(Left("name", 1), "pinyin"), "customer_id", name="find_sign_pinyin"),
            models.Index(Concat(Left("name", 1), "initials"), F("customer_id").desc(), name="find_sign_initials"),
            # Few customers have a short name: these are small.
            models.Index(
                fields=["short_pinyin", "customer_id"], name="find_short_pinyin", condition=~Q(short_pinyin="")
            ),
            models.Index(
                fields=["unit_no", "short_pinyin", "customer_id"],
                name="find_short_pinyin_unit",
                condition=~Q(short_pinyin=""),
            ),
            models.Index(
                fields=["short_initials", "-customer_id"], name="find_short_initials", condition=~Q(short_initials="")
            ),
            models.Index(
                fields=["short_initials", "unit_no", "-customer_id"],
                name="find_short_initials_unit",
                condition=~Q(short_initials=""),
            ),
            models.Index(
                fields=["id_last4", "-customer_id"],
                include=["unit_no"],
                condition=~Q(id_last4=""),
                name="find_id_last4",
            ),
            models.Index(fields=["manager_id"], name="find_name_manager", condition=Q(manager_id__isnull=False)),
            models.Index(
                fields=["manager_id", "pinyin", "customer_id"],
                name="find_name_book",
                condition=Q(manager_id__isnull=False),
            ),
        ]


class FindNumber(models.Model):
    """One searchable number or address of a customer."""

    on_merge: ClassVar = {"customer_id": OnMerge.KEEP}
    personal: ClassVar = Personal(of="customer_id", delete=True, unread=True)

    class Kind(models.TextChoices):
        PHONE = "PHONE"
        LINE = "LINE"
        EXTERNAL = "EXTERNAL"
        CUSTOMER = "CUSTOMER"
        EMAIL = "EMAIL"

    pk = models.CompositePrimaryKey("customer_id", "kind", "value")
    customer_id = models.BigIntegerField()
    kind = models.CharField(max_length=8, choices=Kind.choices)
    value = models.CharField(max_length=254, db_collation="C")
    # Phones and lines reversed, so that "ends with" is a prefix; empty for the other kinds.
    tail = models.CharField(max_length=64, blank=True, db_default="", db_collation="C")
    unit_no = models.IntegerField()
    manager_id = models.IntegerField(null=True)

    class Meta:
        db_table = "customer_find_number"
        indexes: ClassVar = [
            models.Index(fields=["value", "customer_id"], name="find_number"),
            models.Index(fields=["unit_no", "value", "customer_id"], name="find_number_unit"),
            models.Index(fields=["tail", "customer_id"], name="find_tail", condition=~Q(tail="")),
            models.Index(fields=["unit_no", "tail", "customer_id"], name="find_tail_unit", condition=~Q(tail="")),
            models.Index(fields=["manager_id"], name="find_number_manager", condition=Q(manager_id__isnull=False)),
        ]


class NameGram(models.Model):
    """One two-character piece of a customer's name or short name."""

    on_merge: ClassVar = {"customer_id": OnMerge.KEEP}
    personal: ClassVar = Personal(of="customer_id", delete=True, unread=True)

    pk = models.CompositePrimaryKey("gram", "customer_id")
    gram = models.CharField(max_length=2, db_collation="C")
    customer_id = models.BigIntegerField()
    unit_no = models.IntegerField()
    manager_id = models.IntegerField(null=True)

    class Meta:
        db_table = "customer_name_gram"
        indexes: ClassVar = [
            models.Index(fields=["gram", "unit_no", "-customer_id"], name="name_gram_unit"),
            models.Index(fields=["customer_id"], name="name_gram_customer"),
            models.Index(
                fields=["manager_id", "gram"], name="name_gram_manager", condition=Q(manager_id__isnull=False)
            ),
        ]


class SearchLink(models.Model):
    """What a person searched for, behind an opaque id that lives an hour: no personal datum stands in a URL."""

    personal: ClassVar = Personal(of=ByStep("customers.looking"), delete=True)

    token = models.CharField(max_length=32, primary_key=True)
    user_id = models.IntegerField()
    query = models.CharField(max_length=80)
    created_at = models.DateTimeField(default=clock.now, db_index=True)

    class Meta:
        db_table = "customer_search_link"
