"""Ownership over the end of a shift: the named shift lead keeps it until the owner's next shift (D§9.3)."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from foundation.common import clock
from interactions.models import Matter, ShiftTurn
from interactions.services.matter_ground import TAKE_RIGHT, remember, ring
from interactions.stages import MatterAct, ShiftEdge, WhyOwner
from staff.absence import absence_of
from staff.models import Shift, Team, TeamMember, User, holds_on

LOOK_BACK = timedelta(days=1)  # a turn missed for longer is past: the owner has worked again meanwhile
MOST = 500


def due_turns(now: datetime) -> list[tuple[int, str]]:
    """Shifts whose end or beginning was not acted upon yet, in the order of the instants: (shift id, edge)."""
    due: list[tuple[datetime, int, str]] = []
    for edge, column in ((ShiftEdge.END, "ends_at"), (ShiftEdge.BEGIN, "starts_at")):
        rows = Shift.objects.filter(**{f"{column}__gt": now - LOOK_BACK, f"{column}__lte": now})
        rows = rows.exclude(Exists(ShiftTurn.objects.filter(shift=OuterRef("pk"), edge=edge)))
        due += [(at, pk, edge) for at, pk in rows.order_by(column).values_list(column, "pk")[:MOST]]
    return [(pk, edge) for _at, pk, edge in sorted(due, key=lambda turn: (turn[0], turn[2] == ShiftEdge.BEGIN))]


@transaction.atomic
def turn_shift(shift_id: int, edge: str, *, now: datetime) -> int:
    """Pass on or give back the ownership of the shift's person; how many matters moved. Once per shift and edge: the
    row that says so and the moves are one transaction, so a repeat or a second worker moves nothing."""
    shift = Shift.objects.select_related("user__unit").get(pk=shift_id)
    # A second worker waits here for the first to commit, then finds the row there.
    turn, is_new = ShiftTurn.objects.get_or_create(shift=shift, edge=edge, defaults={"at": now})
    if not is_new:
        return 0
    turn.moved = _pass_on(shift) if edge == ShiftEdge.END else _give_back(shift)
    turn.save(update_fields=["moved"])
    return turn.moved


def shift_leads_after(shift: Shift) -> list[User]:
    """The named leads of shifts that run on when this one ends: of the own team first, then of the own unit; present
    and able to take contacts."""
    at, day = shift.ends_at, clock.today(shift.ends_at)
    teams = Team.objects.filter(
        Q(lead=shift.user) | Q(pk__in=shift.user.team_memberships.filter(holds_on(day)).values("team"))
    )
    members = TeamMember.objects.filter(holds_on(day), team__in=teams)
    mates = Q(user__in=members.values("user")) | Q(user__in=teams.values("lead"))
    leads = Shift.objects.filter(is_lead=True, starts_at__lte=at, ends_at__gt=at, user__is_active=True)
    leads = leads.exclude(user=shift.user).select_related("user__unit").order_by("-ends_at", "pk")
    near = [*leads.filter(mates), *leads.filter(user__unit=shift.user.unit)]
    people = {lead.user_id: lead.user for lead in near}
    return [user for user in people.values() if user.has_perm(TAKE_RIGHT) and absence_of(user, at) is None]


def _pass_on(shift: Shift) -> int:
    # Who works on at once (a second shift that follows) keeps what is theirs.
    if Shift.objects.filter(user=shift.user, starts_at=shift.ends_at).exists():
        return 0
    leads = shift_leads_after(shift)
    if not leads:
        return 0
    kept: dict[int, list[Matter]] = {}
    for matter in _locked(Q(owner=shift.user)):
        # The one complained of keeps nothing (D§3.2): the next named lead does, else it stays where it is.
        lead = next((user for user in leads if user.pk != matter.contact.about_staff_id), None)
        if lead is None:
            continue
        kept.setdefault(lead.pk, []).append(matter)
        back = matter.returns_to or shift.user
        handler = lead if matter.handler_id == matter.owner_id else matter.handler
        if back.pk == lead.pk:
            _hand(matter, lead, None, handler, MatterAct.RETURNED, WhyOwner.RETURNED)
        else:
            _hand(matter, lead, back, handler, MatterAct.KEPT, WhyOwner.SHIFT)
    for user in leads:
        if mine := kept.get(user.pk):
            ring(user, "kept", mine[0], f"{shift.pk}", count=len(mine))
    return sum(len(mine) for mine in kept.values())


def _give_back(shift: Shift) -> int:
    matters = list(_locked(Q(returns_to=shift.user)))
    for matter in matters:
        handler = shift.user if matter.handler_id == matter.owner_id else matter.handler
        _hand(matter, shift.user, None, handler, MatterAct.RETURNED, WhyOwner.RETURNED)
    if matters:
        ring(shift.user, "returned", matters[0], f"{shift.pk}", count=len(matters))
    return len(matters)


def _locked(whose: Q) -> QuerySet[Matter]:
    """The open matters of `whose`, locked first and read then: a lock that waits drops rows whose join changed."""
    rows = Matter.objects.open().filter(whose).select_for_update(no_key=True).order_by("pk")
    keys = list(rows.values_list("pk", flat=True))
    return (
        Matter.objects.filter(pk__in=keys)
        .select_related("owner__unit", "handler", "returns_to", "customer", "contact")
        .order_by("pk")
    )


def _hand(matter: Matter, to: User, returns_to: User | None, handler: User, act: MatterAct, why: WhyOwner) -> None:
    old = matter.owner
    matter.owner, matter.handler, matter.returns_to = to, handler, returns_to
    matter.unit_no, matter.why_owner = to.unit.no, why
    matter.save(update_fields=["owner", "handler", "returns_to", "unit_no", "why_owner"])
    remember(matter, act, None, old_owner=old, new_owner=to, handler=handler)
