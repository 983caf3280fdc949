"""What is asked before a rehearsal, and a staffing rule."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from complaints.acts.forms import UnitChoice
from complaints.rehearsing.staff import Shift
from complaints.rehearsing.words import say_drafts
from foundation.calendars.windows import Window, read_windows
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.common.ids import from_text
from foundation.policies.drafting import frozen
from foundation.policies.models import Draft
from staff.models import OrgUnit

OFFERED = 40
SHIFTS = 3
DAYS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "week": (_("Monday to Friday"), (0, 1, 2, 3, 4)),
    "six": (_("Monday to Saturday"), (0, 1, 2, 3, 4, 5)),
    "all": (_("every day"), (0, 1, 2, 3, 4, 5, 6)),
    "weekend": (_("Saturday and Sunday"), (5, 6)),
}


def _ref(text: Any) -> int:
    return from_text(str(text)[:13])


class DayInput(forms.DateInput):
    input_type = "date"

    def format_value(self, value: Any) -> Any:
        return value.isoformat() if hasattr(value, "isoformat") else value


class RehearsalForm(forms.Form):
    """A period, and the drafts of either side; a side without drafts is what is in force."""

    title = forms.CharField(label=_("Name of the rehearsal"), max_length=80)
    from_day = forms.DateField(label=_("Complaints received from"), widget=DayInput)
    to_day = forms.DateField(label=_("received until"), widget=DayInput)
    right = forms.TypedMultipleChoiceField(
        label=_("Drafts to rehearse"), coerce=_ref, required=False, widget=forms.CheckboxSelectMultiple
    )
    left = forms.TypedMultipleChoiceField(
        label=_("Compare with these drafts"),
        coerce=_ref,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("None: with what is in force now."),
    )

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        drafts = list(Draft.objects.filter(state=Draft.State.OPEN).order_by("-pk")[:OFFERED])
        said = say_drafts(frozen(draft) for draft in drafts)
        offered = [(words.ref, f"{words.kind}: {words.in_line}") for words in said]
        for name in ("left", "right"):
            field = self.fields[name]
            assert isinstance(field, forms.TypedMultipleChoiceField)
            field.choices = offered

    @staticmethod
    def beginning(right: str) -> dict[str, Any]:
        """What stands in a new form: the last ninety days, and the draft one came from."""
        today = clock.today()
        return {"from_day": today - timedelta(days=89), "to_day": today, "right": [right] if right else []}


class StaffingForm(forms.Form):
    """How long a case takes, and up to three shifts."""

    unit = UnitChoice(label=_("Unit (and those below it without a rule of their own)"))
    minutes = forms.IntegerField(label=_("Minutes of work a case takes"), min_value=1, max_value=10_000, initial=60)
    note = forms.CharField(label=_("Reason"), max_length=120, required=False)

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        unit = self.fields["unit"]
        assert isinstance(unit, UnitChoice)
        unit.offer(OrgUnit.objects.filter(closed_on__isnull=True).order_by("no"))
        for number in range(1, SHIFTS + 1):
            first = number == 1
            self.fields[f"people{number}"] = forms.IntegerField(
                label=_("Number of people"), min_value=0, max_value=500, required=first, initial=1 if first else None
            )
            self.fields[f"days{number}"] = forms.ChoiceField(
                label=_("On these days"),
                choices=[(code, label) for code, (label, _days) in DAYS.items()],
                required=False,
            )
            self.fields[f"hours{number}"] = forms.CharField(
                label=_("Working hours"), max_length=100, required=False, initial="09:00-18:00" if first else ""
            )

    @property
    def shifts(self) -> list[Any]:
        """The fields of each shift, for the page."""
        return [[self[f"{name}{number}"] for name in ("people", "days", "hours")] for number in range(1, SHIFTS + 1)]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        found = []
        for number in range(1, SHIFTS + 1):
            people = values.get(f"people{number}")
            if not people:
                continue
            windows: tuple[Window, ...] = ()
            try:
                windows = read_windows(values.get(f"hours{number}") or "")
            except RuleBroken as no:
                self.add_error(f"hours{number}", no.message)
            _label, days = DAYS[values.get(f"days{number}") or "week"]
            found.append(Shift(people, days, windows))
        values["shifts"] = found
        return values

    def rule(self) -> dict[str, Any]:
        """As the service takes it. Call after `is_valid()`."""
        return {name: self.cleaned_data[name] for name in ("unit", "minutes", "shifts", "note")}
