"""Mediation: voluntary for both, the complaint rests meanwhile, and what is signed is owed (D§11.4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from complaints import tasks
from complaints.lifecycle import ClockKind
from complaints.models import Complaint, ComplaintMove, MediationCase, Promise
from complaints.services import answering, closing, mediating, solving
from complaints.services.ground import clocks_for, save_case
from foundation.audit.models import AuditEntry
from foundation.calendars.clock_queries import faults_of_clocks
from foundation.calendars.models import Clock
from foundation.common import clock
from foundation.common.errors import RuleBroken
from outreach.models import OutMessage
from staff.models import User
from tests.complaints.cases import Office, case, moment, office, on, ready
from tests.complaints.test_handing import kinds, refused
from tests.racing import race

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def at() -> Iterator[Office]:
    with on(3):
        yield office()


def disputed(at: Office) -> Complaint:
    """A disputed case whose new limit and the lead's duty run."""
    one = ready(at, "DISPUTED")
    clocks = clocks_for(one, None)
    clocks.start(clocks.disputed(), clocks.duty(ClockKind.LEAD_CONTACT))
    save_case(one)
    return Complaint.objects.get(pk=one.pk)


def steps(one: Complaint) -> list[str]:
    told = OutMessage.objects.filter(template="complaint_mediation", customer_id=one.customer_id).order_by("pk")
    return [row.params["step"] for row in told]


def service(one: Complaint) -> str:
    one.refresh_from_db()
    return Clock.objects.filter(owner_id=one.pk, kind="service").order_by("-pk")[0].state


@pytest.mark.django_db
@pytest.mark.covers("CMP-31", "CMP-32")
def test_a_disputed_complaint_rests_until_the_mediation_ends_and_what_was_signed_is_owed(at: Office) -> None:
    one = disputed(at)
    assert one.service_due_at == moment(10, 10)  # five working days
    refused("mediation.not_disputed", mediating.request_mediation, case(at, "DECIDED").pk, actor=at.handler, body="X")
    refused("mediation.who", mediating.request_mediation, one.pk, actor=at.handler, body=" ")
    refused("mediation.no_party", mediating.request_mediation, one.pk, actor=at.handler, body="X", asked_by="COURT")
    found = mediating.request_mediation(one.pk, actor=at.handler, body="Consumer council")
    refused("mediation.open", mediating.request_mediation, one.pk, actor=at.handler, body="Another")
    assert service(one) == "PAUSED" and one.service_due_at is None and steps(one) == ["REQUESTED"]

    def rests() -> None:
        for act in (
            lambda: solving.rework_complaint(one.pk, actor=at.handler, reason="new facts"),
            lambda: answering.tell_final_position(one.pk, actor=at.handler, words="It stays so."),
        ):
            seen = ComplaintMove.objects.count(), AuditEntry.objects.count(), OutMessage.objects.count()
            with pytest.raises(RuleBroken, match="Consumer council mediates") as no:
                act()
            assert no.value.code == "complaint.in_mediation" and Complaint.objects.get(pk=one.pk).state == "DISPUTED"
            assert seen == (ComplaintMove.objects.count(), AuditEntry.objects.count(), OutMessage.objects.count())

    def move(state: str, **more: Any) -> MediationCase:
        return mediating.move_mediation(found.pk, actor=at.handler, state=state, **more)

    rests()
    refused("mediation.illegal", move, "AGREED")
    refused("mediation.no_party", move, "BOTH_AGREED")
    assert (
        move("BOTH_AGREED", party="CUSTOMER").state == "REQUESTED"
    )  # who asked wanted it before; the other side counts
    both = move("BOTH_AGREED", party="OPERATOR")
    assert (both.state, both.customer_agreed_at, both.operator_agreed_at) == ("BOTH_AGREED", moment(3), moment(3))
    refused("mediation.no_session", move, "SESSION")
    session = moment(6)
    move("SESSION", session_at=session)
    assert tasks.settle_dues() == 0
    with clock.travel(session - 20 * HOUR):
        assert (tasks.settle_dues(), tasks.settle_dues()) == (1, 0) and "session" in kinds(at.handler)
    with on(17):
        rests()
        tasks.watch_complaints()
        assert Complaint.objects.get(pk=one.pk).service_late is False  # a clock that stands misses nothing
        refused("mediation.no_agreement", move, "AGREED")
        duties = [mediating.Duty("Pay 59.00", at.other, moment(20)), mediating.Duty("Say sorry", None, moment(18))]
        move("AGREED", agreement="We pay 59.00 and say sorry.", duties=duties)
        assert steps(one) == ["REQUESTED", "AGREED"] and service(one) == "RUNNING"
        assert one.service_due_at == moment(24, 10)  # five working days less none used
        owed = Promise.objects.filter(complaint=one).order_by("due_at")
        assert [(row.text, row.owner, row.due_at) for row in owed] == [
            ("Say sorry", at.handler, moment(18)),
            ("Pay 59.00", at.other, moment(20)),
        ]
        answering.tell_final_position(one.pk, actor=at.handler, words="As signed.")
        move("CLOSED")
    assert [row.reason for row in ComplaintMove.objects.filter(act="MEDIATION").order_by("pk")] == [
        "REQUESTED", "REQUESTED", "BOTH_AGREED", "SESSION", "AGREED", "CLOSED",
    ]  # fmt: skip
    assert list(faults_of_clocks()) == []


