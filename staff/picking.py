"""Choosing a person or a unit by typing: the field, and the proposals it asks for."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html_join
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from foundation.common.doors import requires
from staff.models import OrgUnit, User
from staff.rights import sight_of
from staff.signin import actor_of

PROPOSED = 12


def say_person(user: User) -> str:
    """How a person is written in a field: staff number, then name."""
    return f"{user.staff_no} {user.name}"


def say_unit(unit: OrgUnit) -> str:
    """How a unit is written in a field: code, then name."""
    return f"{unit.code} {unit.name}"


class PersonField(forms.CharField):
    """A person who works here, by staff number (what follows it is not read); the form says among whose people.

    `url_name`: where the proposals come from.
    """

    url_name = "staff:person-options"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=120, **kwargs)
        self.viewer: User | None = None

    def clean(self, value: Any) -> User | None:
        text = super().clean(value)
        if not text:
            return None
        number = text.split()[0]
        people = User.objects.visible_to(self.viewer) if self.viewer is not None else User.objects.none()
        found: User | None = (
            people.select_related("unit").filter(Q(staff_no=number) | Q(username=number.lower())).first()
        )
        if found is None:
            raise forms.ValidationError(_("Nobody among your people has the staff number %(n)s.") % {"n": number})
        return found


class UnitField(forms.CharField):
    """A unit by its code (what follows it is not read)."""

    url_name = "staff:unit-options"

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=120, **kwargs)

    def clean(self, value: Any) -> OrgUnit | None:
        text = super().clean(value)
        if not text:
            return None
        code = text.split()[0]
        found = OrgUnit.objects.filter(code__iexact=code).first()
        if found is None:
            raise forms.ValidationError(_("There is no unit with the code %(code)s.") % {"code": code})
        return found


def matching_people(viewer: User, text: str) -> Any:
    """Persons visible to `viewer` whose staff number or account begins with `text` or whose name contains it."""
    people = User.objects.visible_to(viewer)
    if text:
        people = people.filter(Q(staff_no__istartswith=text) | Q(username__istartswith=text) | Q(name__icontains=text))
    return people


@require_GET
@requires("staff.view")
def person_options(request: HttpRequest) -> HttpResponse:
    """Proposals for a person field: `<option>`s, of active people among one's own."""
    text = _typed(request)
    rows = matching_people(actor_of(request), text).people().order_by("staff_no")[:PROPOSED] if text else []
    return _options([say_person(user) for user in rows])


@require_GET
@requires("staff.view")
def unit_options(request: HttpRequest) -> HttpResponse:
    """Proposals for a unit field: `<option>`s of open units in one's own sight."""
    text = _typed(request)
    units = OrgUnit.objects.filter(closed_on__isnull=True)
    units = units.filter(sight_of(actor_of(request), "staff.view").rows(unit_no="no", owner=None))
    found = units.filter(Q(code__istartswith=text) | Q(name__icontains=text)).order_by("no")[:PROPOSED] if text else []
    return _options([say_unit(unit) for unit in found])


def _typed(request: HttpRequest) -> str:
    # The picker sends its own field under the field's name; one value is what was typed.
    values = [str(value) for name, value in request.GET.items() if name != "picker"]
    return " ".join(values[0].split())[:80] if values else ""


def _options(texts: list[str]) -> HttpResponse:
    return HttpResponse(format_html_join("", '<option value="{}"></option>', ((text,) for text in texts)))
