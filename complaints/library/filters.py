"""Filters of the library, the same for its page and its file (CMP-15, CMP-20)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import django_filters as filters
from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from complaints.filters import MOST_UNITS, units_seen
from complaints.library.queries import about_cause
from complaints.lifecycle import Grade
from complaints.models import Cause, Complaint
from customers.models.subscriptions import ProductLine
from foundation.common import clock
from interactions.lifecycle import Channel
from interactions.models import Topic
from interactions.queries import topic_choices
from staff.models import OrgUnit

SCORES = [(str(score), str(score)) for score in range(5, 0, -1)]


def cause_choices() -> list[tuple[Any, Any]]:
    """The causes, those below another under it. One query."""
    found: list[tuple[Any, Any]] = []
    rows = list(Cause.objects.select_related("parent").order_by("order", "pk"))
    for top in (one for one in rows if one.parent_id is None):
        below = [(one.code, str(one)) for one in rows if one.parent_id == top.pk]
        found.append((str(top), [(top.code, str(top)), *below]) if below else (top.code, str(top)))
    return found


def _units(request: Any) -> list[tuple[int, str]]:
    return list(units_seen(request.user).values_list("no", "name")[:MOST_UNITS])


class LibraryFilter(filters.FilterSet):
    topic = filters.ChoiceFilter(label=_("Topic"), choices=(), method="of_topic", empty_label=_("all"))
    cause = filters.ChoiceFilter(label=_("Cause"), choices=(), method="of_cause", empty_label=_("all"))
    unit = filters.ChoiceFilter(label=_("Responsible unit"), choices=(), method="of_unit", empty_label=_("all"))
    product_line = filters.ChoiceFilter(label=_("Product line"), choices=ProductLine.choices, empty_label=_("all"))
    channel = filters.ChoiceFilter(label=_("Channel"), choices=Channel.choices, empty_label=_("all"))
    grade = filters.ChoiceFilter(label=_("Grade"), choices=Grade.choices, empty_label=_("all"))
    satisfaction = filters.ChoiceFilter(label=_("Satisfaction"), choices=SCORES, empty_label=_("all"))
    brand = filters.CharFilter(label=_("Brand"), max_length=40)
    area = filters.CharFilter(label=_("Area"), max_length=40)
    first = filters.DateFilter(label=_("From"), method="of_first")
    last = filters.DateFilter(label=_("To"), method="of_last")

    class Meta:
        model = Complaint
        fields = ("topic", "cause", "unit", "product_line", "channel", "grade", "satisfaction", "brand", "area")

    def __init__(self, *args: Any, moment: str = "closed_at", **more: Any) -> None:
        """`moment`: the column the days of the period are compared with."""
        super().__init__(*args, **more)
        self.moment = moment
        request = self.request
        self.filters["topic"].extra["choices"] = lambda: topic_choices()[1:]
        self.filters["cause"].extra["choices"] = cause_choices
        if request is not None:
            self.filters["unit"].extra["choices"] = lambda: _units(request)

    def of_topic(self, rows: QuerySet[Complaint], _name: str, code: str) -> QuerySet[Complaint]:
        """A topic with those below it."""
        return rows.filter(topic__in=Topic.objects.filter(Q(code=code) | Q(parent__code=code)).values("pk"))

    def of_cause(self, rows: QuerySet[Complaint], _name: str, code: str) -> QuerySet[Complaint]:
        """A cause with those below it."""
        return rows.filter(cause__in=Cause.objects.filter(about_cause(code)).values("pk"))

    def of_unit(self, rows: QuerySet[Complaint], _name: str, number: str) -> QuerySet[Complaint]:
        """Those a unit, or one below it, is responsible for; of open ones: which it works on."""
        unit = OrgUnit.objects.filter(no=number).only("no", "last_no").first()
        if unit is None:
            return rows.none()
        if self.moment == "closed_at":
            below = OrgUnit.objects.filter(no__range=(unit.no, unit.last_no))
            return rows.filter(responsible_unit__in=below.values("pk"))
        return rows.filter(work_unit_no__range=(unit.no, unit.last_no))

    def of_first(self, rows: QuerySet[Complaint], _name: str, day: date) -> QuerySet[Complaint]:
        return rows.filter(**{f"{self.moment}__gte": clock.business_midnight(day)})

    def of_last(self, rows: QuerySet[Complaint], _name: str, day: date) -> QuerySet[Complaint]:
        return rows.filter(**{f"{self.moment}__lt": clock.business_midnight(day + timedelta(days=1))})
