"""One import of a file, what it did to each customer, and the staging table its rows pass through."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.merging import OnMerge
from foundation.common.personal import ByStep, Personal
from foundation.jobs.models import JobRun
from staff.models import OrgUnit, User
from staff.rights import sight_of


class ImportQuerySet(models.QuerySet["Import"]):
    def visible_to(self, user: User) -> ImportQuerySet:
        """Imports started by the user or opened by the scope of "imports.view"."""
        return self.filter(sight_of(user, "imports.view").rows(unit_no="unit__no", owner="actor_id"))


class Import(Row):
    """One file brought in by one mapping. The file itself hangs on the first job run and goes after 7 days."""

    personal: ClassVar = Personal(
        of=ByStep("imports.names"),
        empty=("file_name", "notes"),
        plain=("number", "mapping", "source", "digest", "state", "counts", "plan_codes"),
    )

    class State(models.TextChoices):
        CHECKING = "CHECKING", _("Being checked")
        CHECKED = "CHECKED", _("Checked, nothing written yet")
        RUNNING = "RUNNING", _("Being imported")
        DONE = "DONE", _("Imported")
        FAILED = "FAILED", _("Failed")
        REVERTING = "REVERTING", _("Being reverted")
        REVERTED = "REVERTED", _("Reverted")

    BUSY: ClassVar = [State.CHECKING, State.RUNNING, State.REVERTING]

    number = models.CharField(max_length=20, unique=True)
    mapping = models.CharField(max_length=40)
    source = models.CharField(max_length=32)
    file_name = models.CharField(max_length=255)
    digest = models.CharField(max_length=64)
    size = models.BigIntegerField()
    as_of = models.DateField()
    unit = models.ForeignKey(OrgUnit, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=10, choices=State.choices)
    file_run = models.ForeignKey(JobRun, null=True, on_delete=models.SET_NULL, related_name="+")
    last_run = models.ForeignKey(JobRun, null=True, on_delete=models.SET_NULL, related_name="+")
    actor_id = models.IntegerField(null=True)
    created_at = models.DateTimeField(default=clock.now)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    rows = models.BigIntegerField(null=True)
    written_to = models.BigIntegerField(default=0)
    counts = models.JSONField(default=dict)
    notes = models.JSONField(default=list)
    plan_codes = models.JSONField(default=list)

    objects = ImportQuerySet.as_manager()

    class Meta:
        db_table = "import"
        constraints: ClassVar = [
            # The second of two imports of one file at once, or of one source, finds the first one's row.
            models.UniqueConstraint(
                fields=["digest", "mapping"],
                condition=Q(state__in=["CHECKING", "RUNNING", "REVERTING"]),
                name="import_one_of_a_file",
            ),
            models.UniqueConstraint(
                fields=["source"], condition=Q(state__in=["RUNNING", "REVERTING"]), name="import_one_of_a_source"
            ),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_busy(self) -> bool:
        """Whether a job works on it now."""
        return self.state in self.BUSY

    def count(self, name: str) -> int:
        """One of the counts: rows, errors, inserted, updated, unchanged, reverted, kept."""
        value: Any = self.counts.get(name, 0)
        return int(value)


class ImportRow(models.Model):
    """What an import did to one customer. `before` (an update's old row) is what a revert puts back."""

    on_merge: ClassVar = {"customer_id": OnMerge.KEEP}
    personal: ClassVar = Personal(of="customer_id", null=("before",), plain=("action", "kept"), unread=True)

    class Action(models.TextChoices):
        INSERTED = "INSERTED", _("Added")
        UPDATED = "UPDATED", _("Changed")

    class Kept(models.TextChoices):
        CHANGED = "CHANGED", _("Changed since")
        WORKED_ON = "WORKED_ON", _("Somebody has worked with this customer since")
        LINKED = "LINKED", _("Other records belong to this customer")

    pk = models.CompositePrimaryKey("import_id", "customer_id")
    import_id = models.BigIntegerField()
    customer_id = models.BigIntegerField()
    line = models.IntegerField()
    action = models.CharField(max_length=8, choices=Action.choices)
    version = models.PositiveIntegerField()
    before = models.JSONField(null=True)
    reverted = models.BooleanField(default=False)
    kept = models.CharField(max_length=10, blank=True, choices=Kept.choices)

    class Meta:
        db_table = "import_row"
        indexes: ClassVar = [models.Index(fields=["customer_id"], name="import_row_customer")]


class ImportChild(models.Model):
    """What an import did to a row below a customer: `before` null means it was added."""

    on_merge: ClassVar = {"customer_id": OnMerge.KEEP}
    personal: ClassVar = Personal(of="customer_id", null=("before",), plain=("entity",), unread=True)

    import_id = models.BigIntegerField()
    customer_id = models.BigIntegerField()
    entity = models.CharField(max_length=16)
    entity_id = models.BigIntegerField()
    month = models.DateField(null=True)
    before = models.JSONField(null=True)

    class Meta:
        db_table = "import_child"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["import_id", "customer_id", "entity", "entity_id", "month"],
                nulls_distinct=False,
                name="import_child_once",
            )
        ]


class StagedRow(models.Model):
    """A checked row on its way in. The table is UNLOGGED: a database crash empties it, the job then reads again."""

    on_merge: ClassVar = {"customer_id": OnMerge.KEEP}
    personal: ClassVar = Personal(of="customer_id", delete=True, unread=True)

    pk = models.CompositePrimaryKey("import_id", "line")
    import_id = models.BigIntegerField()
    line = models.IntegerField()
    last_line = models.IntegerField()
    source_no = models.CharField(max_length=64)
    customer_id = models.BigIntegerField()
    data = models.JSONField()
    defaults = models.JSONField()
    points = models.JSONField()
    addresses = models.JSONField()
    lines = models.JSONField()
    consents = models.JSONField(null=True)
    problem = models.CharField(max_length=40, null=True)

    class Meta:
        db_table = "import_staged"
        indexes: ClassVar = [
            models.Index(fields=["import_id", "last_line"], name="import_staged_last"),
            models.Index(fields=["import_id", "source_no"], name="import_staged_key"),
        ]
