"""Shape of what administrators and leads enter; the rules are in the services."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from foundation.calendars.models import WorkCalendar
from foundation.common import clock
from staff.models import Absence, OrgUnit, User
from staff.picking import PersonField, UnitField
from staff.roles import ROLES
from staff.services.users import PROGRAM_ROLE

CODE = RegexValidator(r"^[A-Za-z0-9._-]+$", _("Letters, digits, dots, dashes and underscores only."))


def _date(label: Any, **kwargs: Any) -> forms.DateField:
    return forms.DateField(label=label, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"), **kwargs)


def _moment(label: Any, **kwargs: Any) -> forms.DateTimeField:
    widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    return forms.DateTimeField(label=label, widget=widget, **kwargs)


class PeopleForm(forms.Form):
    """A form whose person fields look among the people of `viewer`."""

    def __init__(self, *args: Any, viewer: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, PersonField):
                field.viewer = viewer


class UserFilter(forms.Form):
    """Which people a list shows."""

    q = forms.CharField(label=_("Name, number or account"), required=False, max_length=80)
    role = forms.ChoiceField(
        label=_("Role"), required=False, choices=[("", _("All")), *((code, role.label) for code, role in ROLES.items())]
    )
    state = forms.ChoiceField(
        label=_("State"),
        required=False,
        choices=[("", _("All")), ("present", _("Present")), ("absent", _("Absent")), ("closed", _("Account closed"))],
    )


class UserForm(forms.Form):
    """A person's account."""

    name = forms.CharField(label=_("Name"), max_length=80)
    staff_no = forms.CharField(label=_("Staff number"), max_length=16, validators=[CODE])
    unit = UnitField(label=_("Unit"))
    employment = forms.ChoiceField(label=_("Employment"), choices=User.Employment.choices)
    extension = forms.CharField(label=_("Extension"), max_length=16, required=False)
    email = forms.EmailField(label=_("E-mail"), required=False)
    skills = forms.CharField(
        label=_("Skills"), required=False, max_length=200, help_text=_("Codes such as ROAMING, separated by commas.")
    )

    def clean_skills(self) -> list[str]:
        codes = {code.strip().upper()[:24] for code in self.cleaned_data["skills"].split(",")}
        return sorted(code for code in codes if code)


class NewUserForm(UserForm):
    """A new account; a program gets no password."""

    username = forms.CharField(label=_("Account"), max_length=64, validators=[CODE])
    kind = forms.ChoiceField(label=_("Kind"), choices=User.Kind.choices)
    field_order = ("username", "kind", "name", "staff_no", "unit")


class RoleForm(forms.Form):
    """A role to be held."""

    # Programs are admitted with their role by `manage create_api_client`.
    role = forms.ChoiceField(
        label=_("Role"), choices=[(code, role.label) for code, role in ROLES.items() if code != PROGRAM_ROLE]
    )
    unit = UnitField(label=_("In the unit"))
    from_day = _date(_("From"), initial=clock.today)
    to_day = _date(_("To"), required=False)


class UnitForm(forms.Form):
    """A unit's own facts."""

    name = forms.CharField(label=_("Unit name"), max_length=80)
    function = forms.ChoiceField(label=_("Function"), choices=OrgUnit.Function.choices)
    area = forms.CharField(label=_("Area"), max_length=80, required=False)
    calendar_code = forms.ChoiceField(label=_("Work calendar"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(row.code, str(row)) for row in WorkCalendar.objects.order_by("code")]
        self.fields["calendar_code"].choices = choices  # type: ignore[attr-defined]


class NewUnitForm(UnitForm):
    """A new unit and where it hangs."""

    code = forms.CharField(label=_("Code"), max_length=32, validators=[CODE])
    parent = UnitField(label=_("Below"), required=False)
    field_order = ("code", "name", "parent")


class MoveForm(forms.Form):
    """Where a unit hangs from now on."""

    parent = UnitField(label=_("Move below"))


class HeadForm(PeopleForm):
    """Who heads a unit from a day on."""

    user = PersonField(label=_("Head"), required=False)
    from_day = _date(_("From"), initial=clock.today)


class TeamForm(PeopleForm):
    """A team's name and lead."""

    name = forms.CharField(label=_("Team name"), max_length=80)
    lead = PersonField(label=_("Lead"))


class NewTeamForm(TeamForm):
    """A new team."""

    unit = UnitField(label=_("Unit"))
    field_order = ("name", "unit", "lead")


class MemberForm(PeopleForm):
    """Who joins a team."""

    user = PersonField(label=_("Person"))
    from_day = _date(_("From"), initial=clock.today)


class ShiftForm(PeopleForm):
    """The same hours on some weekdays."""

    user = PersonField(label=_("Person"))
    first_day = _date(_("First day"))
    last_day = _date(_("Last day"))
    weekdays = forms.TypedMultipleChoiceField(
        label=_("Weekdays"),
        coerce=int,
        choices=[(str(number), name) for number, name in WEEKDAYS.items()],
        widget=forms.CheckboxSelectMultiple,
        initial=[0, 1, 2, 3, 4],
    )
    begins = forms.TimeField(label=_("Begins"), widget=forms.TimeInput(attrs={"type": "time"}), initial=time(9, 0))
    ends = forms.TimeField(
        label=_("Ends"),
        widget=forms.TimeInput(attrs={"type": "time"}),
        initial=time(18, 0),
        help_text=_("An end at or before the beginning lies on the next day."),
    )
    is_lead = forms.BooleanField(label=_("Leads the shift"), required=False)


class AbsenceForm(PeopleForm):
    """Who is away, why, and who acts."""

    user = PersonField(label=_("Person"))
    reason = forms.ChoiceField(label=_("Reason"), choices=Absence.Reason.choices)
    starts_at = _moment(_("From"))
    ends_at = _moment(_("To"), required=False, help_text=_("May stay empty for a resignation only."))
    delegate = PersonField(
        label=_("Delegate"), required=False, help_text=_("Without one the team lead takes over what falls due.")
    )


class DelegateForm(PeopleForm):
    """Another delegate, or none."""

    delegate = PersonField(label=_("Delegate"), required=False)


class EndForm(forms.Form):
    """When an absence ends; empty: now."""

    at = _moment(_("Ends"), required=False)


class HandoverForm(PeopleForm):
    """Who takes all the work."""

    to = PersonField(label=_("New owner of all of it"))


def tomorrow_morning() -> datetime:
    """A likely beginning of an absence: tomorrow 00:00 in the business zone."""
    return clock.business_midnight(clock.today() + timedelta(days=1))
