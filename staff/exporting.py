"""The lists of people, teams, shifts and absences as files."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from foundation.ui.wording import join_words, say_date
from staff.admin_forms import UserFilter
from staff.exports.registry import Column, Exportable, Kind, in_words, register_exportable
from staff.models import Absence, Shift, User
from staff.queries import absences_asked, monday_of, shifts_of_week, teams_visible, user_rows

STAFF = "staff.export"


def _users(user: User, query: QueryDict) -> QuerySet[User]:
    form = UserFilter(query)
    return user_rows(user, **(form.cleaned_data if form.is_valid() else {}))


def _user_words(_user: User, query: QueryDict) -> list[tuple[str, str]]:
    form = UserFilter(query)
    asked = form.cleaned_data if form.is_valid() else {}
    choices = {name: dict(getattr(form.fields[name], "choices", ())) for name in asked}
    return [
        (str(form.fields[name].label), str(choices[name].get(value, value))) for name, value in asked.items() if value
    ]


def _state_of(person: Any) -> str:
    if not person.is_active:
        return _("Account closed")
    return str(person.away_now[0].get_reason_display()) if person.away_now else _("Present")


def _delegate_of(person: Any) -> str:
    delegate = person.away_now[0].delegate if person.away_now else None
    return delegate.name if delegate else ""


USERS = Exportable(
    name="people",
    title=gettext_lazy("People"),
    right="staff.view",
    take=STAFF,
    url_name="staff:user-list",
    columns=(
        Column("name", gettext_lazy("Name"), read=lambda person: person.name),
        Column("staff_no", gettext_lazy("Staff number"), read=lambda person: person.staff_no),
        Column("username", gettext_lazy("Account"), read=lambda person: person.username),
        Column("unit", gettext_lazy("Unit"), read=lambda person: person.unit.name),
        Column(
            "roles",
            gettext_lazy("Roles today"),
            read=lambda person: join_words(held.get_role_display() for held in person.roles_today),
        ),
        Column("state", gettext_lazy("State"), read=_state_of),
        Column("delegate", gettext_lazy("Delegate"), read=_delegate_of),
    ),
    rows=_users,
    filters=_user_words,
    parameters=("q", "role", "state"),
    customers=(),
    lines=lambda people: people,
)
TEAMS = Exportable(
    name="teams",
    title=gettext_lazy("Teams"),
    right="staff.view",
    take=STAFF,
    url_name="staff:team-list",
    columns=(
        Column("team", gettext_lazy("Team"), ("name",)),
        Column("unit", gettext_lazy("Unit"), ("unit__name",)),
        Column("lead", gettext_lazy("Lead"), ("lead__name",)),
    ),
    rows=lambda user, _query: teams_visible(user).order_by("name", "pk"),
    filters=lambda _user, _query: [],
    parameters=(),
    customers=(),
)


def _shifts(user: User, query: QueryDict) -> QuerySet[Shift]:
    return shifts_of_week(user, monday_of(query.get("week", "")))


SHIFTS = Exportable(
    name="shifts",
    title=gettext_lazy("Shifts"),
    right="staff.absence",
    take=STAFF,
    url_name="staff:shift-list",
    columns=(
        Column("person", gettext_lazy("Person"), ("user__name",)),
        Column("staff_no", gettext_lazy("Staff number"), ("user__staff_no",)),
        Column("unit", gettext_lazy("Unit"), ("user__unit__name",)),
        Column("leads", gettext_lazy("Leads"), ("is_lead",), read=lambda leads: _("yes") if leads else ""),
        Column("begins", gettext_lazy("Begins"), ("starts_at",), kind=Kind.MOMENT),
        Column("ends", gettext_lazy("Ends"), ("ends_at",), kind=Kind.MOMENT),
    ),
    rows=_shifts,
    filters=lambda _user, query: [(_("Week"), say_date(monday_of(query.get("week", ""))))],
    parameters=("week",),
    customers=(),
)


ABSENCES = Exportable(
    name="absences",
    title=gettext_lazy("Absences"),
    right="staff.absence",
    take=STAFF,
    url_name="staff:absence-list",
    columns=(
        Column("person", gettext_lazy("Person"), ("user__name",)),
        Column("staff_no", gettext_lazy("Staff number"), ("user__staff_no",)),
        Column("unit", gettext_lazy("Unit"), ("user__unit__name",)),
        Column("reason", gettext_lazy("Reason"), ("reason",), read=in_words(Absence.Reason)),
        Column("from", gettext_lazy("From"), ("starts_at",), kind=Kind.MOMENT),
        Column("to", gettext_lazy("To"), ("ends_at",), kind=Kind.MOMENT),
        Column("delegate", gettext_lazy("Delegate"), ("delegate__name",)),
    ),
    rows=lambda user, query: absences_asked(user, past=query.get("when") == "past"),
    filters=lambda _user, query: [
        (_("Which absences"), _("Past") if query.get("when") == "past" else _("Now and to come"))
    ],
    parameters=("when",),
    customers=(),
)


def register() -> None:
    """Make the lists known."""
    for exportable in (USERS, TEAMS, SHIFTS, ABSENCES):
        register_exportable(exportable)
