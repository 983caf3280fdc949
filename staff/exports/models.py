"""A list taken out as a file: who asked for what, why, who allowed it, and what became of it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.personal import Personal
from foundation.jobs.models import JobRun
from staff.models import User
from staff.rights import visible

VIEW_RIGHT = "exports.view"


class ExportQuerySet(models.QuerySet["Export"]):
    def visible_to(self, user: User) -> ExportQuerySet:
        """Own exports, and those the right "exports.view" opens."""
        if not user.has_perm(VIEW_RIGHT):
            return self.filter(requester=user)
        return visible(self, user, VIEW_RIGHT, unit_no="unit_no", owner="requester_id")  # type: ignore[return-value]

    def to_decide(self, at: datetime) -> ExportQuerySet:
        """Those that wait for an officer's decision, and are not too old for it."""
        return self.filter(approval=Export.Approval.ASKED, expires_at__gt=at)


class Export(Row):
    """One file of one list.

    `columns`, `clear`: keys of the columns, and of those not masked. `filters`: parameters of the list. `expected`:
    rows counted when it was asked for, at most one above the figure it was counted to (`expected_more`). `token`: of
    the form it was asked with, so that sending it twice asks once. `customers`: the ids in the file, eight bytes each.
    """

    class Approval(models.TextChoices):
        NOT_NEEDED = "NOT_NEEDED", _("No approval needed")
        ASKED = "ASKED", _("Waits for approval")
        GRANTED = "GRANTED", _("Approved")
        REFUSED = "REFUSED", pgettext_lazy("export", "Refused")
        EXPIRED = "EXPIRED", pgettext_lazy("export", "Expired")
        WITHDRAWN = "WITHDRAWN", _("Withdrawn")

    class Format(models.TextChoices):
        XLSX = "XLSX", _("Excel workbook (XLSX)")
        CSV = "CSV", _("Text table (CSV)")

    number = models.CharField(max_length=20, unique=True)
    list_name = models.CharField(max_length=40)
    requester = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    unit_no = models.IntegerField()
    columns = ArrayField(models.CharField(max_length=40))
    clear = ArrayField(models.CharField(max_length=40), default=list)
    filters = models.JSONField(default=dict)
    file_format = models.CharField(max_length=4, choices=Format.choices, default=Format.XLSX)
    purpose = models.CharField(max_length=200)
    expected = models.PositiveIntegerField()
    expected_more = models.BooleanField(default=False)
    token = models.CharField(max_length=36)
    approval = models.CharField(max_length=12, choices=Approval.choices, default=Approval.NOT_NEEDED)
    asked_at = models.DateTimeField(default=clock.now)
    expires_at = models.DateTimeField(null=True)
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=200, blank=True)
    run = models.ForeignKey(JobRun, null=True, on_delete=models.SET_NULL, related_name="+")
    rows = models.PositiveIntegerField(null=True)
    customers = models.BinaryField(null=True)

    # Of staff; the file itself goes by the run it hangs on, found by `customers`.
    personal: ClassVar = Personal(
        of=None,
        plain=(
            "number",
            "list_name",
            "columns",
            "clear",
            "filters",
            "file_format",
            "purpose",
            "token",
            "approval",
            "decision_note",
            "customers",
        ),
    )

    objects = ExportQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["requester", "token"], name="export_once_per_form"),
            models.CheckConstraint(condition=~Q(purpose=""), name="export_has_a_purpose"),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("requester")), name="export_decided_by_another"
            ),
            models.CheckConstraint(
                condition=~Q(approval="ASKED") | Q(expires_at__isnull=False, run__isnull=True),
                name="export_asked_has_an_end",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["requester", "-id"], name="export_requester"),
            models.Index(fields=["expires_at"], name="export_to_decide", condition=Q(approval="ASKED")),
        ]

    def __str__(self) -> str:
        return self.number

    @property
    def is_asked(self) -> bool:
        return self.approval == self.Approval.ASKED

    @property
    def had_approval(self) -> bool:
        """Whether an officer was needed."""
        return self.approval != self.Approval.NOT_NEEDED

    @property
    def state(self) -> tuple[str, Any]:
        """(code, words) of where it stands: of its run once there is one, else of the approval."""
        if self.run is not None:
            return self.run.state, self.run.get_state_display()
        return self.approval, self.get_approval_display()

    @property
    def file(self) -> Any:
        """The file, while it lies there; else None."""
        return self.run.result_file if self.run is not None and self.run.result_file else None
