"""Shapes of input of the pages about exports."""

from __future__ import annotations

import secrets
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from staff.exports.models import Export
from staff.exports.registry import Exportable, columns_for, may_be_clear
from staff.exports.services import LONGEST_NOTE, LONGEST_PURPOSE
from staff.models import User


class ExportForm(forms.Form):
    """Which columns, which of them in clear, in what format, and what for."""

    columns = forms.MultipleChoiceField(label=_("Columns"), widget=forms.CheckboxSelectMultiple)
    clear = forms.MultipleChoiceField(
        label=_("In clear instead of masked"),
        widget=forms.CheckboxSelectMultiple,
        required=False,
        help_text=_("A data protection officer must approve a file with a column in clear."),
    )
    file_format = forms.ChoiceField(
        label=_("Format"), choices=Export.Format.choices, widget=forms.RadioSelect, initial=Export.Format.XLSX
    )
    purpose = forms.CharField(
        label=_("What the file is for"), max_length=LONGEST_PURPOSE, help_text=_("Kept with the record of the export.")
    )
    token = forms.CharField(max_length=36, widget=forms.HiddenInput)

    def __init__(self, data: Any = None, *, exportable: Exportable, user: User) -> None:
        offered = columns_for(user, exportable)
        initial = {"columns": [column.key for column in offered if column.offered], "token": secrets.token_hex(16)}
        super().__init__(data, initial=initial)
        self._choices("columns", [(column.key, column.label) for column in offered])
        clear = [(column.key, column.label) for column in offered if may_be_clear(user, column)]
        if clear:
            self._choices("clear", clear)
        else:
            del self.fields["clear"]

    def _choices(self, name: str, choices: list[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.MultipleChoiceField)
        field.choices = choices

    def clean(self) -> dict[str, Any]:
        """A column in clear is a column of the file."""
        data = super().clean() or {}
        data["clear"] = data.get("clear") or []
        if "columns" in data:
            data["columns"] = [*data["columns"], *(key for key in data["clear"] if key not in data["columns"])]
        return data


class DecisionForm(forms.Form):
    """An officer's decision; a refusal needs its reason."""

    note = forms.CharField(label=_("Reason or condition"), max_length=LONGEST_NOTE, required=False)
    approve = forms.ChoiceField(choices=[("yes", ""), ("no", "")])
