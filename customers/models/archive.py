"""The customer, how to reach them, what we know of them, and the facts other apps push down (D§4, D§5)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers import visibility
from customers.models.birthday_key import BIRTHDAY_KEY
from customers.models.book_keys import contact_key, contract_key
from customers.models.value import Location, RelationshipBand, ValueCell, ValueClass
from foundation.common import clock, crypto
from foundation.common.ids import Row
from foundation.common.merging import OnMerge
from foundation.common.personal import Personal
from staff.models import User
from staff.rights import sight_of

if TYPE_CHECKING:
    from customers.models.subscriptions import Subscription


class CustomerQuerySet(models.QuerySet["Customer"]):
    def visible_to(self, user: User, opened: Collection[int] | None = None) -> CustomerQuerySet:
        """Customers in the user's own scope, and those the user's own contacts and promises open now (D§3.1).

        `opened`: their ids, when the caller has asked `visibility.opened_ids` already; else asked here.
        """
        seen = sight_of(user, "customers.view").rows(unit_no="unit_no", owner="manager_id")
        if seen and user.has_perm("customers.find"):
            seen |= Q(pk__in=visibility.opened_ids(user) if opened is None else opened)
        return self.filter(seen, merged_into=None)

    def in_scope_of(self, user: User) -> CustomerQuerySet:
        """Customers in the user's own scope alone: what lists, counts and exports show (D§3.1)."""
        seen = sight_of(user, "customers.view").rows(unit_no="unit_no", owner="manager_id")
        return self.filter(seen, merged_into=None)


