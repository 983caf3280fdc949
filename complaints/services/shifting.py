"""The change of shift: what a person leaves open is listed, and somebody signs for it (D§9.3). The handler stays the
handler; who signed sees to the cases until the other is here again (`complaints.signing`)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, Min, OuterRef, Q
from django.utils.translation import gettext as _

from complaints.lifecycle import PART_OPEN, Deed, SeatWhy, State
from complaints.models import Callback, Complaint, Handover, Part, Promise, Seat, ShiftItem, ShiftSheet, ShiftWhy
from complaints.models.shifts import SIGN_RIGHT, ShiftSheetQuerySet
from complaints.services.giving_many import locked_cases, readings_of
from complaints.services.ground import ASSIGN_RIGHT, behalf
from complaints.services.memory import memory_of, remember_many
from complaints.team.signing import forget_signed
from foundation.audit.services import record
from foundation.calendars.queries import calendar_for
from foundation.calendars.working_time import add_working
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.policies.reading import policy
from outreach.services import notify
from staff.absence import team_lead_of
from staff.models import Shift, User
from staff.rights import sight_of

MOST_ITEMS = 2_000


@dataclass(frozen=True)
class Left:
    """One case somebody leaves open: why it cannot wait, and its nearest moment."""

    complaint_id: int
    why: ShiftWhy
    due_at: datetime | None


def here_again(person: User, now: datetime) -> datetime:
    """When the person is here again after the shift of `now`: the begin of their next shift in the plan, else of the
    working hours of their unit on the next day that has some."""
    coming = Shift.objects.filter(user=person, starts_at__gt=now).order_by("starts_at")
    planned = coming.values_list("starts_at", flat=True).first()
    if planned is not None:
        return planned
    tomorrow = clock.business_midnight(clock.today(now) + timedelta(days=1))
    return add_working(tomorrow, 0, calendar_for(person.unit.calendar_code))


def left_by(person: User, now: datetime) -> list[Left]:
    """The open cases the person works on, or promised something in, that cannot wait until they are here again: due,
    promised or to be called back before, or waiting for an answer that may come meanwhile. The most urgent first."""
    until = here_again(person, now)
    promised = Promise.objects.open().filter(complaint=OuterRef("pk"), owner=person, due_at__lt=until)
    called = Callback.objects.filter(complaint=OuterRef("pk"), done_at=None, due_at__lt=until)
    asked = Part.objects.filter(complaint=OuterRef("pk"), state__in=PART_OPEN)
    offered = Handover.objects.open().filter(complaint=OuterRef("pk"))
    mine = Q(handler=person) | Q(pk__in=Promise.objects.open().filter(owner=person).values("complaint"))
    rows = (
        Complaint.objects.open()
        .not_about(person)
        .filter(mine, source="")
        .annotate(
            promised=Exists(promised),
            promised_by=promised.values("complaint").annotate(first=Min("due_at")).values("first"),
            called=Exists(called),
            called_by=called.values("complaint").annotate(first=Min("due_at")).values("first"),
            waits=Q(state=State.PAUSED) | Exists(asked) | Exists(offered),
        )
        .order_by("queue_at", "pk")
    )
    found: list[Left] = []
    for row in rows.only("pk", "next_due_at", "handler_id", "state")[:MOST_ITEMS]:
        if row.handler_id == person.pk and row.next_due_at is not None and row.next_due_at < until:
            found.append(Left(row.pk, ShiftWhy.DUE, row.next_due_at))
        elif row.promised:
            found.append(Left(row.pk, ShiftWhy.PROMISED, row.promised_by))
        elif row.handler_id != person.pk:
            continue
        elif row.called:
            found.append(Left(row.pk, ShiftWhy.CALLBACK, row.called_by))
        elif row.waits:
            found.append(Left(row.pk, ShiftWhy.WAITING, row.next_due_at))
    return found


@transaction.atomic
def make_sheet(person_id: int, *, actor: User) -> ShiftSheet:
    """List what the person leaves open, for somebody to sign; an unsigned one of before is made anew. The lead is told.

    Raises NotAllowed "complaint.not_yours_to_list" (neither oneself nor who one leads), RuleBroken
    "complaint.nothing_left", "complaint.sheet_signed" (somebody signed for the present one already).
    """
    person = User.objects.select_for_update(no_key=True).get(pk=person_id)
    person = User.objects.select_related("unit").get(pk=person.pk)
    if actor.pk != person.pk and not sight_of(actor, ASSIGN_RIGHT).covers(unit_no=person.unit.no, owner_id=person.pk):
        raise NotAllowed(
            "complaint.not_yours_to_list", _("This person does not work in your area: choose somebody who does.")
        )
    now = clock.now()
    left = left_by(person, now)
    if not left:
        raise RuleBroken("complaint.nothing_left", _("Nothing is left that could not wait."))
    old = ShiftSheet.objects.filter(person=person, ended_at=None).first()
    if old is not None and old.signed_at is not None and old.until > now:
        raise RuleBroken("complaint.sheet_signed", _("Somebody signed for it already."))
    if old is not None:
        _end(old, now)
    within: timedelta = policy("complaints.load.sign_within", unit=person.unit)
    sheet = ShiftSheet.objects.create(
        person=person, unit=person.unit, made_by=actor, made_at=now, until=here_again(person, now), sign_by=now + within
    )
    ShiftItem.objects.bulk_create(
        [ShiftItem(sheet=sheet, complaint_id=one.complaint_id, why=one.why, due_at=one.due_at) for one in left],
        batch_size=1_000,
    )
    detail = {"user": person.pk, "cases": len(left), "until": sheet.until.isoformat()}
    record("complaint.shift_listed", target=sheet, actor=actor, unit_id=person.unit_id, detail=detail)
    for told in _who_signs(sheet, now):
        if told.pk != actor.pk:
            _ring(told, "shift_left", sheet, len(left))
    return sheet


def _who_signs(sheet: ShiftSheet, now: datetime) -> list[User]:
    """The lead of the shift that works now, else the lead of the person."""
    leading = Shift.objects.filter(is_lead=True, starts_at__lte=now, ends_at__gt=now, user__unit=sheet.unit)
    found = [row.user for row in leading.exclude(user=sheet.person).select_related("user") if row.user.is_active]
    lead = team_lead_of(sheet.person, now)
    return found or ([lead] if lead is not None else [])


@transaction.atomic
def sign_sheet(sheet_id: int, *, actor: User) -> ShiftSheet:
    """Take over what a colleague leaves: the signer sees the cases until the colleague is here again; each case
    remembers who had it. Of several who sign at once one does.

    Raises ShiftSheet.DoesNotExist for one the actor does not see, NotAllowed "complaint.no_right",
    "complaint.sign_own" (one's own), "complaint.about_you"; RuleBroken "complaint.sheet_signed", "complaint.sheet_old".
    """
    sheet = _seen_sheet(sheet_id, actor)
    if not actor.has_perm(SIGN_RIGHT):
        raise NotAllowed("complaint.no_right", _("Your role does not do this to complaints."))
    if actor.pk == sheet.person_id:
        raise NotAllowed("complaint.sign_own", _("Another one signs for what you leave."))
    if sheet.signed_at is not None:
        assert sheet.signed_by is not None
        words = _("%(name)s signed for it already.") % {"name": sheet.signed_by.name}
        raise RuleBroken("complaint.sheet_signed", words)
    now = clock.now()
    if sheet.ended_at is not None or sheet.until <= now:
        raise RuleBroken("complaint.sheet_old", _("The time of this list is over: make a new one."))
    cases = locked_cases(list(sheet.items.values_list("complaint", flat=True)))
    if any(case.about_staff_id == actor.pk for case in cases.values()):
        raise NotAllowed("complaint.about_you", _("The person complained of does not handle the complaint."))
    sheet.signed_by, sheet.signed_at = actor, now
    sheet.save(update_fields=["signed_by", "signed_at"])
    forget_signed(actor)
    still = [case for case in cases.values() if case.is_open]
    Seat.objects.bulk_create(
        [Seat(complaint=case, user=actor, why=SeatWhy.SHIFT) for case in still], ignore_conflicts=True, batch_size=1_000
    )
    detail = {"user": sheet.person_id, "until": sheet.until.isoformat()}
    readings = readings_of(still, actor)
    remember_many(
        [
            memory_of(
                case,
                Deed.SHIFT_TAKEN,
                actor=actor,
                stands_for=behalf(case, actor),
                readings=readings[case.pk],
                detail=detail,
            )
            for case in still
        ]
    )
    record(
        "complaint.shift_signed",
        target=sheet,
        actor=actor,
        unit_id=sheet.unit_id,
        detail={**detail, "cases": len(still)},
    )
    _ring(sheet.person, "shift_signed", sheet, len(still))
    return sheet


def _seen_sheet(sheet_id: int, actor: User) -> ShiftSheet:
    ShiftSheet.objects.select_for_update(no_key=True).only("pk").get(pk=sheet_id)
    return ShiftSheet.objects.visible_to(actor).select_related("person", "signed_by", "unit").get(pk=sheet_id)


@transaction.atomic
def notice_sheet(sheet_id: int, now: datetime) -> bool:
    """Nobody signed in time: the lead hears of it, once; False when it was signed meanwhile or noticed."""
    due = sheets_unsigned(now).filter(pk=sheet_id).select_for_update(skip_locked=True, no_key=True, of=("self",))
    sheet = due.select_related("person__unit", "unit").first()
    if sheet is None:
        return False
    sheet.noticed_at = now
    sheet.save(update_fields=["noticed_at"])
    lead = team_lead_of(sheet.person, now)
    for told in {one.pk: one for one in (lead, *_who_signs(sheet, now)) if one is not None}.values():
        _ring(told, "shift_unsigned", sheet, sheet.items.count())
    return True


@transaction.atomic
def end_sheet(sheet_id: int, now: datetime) -> bool:
    """The person is here again: who signed sees the cases no more. Once."""
    due = sheets_over(now).filter(pk=sheet_id).select_for_update(skip_locked=True, no_key=True, of=("self",))
    sheet = due.first()
    if sheet is None:
        return False
    _end(sheet, now)
    return True


def _end(sheet: ShiftSheet, now: datetime) -> None:
    sheet.ended_at = now
    sheet.save(update_fields=["ended_at"])
    if sheet.signed_by_id is None:
        return
    # A case of another list the same one signed for stays theirs.
    others = ShiftItem.objects.filter(
        sheet__signed_by=sheet.signed_by_id, sheet__ended_at=None, complaint=OuterRef("complaint")
    )
    seats = Seat.objects.filter(
        user=sheet.signed_by_id, why=SeatWhy.SHIFT, complaint__in=sheet.items.values("complaint")
    )
    seats.filter(~Exists(others)).delete()


def sheets_unsigned(now: datetime) -> ShiftSheetQuerySet:
    """Those nobody signed in time, of which the lead was not told yet."""
    return ShiftSheet.objects.unsigned().filter(sign_by__lte=now, noticed_at=None, ended_at=None)


def sheets_over(now: datetime) -> ShiftSheetQuerySet:
    """Those whose person is here again."""
    return ShiftSheet.objects.filter(ended_at=None, until__lte=now)


def _ring(person: User, kind: str, sheet: ShiftSheet, cases: int) -> None:
    notify(
        person,
        f"complaint.{kind}",
        subject_ref=sheet,
        params={"person": sheet.person.name, "cases": cases, "until_at": sheet.until.isoformat()},
        dedupe_key=f"{kind}-{sheet.ref}",
    )
