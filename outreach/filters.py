"""Filters of the lists of follow-ups and messages; used by pages and, later, the API alike."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import django_filters as filters
from django.db import models
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from foundation.common import clock
from foundation.ui.parts.marks import SOON_SECONDS
from outreach.lifecycle import FollowUpKind, FollowUpState, MessageClass, MessageState
from outreach.models import FollowUp, OutMessage
from outreach.queries import colleague_names, teams_of
from staff.models import Team, User


class Due(models.TextChoices):
    """Parts of what is open, by its due moment. SOON is the badge's half hour (ui-guide §5)."""

    OVERDUE = "overdue", _("Overdue")
    SOON = "soon", _("In 30 minutes")
    TODAY = "today", _("Later today")


class Done(models.TextChoices):
    TODAY = "today", _("Today")


def _owners(request: Any) -> list[tuple[int, str]]:
    people = colleague_names(request.user)
    asked = request.GET.get("owner", "")
    # A board leads here with anybody of its viewer's scope, who need not be among those offered.
    if asked.isdecimal() and len(asked) < 10 and int(asked) not in dict(people):
        people += User.objects.filter(pk=asked).values_list("pk", "name")
    return people


def _teams(request: Any) -> QuerySet[Team]:
    return teams_of(request.user) if request is not None else Team.objects.none()


class FollowUpFilter(filters.FilterSet):
    kind = filters.ChoiceFilter(label=_("Kind"), choices=FollowUpKind.choices, empty_label=_("all"))
    owner = filters.ChoiceFilter(label=_("Owner"), choices=(), empty_label=_("all"))
    team = filters.ModelChoiceFilter(label=_("Team"), queryset=_teams, method="of_team", empty_label=_("all"))

    due = filters.ChoiceFilter(label=_("Due"), choices=Due.choices, method="of_due", empty_label=_("all"))
    done = filters.ChoiceFilter(label=_("Done"), choices=Done.choices, method="of_done", empty_label=_("all"))

    class Meta:
        model = FollowUp
        fields = ("kind", "owner", "team", "due", "done")

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        if self.request is not None:
            request = self.request  # a function is shared by the copies of the form, a bound method would be copied
            self.filters["owner"].extra["choices"] = lambda: _owners(request)

    def of_due(self, rows: QuerySet[FollowUp], _name: str, part: str) -> QuerySet[FollowUp]:
        now = clock.now()
        if part == Due.OVERDUE:
            return rows.filter(state=FollowUpState.OPEN, due_at__lte=now)
        if part == Due.SOON:
            return rows.filter(
                state=FollowUpState.OPEN, due_at__gt=now, due_at__lte=now + timedelta(seconds=SOON_SECONDS)
            )
        tomorrow = clock.business_midnight(clock.today(now) + timedelta(days=1))
        return rows.filter(state=FollowUpState.OPEN, due_at__gt=now, due_at__lt=tomorrow)

    def of_done(self, rows: QuerySet[FollowUp], _name: str, _day: str) -> QuerySet[FollowUp]:
        return rows.filter(state=FollowUpState.DONE, closed_at__gte=clock.business_midnight(clock.today()))

    def of_team(self, rows: QuerySet[FollowUp], _name: str, team: Team) -> QuerySet[FollowUp]:
        """What the team's people own, and what lies in its pool."""
        return rows.filter(owner__in=team.memberships.values("user")) | rows.filter(team=team, pooled=True)


class MessageFilter(filters.FilterSet):
    state = filters.ChoiceFilter(label=_("State"), choices=MessageState.choices, empty_label=_("all"))
    message_class = filters.ChoiceFilter(label=_("Class"), choices=MessageClass.choices, empty_label=_("all"))

    class Meta:
        model = OutMessage
        fields = ("state", "message_class")
