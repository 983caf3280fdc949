"""Widgets written by Python have the markup of Django's own templates."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy

from foundation.ui.widgetry import WidgetRenderer
from foundation.ui.widgets import ClockInput, DayInput, MomentInput

CHOICES: list[Any] = [
    ("", "---"),
    ("a&b", 'A "quoted" <b>'),
    (3, 1234),
    ("lazy", gettext_lazy("Close")),
    ("safe", mark_safe("<i>safe</i>")),
    ("Group <1>", [("x", "X"), (None, "none")]),
]
CASES: list[tuple[forms.Widget, Any]] = [
    (forms.TextInput(attrs={"maxlength": 20, "required": True, "disabled": False}), 'it\'s <"me">'),
    (forms.TextInput(), None),
    (forms.TextInput(), ""),
    (forms.NumberInput(), 12),
    (forms.EmailInput(), "a@b.example"),
    (forms.HiddenInput(), "x"),
    (forms.PasswordInput(), "secret"),
    (forms.FileInput(), None),
    (forms.CheckboxInput(), True),
    (forms.CheckboxInput(), False),
    (DayInput(), "2026-11-22"),
    (MomentInput(), "2026-11-22T10:24"),
    (ClockInput(), "10:24"),
    (forms.Textarea(attrs={"rows": 2}), "<one>\ntwo"),
    (forms.Textarea(), None),
    (forms.Select(choices=CHOICES), "a&b"),
    (forms.Select(choices=CHOICES, attrs={"class": "w"}), 3),
    (forms.SelectMultiple(choices=CHOICES), ["x", "safe"]),
    (forms.RadioSelect(choices=CHOICES[:2]), "a&b"),
]


@pytest.mark.parametrize(("widget", "value"), CASES)
def test_the_markup_is_that_of_the_template(widget: forms.Widget, value: Any) -> None:
    attrs = {"id": "id_x", "aria-describedby": "a b", "data-x": '<&">'}
    ours, theirs = (widget.render("x&y", value, attrs, by()) for by in (WidgetRenderer, DjangoTemplates))
    assert lines(ours) == lines(theirs)


def lines(html: str) -> list[str]:
    """Without empty lines: a template per option leaves one behind each."""
    return [line for line in html.split("\n") if line.strip()]
