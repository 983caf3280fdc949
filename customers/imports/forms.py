"""The form of a new import."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from customers.imports.contents import mapping_keys, mapping_of
from foundation.common import clock
from staff.models import OrgUnit


class ImportForm(forms.Form):
    """`complete` stands behind the file: it is missing when the upload was cut off."""

    mapping = forms.ChoiceField(label=_("Mapping"), help_text=_("Which columns the file has and what they mean."))
    as_of = forms.DateField(
        label=_("The day the file describes"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("Activations given as months of tenure are counted back from it."),
    )
    unit = forms.ModelChoiceField(
        label=_("Unit"),
        queryset=OrgUnit.objects.none(),
        help_text=_("For rows that name no unit."),
    )
    file = forms.FileField(
        label=_("File"),
        allow_empty_file=True,
        help_text=_("CSV (UTF-8 or GBK) or XLSX, packed with gzip or not."),
        error_messages={"required": _("Choose a file.")},
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,.tsv,.xlsx,.gz"}),
    )
    complete = forms.CharField(
        widget=forms.HiddenInput,
        initial="1",
        error_messages={"required": _("The upload was cut off. Nothing was kept; please upload the file again.")},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        units = OrgUnit.objects.filter(closed_on=None).order_by("no")
        self.fields["mapping"].choices = [(key, mapping_of(key).title) for key in mapping_keys()]  # type: ignore[attr-defined]
        self.fields["unit"].queryset = units  # type: ignore[attr-defined]
        self.fields["unit"].initial = units.first()
        self.fields["as_of"].initial = clock.today()

    def clean(self) -> dict[str, Any] | None:
        if "complete" in self.errors:  # a hidden field has no place for its words
            self.add_error(None, self.errors.pop("complete"))
        return self.cleaned_data