@pytest.mark.django_db
@pytest.mark.covers("CMP-31")
def test_without_agreement_refused_or_withdrawn_the_complaint_is_free(at: Office) -> None:
    for end in ("refused", "left", "failed"):
        one = disputed(at)
        found = mediating.request_mediation(one.pk, actor=at.handler, body="Council", asked_by="OPERATOR")
        assert (found.customer_agreed_at, found.operator_agreed_at) == (None, moment(3))
        if end != "refused":
            mediating.move_mediation(found.pk, actor=at.handler, state="BOTH_AGREED", party="CUSTOMER")
        if end == "failed":
            mediating.move_mediation(found.pk, actor=at.handler, state="SESSION", session_at=moment(4))
            mediating.move_mediation(found.pk, actor=at.handler, state="NOT_AGREED")
            assert steps(one) == ["REQUESTED", "NOT_AGREED"]
        else:
            mediating.move_mediation(found.pk, actor=at.handler, state="REFUSED", party="CUSTOMER")
            assert MediationCase.objects.get(pk=found.pk).refused_by == "CUSTOMER"
            assert steps(one) == ["REQUESTED", "REFUSED"]
        assert service(one) == "RUNNING" and one.service_due_at == moment(10, 10)
        solving.rework_complaint(one.pk, actor=at.handler, reason="The customer brought a bill")
    one = disputed(at)
    found = mediating.request_mediation(one.pk, actor=at.handler, body="Council")
    closing.withdraw_complaint(one.pk, actor=at.agent, reason="Settled at home")
    found.refresh_from_db()
    assert (found.state, found.closed_at) == ("CLOSED", moment(3))


@pytest.mark.django_db
def test_the_page_shows_why_it_rests_and_asks_for_each_step_only_what_it_needs(
    at: Office, client_for: Callable[[User], Client]
) -> None:
    one = disputed(at)
    page = client_for(at.handler)
    case_page, hand = (reverse(f"complaints:{name}", args=[one.pk]) for name in ("case", "hand"))
    assert "do=final" in page.get(case_page).content.decode()
    asked = {"body": "Consumer council", "asked_by": "CUSTOMER"}
    assert page.post(reverse("complaints:hand-act", args=[one.pk, "mediate"]), asked).status_code == 302
    shown = page.get(case_page).content.decode()
    assert "Consumer council mediates: until that ends the complaint rests." in shown
    assert (
        "do=final" not in shown and "do=rework" not in shown and "Consumer council" in page.get(hand).content.decode()
    )
    refusal = page.post(reverse("complaints:act-final", args=[one.pk]), {"words": "Our last word: no."})
    assert refusal.status_code == 422 and "Our last word: no." in refusal.content.decode()
    found = MediationCase.objects.get()
    there, move = (reverse(f"complaints:{name}", args=[found.pk]) for name in ("mediation", "mediation-move"))
    first = page.get(there).content.decode()
    assert "Which side" in first and "What both signed" not in first and "Moment of the session" not in first
    assert page.post(move, {"state": "BOTH_AGREED"}).status_code == 422
    assert page.post(move, {"state": "BOTH_AGREED", "party": "OPERATOR"}).status_code == 302
    assert page.post(move, {"state": "SESSION", "session_at": "2026-03-05T10:00"}).status_code == 302
    signed = {
        "state": "AGREED",
        "agreement": "We pay.",
        "duty_1": "Pay 59.00",
        "by_1": "",
        "duty_2": "Write",
        "by_2": "",
    }
    assert page.post(move, signed).status_code == 422 and not Promise.objects.exists()
    signed |= {"by_1": "2026-03-09T10:00", "by_2": "2026-03-10T10:00"}
    assert page.post(move, signed).status_code == 302
    assert [row.text for row in Promise.objects.order_by("due_at")] == ["Pay 59.00", "Write"]
    assert "do=final" in page.get(case_page).content.decode()


@pytest.mark.django_db(transaction=True)
def test_asking_for_mediation_and_the_last_word_at_once_never_both_hold() -> None:
    with on(3):
        at = office()
        for _round in range(5):
            one = disputed(at)
            done = race(
                lambda key=one.pk: mediating.request_mediation(key, actor=at.handler, body="Council"),
                lambda key=one.pk: answering.tell_final_position(key, actor=at.handler, words="No."),
            )
            refusals = [no.code for no in done if isinstance(no, RuleBroken)]
            one.refresh_from_db()
            asked = MediationCase.objects.filter(complaint=one).exists()
            assert len(refusals) == 1 and (one.state == "DISPUTED") == asked, (done, one.state)
