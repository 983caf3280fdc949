"""Absences and who acts meanwhile (D§3.3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from foundation.audit.services import record
from foundation.calendars.queries import calendar_for
from foundation.calendars.working_time import add_working, working_days
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.policies.reading import policy
from foundation.ui.wording import join_words, say_moment
from staff.absence import LONGEST_CHAIN, team_lead_of
from staff.models import Absence, User
from staff.rights import forget_cached, rights_of, roles_of
from staff.roles import ROLES, WORK_RIGHTS


@dataclass(frozen=True)
class Made:
    """An absence, and what the person who entered it should know."""

    absence: Absence
    warnings: tuple[str, ...] = ()


@transaction.atomic
def create_absence(
    *,
    actor: User,
    user: User,
    reason: str,
    starts_at: datetime,
    ends_at: datetime | None = None,
    delegate: User | None = None,
) -> Made:
    """Enter an absence (aware moments; None: until further notice).

    Refuses (RuleBroken) an end not after the beginning (`absences.times`), one that overlaps another of the person
    (`absences.overlap`), a leave or training without end (`absences.open`); as delegate the person (`absences.self`),
    a closed account or a program (`absences.delegate_closed`), somebody without a right the work needs
    (`absences.delegate_rights`), a circle of delegates (`absences.circle`), a chain of more than three
    (`absences.chain`), somebody away then with nobody acting (`absences.delegate_away`). Warns when there is no
    delegate (the team lead takes over), and when the work is to be transferred for good.
    """
    _lock()
    _check_times(user, reason, starts_at, ends_at)
    if delegate is not None:
        check_delegate(user, delegate, starts_at, ends_at)
    absence = Absence.objects.create(
        user=user, reason=reason, starts_at=starts_at, ends_at=ends_at, delegate=delegate, created_by=actor
    )
    record(
        "absence.created",
        target=absence,
        actor=actor,
        unit_id=user.unit_id,
        detail={
            "user": user.pk,
            "reason": reason,
            "from": starts_at.isoformat(),
            "to": ends_at.isoformat() if ends_at is not None else None,
            "delegate": delegate.pk if delegate is not None else None,
        },
    )
    return Made(absence, tuple(warnings_of(absence)))


@transaction.atomic
def set_delegate(absence_id: int, *, actor: User, delegate: User | None) -> Made:
    """Give an absence another delegate, or none. Refuses as `create_absence`, and one that is over
    (`absences.over`)."""
    _lock()
    absence = _open(absence_id)
    if delegate is not None:
        check_delegate(absence.user, delegate, absence.starts_at, absence.ends_at)
    detail = {"delegate": [absence.delegate_id, delegate.pk if delegate is not None else None]}
    absence.delegate = delegate
    absence.save(update_fields=["delegate"])
    record("absence.delegate_set", target=absence, actor=actor, unit_id=absence.user.unit_id, detail=detail)
    return Made(absence, tuple(warnings_of(absence)))


@transaction.atomic
def end_absence(absence_id: int, *, actor: User, at: datetime | None = None) -> Absence | None:
    """End an absence at a moment (default now); one that has not begun by then is taken back (None).

    Refuses one that is over (`absences.over`), and an end later than the planned one that overlaps another
    absence (`absences.overlap`).
    """
    _lock()
    absence = _open(absence_id)
    moment = at or clock.now()
    detail = {"user": absence.user_id, "to": moment.isoformat()}
    record("absence.ended", target=absence, actor=actor, unit_id=absence.user.unit_id, detail=detail)
    if moment <= absence.starts_at:
        absence.delete()
        return None
    if _overlapping(absence.user, absence.starts_at, moment).exclude(pk=absence.pk).exists():
        raise RuleBroken("absences.overlap", _("Another absence begins before that."))
    absence.ends_at = moment
    absence.save(update_fields=["ends_at"])
    return absence


@transaction.atomic
def mark_transferred(absence_id: int, *, actor: User) -> Absence:
    """Note that the work of a long absent person has new owners for good."""
    absence = Absence.objects.select_for_update(of=("self",)).select_related("user").get(pk=absence_id)
    if absence.transferred_at is None:
        absence.transferred_at = clock.now()
        absence.save(update_fields=["transferred_at"])
        record("absence.transferred", target=absence, actor=actor, unit_id=absence.user.unit_id)
    return absence


def check_delegate(user: User, delegate: User, starts_at: datetime, ends_at: datetime | None) -> None:
    """Whether `delegate` can act for `user` in that time; raises RuleBroken as `create_absence` says."""
    if delegate.pk == user.pk:
        raise RuleBroken("absences.self", _("Nobody is the own delegate."))
    if not delegate.is_active or delegate.kind != User.Kind.HUMAN:
        raise RuleBroken(
            "absences.delegate_closed", _("%(name)s cannot act: the account is closed.") % _named(delegate)
        )
    forget_cached(delegate)
    missing = (set(WORK_RIGHTS) & set(_rights(user))) - set(rights_of(delegate))
    if missing:
        raise RuleBroken(
            "absences.delegate_rights",
            _("%(name)s lacks rights this work needs: %(rights)s.")
            % {"name": delegate.name, "rights": join_words(WORK_RIGHTS[right] for right in sorted(missing))},
        )
    _check_chain(user, delegate, starts_at, ends_at)


def _check_chain(user: User, delegate: User, starts_at: datetime, ends_at: datetime | None) -> None:
    """Follow the delegates of the delegate through every absence that overlaps."""
    frontier, seen = [delegate], {user.pk}
    for hop in range(LONGEST_CHAIN + 1):
        following: list[User] = []
        for person in frontier:
            if person.pk in seen:
                raise RuleBroken(
                    "absences.circle",
                    _("%(name)s is away in that time and would be replaced by this very person.") % _named(delegate),
                )
            for away in _overlapping(person, starts_at, ends_at).select_related("delegate"):
                if away.delegate is not None:
                    following.append(away.delegate)
                elif away.starts_at <= starts_at and (
                    away.ends_at is None or (ends_at is not None and away.ends_at >= ends_at)
                ):
                    raise RuleBroken(
                        "absences.delegate_away",
                        _("%(name)s is away in all that time, and nobody acts for them.") % _named(person),
                    )
        if not following:
            return
        if hop + 1 >= LONGEST_CHAIN:
            raise RuleBroken(
                "absences.chain", _("That makes a chain of more than three delegates: choose somebody who is there.")
            )
        seen |= {person.pk for person in frontier}
        frontier = following


def warnings_of(absence: Absence) -> list[str]:
    """What is to be known about an absence, in words: no delegate, work to be transferred."""
    found = []
    if absence.delegate is None:
        lead = team_lead_of(absence.user, max(absence.starts_at, clock.now()))
        found.append(
            _("There is no delegate: the work goes to %(lead)s, who leads the team.") % {"lead": lead.name}
            if lead is not None
            else _("There is no delegate and no team lead who is there: nobody takes this work over.")
        )
    due = transfer_due(absence)
    if due is not None:
        found.append(
            _("This work needs a new owner for good by %(moment)s; customers are told the new name.")
            % {"moment": say_moment(due)}
        )
    return found


def transfer_due(absence: Absence) -> datetime | None:
    """Until when the work must have new owners (D§3.3): of one who resigned, or is away for more than
    `absence.transfer_after`; None: not at all, or done."""
    if absence.transferred_at is not None:
        return None
    limit = policy("staff.transfer_after")
    begins = absence.starts_at
    if absence.reason != Absence.Reason.RESIGNED and absence.ends_at is not None and absence.ends_at - begins <= limit:
        return None
    calendar = calendar_for(absence.user.unit.calendar_code)
    return add_working(begins, working_days(policy("staff.transfer_within"), calendar), calendar)


def _rights(user: User) -> set[str]:
    """Rights of the roles held, the account of one who left included."""
    return {right for role in roles_of(user) for right in ROLES[role].rights()}


def _check_times(user: User, reason: str, starts_at: datetime, ends_at: datetime | None) -> None:
    if ends_at is not None and ends_at <= starts_at:
        raise RuleBroken("absences.times", _("The end must lie after the beginning."))
    if ends_at is None and reason != Absence.Reason.RESIGNED:
        raise RuleBroken("absences.open", _("Leave and training need an end; it can be changed later."))
    there = _overlapping(user, starts_at, ends_at).first()
    if there is not None:
        raise RuleBroken(
            "absences.overlap",
            _("%(name)s has an absence from %(start)s already.")
            % {"name": user.name, "start": say_moment(there.starts_at)},
        )


def _overlapping(user: User, starts_at: datetime, ends_at: datetime | None) -> QuerySet[Absence]:
    rows = Absence.objects.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=starts_at), user=user)
    return rows.filter(starts_at__lt=ends_at) if ends_at is not None else rows


def _open(absence_id: int) -> Absence:
    absence = Absence.objects.select_related("user__unit", "delegate").get(pk=absence_id)
    if absence.ends_at is not None and absence.ends_at <= clock.now():
        raise RuleBroken("absences.over", _("This absence is over."))
    return absence


def _lock() -> None:
    # Two absences entered at once could close a circle neither of them sees.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('staff_absences'))")


def _named(user: User) -> dict[str, str]:
    return {"name": user.name}
