"""Who works here: users, the tree of units, teams, roles held, shifts, absences."""

from __future__ import annotations

from datetime import date, datetime
from typing import ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateRangeField, DateTimeRangeField, RangeOperators
from django.db import connection, models
from django.db.models import F, Func, Q
from django.db.models.functions import Lower
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from foundation.common import clock
from foundation.common.merging import OnMerge
from foundation.common.personal import Personal
from foundation.common.prepared import prepared
from staff.roles import ROLES


class DateRange(Func):
    """`daterange(from, to, '[]')`: both days belong to it, an empty end is open."""

    function = "DATERANGE"
    output_field = DateRangeField()


class TimeRange(Func):
    """`tstzrange(from, to, '[)')`."""

    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


_PATH = "SELECT id FROM staff_orgunit WHERE no <= %s AND last_no >= %s ORDER BY no DESC"


class OrgUnit(models.Model):
    """A branch, department, centre or hall.

    `no` numbers the tree depth-first: a subtree lies in `no`..`last_no`, with room left for units to come.
    """

    personal: ClassVar = Personal(of=None, plain=("code", "name", "function", "area", "calendar_code"))

    class Function(models.TextChoices):
        HEADQUARTERS = "HEADQUARTERS", _("Headquarters")
        BRANCH = "BRANCH", _("Branch")
        DEPARTMENT = "DEPARTMENT", _("Department")
        CALL_CENTRE = "CALL_CENTRE", _("Call centre")
        HALL = "HALL", _("Service hall")
        COMPLAINTS = "COMPLAINTS", _("Complaint department")

    code = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=80)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    function = models.CharField(max_length=16, choices=Function.choices)
    area = models.CharField(max_length=80, blank=True)
    calendar_code = models.CharField(max_length=32, default="STANDARD")
    no = models.PositiveIntegerField(unique=True)
    last_no = models.PositiveIntegerField()
    closed_on = models.DateField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(last_no__gte=F("no")), name="unit_range_not_empty"),
            models.UniqueConstraint(F("parent").asc(nulls_last=True), "name", name="unit_name_once_in_parent"),
        ]

    def __str__(self) -> str:
        return self.name

    @cached_property
    def path_ids(self) -> list[int]:
        """Ids of the unit and of those above it, nearest first: where its policies and calendars are looked for."""
        with connection.cursor() as cursor:
            cursor.execute(*prepared(_PATH, [self.no, self.no]))
            return [pk for (pk,) in cursor.fetchall()]


class UnitFormerNo(models.Model):
    """An old number of a moved unit: counts as its own until every row is re-stamped (recipes §6)."""

    personal: ClassVar = Personal(of=None)

    no = models.PositiveIntegerField(primary_key=True)
    unit = models.ForeignKey(OrgUnit, on_delete=models.CASCADE, related_name="former_numbers")
    since = models.DateTimeField(default=clock.now)


class UserQuerySet(models.QuerySet["User"]):
    """Members of staff by what they are; `visible_to` by whom one may look after."""

    def visible_to(self, user: User, right: str = "staff.view") -> UserQuerySet:
        """Those `right` opens to `user`: own team, own units, or all (D§3)."""
        from staff.rights import visible

        return visible(self, user, right, unit_no="unit__no", owner="pk")  # type: ignore[return-value]

    def people(self) -> UserQuerySet:
        """Persons who work here now, no programs."""
        return self.filter(is_active=True, kind=User.Kind.HUMAN)


