"""Entries of the audit as people read them: words for codes, names for ids, one look-up per kind and page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.utils.text import Truncator
from django.utils.translation import gettext as _

from customers.models import Customer
from foundation.audit import words
from foundation.audit.models import AuditEntry
from foundation.audit.words import Detail, Shape
from foundation.ui.wording import join_words, local
from staff.models import OrgUnit, User
from workspace.admin.audit_targets import names_of

LONGEST = 60
PERSON_KIND, CUSTOMER_KIND = "staff.user", "customers.customer"


@dataclass(frozen=True)
class Line:
    """An entry in words. `who`: the person, or who acted without one; `target`: what tells the object from others."""

    entry: AuditEntry
    actor: User | None
    who: str
    behalf: User | None
    act: str
    kind: str
    target: str
    customer_number: str
    details: list[str]


def lines_of(entries: list[AuditEntry]) -> list[Line]:
    """The entries in words; four queries whatever their number (units only where an entry names one)."""
    people = User.objects.in_bulk(set(_people(entries)))
    units = set(_ids(entries, Shape.UNIT))
    names = _Names(people, OrgUnit.objects.in_bulk(units) if units else {}, names_of(entries))
    numbers = dict(
        Customer.objects.filter(pk__in={entry.customer_id for entry in entries if entry.customer_id}).values_list(
            "pk", "number"
        )
    )
    return [_line(entry, names, numbers) for entry in entries]


@dataclass(frozen=True)
class _Names:
    people: dict[int, User]
    units: dict[int, OrgUnit]
    targets: dict[tuple[str, str], str]


def _line(entry: AuditEntry, names: _Names, numbers: dict[int, str]) -> Line:
    actor = names.people.get(entry.actor_id or 0)
    return Line(
        entry=entry,
        actor=actor,
        who=actor.name if actor else _("not signed in") if words.is_by_stranger(entry) else _("the clock"),
        behalf=names.people.get(entry.on_behalf_of_id or 0),
        act=words.say_act(entry.verb),
        kind=words.say_kind(entry.target_type),
        target=_target(entry, names),
        customer_number=numbers.get(entry.customer_id or 0, ""),
        details=[
            _said(detail, value, entry.detail, names)
            for detail, value in words.details_of(entry)
            if value not in (None, "", [], {})
        ],
    )


def _target(entry: AuditEntry, names: _Names) -> str:
    """A person by name; a customer stands in a column of their own; other things by what they are called, by their id
    where they are gone or have no name."""
    if entry.target_type == CUSTOMER_KIND or entry.target_id == "0":
        return ""
    if entry.target_type == PERSON_KIND and entry.target_id.isdecimal():
        person = names.people.get(int(entry.target_id))
        return f"{person.name} {person.staff_no}" if person else entry.target_id
    return names.targets.get((entry.target_type, entry.target_id), entry.target_id)


def _said(detail: Detail, value: Any, together: dict[str, Any], names: _Names) -> str:
    def one(item: Any) -> str:
        return _one(detail, item, together, names)

    if isinstance(value, list) and not detail.whole:
        text = (
            " → ".join(one(item) for item in value) if detail.pair and len(value) == 2 else join_words(map(one, value))
        )
    elif isinstance(value, dict) and not detail.whole:
        text = join_words(f"{one(key)} {one_value}" for key, one_value in value.items())
    else:
        text = one(value)
    return _("%(label)s: %(text)s") % {"label": detail.label, "text": Truncator(text).chars(LONGEST)}


def _one(detail: Detail, value: Any, together: dict[str, Any], names: _Names) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if detail.words is not None:
        return str(detail.words(value, together))
    if detail.shape == Shape.PERSON:
        person = names.people.get(_id(value))
        return person.name if person else str(value)
    if detail.shape == Shape.UNIT:
        unit = names.units.get(_id(value))
        return unit.name if unit else str(value)
    return _moment(str(value)) if detail.shape == Shape.MOMENT else str(value)


def _moment(text: str) -> str:
    """`2026-11-22 10:24` in the reader's zone; a day as it is."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return f"{local(moment):%Y-%m-%d %H:%M}" if moment.tzinfo else text


def _people(entries: Iterable[AuditEntry]) -> Iterable[int]:
    entries = list(entries)
    for entry in entries:
        yield from (person for person in (entry.actor_id, entry.on_behalf_of_id) if person)
        if entry.target_type == PERSON_KIND and entry.target_id.isdecimal():
            yield int(entry.target_id)
    yield from _ids(entries, Shape.PERSON)


def _ids(entries: Iterable[AuditEntry], shape: Shape) -> Iterable[int]:
    """The ids in details of a shape."""
    for entry in entries:
        for detail, value in words.details_of(entry):
            if detail.shape == shape:
                yield from (found for item in (value if isinstance(value, list) else [value]) if (found := _id(item)))


def _id(value: Any) -> int:
    """The id a detail holds, also one kept as text; 0 for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 19 else 0
