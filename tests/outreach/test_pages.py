"""The pages of outreach through the door: who sees what, what a press of a button does, what it costs."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, time, timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from customers.models import ContactBlock
from customers.services import add_contact_time
from foundation.common import clock
from outreach import delivery
from outreach.models import FollowUp, FollowUpAttempt, Notification, OutMessage
from outreach.services import notify
from staff.models import User
from tests.factories import ContactPointFactory, CustomerFactory, UserFactory
from tests.outreach.making import MORNING, owe, queries, queue, reachable, team_of_two

pytestmark = pytest.mark.usefixtures("morning")

Travel = Callable[[datetime], AbstractContextManager[None]]
ClientFor = Callable[[User], Client]
HX = {"HX-Request": "true"}
NAME = "\u738b\u5c0f\u5a1f"


def local(minutes: int) -> str:
    return (clock.now() + timedelta(minutes=minutes)).astimezone(clock.BUSINESS_ZONE).strftime("%Y-%m-%dT%H:%M")


@pytest.mark.django_db
def test_the_list_shows_own_duties_in_three_groups_with_masked_names(client_for: ClientFor, travel: Travel) -> None:
    agent, _lead = team_of_two()
    customer = CustomerFactory(unit=agent.unit, name=NAME)
    for subject, minutes in (("late one", 1), ("soon one", 60), ("far one", 60 * 24)):
        owe(agent, subject=subject, minutes=minutes, customer=customer)
    owe(UserFactory(role="AGENT"), subject="of a stranger")
    with travel(MORNING + timedelta(minutes=2)):
        page = client_for(agent).get("/follow-ups/", headers=HX).content.decode()
    places = [page.index(text) for text in ("Overdue", "late one", "Today", "soon one", "Later", "far one")]
    assert places == sorted(places)
    assert "of a stranger" not in page
    assert NAME not in page
    assert "\u738b*\u5a1f" in page


@pytest.mark.django_db
def test_a_lead_sees_the_team_in_all_and_filters_by_owner(client_for: ClientFor) -> None:
    agent, lead = team_of_two()
    owe(agent, subject="of the agent")
    owe(lead, subject="of the lead")
    client = client_for(lead)
    assert "of the agent" not in client.get("/follow-ups/").content.decode()
    everything = client.get("/follow-ups/?view=all").content.decode()
    assert "of the agent" in everything
    assert "of the lead" in everything
    filtered = client.get(f"/follow-ups/?view=all&owner={agent.pk}", headers=HX).content.decode()
    assert "of the agent" in filtered
    assert "of the lead" not in filtered
    assert "<html" not in filtered
    assert "Nothing matches" in client.get("/follow-ups/?view=all&kind=VISIT").content.decode()
    assert client.get("/follow-ups/?after=damaged").status_code == 302


@pytest.mark.django_db
def test_an_attempt_is_logged_in_the_row_and_the_next_try_moves_it(client_for: ClientFor) -> None:
    agent, _lead = team_of_two()
    follow_up = owe(agent)
    client, url = client_for(agent), f"/follow-ups/{follow_up.ref}"
    assert "form" in client.get(f"{url}/row/?open=1", headers=HX).content.decode()
    wrong = client.post(f"{url}/attempt/", {"outcome": "SHOUTED"}, headers=HX)
    assert wrong.status_code == 422
    past = client.post(f"{url}/attempt/", {"outcome": "BUSY", "note": "kept", "next_at": local(-5)}, headers=HX)
    assert (past.status_code, "kept" in past.content.decode()) == (422, True)
    assert not FollowUpAttempt.objects.exists()
    row = client.post(f"{url}/attempt/", {"outcome": "BUSY", "next_at": local(120)}, headers=HX)
    assert row.status_code == 200
    assert "toast" in row.headers["HX-Trigger"]
    follow_up.refresh_from_db()
    assert (follow_up.due_at, follow_up.attempts, follow_up.last_outcome) == (MORNING + timedelta(hours=2), 1, "BUSY")
    done = client.post(f"{url}/attempt/", {"outcome": "REACHED", "note": "agreed", "then": "done"}, headers=HX)
    assert done.status_code == 200
    follow_up.refresh_from_db()
    assert (follow_up.state, follow_up.result, follow_up.attempts) == ("DONE", "agreed", 2)


@pytest.mark.django_db
def test_the_page_of_a_follow_up_works_without_script(client_for: ClientFor) -> None:
    agent, lead = team_of_two()
    customer = CustomerFactory(unit=agent.unit, name=NAME)
    ContactPointFactory(customer=customer, value="13900001111")
    follow_up = owe(agent, customer=customer)
    client, url = client_for(agent), f"/follow-ups/{follow_up.ref}/"
    page = client.get(url).content.decode()
    assert NAME in page
    assert "13900001111" in page
    assert client.post(f"{url}reschedule/", {"due_at": local(30), "reason": ""}).status_code == 302
    assert client.post(f"{url}reassign/", {"owner": lead.pk, "reason": ""}).status_code == 403
    assert client_for(lead).post(f"{url}reassign/", {"owner": lead.pk, "reason": ""}).status_code == 302
    assert client.post(f"{url}complete/", {"result": ""}).status_code in {403, 404}
    assert client_for(lead).post(f"{url}cancel/", {"reason": ""}).status_code == 422
    assert client_for(lead).post(f"{url}complete/", {"result": "ok"}).status_code == 302
    assert client_for(lead).post(f"{url}complete/", {"result": "ok"}).status_code == 422
    follow_up.refresh_from_db()
    assert (follow_up.state, follow_up.owner) == ("DONE", lead)


@pytest.mark.django_db
def test_a_foreign_follow_up_is_not_there_and_a_readers_hands_are_tied(client_for: ClientFor) -> None:
    agent, _lead = team_of_two()
    follow_up = owe(agent)
    url = f"/follow-ups/{follow_up.ref}/"
    stranger, reader = client_for(UserFactory(role="AGENT")), client_for(UserFactory(role="QA"))
    assert stranger.get(url).status_code == 404
    assert stranger.post(f"{url}complete/", {"result": ""}).status_code == 404
    assert reader.get(url).status_code == 200
    assert reader.post(f"{url}complete/", {"result": ""}).status_code == 403
    follow_up.refresh_from_db()
    assert follow_up.state == "OPEN"


@pytest.mark.django_db
def test_a_new_follow_up_by_hand_and_the_next_from_the_pool(client_for: ClientFor) -> None:
    agent, lead = team_of_two()
    client = client_for(agent)
    customer = CustomerFactory(unit=agent.unit)
    assert client.get(f"/follow-ups/new/?customer={customer.ref}").status_code == 200
    assert client.get(f"/follow-ups/new/?customer={CustomerFactory().ref}").status_code == 404
    fields = {
        "kind": "CALLBACK",
        "subject": "tell her the date",
        "owner": agent.pk,
        "priority": "2",
        "customer": customer.ref,
    }
    refused = client.post("/follow-ups/new/", fields | {"due_at": local(-1)})
    assert (refused.status_code, "tell her the date" in refused.content.decode()) == (422, True)
    assert client.post("/follow-ups/new/", fields | {"due_at": ""}).status_code == 422
    assert client.post("/follow-ups/new/", fields | {"due_at": "9999-12-31T23:59"}).status_code == 422
    assert not FollowUp.objects.exists()
    made = client.post("/follow-ups/new/", fields | {"due_at": local(60)})
    assert made.headers["Location"] == f"/follow-ups/{FollowUp.objects.get().ref}/"
    pooled = owe(lead, team=agent.team_memberships.get().team, pooled=True)
    assert client.post("/follow-ups/next/").headers["Location"] == f"/follow-ups/{pooled.ref}/"
    assert client.post("/follow-ups/next/").headers["Location"] == "/follow-ups/"


@pytest.mark.django_db
@pytest.mark.covers("ARC-21")
def test_a_moment_the_customer_does_not_want_is_asked_about_once_more(client_for: ClientFor, travel: Travel) -> None:
    agent, _lead = team_of_two()
    client, customer = client_for(agent), CustomerFactory(unit=agent.unit, channel_preference="SMS")
    ContactPointFactory(customer=customer, value="13900001111", do_not_use="messages came back")
    add_contact_time(customer.pk, actor=agent, wish="AVOID", days="WORKDAYS", starts=time(12), ends=time(14))
    fields = {"subject": "ring", "owner": agent.pk, "priority": "2", "customer": customer.ref}
    noon, evening = "2026-11-25T12:30", "2026-11-25T18:00"

    def plan(kind: str, due_at: str, **more: str) -> Any:
        return client.post("/follow-ups/new/", fields | {"kind": kind, "due_at": due_at} | more)

    with travel(MORNING):
        opened = client.get(f"/follow-ups/new/?customer={customer.ref}").content.decode()
        assert "Monday to Friday" in opened and "Text message" in opened and "messages came back" in opened
        asked = plan("CALLBACK", noon)
        assert asked.status_code == 422 and "does not want to be reached then" in asked.content.decode()
        assert 'name="despite_wish"' in asked.content.decode() and not FollowUp.objects.exists()
        assert plan("TASK", noon).status_code == 302
        assert plan("CALLBACK", evening).status_code == 302
        agreed = plan("VISIT", noon, despite_wish="on")
        page = client.get(agreed.headers["Location"]).content.decode()
        assert "planned for a time the customer does not want" in page
        row = FollowUp.objects.get(kind="CALLBACK")
        url = f"/follow-ups/{row.ref}/"
        assert client.post(f"{url}reschedule/", {"due_at": noon}).status_code == 422
        tried = {"outcome": "BUSY", "next_at": noon}
        assert client.post(f"{url}attempt/", tried, headers={"HX-Request": "true"}).status_code == 422
        row.refresh_from_db()
        assert (row.attempts, row.due_at.isoformat()) == (0, "2026-11-25T10:00:00+00:00")
        assert client.post(f"{url}attempt/", tried | {"despite_wish": "on"}).status_code == 302
        row.refresh_from_db()
        assert (row.attempts, row.due_at.isoformat()) == (1, "2026-11-25T04:30:00+00:00")


@pytest.mark.django_db
def test_a_message_says_why_and_a_failed_one_gets_a_second_try(client_for: ClientFor) -> None:
    lead = UserFactory(role="DEPT_HEAD", language="en")
    customer = reachable(unit=lead.unit, name=NAME)
    held = queue(customer, message_class="CARE", template="callback_promised_any")
    delivery.deliver_due()
    assert held is not None
    client = client_for(lead)
    listed = client.get("/messages/").content.decode()
    assert "No consent" in listed
    assert NAME not in listed and "\u738b*\u5a1f" in listed
    page = client.get(f"/messages/{held.ref}/").content.decode()
    assert "Consent is unknown; no answer is no consent." in page
    assert client.post(f"/messages/{held.ref}/retry/").status_code == 422
    OutMessage.objects.filter(pk=held.pk).update(state="failed")
    assert client.post(f"/messages/{held.ref}/retry/").status_code == 302
    held.refresh_from_db()
    assert held.state == "queued"
    assert client_for(UserFactory(role="DEPT_HEAD")).get(f"/messages/{held.ref}/").status_code == 404
    assert client.get("/messages/?state=sent", headers=HX).status_code == 200


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("message_class", "status", "blocked", "words"),
    [
        ("CARE", "DECEASED", "", "The customer's status Deceased stops every message."),
        ("REMINDER", "ACTIVE", "MOURNING", "A block of contact holds: Mourning."),
        ("SERVICE", "ACTIVE", "", "A message of class Service needs no consent."),
    ],
)
def test_an_explanation_says_codes_in_words(
    client_for: ClientFor, message_class: str, status: str, blocked: str, words: str
) -> None:
    lead = UserFactory(role="DEPT_HEAD", language="en")
    customer = reachable(unit=lead.unit, status=status)
    if blocked:
        ContactBlock.objects.create(customer=customer, reason=blocked, classes=[message_class])
    template = "callback_promised" if message_class == "SERVICE" else "callback_promised_any"
    message = queue(customer, message_class=message_class, template=template)
    delivery.deliver_due()
    assert message is not None
    page = unescape(client_for(lead).get(f"/messages/{message.ref}/").content.decode())
    assert words in page
    assert not re.search(r"<li>[^<]*\b(DECEASED|MOURNING|SERVICE)\b", page)


@pytest.mark.django_db
def test_the_bell_rings_once_leads_there_and_falls_silent(client_for: ClientFor) -> None:
    agent, lead = team_of_two()
    follow_up = owe(lead)
    more: dict[str, Any] = {
        "subject_ref": follow_up,
        "params": {"number": follow_up.number, "due_at": follow_up.due_at.isoformat()},
        "dedupe_key": "once",
    }
    assert notify(lead, "followup.due", **more) is not None
    assert notify(lead, "followup.due", **more) is None
    client = client_for(lead)
    slot = client.get("/bell/menu/").content.decode()
    assert 'hx-get="/bell/menu/?list=1"' in slot
    opened = client.get("/bell/menu/?list=1").content.decode()
    assert 'data-title-count="1"' in slot
    assert f"Due now: {follow_up.number}, Tue, Nov 24 11:00" in opened
    notice = Notification.objects.get()
    seen = f"{notice.ref}-1"
    assert client.get(f"/bell/menu/?seen={seen}").status_code == 204
    assert client_for(agent).get(f"/bell/{notice.ref}/").status_code == 404
    assert client.get(f"/bell/{notice.ref}/").headers["Location"] == f"/follow-ups/{follow_up.ref}/"
    assert "data-title-count" not in client.get(f"/bell/menu/?seen={seen}").content.decode()
    notify(lead, "followup.due", **(more | {"dedupe_key": "twice"}))
    assert client.post("/bell/read/").status_code == 302
    assert not Notification.objects.filter(read_at__isnull=True).exists()
    assert client.get("/bell/").status_code == 200


@pytest.mark.django_db
def test_lists_cost_the_same_with_ten_rows_and_with_three_hundred(client_for: ClientFor) -> None:
    agent, _lead = team_of_two()
    customer = CustomerFactory(unit=agent.unit)
    client = client_for(agent)
    for number in range(10):
        owe(agent, customer=customer)
        queue(customer, f"a{number}", actor=agent)
    few = [queries(client, url) for url in ("/follow-ups/", "/messages/", "/bell/menu/")]
    for number in range(120):
        owe(agent, customer=customer)
        queue(customer, f"b{number}", actor=agent)
    many = [queries(client, url) for url in ("/follow-ups/", "/messages/", "/bell/menu/")]
    assert few == many
    assert max(few) <= 15