class UserManager(BaseUserManager["User"]):
    def get_queryset(self) -> UserQuerySet:
        return UserQuerySet(self.model, using=self._db)

    def visible_to(self, user: User, right: str = "staff.view") -> UserQuerySet:
        """See `UserQuerySet.visible_to`."""
        return self.get_queryset().visible_to(user, right)

    def people(self) -> UserQuerySet:
        """See `UserQuerySet.people`."""
        return self.get_queryset().people()

    def create_user(self, username: str, password: str | None = None, **fields: object) -> User:
        """A user with a usable password, or none when it is not given."""
        user = self.model(username=username, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user


class User(AbstractBaseUser):
    """A member of staff, or a program (kind SERVICE) that speaks to the API."""

    personal: ClassVar = Personal(
        of=None,
        plain=(
            "password",
            "username",
            "name",
            "staff_no",
            "extension",
            "email",
            "kind",
            "employment",
            "skills",
            "language",
            "theme",
            "text_size",
            "density",
        ),
    )

    class Kind(models.TextChoices):
        HUMAN = "HUMAN", _("Person")
        SERVICE = "SERVICE", _("Program")

    class Employment(models.TextChoices):
        LONG_TERM = "LONG_TERM", _("Long-term")
        SHORT_TERM = "SHORT_TERM", _("Short-term")
        DISPATCHED = "DISPATCHED", _("Dispatched")

    username = models.CharField(_("Account"), max_length=64, unique=True)
    name = models.CharField(_("Name"), max_length=80)
    staff_no = models.CharField(_("Staff number"), max_length=16, unique=True)
    extension = models.CharField(_("Extension"), max_length=16, blank=True)
    email = models.EmailField(_("E-mail"), blank=True)
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.HUMAN)
    employment = models.CharField(max_length=12, choices=Employment.choices, default=Employment.LONG_TERM)
    skills = ArrayField(models.CharField(max_length=24), default=list, blank=True)
    unit = models.ForeignKey(OrgUnit, on_delete=models.PROTECT, related_name="users")
    is_active = models.BooleanField(default=True)
    joined_on = models.DateField(default=clock.today)
    language = models.CharField(max_length=8, default="zh-hans")
    theme = models.CharField(max_length=8, default="auto")
    text_size = models.CharField(max_length=8, default="normal")
    density = models.CharField(max_length=8, default="normal")
    shortcuts = models.BooleanField(default=True)
    must_change_password = models.BooleanField(default=False)  # set by another: known to two people

    objects = UserManager()
    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar = []

    class Meta:
        constraints: ClassVar = [
            # The door compares without case; two accounts that differ by case only would open each other.
            models.UniqueConstraint(Lower("username"), name="username_once_without_case"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_full_name(self) -> str:
        return self.name

    def has_perm(self, right: str, obj: object | None = None) -> bool:
        """Whether a role held today gives `right` (staff/roles.py). Inactive users have none."""
        from staff.rights import rights_of

        return self.is_active and right in rights_of(self)

    def has_perms(self, rights: list[str], obj: object | None = None) -> bool:
        return all(self.has_perm(right) for right in rights)

    @property
    def sees_sensitive(self) -> bool:
        """Whether a role held today has `view_sensitive` (D§3.1)."""
        from staff.rights import roles_of

        return any(ROLES[code].view_sensitive for code in roles_of(self))

    @property
    def needs_second_factor(self) -> bool:
        """Whether a role held today approves or administers."""
        from staff.rights import roles_of

        return any(ROLES[code].second_factor for code in roles_of(self))


class UnitHead(models.Model):
    """Who heads a unit, from a day to a day; one at a time."""

    personal: ClassVar = Personal(of=None)

    unit = models.ForeignKey(OrgUnit, on_delete=models.PROTECT, related_name="heads")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="headed_units")
    from_day = models.DateField()
    to_day = models.DateField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            ExclusionConstraint(
                name="unit_one_head_at_a_time",
                expressions=[
                    ("unit", RangeOperators.EQUAL),
                    (DateRange("from_day", "to_day", models.Value("[]")), RangeOperators.OVERLAPS),
                ],
            )
        ]


class RoleAssignment(models.Model):
    """A role held in a unit from a day to a day (the last day included)."""

    personal: ClassVar = Personal(of=None, plain=("role",))

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="role_assignments")
    role = models.CharField(max_length=24, choices=[(code, role.label) for code, role in ROLES.items()])
    unit = models.ForeignKey(OrgUnit, on_delete=models.PROTECT, related_name="+")
    from_day = models.DateField(default=clock.today)
    to_day = models.DateField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(to_day__isnull=True) | Q(to_day__gte=F("from_day")), name="role_ends_after_start"
            ),
            ExclusionConstraint(
                name="role_held_once_at_a_time",
                expressions=[
                    ("user", RangeOperators.EQUAL),
                    ("role", RangeOperators.EQUAL),
                    ("unit", RangeOperators.EQUAL),
                    (DateRange("from_day", "to_day", models.Value("[]")), RangeOperators.OVERLAPS),
                ],
            ),
        ]


class Team(models.Model):
    """People who share a lead and a queue, inside one unit."""

    personal: ClassVar = Personal(of=None, plain=("name",))

    unit = models.ForeignKey(OrgUnit, on_delete=models.PROTECT, related_name="teams")
    name = models.CharField(max_length=80)
    lead = models.ForeignKey(User, on_delete=models.PROTECT, related_name="led_teams")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["unit", "name"], name="team_name_once_in_unit")]

    def __str__(self) -> str:
        return self.name