class Customer(Row):
    """The legal party to contracts: a person or an enterprise."""

    on_merge: ClassVar = {"parent": OnMerge.MOVE, "merged_into": OnMerge.MOVE}
    personal: ClassVar = Personal(
        of="id",
        token=("name",),
        empty=("source_no", "short_name", "gender", "id_last4", "quality_marks"),
        null=("birth_date", "lunar_month", "lunar_day", "id_sealed", "id_hash"),
        fixed={"birthday_kind": "SOLAR", "lunar_leap": False},
        plain=(
            "number",
            "source",
            "customer_type",
            "segment",
            "status",
            "id_type",
            "identity_status",
            "home_city",
            "area_type",
            "language",
            "channel_preference",
        ),
        kept="identity",
        kept_columns=("name", "birth_date", "id_sealed", "id_hash", "id_last4"),
        unread=("id_hash",),
    )

    class Type(models.TextChoices):
        PERSON = "PERSON", pgettext_lazy("customer", "Person")
        ENTERPRISE = "ENTERPRISE", _("Enterprise")

    class Status(models.TextChoices):
        PROSPECT = "PROSPECT", _("Prospect")
        ACTIVE = "ACTIVE", _("Active")
        DORMANT = "DORMANT", _("Dormant")
        FORMER = "FORMER", _("Former")
        DECEASED = "DECEASED", _("Deceased")
        ANONYMISED = "ANONYMISED", _("Anonymised")
        MERGED = "MERGED", _("Merged into another")

    class IdType(models.TextChoices):
        ID_CARD = "ID_CARD", _("Resident ID card")
        PASSPORT = "PASSPORT", _("Passport")
        LICENCE = "LICENCE", _("Business licence")
        OTHER = "OTHER", _("Other document")

    class IdentityStatus(models.TextChoices):
        UNVERIFIED = "UNVERIFIED", _("Not verified")
        VERIFIED = "VERIFIED", _("Verified")
        REJECTED = "REJECTED", _("Rejected")
        RECHECK = "RECHECK", _("To be verified again")

    class Segment(models.TextChoices):
        PERSON = "PERSON", _("Ordinary person")
        STUDENT = "STUDENT", _("Student")
        FAMILY = "FAMILY", _("Family")
        SENIOR = "SENIOR", _("Senior (65+)")
        ENTERPRISE = "ENTERPRISE", _("Enterprise")

    class AreaType(models.TextChoices):
        URBAN = "URBAN", _("Urban")
        RURAL = "RURAL", _("Rural")

    class BirthdayKind(models.TextChoices):
        SOLAR = "SOLAR", _("Solar")
        LUNAR = "LUNAR", _("Lunar")

    number = models.CharField(max_length=20, unique=True)
    source = models.CharField(max_length=32, blank=True)
    source_no = models.CharField(max_length=64, blank=True)
    customer_type = models.CharField(max_length=12, choices=Type.choices, default=Type.PERSON)
    segment = models.CharField(max_length=12, choices=Segment.choices, default=Segment.PERSON)
    name = models.CharField(max_length=200)
    short_name = models.CharField(max_length=80, blank=True)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.ACTIVE)
    gender = models.CharField(max_length=1, blank=True, choices=[("F", _("Female")), ("M", _("Male"))])
    birthday_kind = models.CharField(max_length=8, choices=BirthdayKind.choices, default=BirthdayKind.SOLAR)
    birth_date = models.DateField(null=True, blank=True)
    lunar_month = models.PositiveSmallIntegerField(null=True, blank=True)
    lunar_day = models.PositiveSmallIntegerField(null=True, blank=True)
    lunar_leap = models.BooleanField(default=False)
    id_type = models.CharField(max_length=12, blank=True, choices=IdType.choices)
    id_sealed = models.BinaryField(null=True)
    id_hash = models.BinaryField(null=True)
    id_last4 = models.CharField(max_length=4, blank=True)
    identity_status = models.CharField(max_length=12, choices=IdentityStatus.choices, default=IdentityStatus.UNVERIFIED)
    home_city = models.CharField(max_length=60, blank=True)
    area_type = models.CharField(max_length=8, blank=True, choices=AreaType.choices)
    language = models.CharField(max_length=8, default="zh-hans")
    channel_preference = models.CharField(max_length=16, blank=True)
    manager = models.ForeignKey(
        User,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="managed_customers",
        db_index=False,
    )
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="members")
    # The archive that took this one up, never one that was taken up itself (customers/merging).
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="absorbed", db_index=False
    )
    unit_id = models.IntegerField()
    unit_no = models.IntegerField()
    quality_marks = ArrayField(models.CharField(max_length=32), default=list, blank=True)
    is_sample = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(default=clock.now)
    created_by_id = models.IntegerField(null=True)
    updated_at = models.DateTimeField(default=clock.now)

    subscriptions: models.Manager[Subscription]
    objects = CustomerQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["source", "source_no"], condition=~Q(source_no=""), name="customer_source_once"
            ),
            models.CheckConstraint(
                condition=Q(birthday_kind="SOLAR") | Q(lunar_month__range=(1, 12), lunar_day__range=(1, 30)),
                name="customer_lunar_birthday_whole",
            ),
            models.CheckConstraint(
                condition=Q(id_hash__isnull=True, id_sealed__isnull=True)
                | Q(id_hash__isnull=False, id_sealed__isnull=False),
                name="customer_id_sealed_and_indexed",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["unit_no", "-id"], name="customer_unit"),
            models.Index(fields=["manager", "-id"], name="customer_manager", condition=Q(manager__isnull=False)),
            models.Index(fields=["id_hash"], name="customer_id_hash", condition=Q(id_hash__isnull=False)),
            models.Index(fields=["home_city", "-id"], name="customer_city"),
            models.Index(fields=["id"], name="customer_sample", condition=Q(is_sample=True)),
            models.Index(fields=["home_city", "unit_no", "-id"], name="customer_city_unit"),
            models.Index(fields=["segment", "-id"], name="customer_segment"),
            models.Index(fields=["-id"], name="customer_company", condition=Q(customer_type="ENTERPRISE")),
            models.Index(fields=["status", "-id"], name="customer_not_active", condition=~Q(status="ACTIVE")),
            models.Index(fields=["-id"], name="customer_marked", condition=~Q(quality_marks=[])),
            models.Index(fields=["merged_into"], name="customer_merged", condition=Q(merged_into__isnull=False)),
            models.Index(BIRTHDAY_KEY, F("id"), name="customer_birthday", condition=Q(customer_type="PERSON")),
        ]

    def __str__(self) -> str:
        return self.number

    def is_visible_to(self, user: User, opened: Collection[int]) -> bool:
        """The same answer as `visible_to`, for a row that has been read."""
        if self.merged_into_id is not None:
            return False
        sight = sight_of(user, "customers.view")
        if sight.covers(unit_no=self.unit_no, owner_id=self.manager_id):
            return True
        return self.pk in opened and user.has_perm("customers.find")

    def id_number(self) -> str:
        """The clear ID number, or "" when none is stored. Callers record the reveal."""
        return crypto.decrypt(self.id_sealed, row_id=self.pk) if self.id_sealed else ""


