"""Why an open case needs somebody now: the reasons of the supervisor's board, in the order of their risk."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from complaints.lifecycle import Grade
from complaints.models import Callback, Handover, Part
from complaints.watching.waiting import cases_waiting
from foundation.common import clock
from foundation.ui.parts.marks import SOON_SECONDS

SOON = timedelta(seconds=SOON_SECONDS)


class Risk(models.TextChoices):
    """A reason, the gravest first; ANY is any of them."""

    BREACHED = "breached", _("A deadline has passed")
    DUE_SOON = "soon", _("Due in 30 minutes")
    OFFERED = "offered", _("Hand-over not answered")
    PART_LATE = "part", _("A part is late")
    APPROVAL = "approval", _("Waits for approval")
    CALLBACK = "callback", _("Callback due today")
    GRAVE = "grave", _("Grave case open")
    ANY = "any", _("Needs action now")


REASONS: tuple[Risk, ...] = tuple(one for one in Risk if one is not Risk.ANY)
TONES: dict[Risk, str] = {Risk.BREACHED: "danger", Risk.DUE_SOON: "warn", Risk.PART_LATE: "warn", Risk.GRAVE: "danger"}


def condition(risk: str, now: datetime) -> Q:
    """The open cases with this reason, as a condition on cases that are open."""
    if risk == Risk.BREACHED:
        return Q(queue_at__lt=now)
    if risk == Risk.DUE_SOON:
        return Q(queue_at__gte=now, queue_at__lt=now + SOON)
    if risk == Risk.GRAVE:
        return Q(grade__in=[Grade.MAJOR, Grade.SKIP_LEVEL])
    if risk == Risk.ANY:
        return reduce(or_, (condition(one, now) for one in REASONS))
    return Q(pk__in=causes(risk, now))


def causes(risk: str, now: datetime) -> models.QuerySet[Any, Any]:
    """The ids of cases something that hangs on them is the reason for."""
    if risk == Risk.OFFERED:
        return Handover.objects.open().values("complaint")
    if risk == Risk.PART_LATE:
        return Part.objects.open().filter(due_at__lt=now).values("complaint")
    if risk == Risk.APPROVAL:
        first, *others = cases_waiting()
        return first.union(*others)
    tomorrow = clock.business_midnight(clock.today(now) + timedelta(days=1))
    return Callback.objects.filter(done_at=None, due_at__lt=tomorrow).values("complaint")
