"""The filters of the list of customers, for the page and whoever else lists them."""

from __future__ import annotations

from typing import Any

import django_filters
from django.db.models import Q, QuerySet
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from customers.birthdays import with_birthday_within
from customers.completeness import below_target
from customers.labels import QUALITY_MARKS
from customers.models import Customer, Segment, ValueCell, ValueClass
from customers.segments.rules import condition_of
from foundation.common.errors import RuleBroken
from foundation.common.ids import from_text
from staff.models import User

# Days after today within which somebody has a birthday.
BIRTHDAYS = [("0", _("Today")), ("7", _("In the next 7 days")), ("30", _("In the next 30 days"))]


class CustomerFilter(django_filters.FilterSet):
    """Type, segment, city, status, manager, coming birthday, mark of data quality, value; members of a saved segment.

    The city is matched whole.
    """

    customer_type = django_filters.ChoiceFilter(label=_("Type"), choices=Customer.Type.choices, empty_label=_("All"))
    segment = django_filters.ChoiceFilter(label=_("Segment"), choices=Customer.Segment.choices, empty_label=_("All"))
    status = django_filters.ChoiceFilter(label=_("Status"), choices=Customer.Status.choices, empty_label=_("All"))
    city = django_filters.CharFilter(label=_("City"), field_name="home_city", max_length=60)
    manager = django_filters.ChoiceFilter(
        label=_("Manager"), choices=[("me", _("Me")), ("none", _("Nobody"))], method="by_manager", empty_label=_("All")
    )
    birthday = django_filters.ChoiceFilter(
        label=_("Birthday"), choices=BIRTHDAYS, method="by_birthday", empty_label=_("All")
    )
    mark = django_filters.ChoiceFilter(
        label=_("Data quality"),
        choices=[*QUALITY_MARKS.items(), ("any", _("Any mark")), ("incomplete", _("Incomplete"))],
        method="by_mark",
        empty_label=_("All"),
    )
    cell = django_filters.ChoiceFilter(
        label=_("Cell of the matrix"), field_name="facts__value_cell", choices=ValueCell.choices, empty_label=_("All")
    )
    value_class = django_filters.ChoiceFilter(
        label=_("Value class"), field_name="facts__value_class", choices=ValueClass.choices, empty_label=_("All")
    )
    in_segment = django_filters.CharFilter(label=_("Saved segment"), method="by_segment", max_length=13)

    class Meta:
        model = Customer
        fields: tuple[str, ...] = ()

    @cached_property
    def chosen_segment(self) -> Segment | None:
        """The saved segment asked for, if the person may see it."""
        try:
            key = from_text(str(self.data.get("in_segment", "")))
        except ValueError:
            return None
        return Segment.objects.visible_to(self.request.user).filter(pk=key).first()

    def by_segment(self, rows: QuerySet[Customer], _name: str, _value: str) -> QuerySet[Customer]:
        if self.chosen_segment is None:
            return rows.none()
        try:
            return rows.filter(condition_of(self.chosen_segment.rule))
        except RuleBroken:  # it asks about a column that is there no more; its own page says so
            return rows.none()

    def by_manager(self, rows: QuerySet[Customer], _name: str, value: str) -> QuerySet[Customer]:
        user: User = self.request.user
        return rows.filter(manager=user) if value == "me" else rows.filter(manager__isnull=True)

    def by_birthday(self, rows: QuerySet[Customer], _name: str, value: str) -> QuerySet[Customer]:
        return with_birthday_within(rows, int(value))

    def by_mark(self, rows: QuerySet[Customer], _name: str, value: str) -> QuerySet[Customer]:
        if value == "incomplete":
            return below_target(rows)
        marked = rows.filter(~Q(quality_marks=[]))
        return marked if value == "any" else marked.filter(quality_marks__contains=[value])

    @property
    def coming_days(self) -> int | None:
        """Within how many days a birthday is asked for; None when none is."""
        cleaned: dict[str, Any] = getattr(self.form, "cleaned_data", {}) if self.form.is_bound else {}
        return int(cleaned["birthday"]) if cleaned.get("birthday") else None

    @property
    def is_used(self) -> bool:
        """Whether any filter holds."""
        cleaned: dict[str, Any] = getattr(self.form, "cleaned_data", {}) if self.form.is_bound else {}
        return any(value not in (None, "") for value in cleaned.values())