class ContactPoint(Row):
    """A way to reach the customer, with the time it holds and whether it was verified."""

    on_merge: ClassVar = {"customer": OnMerge.MOVE}
    personal: ClassVar = Personal(of="customer", delete=True)

    class Kind(models.TextChoices):
        MOBILE = "MOBILE", _("Mobile")
        PHONE = "PHONE", _("Phone")
        EMAIL = "EMAIL", _("E-mail")
        IM = "IM", _("Messenger")

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="contact_points")
    kind = models.CharField(max_length=8, choices=Kind.choices)
    value = models.CharField(max_length=254)
    label = models.CharField(max_length=40, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    is_primary = models.BooleanField(default=False)
    valid_from = models.DateField(default=clock.today)
    valid_to = models.DateField(null=True, blank=True)
    do_not_use = models.CharField(max_length=80, blank=True)
    bounced_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer", "kind", "value"],
                condition=Q(valid_to__isnull=True),
                name="contact_point_once",
            ),
            models.UniqueConstraint(
                fields=["customer", "kind"],
                condition=Q(is_primary=True, valid_to__isnull=True),
                name="contact_point_one_primary",
            ),
        ]


class Address(Row):
    """Where the customer lives, is billed, or has a line installed."""

    on_merge: ClassVar = {"customer": OnMerge.MOVE}
    personal: ClassVar = Personal(of="customer", delete=True)

    class Kind(models.TextChoices):
        HOME = "HOME", _("Home")
        BILLING = "BILLING", _("Billing")
        INSTALLATION = "INSTALLATION", _("Installation")
        OFFICE = "OFFICE", _("Office")

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="addresses")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    province = models.CharField(max_length=40, blank=True)
    city = models.CharField(max_length=60, blank=True)
    district = models.CharField(max_length=60, blank=True)
    street = models.CharField(max_length=200, blank=True)
    postcode = models.CharField(max_length=12, blank=True)
    valid_to = models.DateField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["customer", "kind"], condition=Q(valid_to__isnull=True), name="address_one_of_a_kind"
            )
        ]


class ProfileField(Row):
    """An optional fact about a person: kept only for a purpose and with the person's consent (D§5.5)."""

    on_merge: ClassVar = {"customer": OnMerge.MOVE}
    personal: ClassVar = Personal(of="customer", delete=True, optional=True)

    class Key(models.TextChoices):
        PERSONALITY = "PERSONALITY", _("Personality")
        INTERESTS = "INTERESTS", _("Interests")
        EDUCATION = "EDUCATION", _("Education")
        EXPERIENCE = "EXPERIENCE", _("Experience")
        SPECIALITY = "SPECIALITY", _("Speciality")
        TECH_SKILL = "TECH_SKILL", _("Skill with technology")
        INCOME_BAND = "INCOME_BAND", _("Income band")
        SPENDING_HABIT = "SPENDING_HABIT", _("Spending habit")
        SERVICE_VIEWS = "SERVICE_VIEWS", _("Views on our service")
        STRATUM = "STRATUM", _("Social standing")
        FAMILY = "FAMILY", _("Family")

    class VerifiedHow(models.TextChoices):
        TOLD = "TOLD", _("Confirmed by the customer")
        PAPER = "PAPER", _("Paper seen")
        USE = "USE", _("Seen from how our service is used")

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="profile_fields")
    key = models.CharField(max_length=16, choices=Key.choices)
    value = models.CharField(max_length=400)
    source = models.CharField(max_length=40)
    purpose = models.CharField(max_length=120)
    consent_evidence = models.CharField(max_length=200)
    verified_at = models.DateTimeField(null=True, blank=True)
    verified_how = models.CharField(max_length=8, blank=True, db_default="", choices=VerifiedHow.choices)
    verified_by_id = models.BigIntegerField(null=True)
    as_of = models.DateField(default=clock.today)
    expires_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["customer", "key"], name="profile_field_once"),
            models.CheckConstraint(
                condition=~Q(purpose="") & ~Q(consent_evidence=""), name="profile_field_purpose_and_consent"
            ),
        ]


