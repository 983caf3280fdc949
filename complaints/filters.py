"""Filters of the queue; used by the page, its file and acts on the whole view alike."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django.db import models
from django.db.models import Q, QuerySet
from django.db.models.functions import Reverse
from django.utils.translation import gettext_lazy as _

from complaints.lifecycle import Grade, State
from complaints.models import Complaint
from complaints.models.cases import VIEW_RIGHT
from complaints.risks import Risk, condition
from foundation.common import clock
from interactions.lifecycle import Channel
from interactions.models import Topic
from interactions.queries import topic_choices
from outreach.queries import colleague_names
from staff.models import OrgUnit, User
from staff.rights import sight_of

MOST_UNITS = 200
SUGGESTED = "1"  # of the topic: by words alone, nobody chose it
NOBODY = "0"  # of the handler: waits in a pool; of the topic: not sorted yet


class Late(models.TextChoices):
    """How a case is late."""

    NOW = "now", _("A deadline has passed")
    SERVICE = "service", _("Service limit missed")
    STATUTORY = "statutory", _("Statutory date missed")


def _handlers(request: Any) -> list[tuple[Any, str]]:
    people: list[tuple[Any, str]] = [(NOBODY, str(_("nobody yet"))), *colleague_names(request.user)]
    asked = request.GET.get("handler", "")
    # A board leads here with anybody of its viewer's scope, who need not be among those offered.
    if asked.isdecimal() and len(asked) < 10 and asked != NOBODY and int(asked) not in {key for key, _name in people}:
        people += User.objects.filter(pk=asked).values_list("pk", "name")
    return people


def units_seen(user: User) -> QuerySet[OrgUnit]:
    """The units whose cases the user sees by their scope, in the order of the tree; at most 200 are offered."""
    sight = sight_of(user, VIEW_RIGHT)
    rows = OrgUnit.objects.filter(closed_on__isnull=True)
    if not sight.everything:
        near = Q(pk=user.unit_id)
        for low, high in sight.ranges:
            near |= Q(no__range=(low, high))
        rows = rows.filter(near)
    return rows.order_by("no")


def _units(request: Any) -> list[tuple[int, str]]:
    return list(units_seen(request.user).values_list("no", "name")[:MOST_UNITS])


class CaseFilter(filters.FilterSet):
    # Choices as functions: lists would be copied word by word for every page.
    number = filters.CharFilter(label=_("Case number"), method="of_number")
    state = filters.ChoiceFilter(label=_("State"), choices=lambda: State.choices, empty_label=_("all"))
    grade = filters.ChoiceFilter(label=_("Grade"), choices=lambda: Grade.choices, empty_label=_("all"))
    topic = filters.ChoiceFilter(label=_("Topic"), choices=(), method="of_topic", empty_label=_("all"))
    channel = filters.ChoiceFilter(label=_("Channel"), choices=lambda: Channel.choices, empty_label=_("all"))
    handler = filters.ChoiceFilter(label=_("Handler"), choices=(), method="of_handler", empty_label=_("all"))
    unit = filters.ChoiceFilter(label=_("Unit"), choices=(), method="of_unit", empty_label=_("all"))
    late = filters.ChoiceFilter(label=_("Late"), choices=lambda: Late.choices, method="of_late", empty_label=_("all"))
    risk = filters.ChoiceFilter(
        label=_("Needs action"), choices=lambda: Risk.choices, method="of_risk", empty_label=_("all")
    )
    brand = filters.CharFilter(label=_("Brand"), max_length=40)
    area = filters.CharFilter(label=_("Area"), max_length=40)

    class Meta:
        model = Complaint
        fields = ("number", "state", "grade", "topic", "channel", "handler", "unit", "late", "risk", "brand", "area")

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        if self.request is not None:
            request = self.request  # a function is shared by the copies of the form, a bound method would be copied
            self.filters["handler"].extra["choices"] = lambda: _handlers(request)
            self.filters["unit"].extra["choices"] = lambda: _units(request)
        self.filters["topic"].extra["choices"] = lambda: [
            (NOBODY, _("none yet")),
            (SUGGESTED, _("suggested by words")),
            *topic_choices()[1:],
        ]

    def of_number(self, rows: QuerySet[Complaint], _name: str, text: str) -> QuerySet[Complaint]:
        """Of a full number, of its last digits, or of its number in the source it was imported from."""
        plain = "".join(text.split()).upper()
        if plain.startswith("CP"):
            return rows.filter(number=plain)
        ends = Q(backwards__startswith=plain[:20][::-1])
        return rows.alias(backwards=Reverse("number")).filter(ends | Q(source_no=text.strip()[:64]))

    def of_topic(self, rows: QuerySet[Complaint], _name: str, code: str) -> QuerySet[Complaint]:
        """A topic with those below it."""
        if code == NOBODY:
            return rows.filter(topic=None)
        if code == SUGGESTED:
            return rows.filter(topic_suggested=True)
        found = Topic.objects.filter(Q(code=code) | Q(parent__code=code)).values_list("pk", flat=True)
        return rows.filter(topic__in=list(found))  # as numbers the planner knows how many cases they have

    def of_handler(self, rows: QuerySet[Complaint], _name: str, key: str) -> QuerySet[Complaint]:
        return rows.filter(handler=None) if key == NOBODY else rows.filter(handler=int(key))

    def of_unit(self, rows: QuerySet[Complaint], _name: str, number: str) -> QuerySet[Complaint]:
        """Cases worked on in the unit or below it."""
        unit = OrgUnit.objects.filter(no=number).only("no", "last_no").first()
        return rows.filter(work_unit_no__range=(unit.no, unit.last_no)) if unit is not None else rows.none()

    def of_risk(self, rows: QuerySet[Complaint], _name: str, risk: str) -> QuerySet[Complaint]:
        return rows.filter(condition(risk, clock.now()), closed_at=None)

    def of_late(self, rows: QuerySet[Complaint], _name: str, how: str) -> QuerySet[Complaint]:
        if how == Late.NOW:
            return rows.filter(queue_at__lt=clock.now(), closed_at=None)
        return rows.filter(service_late=True) if how == Late.SERVICE else rows.filter(statutory_late=True)
