"""Accounts: opened, changed, closed; roles given from a day to a day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import RuleBroken
from staff.models import OrgUnit, RoleAssignment, User, holds_on
from staff.roles import ROLES
from staff.services.passwords import end_sessions, new_password, refuse_own

ADMINISTER = "staff.administer"
PROGRAM_ROLE = "PROGRAM"
FIELDS = ("name", "staff_no", "extension", "email", "employment", "skills", "unit")
_PERSONAL = {"name", "extension", "email"}


@transaction.atomic
def create_user(
    *,
    actor: User | None,
    username: str,
    name: str,
    staff_no: str,
    unit: OrgUnit,
    extension: str = "",
    email: str = "",
    employment: str = User.Employment.LONG_TERM,
    skills: list[str] | None = None,
    kind: str = User.Kind.HUMAN,
) -> tuple[User, str]:
    """A new account without roles, with a random password the person must change at the first sign-in.

    Returns the user and the password ("" for a program), which is stored nowhere. Account names are kept in small
    letters. Refuses (RuleBroken) a name (`users.username_taken`) or staff number (`users.staff_no_taken`) in use, a
    closed unit (`users.unit_closed`).
    """
    username = username.strip().lower()
    _check_free(username=username, staff_no=staff_no)
    _check_unit(unit)
    user = User(
        username=username,
        name=name,
        staff_no=staff_no,
        unit=unit,
        extension=extension,
        email=email,
        employment=employment,
        skills=skills or [],
        kind=kind,
    )
    password = "" if kind == User.Kind.SERVICE else new_password()
    user.set_password(password or None)
    user.must_change_password = bool(password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:
        raise RuleBroken("users.username_taken", _("This account or staff number was just taken.")) from error
    record("user.created", target=user, actor=actor, unit_id=unit.pk, detail={"staff_no": staff_no, "kind": kind})
    return user, password


@transaction.atomic
def change_user(user_id: int, *, actor: User, **wanted: Any) -> User:
    """Change name, staff_no, extension, email, employment, skills or unit. Refuses as `create_user`.

    Another unit does not move roles: they say where they are held.
    """
    unknown = set(wanted) - set(FIELDS)
    if unknown:
        raise TypeError(f"change_user cannot change {sorted(unknown)}")
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    changed = {field: getattr(user, field) for field, value in wanted.items() if getattr(user, field) != value}
    if not changed:
        return user
    if "staff_no" in changed:
        _check_free(staff_no=wanted["staff_no"])
    if "unit" in changed:
        _check_unit(wanted["unit"])
    for field in changed:
        setattr(user, field, wanted[field])
    user.save(update_fields=list(changed))
    detail: dict[str, Any] = {"fields": sorted(changed)}
    if "unit" in changed:
        detail["unit"] = [changed["unit"].pk, user.unit_id]
    personal = {field: [old, wanted[field]] for field, old in changed.items() if field in _PERSONAL}
    record("user.changed", target=user, actor=actor, unit_id=user.unit_id, detail=detail, personal=personal or None)
    return user


@transaction.atomic
def deactivate_user(user_id: int, *, actor: User) -> User:
    """Close an account at once: no rights, no sign-in, sessions ended; roles and history stay, and so does its work
    until it is handed over.

    Refuses the own account (`users.own_account`), the last one that can administer (`users.last_administrator`).
    """
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    refuse_own(user, actor)
    if not user.is_active:
        return user
    _check_administrator_left(without=user)
    user.is_active = False
    user.save(update_fields=["is_active"])
    end_sessions(user.pk, actor=actor)
    record("user.deactivated", target=user, actor=actor, unit_id=user.unit_id)
    return user


@transaction.atomic
def reactivate_user(user_id: int, *, actor: User) -> User:
    """Open a closed account again. Refuses the own account (`users.own_account`)."""
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    refuse_own(user, actor)
    if not user.is_active:
        user.is_active = True
        user.save(update_fields=["is_active"])
        record("user.reactivated", target=user, actor=actor, unit_id=user.unit_id)
    return user


@transaction.atomic
def grant_role(
    user_id: int, *, actor: User | None, role: str, unit: OrgUnit, from_day: date, to_day: date | None = None
) -> RoleAssignment:
    """Give a role in a unit from a day to a day (included; None: open).

    Refuses the own account (`users.own_account`, D§3.2), an unknown role (`roles.unknown`), a role of programs for a
    person or the other way round (`roles.programs`), an end before the beginning (`roles.days`), a role held there
    already in these days (`roles.held`), a closed unit (`users.unit_closed`).
    """
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    if actor is not None:
        refuse_own(user, actor)
    if role not in ROLES:
        raise RuleBroken("roles.unknown", _("There is no role “%(role)s”.") % {"role": role})
    if (role == PROGRAM_ROLE) != (user.kind == User.Kind.SERVICE):
        raise RuleBroken("roles.programs", _("This role is for programs of other systems, and they hold no other."))
    if to_day is not None and to_day < from_day:
        raise RuleBroken("roles.days", _("The last day lies before the first."))
    _check_unit(unit)
    held = user.role_assignments.filter(Q(to_day__isnull=True) | Q(to_day__gte=from_day), role=role, unit=unit)
    if held.filter(Q(from_day__lte=to_day) if to_day is not None else Q()).exists():
        raise RuleBroken("roles.held", _("This role is already held there in these days."))
    held_now = RoleAssignment.objects.create(user=user, role=role, unit=unit, from_day=from_day, to_day=to_day)
    detail = {
        "role": role,
        "unit": unit.pk,
        "from": from_day.isoformat(),
        "to": to_day.isoformat() if to_day is not None else None,
    }
    record("user.role_granted", target=user, actor=actor, unit_id=unit.pk, detail=detail)
    return held_now


@transaction.atomic
def end_role(assignment_id: int, *, actor: User, last_day: date | None = None) -> RoleAssignment | None:
    """Let a role end after `last_day`; None takes it away at once (yesterday is its last day, one that began today or
    later is deleted and None returned).

    Refuses the own account (`users.own_account`), a last day before the first (`roles.days`), the last role that can
    administer (`users.last_administrator`).
    """
    held = (
        RoleAssignment.objects.select_for_update(no_key=True, of=("self",)).select_related("user").get(pk=assignment_id)
    )
    refuse_own(held.user, actor)
    today = clock.today()
    if last_day is not None and last_day < held.from_day:
        raise RuleBroken("roles.days", _("The last day lies before the first."))
    until = last_day if last_day is not None else today - timedelta(days=1)
    if ADMINISTER in ROLES[held.role].rights():
        _check_administrator_left(without_role=held)
    detail = {"role": held.role, "unit": held.unit_id, "to": until.isoformat()}
    record("user.role_ended", target=held.user, actor=actor, unit_id=held.unit_id, detail=detail)
    if until < held.from_day:
        held.delete()
        return None
    held.to_day = until
    held.save(update_fields=["to_day"])
    return held


def _check_administrator_left(*, without: User | None = None, without_role: RoleAssignment | None = None) -> None:
    roles = [code for code, role in ROLES.items() if ADMINISTER in role.rights()]
    left = RoleAssignment.objects.filter(
        holds_on(clock.today()), role__in=roles, to_day__isnull=True, user__is_active=True, user__kind=User.Kind.HUMAN
    )
    if without is not None:
        if not RoleAssignment.objects.filter(holds_on(clock.today()), user=without, role__in=roles).exists():
            return
        left = left.exclude(user=without)
    if without_role is not None:
        left = left.exclude(pk=without_role.pk)
    if not left.select_for_update(of=("self",)).exists():
        raise RuleBroken(
            "users.last_administrator", _("Nobody could administer accounts any more: give the role to another first.")
        )


def _check_free(*, username: str | None = None, staff_no: str | None = None) -> None:
    if username is not None and User.objects.filter(username__iexact=username).exists():
        raise RuleBroken("users.username_taken", _("The account “%(name)s” exists already.") % {"name": username})
    if staff_no is not None and User.objects.filter(staff_no=staff_no).exists():
        raise RuleBroken("users.staff_no_taken", _("The staff number %(number)s is in use.") % {"number": staff_no})


def _check_unit(unit: OrgUnit) -> None:
    if unit.closed_on is not None:
        raise RuleBroken("users.unit_closed", _("“%(name)s” is closed.") % {"name": unit.name})
