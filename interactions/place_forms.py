"""Shape of input of a contact place."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from foundation.calendars.models import WorkCalendar
from foundation.calendars.queries import ROUND_THE_CLOCK
from interactions.lifecycle import Channel
from staff.picking import UnitField


class PlaceForm(forms.Form):
    channel = forms.ChoiceField(label=_("Channel"), choices=Channel.choices)
    unit = UnitField(label=_("Unit"))
    name_zh = forms.CharField(label=_("Name in Chinese"), max_length=60)
    name_en = forms.CharField(label=_("Name in English"), max_length=60)
    address = forms.CharField(label=_("Number, street or link"), max_length=200, required=False)
    calendar_code = forms.ChoiceField(label=_("Work calendar"), initial=ROUND_THE_CLOCK)
    active = forms.BooleanField(label=_("In use"), required=False, initial=True)

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        field = self.fields["calendar_code"]
        assert isinstance(field, forms.ChoiceField)
        english = (get_language() or "").startswith("en")
        rows = WorkCalendar.objects.order_by("code").values_list("code", "name_en" if english else "name_zh")
        field.choices = list(rows)