class TeamMember(models.Model):
    """Membership of a team; a person works in one team at a time."""

    personal: ClassVar = Personal(of=None)

    team = models.ForeignKey(Team, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="team_memberships")
    from_day = models.DateField(default=clock.today)
    to_day = models.DateField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            ExclusionConstraint(
                name="one_team_at_a_time",
                expressions=[
                    ("user", RangeOperators.EQUAL),
                    (DateRange("from_day", "to_day", models.Value("[]")), RangeOperators.OVERLAPS),
                ],
            )
        ]


class Shift(models.Model):
    """A person's planned working time; the shift lead takes over what is left at its end (D§9.3)."""

    personal: ClassVar = Personal(of=None)

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="shifts")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    is_lead = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="shift_ends_after_start"),
            ExclusionConstraint(
                name="one_shift_at_a_time",
                expressions=[
                    ("user", RangeOperators.EQUAL),
                    (TimeRange("starts_at", "ends_at", models.Value("[)")), RangeOperators.OVERLAPS),
                ],
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["ends_at"], name="shift_ends"),
            models.Index(fields=["starts_at"], name="shift_starts"),
        ]


class Absence(models.Model):
    """Leave, training or resignation with the delegate who acts meanwhile (D§3.3)."""

    personal: ClassVar = Personal(of=None, plain=("reason",))

    class Reason(models.TextChoices):
        LEAVE = "LEAVE", _("Leave")
        TRAINING = "TRAINING", _("Training")
        RESIGNED = "RESIGNED", _("Resigned")

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="absences")
    reason = models.CharField(max_length=12, choices=Reason.choices)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True, blank=True)
    delegate = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    created_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    transferred_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=F("starts_at")),
                name="absence_ends_after_start",
            ),
            models.CheckConstraint(
                condition=Q(delegate__isnull=True) | ~Q(delegate=F("user")),
                name="absence_delegate_is_another",
            ),
            ExclusionConstraint(
                name="one_absence_at_a_time",
                expressions=[
                    ("user", RangeOperators.EQUAL),
                    (TimeRange("starts_at", "ends_at", models.Value("[)")), RangeOperators.OVERLAPS),
                ],
            ),
        ]

    def covers(self, at: datetime) -> bool:
        return self.starts_at <= at and (self.ends_at is None or at < self.ends_at)


class Reveal(models.Model):
    """A masked field shown in clear to one person for a short time (D§3.1)."""

    on_merge: ClassVar = {"customer_id": OnMerge.KEEP}
    personal: ClassVar = Personal(of="customer_id", empty=("reason",), plain=("field",))

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    customer_id = models.BigIntegerField()
    field = models.CharField(max_length=24)
    reason = models.CharField(max_length=200)
    at = models.DateTimeField(default=clock.now)
    until = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["user", "customer_id", "until"], name="reveal_open"),
            models.Index(fields=["user", "at"], name="reveal_rate"),
            models.Index(fields=["customer_id", "-at"], name="reveal_customer"),
        ]


class Draft(models.Model):
    """What a person has typed in one place and not saved yet (ui-guide §5): their own, on every PC they sign in at.

    `place`: where, as the page that shows it says; `customer_id`: whom it is about, so that erasure finds it.
    `stamp`: new with every save; a window that knows another one wrote without seeing this text. `replaced`: the text
    such a window wrote over, kept until the draft goes.
    """

    on_merge: ClassVar = {"customer_id": OnMerge.MOVE}
    personal: ClassVar = Personal(of="customer_id", delete=True)

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    place = models.CharField(max_length=60)
    customer_id = models.BigIntegerField(null=True)
    text = models.TextField(blank=True)
    replaced = models.TextField(blank=True)
    stamp = models.BigIntegerField()
    saved_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user", "customer_id", "place"], nulls_distinct=False, name="draft_one_in_a_place"
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["customer_id"], name="draft_customer"),
            models.Index(fields=["saved_at"], name="draft_saved"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.place}"


def holds_on(day: date) -> Q:
    """Rows with `from_day`/`to_day` that hold on `day`."""
    return Q(from_day__lte=day) & (Q(to_day__isnull=True) | Q(to_day__gte=day))
