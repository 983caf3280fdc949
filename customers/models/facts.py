"""What jobs and upper rooms find out of the customer and push down (design §2)."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from customers.models.archive import Customer
from customers.models.book_keys import contact_key, contract_key
from customers.models.value import Location, RelationshipBand, ValueCell, ValueClass
from foundation.common.merging import OnMerge
from foundation.common.personal import Personal


class CustomerFacts(models.Model):
    """What jobs and upper rooms find out and others need: one narrow row per customer.

    `manager_id` repeats the customer's, for the orders of a manager's list; it follows with the find rows.
    """

    on_merge: ClassVar = {"customer": OnMerge.COMBINE}
    personal: ClassVar = Personal(
        of="customer",
        empty=("personas",),
        plain=("credit_grade", "tier", "value_class", "value_cell", "location", "relationship_band"),
    )

    customer = models.OneToOneField(Customer, primary_key=True, on_delete=models.CASCADE, related_name="facts")
    tier = models.CharField(max_length=12, blank=True)
    last_contact_at = models.DateTimeField(null=True)
    contacts_total = models.PositiveIntegerField(default=0)
    mean_revenue = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    contract_end = models.DateField(null=True)
    manager_id = models.IntegerField(null=True)
    # Of the newest month and quarter judged (customers/value/): changed for everybody at once, so none has an index.
    value_month = models.DateField(null=True)
    value_amount = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    value_class = models.CharField(max_length=3, default="", db_default="", choices=ValueClass.choices)
    potential = models.PositiveSmallIntegerField(null=True)
    value_cell = models.CharField(max_length=8, default="", db_default="", choices=ValueCell.choices)
    clv = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    personas = ArrayField(models.CharField(max_length=12), default=list, db_default=[])
    location = models.CharField(max_length=20, default="", db_default="", choices=Location.choices)
    relationship_month = models.DateField(null=True)
    relationship_score = models.PositiveSmallIntegerField(null=True)
    relationship_band = models.CharField(max_length=8, default="", db_default="", choices=RelationshipBand.choices)
    # What billing is still owed on all accounts, and the earliest day an open bill was or is due; null: nothing open.
    open_debt = models.DecimalField(max_digits=14, decimal_places=2, null=True)
    debt_due_on = models.DateField(null=True)
    # Of the newest month of credit; of an enterprise the worst grade of its accounts and their limits together (CNY).
    credit_month = models.DateField(null=True)
    credit_grade = models.CharField(max_length=1, default="", db_default="")
    credit_limit = models.PositiveIntegerField(null=True)

    class Meta:
        db_table = "customers_facts"
        indexes: ClassVar = [
            models.Index(
                F("manager_id"),
                contact_key(),
                F("customer"),
                name="facts_manager_contact",
                condition=Q(manager_id__isnull=False),
            ),
            models.Index(
                F("manager_id"),
                contract_key(),
                F("customer"),
                name="facts_manager_contract",
                condition=Q(manager_id__isnull=False),
            ),
        ]
