"""Decisions about policies: each adds a row and an audit entry with the old and the new value."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.policies.kinds import checked, stored
from foundation.policies.models import PolicySetting
from foundation.policies.reading import expire, note_write
from foundation.policies.registry import Policy, definition

Scope = PolicySetting.Scope


@transaction.atomic
def set_policy(
    key: str,
    value: Any,
    *,
    actor: Any,
    scope: str = Scope.GLOBAL,
    scope_ref: str | int = "",
    effective_from: datetime | None = None,
    note: str = "",
    source: str = "operator",
) -> PolicySetting:
    """Give `key` a value in a scope from `effective_from` (aware; default now) on; returns the row in force
    then.

    `scope_ref` is the unit's id or the segment's code. A value the place has already is not written again.
    Refuses (RuleBroken) an unknown key (`policies.unknown`), a value of the wrong kind, out of bounds or
    choices (`policies.value`), a scope without its reference (`policies.scope`), a beginning in the past
    (`policies.past`), a note above 200 characters (`policies.note`).
    """
    known = definition(key)
    new = stored(known, checked(known, value))
    place = check_place(scope, scope_ref)
    _take_turn()
    begins = check_beginning(effective_from)
    before = _in_force(known, place, begins)
    if before is not None and before.value == new:
        return before
    return _add(known, place, begins, before, actor=actor, value=new, note=note, source=source)


@transaction.atomic
def withdraw_policy(
    key: str,
    *,
    actor: Any,
    scope: str = Scope.GLOBAL,
    scope_ref: str | int = "",
    effective_from: datetime | None = None,
    note: str = "",
) -> PolicySetting:
    """Take back the value of a scope from `effective_from` on, so that the next wider one (at last the
    shipped value) holds.

    Refuses as `set_policy`, and (`policies.nothing_to_withdraw`) where no own value is in force then.
    """
    known = definition(key)
    place = check_place(scope, scope_ref)
    _take_turn()
    begins = check_beginning(effective_from)
    before = _in_force(known, place, begins)
    if before is None:
        raise RuleBroken(
            "policies.nothing_to_withdraw", _("%(key)s has no value of its own there then.") % {"key": key}
        )
    return _add(known, place, begins, before, actor=actor, value=None, note=note, source="operator")


def _add(
    known: Policy,
    place: tuple[str, str],
    begins: datetime,
    before: PolicySetting | None,
    *,
    actor: Any,
    value: Any,
    note: str,
    source: str,
) -> PolicySetting:
    if len(note) > 200 or not 0 < len(source) <= 20:
        raise RuleBroken("policies.note", _("A note has at most 200 characters, a source at most 20."))
    scope, ref = place
    shipped = stored(known, known.default) if scope == Scope.GLOBAL else None
    row = PolicySetting.objects.create(
        key=known.key,
        scope=scope,
        scope_ref=ref,
        value=value,
        withdrawn=value is None,
        old_value=before.value if before is not None else shipped,
        effective_from=begins,
        source=source,
        note=note,
        created_at=clock.now(),
        created_by_id=getattr(actor, "pk", None),
    )
    record(
        "policy.withdrawn" if value is None else "policy.set",
        target=row,
        actor=actor,
        detail={
            "key": known.key,
            "scope": scope,
            "scope_ref": ref,
            "old": row.old_value,
            "new": value,
            "effective_from": begins.isoformat(),
        },
    )
    note_write()
    transaction.on_commit(expire)
    return row


def _take_turn() -> None:
    """Wait until no other transaction is writing policies. So the value recorded as old is the one
    replaced, "now" is after the decision before, and ids appear in the order of their rows, which readers'
    stamps rely on.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('policy_setting'))")


def _in_force(known: Policy, place: tuple[str, str], at: datetime) -> PolicySetting | None:
    """The place's own row that holds at `at`."""
    row = (
        PolicySetting.objects.filter(key=known.key, scope=place[0], scope_ref=place[1], effective_from__lte=at)
        .order_by("-effective_from", "-pk")
        .first()
    )
    return None if row is None or row.withdrawn else row


def check_place(scope: str, scope_ref: str | int) -> tuple[str, str]:
    """A scope with its reference as they are stored. Refuses (RuleBroken `policies.scope`)."""
    ref = str(scope_ref).strip()
    if scope not in Scope.values:
        raise RuleBroken("policies.scope", _("A policy holds everywhere, for a segment, or for a unit."))
    if (scope == Scope.GLOBAL) != (ref == "") or len(ref) > 40 or (scope == Scope.UNIT and not ref.isdecimal()):
        raise RuleBroken("policies.scope", _("Name the segment or unit the value is for, and none for everywhere."))
    return str(Scope(scope).value), ref


def check_beginning(effective_from: datetime | None) -> datetime:
    """When a value begins, now if nothing is said. Refuses (RuleBroken `policies.past`)."""
    now = clock.now()
    if effective_from is None:
        return now
    if effective_from.tzinfo is None:
        raise ValueError("a policy begins at an aware datetime")
    if effective_from < now:
        raise RuleBroken("policies.past", _("A policy cannot begin in the past: what was in force stays on record."))
    return effective_from
