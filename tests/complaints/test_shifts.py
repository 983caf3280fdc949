"""The change of shift: what is listed, signed for once by somebody else, remembered in each case, noticed when nobody
signs, and over when the colleague is here again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from complaints import tasks
from complaints.lifecycle import State
from complaints.models import Callback, Complaint, ComplaintMove, Part, Promise, Seat, ShiftItem, ShiftSheet, Solution
from complaints.queries import MY_CASES, counts_of, own_among, view_of
from complaints.services import ground, handing, promising, urging
from complaints.services.shifting import here_again, left_by, make_sheet, sign_sheet
from complaints.team.signing import forget_signed
from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from outreach.models import Notification
from staff.models import Shift, User
from tests.complaints.cases import Office, case, moment, office, on, ready
from tests.complaints.test_handing import kinds
from tests.factories import UserFactory
from tests.racing import race

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
HOUR = timedelta(hours=1)
SHIFT = "/complaints/shift/"


@pytest.fixture
def at() -> Any:
    with on(1):
        yield office()


def evening(at: Office) -> dict[str, Complaint]:
    """What a handler has at the end of their shift on Tuesday the 3rd at 18:00; here again on the 4th at 9:00."""
    Shift.objects.create(user=at.handler, starts_at=moment(3, 9), ends_at=moment(3, 18))
    Shift.objects.create(user=at.handler, starts_at=moment(4, 9), ends_at=moment(4, 18))
    made = {
        "due": case(at, State.INVESTIGATING, next_due_at=moment(4, 8)),
        "later": case(at, State.INVESTIGATING, next_due_at=moment(4, 10)),
        "promised": case(at, State.INVESTIGATING, next_due_at=moment(5)),
        "of_other": case(at, State.INVESTIGATING, next_due_at=moment(3, 20), handler=at.other),
        "waits": case(at, State.PAUSED, next_due_at=None),
        "part": case(at, State.INVESTIGATING, next_due_at=moment(6)),
        "called": case(at, State.CALLBACK, next_due_at=moment(6)),
        "closed": case(at, State.CLOSED),
    }
    Promise.objects.create(complaint=made["promised"], text="?", owner=at.handler, due_at=moment(3, 19))
    Promise.objects.create(complaint=made["later"], text="?", owner=at.handler, due_at=moment(4, 12))
    # Promised in a colleague's case.
    Promise.objects.create(complaint=made["of_other"], text="?", owner=at.handler, due_at=moment(3, 21))
    Part.objects.create(complaint=made["part"], unit=at.unit, unit_no=at.unit.no, ask="?", budget_minutes=60)
    told = Solution.objects.create(complaint=made["called"], finding="So", by=at.handler)
    Callback.objects.create(complaint=made["called"], solution=told, due_at=moment(4, 7))
    return made


@pytest.mark.covers("CMP-12", "CMP-04")
def test_what_cannot_wait_is_listed_and_signed_for(at: Office, client_for: ClientFor) -> None:
    made = evening(at)
    with on(3, 18):
        assert here_again(at.handler, clock.now()) == moment(4, 9)
        assert here_again(at.other, clock.now()).astimezone(clock.BUSINESS_ZONE).day == 4  # no plan: the unit's hours
        names = {one.pk: name for name, one in made.items()}
        expected = {"due": "DUE", "promised": "PROMISED", "of_other": "PROMISED", "waits": "WAITING", "part": "WAITING",
                    "called": "CALLBACK"}  # fmt: skip
        assert {names[one.complaint_id]: one.why for one in left_by(at.handler, clock.now())} == expected
        mine = client_for(at.handler)
        page = mine.get(SHIFT)
        assert page.status_code == 200 and "6 cases cannot wait until you are here again" in page.content.decode()
        sent = mine.post(f"{SHIFT}make/", {"person": at.handler.pk})
        sheet = ShiftSheet.objects.get()
        assert sent["Location"] == f"{SHIFT}{sheet.ref}/"
        assert {names[one.complaint_id]: one.why for one in sheet.items.all()} == expected
        bell = Notification.objects.get(kind="complaint.shift_left")
        assert (bell.user, bell.params["cases"]) == (at.lead, 6)
        # Made anew before anybody signs: one list, not two.
        mine.post(f"{SHIFT}make/", {"person": at.handler.pk})
        sheet = ShiftSheet.objects.get(ended_at=None)
        assert mine.post(f"{SHIFT}{sheet.ref}/sign/").status_code == 403  # not one's own
        other = client_for(at.other)
        text = other.get(f"{SHIFT}{sheet.ref}/").content.decode()
        assert "Sign for it" in text and made["due"].number in text and made["closed"].number not in text
        Complaint.objects.filter(pk=made["part"].pk).update(
            state="WITHDRAWN", closed_at=clock.now(), next_due_at=None
        )  # ended meanwhile: nobody takes it over
        assert other.post(f"{SHIFT}{sheet.ref}/sign/").status_code == 302
        assert other.post(f"{SHIFT}{sheet.ref}/sign/").status_code == 302  # twice is once
        sheet.refresh_from_db()
        assert (sheet.signed_by, sheet.signed_at) == (at.other, clock.now())
        taken = set(ComplaintMove.objects.filter(act="SHIFT_TAKEN", actor=at.other).values_list("complaint", flat=True))
        assert taken == {made[name].pk for name in expected if name != "part"}
        assert set(Seat.objects.filter(user=at.other, why="SHIFT").values_list("complaint", flat=True)) == taken
        assert AuditEntry.objects.filter(verb="complaint.shift_taken").count() == 5
        signed = AuditEntry.objects.get(verb="complaint.shift_signed")
        assert (signed.actor_id, signed.detail["cases"]) == (at.other.pk, 5)
        assert Notification.objects.filter(user=at.handler, kind="complaint.shift_signed").count() == 1
        assert all(one.handler_id == at.handler.pk for one in Complaint.objects.filter(pk=made["due"].pk))
    with on(4, 9):  # here again: the seats are gone, once
        tasks.settle_dues()
        assert not Seat.objects.filter(why="SHIFT").exists() and ShiftSheet.objects.get(pk=sheet.pk).ended_at
        assert not Notification.objects.filter(kind="complaint.shift_unsigned").exists()


def test_nobody_signs_and_who_may_not(at: Office, client_for: ClientFor) -> None:
    made = evening(at)
    stranger = UserFactory(role="COMPLAINT_HANDLER")
    with on(3, 18):
        with pytest.raises(NotAllowed):
            make_sheet(at.handler.pk, actor=at.other)  # a colleague gives no orders
        with pytest.raises(RuleBroken, match="Nothing is left"):
            make_sheet(at.agent.pk, actor=at.lead)
        sheet = make_sheet(at.handler.pk, actor=at.lead)
        assert client_for(stranger).get(f"{SHIFT}{sheet.ref}/").status_code == 404
        assert client_for(stranger).post(f"{SHIFT}{sheet.ref}/sign/").status_code == 404
        assert client_for(at.agent).get(SHIFT).status_code == 403
        Complaint.objects.filter(pk=made["due"].pk).update(about_staff=at.other)
        with pytest.raises(NotAllowed):
            sign_sheet(sheet.pk, actor=at.other)
        assert not Seat.objects.exists() and not ComplaintMove.objects.filter(act="SHIFT_TAKEN").exists()
    with on(3, 18, 31):
        tasks.settle_dues()
        tasks.settle_dues()
        bells = Notification.objects.filter(kind="complaint.shift_unsigned")
        assert [bell.user for bell in bells] == [at.lead]
    with on(4, 10):
        with pytest.raises(RuleBroken, match="time of this list is over"):
            sign_sheet(sheet.pk, actor=at.lead)
        tasks.settle_dues()
    with on(4, 17):  # the next evening makes a new one
        assert make_sheet(at.handler.pk, actor=at.handler).pk != sheet.pk


def test_the_page_costs_the_same_for_many(at: Office, client_for: ClientFor) -> None:
    evening(at)
    with on(3, 18):
        client = client_for(at.lead)
        make_sheet(at.handler.pk, actor=at.lead)
        client.get(SHIFT)
        with CaptureQueriesContext(connection) as few:
            client.get(SHIFT)
        for _n in range(3):
            case(at, State.INVESTIGATING, handler=at.lead, next_due_at=moment(3, 20))
        with CaptureQueriesContext(connection) as many:
            assert client.get(SHIFT).status_code == 200
        assert len(many) <= len(few) + 1 <= 16
        sheet = ShiftSheet.objects.get()
        with CaptureQueriesContext(connection) as shown:
            client.get(f"{SHIFT}{sheet.ref}/")
        assert len(shown) <= 15


@pytest.mark.django_db(transaction=True)
def test_of_two_who_sign_at_once_one_does(client_for: ClientFor) -> None:
    with on(1):
        at = office()
    evening(at)
    with on(3, 18):
        sheet = make_sheet(at.handler.pk, actor=at.handler)
        results = race(lambda: sign_sheet(sheet.pk, actor=at.other), lambda: sign_sheet(sheet.pk, actor=at.lead))
        refused = [one for one in results if isinstance(one, RuleBroken)]
        assert len(refused) == 1 and refused[0].code == "complaint.sheet_signed"
        sheet.refresh_from_db()
        winner = sheet.signed_by_id
        assert set(Seat.objects.filter(why="SHIFT").values_list("user", flat=True)) == {winner}
        assert ComplaintMove.objects.filter(act="SHIFT_TAKEN").count() == ShiftItem.objects.count() == 6


@pytest.mark.covers("CMP-12", "CMP-28")
def test_what_is_signed_for_is_the_signers_until_the_colleague_is_here_again(at: Office, client_for: ClientFor) -> None:
    made = evening(at)
    due, promised = made["due"], made["promised"]
    keys = ["mine", "pool", "all"]
    with on(3, 18):
        new = ready(at, State.ASSIGNED)  # given to the handler a minute before they leave
        Complaint.objects.filter(pk=new.pk).update(next_due_at=moment(4, 8))
        sheet = make_sheet(at.handler.pk, actor=at.lead)
        assert new.pk in set(sheet.items.values_list("complaint", flat=True))
        before = counts_of(at.other, keys)["mine"]
        sign_sheet(sheet.pk, actor=at.other)
        signed = sheet.items.count()
        assert counts_of(at.other, keys)["mine"] == view_of(at.other, "mine").seen.count()
        # One of them (the promise in a case of their own) stood there already.
        assert counts_of(at.other, keys)["mine"] == before + signed - 1
        with connection.cursor() as cursor:
            cursor.execute(MY_CASES.sql, MY_CASES.params(at.other))
            assert cursor.fetchone()[0] == before + signed - 1
        assert own_among(at.other, [due, made["later"]]) == {due.pk}
        other = client_for(at.other)
        page = other.get(reverse("complaints:case", args=[due.pk]))
        assert page.context["works"] and "signed for this case at the change of shift" in page.content.decode()
        # They act in its place and the history says for whom; the handler stays.
        sent = other.post(reverse("complaints:act-accept", args=[new.pk]))
        assert sent.status_code == 302
        new.refresh_from_db()
        move = ComplaintMove.objects.filter(complaint=new, act="INVESTIGATE").get()
        assert (new.state, new.handler, move.actor, move.on_behalf_of) == (
            "INVESTIGATING", at.handler, at.other, at.handler,
        )  # fmt: skip
        promising.keep_promise(Promise.objects.get(complaint=promised).pk, actor=at.other)
        third = UserFactory(unit=at.unit, role="COMPLAINT_HANDLER")
        with pytest.raises(NotAllowed):
            ground.check_works(due, third)
        # What comes up meanwhile is theirs to hear: the customer's urging, and the clock.
        urging.urge_complaint(due.pk, actor=at.agent, channel="HOTLINE", text="Well?")
        assert "urged" in kinds(at.other) and "urged" in kinds(at.handler)
        # Given to somebody else since: not theirs any more.
        handing.order_case(made["waits"].pk, actor=at.lead, role="HANDLER", to=third, reason="Your matter")
        forget_signed(at.other)
        assert made["waits"].pk not in set(view_of(at.other, "mine").seen.values_list("pk", flat=True))
    other = User.objects.get(pk=at.other.pk)
    with on(3, 21, 30):
        tasks.settle_dues()  # the promise in the colleague's case, due at 21:00
        assert "promise_due" in kinds(at.other) and "promise_due" not in kinds(at.handler)
    with on(4, 8, 59):
        assert ground.works_on(Complaint.objects.get(pk=due.pk), other)
    with on(4, 9):  # even before the clock has tidied up
        assert not ground.works_on(Complaint.objects.get(pk=due.pk), User.objects.get(pk=at.other.pk))
        assert counts_of(User.objects.get(pk=at.other.pk), keys)["mine"] == before
        tasks.settle_dues()
        assert not Seat.objects.filter(why="SHIFT").exists()


def test_the_marks_of_the_night_go_to_who_signed(at: Office) -> None:
    Shift.objects.create(user=at.handler, starts_at=moment(3, 9), ends_at=moment(3, 18))
    Shift.objects.create(user=at.handler, starts_at=moment(5, 9), ends_at=moment(5, 18))
    with on(3, 9):
        one = ready(at, State.INVESTIGATING)  # half of its 48 hours is over on the 4th at nine
    with on(3, 18):
        Complaint.objects.filter(pk=one.pk).update(next_due_at=moment(4, 12))
        sign_sheet(make_sheet(at.handler.pk, actor=at.lead).pk, actor=at.other)
    with on(4, 9, 1):
        tasks.watch_complaints()
        tasks.watch_complaints()
    assert kinds(at.other) == ["reminded"] and "reminded" not in kinds(at.handler)
