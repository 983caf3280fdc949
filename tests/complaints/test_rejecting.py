"""Not ours: it waits for a lead, who says yes or no; the clocks run meanwhile (D§9.3a, 10.3)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from complaints.models import Complaint, Rejection, Seat
from complaints.public.status_page import token_for
from complaints.services import assessing, closing, rejecting, working
from foundation.calendars.models import Clock
from foundation.common.errors import NotAllowed, RuleBroken
from outreach.models import OutMessage
from staff.models import User
from tests.complaints.cases import Office, moment, office, on, ready
from tests.complaints.test_handing import kinds, refused
from tests.racing import race

WHY = {"reason": "A water pipe", "referral": "City water works, 12345"}


def asked(at: Office, state: str = "ASSESSED") -> tuple[Complaint, Rejection]:
    one = ready(at, state)
    return one, rejecting.ask_rejection(one.pk, actor=at.handler, **WHY)


@pytest.mark.django_db
@pytest.mark.covers("CMP-28", "CMP-32")
def test_it_waits_for_a_lead_while_the_clocks_run_and_ends_when_one_agrees() -> None:
    with on(2):
        at = office()
        one = ready(at, "ASSESSED")
        refused("complaint.no_reason", rejecting.ask_rejection, one.pk, actor=at.handler, **{**WHY, "reason": " "})
        refused("complaint.no_referral", rejecting.ask_rejection, one.pk, actor=at.handler, **{**WHY, "referral": ""})
        refused("complaint.illegal", rejecting.ask_rejection, ready(at, "ASSIGNED").pk, actor=at.handler, **WHY)
        refused("complaint.no_right", rejecting.ask_rejection, one.pk, actor=at.agent, **WHY)
        waits = rejecting.ask_rejection(one.pk, actor=at.handler, **WHY)
        refused("complaint.rejection_asked", rejecting.ask_rejection, one.pk, actor=at.lead, **WHY)
        one.refresh_from_db()
        assert one.state == "ASSESSED" and not OutMessage.objects.filter(template="complaint_rejected").exists()
        assert waits.asked_of == at.lead and "reject_asked" in kinds(at.lead) and Seat.objects.get().user == at.lead
        assert one.service_due_at == moment(4) and Clock.objects.get(owner_id=one.pk, kind="service").state == "RUNNING"
        refused("complaint.no_right", rejecting.grant_rejection, waits.pk, actor=at.other)
        own = rejecting.ask_rejection(ready(at, "ASSESSED").pk, actor=at.lead, **WHY)
        assert own.asked_of == at.head
        with pytest.raises(NotAllowed) as no:
            rejecting.grant_rejection(own.pk, actor=at.lead)
        assert no.value.code == "complaint.own_request" and Complaint.objects.get(pk=own.complaint_id).is_open
    with on(3):
        rejecting.grant_rejection(waits.pk, actor=at.lead)
    one.refresh_from_db()
    assert (one.state, one.closed_at) == ("OUT_OF_SCOPE", moment(3)) and not Seat.objects.filter(complaint=one).exists()
    said = OutMessage.objects.get(template="complaint_rejected")
    assert said.params["words"] == "A water pipe\nCity water works, 12345" and "rejected" in kinds(at.handler)
    assert set(Clock.objects.filter(owner_id=one.pk).values_list("state", flat=True)) == {"STOPPED"}
    refused("complaint.approval_decided", rejecting.deny_rejection, waits.pk, actor=at.lead, reason="No")


@pytest.mark.django_db
def test_a_denial_says_why_and_whoever_assigns_it_has_decided() -> None:
    with on(2):
        at = office()
        one, waits = asked(at)
        refused("complaint.no_reason", rejecting.deny_rejection, waits.pk, actor=at.lead, reason=" ")
        rejecting.deny_rejection(waits.pk, actor=at.lead, reason="The pipe is ours")
        waits.refresh_from_db()
        one.refresh_from_db()
        assert (waits.state, waits.denied_for, one.state) == ("DENIED", "The pipe is ours", "ASSESSED")
        assert "reject_denied" in kinds(at.handler) and not Seat.objects.exists()
        again = rejecting.ask_rejection(one.pk, actor=at.handler, **WHY)  # with better reasons
        working.assign_complaint(one.pk, actor=at.lead, to=at.other)
        again.refresh_from_db()
        assert again.state == "LAPSED"
        refused("complaint.approval_decided", rejecting.grant_rejection, again.pk, actor=at.lead)
        withdrawn, waiting = asked(at)
        closing.withdraw_complaint(withdrawn.pk, actor=at.agent, reason="Found it")
        waiting.refresh_from_db()
        assert waiting.state == "LAPSED"
        registered, early = asked(at, "REGISTERED")
        assessing.acknowledge_complaint(registered.pk, actor=at.agent)
        refused("complaint.illegal", rejecting.grant_rejection, early.pk, actor=at.lead)


@pytest.mark.django_db
def test_the_page_asks_and_the_lead_decides_on_it(client_for: Callable[[User], Client]) -> None:
    with on(2):
        at = office()
        one = ready(at, "ASSESSED")
        page, lead = client_for(at.handler), client_for(at.lead)
        address = reverse("complaints:case", args=[one.pk])
        assert "A lead approves it first" in page.get(address, {"do": "reject"}).content.decode()
        assert page.post(reverse("complaints:act-reject", args=[one.pk]), WHY).status_code == 302
        shown = page.get(address).content.decode()
        assert "says it is not ours" in shown and "act-reject" not in shown and "do=reject" not in shown
        waits = Rejection.objects.get()
        for verb in ("reject-approve", "reject-deny"):
            path = reverse(f"complaints:act-{verb}", args=[one.pk])
            assert path not in shown and path in lead.get(address).content.decode()
        deny = reverse("complaints:act-reject-deny", args=[one.pk])
        assert page.post(deny, {"item": waits.ref, "reason": "No"}).status_code == 403
        assert lead.post(deny, {"item": waits.ref, "reason": "Ours"}).status_code == 302
        assert page.post(reverse("complaints:act-reject", args=[one.pk]), WHY).status_code == 302
        newest = Rejection.objects.latest("pk")
        approve = reverse("complaints:act-reject-approve", args=[one.pk])
        assert lead.post(approve, {"item": newest.ref}).status_code == 302
        assert Complaint.objects.get(pk=one.pk).state == "OUT_OF_SCOPE"


@pytest.mark.django_db
@pytest.mark.covers("CMP-28")
def test_nothing_of_reason_and_referral_is_lost_on_the_way_to_the_customer(
    client_for: Callable[[User], Client],
) -> None:
    longest = {"reason": "why " * 99 + "thus", "referral": "whom " * 79 + "12345"}
    assert [len(text) for text in longest.values()] == [400, 400]
    with on(2):
        at = office()
        one = ready(at, "ASSESSED")
        page, address = client_for(at.handler), reverse("complaints:act-reject", args=[one.pk])
        for name in longest:
            over = longest | {name: longest[name] + "9"}
            answer = page.post(address, over)
            assert answer.status_code == 422 and over[name] in answer.content.decode()
            refused("complaint.too_long", rejecting.ask_rejection, one.pk, actor=at.handler, **over)
        assert not Rejection.objects.exists()
        assert page.post(address, longest).status_code == 302
        waits = Rejection.objects.get()
        refused("complaint.too_long", rejecting.deny_rejection, waits.pk, actor=at.lead, reason="x" * 401)
        rejecting.grant_rejection(waits.pk, actor=at.lead)
        one.refresh_from_db()
        assert one.reason == longest["reason"]
        said = OutMessage.objects.get(template="complaint_rejected").params["words"]
        assert said == f"{longest['reason']}\n{longest['referral']}"
        status = Client().get(reverse("public:status-case", args=[token_for(one)]))
        assert all(text in status.content.decode() for text in longest.values())


@pytest.mark.django_db(transaction=True)
def test_two_leads_decide_once() -> None:
    with on(2):
        at = office()
        for _round in range(5):
            one, waits = asked(at)
            done = race(
                lambda key=waits.pk: rejecting.grant_rejection(key, actor=at.lead),
                lambda key=waits.pk: rejecting.deny_rejection(key, actor=at.head, reason="Ours"),
            )
            assert [no.code for no in done if isinstance(no, RuleBroken)] == ["complaint.approval_decided"], done
            waits.refresh_from_db()
            assert (Complaint.objects.get(pk=one.pk).state == "OUT_OF_SCOPE") == (waits.state == "GRANTED")
