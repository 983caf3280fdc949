"""What the desk of a handler keeps: wordings of answers, changes of single fields, acts on many cases at once."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from complaints.models.cases import Complaint
from complaints.models.talk import Order
from foundation.common import clock
from foundation.common.ids import Row
from foundation.common.personal import Personal
from staff.models import OrgUnit, User


class AnswerTemplate(models.Model):
    """A wording a reply may begin with, in both languages; seed: complaints/answer_templates.toml. `topic`: offered
    first in cases of that topic or below it. `{number}` in the text becomes the number of the case, `{due}` the day it
    is to be answered by."""

    personal: ClassVar = Personal(of=None, plain=("code", "name_zh", "name_en", "text_zh", "text_en"))

    code = models.CharField(max_length=40, unique=True)
    topic = models.ForeignKey("interactions.Topic", null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    name_zh = models.CharField(max_length=60)
    name_en = models.CharField(max_length=60)
    text_zh = models.TextField()
    text_en = models.TextField()
    order = models.PositiveSmallIntegerField(default=0)
    active = models.BooleanField(default=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=~Q(name_zh="") & ~Q(name_en="") & ~Q(text_zh="") & ~Q(text_en=""),
                name="answer_template_in_both",
            )
        ]

    def __str__(self) -> str:
        return self.name_en if (get_language() or "").startswith("en") else self.name_zh

    def text_in(self, language: str) -> str:
        """The words in the language of the one who will read them."""
        return self.text_en if language.startswith("en") else self.text_zh


class CaseChange(Row):
    """One field of a case changed by hand, never edited. `old`, `new` as text; `undone_of`: the change it took back."""

    personal: ClassVar = Personal(of="complaint__customer", empty=("old", "new"), plain=("field",))

    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="changes", db_index=False)
    field = models.CharField(max_length=24)
    old = models.CharField(max_length=400, blank=True)
    new = models.CharField(max_length=400, blank=True)
    at = models.DateTimeField(default=clock.now)
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    undone_of = models.ForeignKey("self", null=True, on_delete=models.CASCADE, related_name="+", db_index=False)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["complaint", "id"], name="complaint_change_case")]


class BulkAct(models.TextChoices):
    """What can be done to many cases at once."""

    ASSIGN = "ASSIGN", _("Assign")
    URGE = "URGE", _("Urge the handler")
    RAISE = "RAISE", _("Raise the grade")
    CONFIRM = "CONFIRM", _("Confirm the suggested topics")


class BulkChange(Row):
    """An act on many cases: looked at first (`aimed_at`, not `confirmed_at`), then done at once or in the background,
    and taken back as a whole. `unit`: into whose pool an assignment goes, when not to people
    (`BulkLine.new_handler`); `spread`: over the colleagues who are there, by load; `grade`: what a raise is to;
    `reason`: a code; `due_at`: of the reply an urge asks for; `run_id`: the job that does it."""

    personal: ClassVar = Personal(of=None, plain=("act", "grade", "reason", "note"))

    act = models.CharField(max_length=8, choices=BulkAct.choices)
    actor = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", db_index=False)
    unit = models.ForeignKey(OrgUnit, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    grade = models.CharField(max_length=12, blank=True)
    reason = models.CharField(max_length=16, blank=True)
    note = models.CharField(max_length=200, blank=True)
    spread = models.BooleanField(default=False, db_default=False)
    due_at = models.DateTimeField(null=True)
    made_at = models.DateTimeField(default=clock.now)
    aimed_at = models.DateTimeField(null=True)
    run_id = models.BigIntegerField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)
    undo_asked_at = models.DateTimeField(null=True)
    undone_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["actor", "-id"], name="complaint_bulk_actor")]


class BulkLine(models.Model):
    """One case of an act on many: what it was before, and what became of it (`order`: the order that urged). `code`,
    `said`: why it was refused; `version`: of the case after the act, by which taking back sees that nobody has changed
    it since."""

    personal: ClassVar = Personal(
        of="complaint__customer", plain=("state", "code", "said", "old_grade", "old_grade_reason")
    )

    class State(models.TextChoices):
        WAITING = "WAITING", _("Waiting")
        DONE = "DONE", _("Done")
        REFUSED = "REFUSED", _("Refused")
        UNDONE = "UNDONE", _("Taken back")
        KEPT = "KEPT", _("Not taken back")

    bulk = models.ForeignKey(BulkChange, on_delete=models.CASCADE, related_name="lines", db_index=False)
    complaint = models.ForeignKey(Complaint, on_delete=models.CASCADE, related_name="+", db_index=False)
    old_handler = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    new_handler = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    old_unit = models.ForeignKey(OrgUnit, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    old_grade = models.CharField(max_length=12, blank=True, db_default="")
    old_grade_reason = models.CharField(max_length=16, blank=True, db_default="")
    order = models.ForeignKey(Order, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    code = models.CharField(max_length=48, blank=True)
    said = models.CharField(max_length=300, blank=True)
    version = models.PositiveIntegerField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["bulk", "complaint"], name="complaint_bulk_line_once")]
