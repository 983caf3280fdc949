"""The pages of parts, hand-overs, joined cases, appeals and mediation, as people use them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from complaints.models import AppealCase, Complaint, Handover, MediationCase, Order, Part, Promise
from complaints.services import parts
from foundation.common import clock
from staff.models import User
from tests.complaints.cases import case, office
from tests.complaints.test_joining import begun
from tests.complaints.test_parts import support

pytestmark = pytest.mark.django_db
QUERIES = 13


@pytest.mark.covers("CMP-05", "CMP-06")
def test_a_unit_answers_its_part_on_its_page_and_sees_nothing_else(client_for: Callable[[User], Client]) -> None:
    at = office()
    one, network, checking = begun(at, "INVESTIGATING"), support(), support("Acceptance")
    part = parts.give_part(one.pk, actor=at.handler, unit=network.unit, ask="Measure the line")
    page = client_for(network)
    shown = page.get(reverse("complaints:part-list")).content.decode()
    assert "Measure the line" in shown and one.number in shown
    detail = reverse("complaints:part-detail", args=[part.pk])
    with CaptureQueriesContext(
        connection,
    ) as queries:
        shown = page.get(detail).content.decode()
    assert len(queries) <= QUERIES
    assert one.text in shown and one.customer.name not in shown
    assert client_for(checking).get(detail).status_code == 404
    assert page.post(reverse("complaints:part-accept", args=[part.pk])).status_code == 302
    refused = page.post(reverse("complaints:part-finish", args=[part.pk]), {"answer": ""})
    assert refused.status_code == 422
    given = {"unit": checking.unit_id, "answer": "The line is fine", "ask": "<script>Check</script>"}
    assert page.post(reverse("complaints:part-pass", args=[part.pk]), given).status_code == 302
    following = Part.objects.get(passed_from=part)
    shown = client_for(checking).get(reverse("complaints:part-detail", args=[following.pk])).content.decode()
    assert "&lt;script&gt;Check" in shown and "<script>Check" not in shown
    again = page.post(reverse("complaints:part-finish", args=[part.pk]), {"answer": "Twice"})
    assert again.status_code == 422 and "answered already" in again.content.decode()


@pytest.mark.covers("CMP-08", "CMP-12")
def test_the_page_beside_a_case_hands_it_over_promises_orders_and_joins(client_for: Callable[[User], Client]) -> None:
    at = office()
    one = begun(at, "INVESTIGATING")
    other = begun(at, customer=one.customer)

    def act(who: User, verb: str, expect: int = 302, case_of: Complaint = one, **data: Any) -> str:
        answer = client_for(who).post(reverse("complaints:hand-act", args=[case_of.pk, verb]), data)
        assert answer.status_code == expect, (verb, answer.content.decode()[:3000])
        return answer.content.decode()

    act(at.handler, "offer", role="HANDLER", to=str(at.other.pk), note="network matter")
    offer = Handover.objects.get()
    assert (
        "offers you this case" in client_for(at.other).get(reverse("complaints:hand", args=[one.pk])).content.decode()
    )
    act(at.handler, "offer", 422, role="HANDLER", to=str(at.other.pk))
    act(at.lead, "accept", 403, row=offer.ref)
    act(at.other, "refuse", 422, row=offer.ref, reason="")
    act(at.other, "accept", row=offer.ref)
    one.refresh_from_db()
    assert one.handler == at.other
    soon = (clock.now() + timedelta(days=1)).astimezone(clock.BUSINESS_ZONE).strftime("%Y-%m-%dT%H:%M")
    act(at.other, "promise", text="A new bill", due_at=soon)
    act(at.other, "keep-promise", row=Promise.objects.get().ref)
    act(at.lead, "order-reply", to=str(at.other.pk), text="Answer today", due_at=soon)
    act(at.other, "reply", row=Order.objects.get().ref, text="It leaves at four")
    act(at.lead, "merge", case_of=other, master=one.number)
    other.refresh_from_db()
    assert other.merged_into == one
    assert act(at.lead, "link", 422, kind="RELATED", other="CP1") and act(at.lead, "nonsense", 404) is not None
    foreign = begun(at, "INVESTIGATING")
    act(at.other, "keep-promise", 404, case_of=foreign, row=Promise.objects.get().ref)
    lead, address = client_for(at.lead), reverse("complaints:hand", args=[one.pk])
    lead.get(address)
    with CaptureQueriesContext(connection) as queries:
        shown = lead.get(address).content.decode()
    assert len(queries) <= QUERIES, [query["sql"][:150] for query in queries]
    assert "Number of the other complaint" in lead.get(address, {"do": "link"}).content.decode()
    assert other.number in shown and "It leaves at four" in shown and "Undo the merge" in shown


@pytest.mark.covers("CMP-31", "CMP-32")
def test_letters_of_authorities_and_mediation_have_their_pages(client_for: Callable[[User], Client]) -> None:
    at = office()
    page = client_for(at.boss)
    letter = {"body": "12300", "reference": "SH-17", "text": "Waits for a refund."}
    assert page.post(reverse("complaints:appeal-new"), {**letter, "text": ""}).status_code == 422
    assert page.post(reverse("complaints:appeal-new"), letter).status_code == 302
    appeal = AppealCase.objects.get()
    assert "SH-17" in page.get(reverse("complaints:appeal-list")).content.decode()
    known = begun(at, "INVESTIGATING")
    verb = lambda name: reverse("complaints:appeal-act", args=[appeal.pk, name])  # noqa: E731 (shorter than a function)
    assert page.post(verb("link"), {"case": known.number}).status_code == 302
    assert client_for(at.handler).post(verb("draft"), {"text": "We refund."}).status_code == 302
    head = client_for(at.head)
    assert "waits for your approval" in head.get(reverse("complaints:appeal", args=[appeal.pk])).content.decode()
    assert client_for(at.lead).post(verb("approve")).status_code == 403
    assert head.post(verb("approve")).status_code == 302
    appeal.refresh_from_db()
    assert appeal.state == "RESPONDED"
    disputed = case(at, "DISPUTED")
    asked = client_for(at.handler)
    given = reverse("complaints:hand-act", args=[disputed.pk, "mediate"])
    assert asked.post(given, {"body": "Consumer council", "asked_by": "OPERATOR"}).status_code == 302
    found = MediationCase.objects.get()
    move = reverse("complaints:mediation-move", args=[found.pk])
    assert asked.post(move, {"state": "SESSION"}).status_code == 422
    assert asked.post(move, {"state": "BOTH_AGREED", "party": "CUSTOMER"}).status_code == 302
    assert "Consumer council" in asked.get(reverse("complaints:mediation", args=[found.pk])).content.decode()