class Need(Row):
    """Something the customer wants of us."""

    on_merge: ClassVar = {"customer": OnMerge.MOVE}
    personal: ClassVar = Personal(of="customer", empty=("text", "reason"), plain=("category", "state"), optional=True)

    class State(models.TextChoices):
        NEW = "NEW", pgettext_lazy("need", "New")
        PLANNED = "PLANNED", _("Planned")
        MET = "MET", _("Met")
        DECLINED = "DECLINED", _("Declined")

    class Category(models.TextChoices):
        TALK_TIME = "TALK_TIME", _("More talk time")
        DATA = "DATA", _("More data")
        STABLE_SPEED = "STABLE_SPEED", _("Stable speed")
        EXTRA_SERVICES = "EXTRA_SERVICES", _("Extra services")
        PRICE = "PRICE", _("Better price")
        TERMINAL = "TERMINAL", _("Phone or device")
        SERVICE = "SERVICE", _("Better service")
        OTHER = "OTHER", pgettext_lazy("need", "Something else")

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="needs")
    text = models.CharField(max_length=400)
    category = models.CharField(max_length=24, blank=True, choices=Category.choices)
    state = models.CharField(max_length=8, choices=State.choices, default=State.NEW)
    due_on = models.DateField(null=True, blank=True)
    owner = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    reason = models.CharField(max_length=200, blank=True, db_default="")
    closed_at = models.DateTimeField(null=True, blank=True)
    followup_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(default=clock.now)
    created_by_id = models.IntegerField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(followup_id__isnull=True) | Q(due_on__isnull=False, owner__isnull=False),
                name="need_owed_by_somebody_by_a_day",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["owner", "due_on", "id"], name="need_owner_due", condition=Q(state="PLANNED")),
            models.Index(fields=["-id"], name="need_open", condition=Q(state__in=["NEW", "PLANNED"])),
        ]


class FieldChange(Row):
    """An old and a new value of a field, apart from the audit so that erasure can remove them (design §4)."""

    on_merge: ClassVar = {"customer_id": OnMerge.READ_THROUGH}
    personal: ClassVar = Personal(of="customer_id", delete=True)

    customer_id = models.BigIntegerField()
    entity = models.CharField(max_length=24)
    entity_id = models.BigIntegerField()
    field = models.CharField(max_length=40)
    old = models.TextField(null=True)
    new = models.TextField(null=True)
    at = models.DateTimeField(default=clock.now)
    actor_id = models.BigIntegerField(null=True)
    source = models.CharField(max_length=40, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["customer_id", "-id"], name="field_change_customer")]


class CustomerFacts(models.Model):
    """What jobs and upper rooms find out and others need: one narrow row per customer.

    `manager_id` repeats the customer's, for the orders of a manager's list; it follows with the find rows.
    """

    on_merge: ClassVar = {"customer": OnMerge.COMBINE}
    personal: ClassVar = Personal(
        of="customer",
        empty=("personas",),
        plain=("tier", "value_class", "value_cell", "location", "relationship_band"),
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


class ContactBlock(Row):
    """Why certain classes of messages may not reach the customer now; the gate reads only these rows."""

    on_merge: ClassVar = {"customer": OnMerge.MOVE}
    personal: ClassVar = Personal(of="customer", plain=("reason", "classes"))

    class Reason(models.TextChoices):
        MAJOR_COMPLAINT = "MAJOR_COMPLAINT", _("Open major complaint")
        PORT_LOCK = "PORT_LOCK", _("Number portability under way")
        MOURNING = "MOURNING", _("Mourning")
        PROTECTIVE = "PROTECTIVE", _("Protective hold")
        ASKED = "ASKED", _("The customer asked for it")
        STORAGE_ONLY = "STORAGE_ONLY", _("Kept for storage only: deletion was asked for")

    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="contact_blocks")
    reason = models.CharField(max_length=16, choices=Reason.choices)
    classes = ArrayField(models.CharField(max_length=10))
    starts_at = models.DateTimeField(default=clock.now)
    ends_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=models.F("starts_at")),
                name="block_ends_after_start",
            )
        ]

    def holds(self, at: datetime) -> bool:
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)
