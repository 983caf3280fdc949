"""Teams: made, led by somebody, joined and left from a day on."""

from __future__ import annotations

from datetime import date, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from foundation.audit.services import record
from foundation.common.errors import RuleBroken
from staff.models import OrgUnit, Team, TeamMember, User


@transaction.atomic
def create_team(*, actor: User, unit: OrgUnit, name: str, lead: User) -> Team:
    """A new team in a unit. Refuses (RuleBroken) a name the unit has already (`teams.name_taken`), a lead whose
    account is closed (`teams.lead_closed`)."""
    _check(unit, name, lead)
    team = Team.objects.create(unit=unit, name=name, lead=lead)
    record("team.created", target=team, actor=actor, unit_id=unit.pk, detail={"lead": lead.pk})
    return team


@transaction.atomic
def change_team(team_id: int, *, actor: User, name: str, lead: User) -> Team:
    """Give a team another name or lead. Refuses as `create_team`."""
    team = Team.objects.select_for_update(no_key=True, of=("self",)).select_related("unit").get(pk=team_id)
    if (name, lead.pk) != (team.name, team.lead_id):
        _check(team.unit, name, lead, but=team)
        detail = {"lead": [team.lead_id, lead.pk], "fields": ["name"] if name != team.name else []}
        team.name, team.lead = name, lead
        team.save(update_fields=["name", "lead"])
        record("team.changed", target=team, actor=actor, unit_id=team.unit_id, detail=detail)
    return team


@transaction.atomic
def join_team(team_id: int, *, actor: User, user: User, from_day: date) -> TeamMember:
    """Let a person work in a team from a day on; another team is left the day before.

    Refuses a closed account (`teams.member_closed`), a person who is to join another team later (`teams.planned`).
    """
    team = Team.objects.get(pk=team_id)
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if not user.is_active:
        raise RuleBroken("teams.member_closed", _("This account is closed."))
    mine = TeamMember.objects.filter(user=user)
    there = mine.filter(from_day__lte=from_day).filter(Q(to_day__isnull=True) | Q(to_day__gte=from_day)).first()
    if there is not None and there.team_id == team.pk:
        return there
    if mine.filter(from_day__gt=from_day).exists():
        raise RuleBroken("teams.planned", _("This person is already planned for a team from a later day on."))
    if there is not None:
        _leave(there, last_day=from_day - timedelta(days=1))
    member = TeamMember.objects.create(team=team, user=user, from_day=from_day)
    detail = {"user": user.pk, "from": from_day.isoformat(), "left": there.team_id if there is not None else None}
    record("team.joined", target=team, actor=actor, unit_id=team.unit_id, detail=detail)
    return member


@transaction.atomic
def leave_team(member_id: int, *, actor: User, last_day: date) -> None:
    """Let a membership end after a day; one that would end before it began is taken back."""
    member = TeamMember.objects.select_for_update(of=("self",)).select_related("team").get(pk=member_id)
    _leave(member, last_day=last_day)
    detail = {"user": member.user_id, "to": last_day.isoformat()}
    record("team.left", target=member.team, actor=actor, unit_id=member.team.unit_id, detail=detail)


def _leave(member: TeamMember, *, last_day: date) -> None:
    if last_day < member.from_day:
        member.delete()
    else:
        member.to_day = last_day
        member.save(update_fields=["to_day"])


def _check(unit: OrgUnit, name: str, lead: User, but: Team | None = None) -> None:
    same = Team.objects.filter(unit=unit, name=name)
    if (same.exclude(pk=but.pk) if but is not None else same).exists():
        raise RuleBroken("teams.name_taken", _("There is a team called “%(name)s” in this unit.") % {"name": name})
    if not lead.is_active:
        raise RuleBroken("teams.lead_closed", _("The account of the lead is closed."))
