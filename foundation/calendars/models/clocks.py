"""Clocks as rows: the events, which never change, the figures computed from them, and the moments to act at."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from foundation.audit.models import APPEND_ONLY
from foundation.calendars.clock_engine import EventType
from foundation.calendars.limits import Runs, Unit
from foundation.calendars.models.work import CalendarVersion
from foundation.common.ids import Row
from foundation.common.personal import Personal

OPEN_STATES = ("RUNNING", "PAUSED")


class ClockQuerySet(models.QuerySet["Clock"]):
    def open(self) -> ClockQuerySet:
        return self.filter(state__in=OPEN_STATES)

    def late(self, now: datetime) -> ClockQuerySet:
        """Running, the due moment past, and not yet marked as missed."""
        return self.filter(state=Clock.State.RUNNING, missed_at__isnull=True, due_at__lt=now)


class Clock(Row):
    """One duty's clock. Whose it is says (`owner_kind`, `owner_id`), what for `kind`; one of a kind is open at a time.

    Everything below `started_at` is computed from the events (`clock_queries.recompute`). `due_at` is NULL while the
    clock is paused in time; `ran` is the running time of closed stretches, `running_since` the start of the present
    one, `left` the time left while paused; `grace`: due 24 hours after a change that came too late (D§26). An open
    clock with `missed_at` is late and goes on.
    """

    personal: ClassVar = Personal(of=None, plain=("owner_kind", "kind", "runs", "unit", "policy_key", "state"))

    class State(models.TextChoices):
        RUNNING = "RUNNING", _("Running")
        PAUSED = "PAUSED", _("Paused")
        MET = "MET", _("Met")
        MISSED = "MISSED", _("Missed")
        STOPPED = "STOPPED", _("Ended without being judged")

    owner_kind = models.CharField(max_length=12)
    owner_id = models.BigIntegerField()
    kind = models.CharField(max_length=16)
    runs = models.CharField(max_length=8, choices=[(runs.value, runs.value) for runs in Runs])
    unit = models.CharField(max_length=13, choices=[(unit.value, unit.value) for unit in Unit])
    amount = models.PositiveIntegerField()
    calendar_version = models.ForeignKey(
        CalendarVersion, on_delete=models.PROTECT, null=True, related_name="+", db_index=False
    )
    policy_key = models.CharField(max_length=80, blank=True)
    policy_version = models.BigIntegerField(null=True)
    started_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=State.choices)
    due_at = models.DateTimeField(null=True)
    running_since = models.DateTimeField(null=True)
    ran = models.DurationField()
    left = models.DurationField(null=True)
    missed_at = models.DateTimeField(null=True)
    stopped_at = models.DateTimeField(null=True)
    grace = models.BooleanField(default=False)
    round = models.PositiveSmallIntegerField(default=1)
    sequence = models.PositiveIntegerField(default=1)

    objects = ClockQuerySet.as_manager()

    class Meta:
        db_table = "clock"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["owner_id", "owner_kind", "kind"],
                condition=Q(state__in=OPEN_STATES),
                name="clock_open_once",
            ),
            models.CheckConstraint(
                condition=~Q(runs=Runs.WORKING.value) | Q(calendar_version__isnull=False), name="clock_has_calendar"
            ),
            models.CheckConstraint(
                condition=Q(state__in=OPEN_STATES, stopped_at__isnull=True)
                | Q(stopped_at__isnull=False, running_since__isnull=True) & ~Q(state__in=OPEN_STATES),
                name="clock_stopped",
            ),
            models.CheckConstraint(
                condition=~Q(state="RUNNING") | Q(running_since__isnull=False), name="clock_running"
            ),
            models.CheckConstraint(
                condition=~Q(state="PAUSED") | Q(running_since__isnull=True, left__isnull=False), name="clock_paused"
            ),
            models.CheckConstraint(condition=~Q(state="MISSED") | Q(missed_at__isnull=False), name="clock_missed"),
            models.CheckConstraint(condition=~Q(state="MET") | Q(missed_at__isnull=True), name="clock_met"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["owner_id", "owner_kind", "id"], name="clock_owner"),
            models.Index(
                fields=["owner_kind", "due_at", "id"],
                condition=Q(state="RUNNING", missed_at__isnull=True),
                name="clock_due",
            ),
            # Figures over what fell due in a period: from the index alone.
            models.Index(
                fields=["owner_kind", "kind", "due_at"],
                include=["owner_id", "state", "missed_at"],
                condition=Q(due_at__isnull=False),
                name="clock_fell_due",
            ),
            models.Index(fields=["calendar_version", "id"], condition=Q(state__in=OPEN_STATES), name="clock_calendar"),
            models.Index(
                fields=["policy_key", "id"],
                condition=Q(state__in=OPEN_STATES) & ~Q(policy_key=""),
                name="clock_policy",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.owner_kind} {self.owner_id} {self.kind}"

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    def is_late(self, now: datetime) -> bool:
        """Missed, or running past its due moment."""
        return self.missed_at is not None or (
            self.state == self.State.RUNNING and self.due_at is not None and self.due_at < now
        )


class ClockEvent(Row):
    """What happened to a clock; never changed. `pause` is the number (sequence of the PAUSE) a RESUME ends, `until` the
    planned end of a pause, `rule` the limit a START or RETARGET sets. `reason` and `evidence` are codes and references,
    never what a customer said.
    """

    personal: ClassVar = Personal(of=None, plain=("type", "reason", "evidence", "rule"))

    class Type(models.TextChoices):
        START = EventType.START.value, _("Started")
        PAUSE = EventType.PAUSE.value, _("Paused")
        RESUME = EventType.RESUME.value, _("Went on")
        RETARGET = EventType.RETARGET.value, _("Limit changed")
        STOP = EventType.STOP.value, _("Duty done")
        CANCEL = EventType.CANCEL.value, _("Ended without being judged")

    clock = models.ForeignKey(Clock, on_delete=models.PROTECT, related_name="events", db_index=False)
    sequence = models.PositiveIntegerField()
    type = models.CharField(max_length=8, choices=Type.choices)
    at = models.DateTimeField()
    pause = models.PositiveIntegerField(null=True)
    until = models.DateTimeField(null=True)
    reason = models.CharField(max_length=32, blank=True)
    evidence = models.CharField(max_length=64, blank=True)
    rule = models.JSONField(null=True)
    actor_id = models.BigIntegerField(null=True)
    done_by_id = models.BigIntegerField(null=True)

    class Meta:
        db_table = "clock_event"
        triggers: ClassVar = APPEND_ONLY
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["clock", "sequence"], name="clock_event_once"),
            models.CheckConstraint(
                condition=Q(type__in=["START", "RETARGET"], rule__isnull=False)
                | ~Q(type__in=["START", "RETARGET"]) & Q(rule__isnull=True),
                name="clock_event_rule",
            ),
            models.CheckConstraint(
                condition=~Q(type="RESUME") | Q(pause__isnull=False, pause__lt=F("sequence")), name="clock_event_pause"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.clock_id} {self.sequence} {self.type}"


class ClockMark(Row):
    """A moment of a clock at which somebody must be told, once a round (one limit): so many percent of it (`unit` P) or
    the beginning of day N after the start (D). `due_at` is NULL while the clock is paused before it; `passed_at` is set
    by whoever takes it (D§10.7).
    """

    personal: ClassVar = Personal(of=None, plain=("owner_kind", "unit"))

    class Unit(models.TextChoices):
        PERCENT = "P", _("Percent of the limit")
        DAY = "D", _("Day after the start")

    clock = models.ForeignKey(Clock, on_delete=models.PROTECT, related_name="marks", db_index=False)
    owner_kind = models.CharField(max_length=12)
    round = models.PositiveSmallIntegerField()
    unit = models.CharField(max_length=1, choices=Unit.choices)
    amount = models.PositiveSmallIntegerField()
    due_at = models.DateTimeField(null=True)
    passed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "clock_mark"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["clock", "round", "unit", "amount"], name="clock_mark_once"),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["owner_kind", "due_at", "id"],
                condition=Q(passed_at__isnull=True, due_at__isnull=False),
                name="clock_mark_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.clock_id} {self.amount}{'%' if self.unit == 'P' else ' d'}"
