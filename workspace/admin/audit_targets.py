"""What the things the audit speaks of are called: numbers, names, titles, in one query for a whole page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from django.apps import apps
from django.db.models import CharField, Value
from django.db.models.functions import Cast

from foundation.audit.models import AuditEntry
from foundation.common.errors import RuleBroken
from foundation.jobs.kinds import job_kinds
from foundation.policies.registry import definition
from outreach.wording import title_of


def _policy(key: str) -> str:
    try:
        return str(definition(key).title)
    except RuleBroken:
        return key


def _job(name: str) -> str:
    kinds = job_kinds()
    return str(kinds[name].title) if name in kinds else name


# Kind of target -> the column that tells one from the other, and how it is said. None of them tells of a customer.
CALLED: dict[str, tuple[str, Callable[[str], str]]] = {
    "calendars.workcalendar": ("code", str),
    "customers.changerequest": ("number", str),
    "customers.merge": ("number", str),
    "customers.segment": ("name", str),
    "exports.export": ("number", str),
    "imports.import": ("number", str),
    "interactions.interaction": ("number", str),
    "interactions.matter": ("number", str),
    "interactions.rightsrequest": ("number", str),
    "interactions.suggestion": ("number", str),
    "interactions.topic": ("code", str),
    "jobs.jobrun": ("job", _job),
    "outreach.followup": ("number", str),
    "outreach.outmessage": ("template", title_of),
    "policies.policysetting": ("key", _policy),
    "staff.orgunit": ("name", str),
    "staff.team": ("name", str),
}


def names_of(entries: Iterable[AuditEntry]) -> dict[tuple[str, str], str]:
    """What the targets of these entries are called, by kind and id as the entries hold them; those that are gone, and
    kinds without a name, are left out. One query, none when there is nothing to ask."""
    wanted: dict[str, set[str]] = defaultdict(set)
    for entry in entries:
        if entry.target_type in CALLED and entry.target_id.isdecimal() and len(entry.target_id) < 19:
            wanted[entry.target_type].add(entry.target_id)
    parts = [_rows(kind, keys) for kind, keys in sorted(wanted.items())]
    if not parts:
        return {}
    rows = parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]
    return {(kind, key): CALLED[kind][1](told) for kind, key, told in rows if told}


def _rows(kind: str, keys: set[str]) -> Any:
    column, _say = CALLED[kind]
    return (
        apps.get_model(kind)
        ._base_manager.filter(pk__in=[int(key) for key in keys])
        .values_list(
            Value(kind, output_field=CharField()), Cast("pk", CharField()), Cast(column, CharField()), named=False
        )
        .order_by()
    )
