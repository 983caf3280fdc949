"""Drafts: kept on the server for one person in one place, whatever PC they sit at, until saved, discarded or old."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse

from foundation.common import clock, ids
from foundation.common.errors import RuleBroken
from foundation.jobs.running import claim_and_run
from foundation.jobs.services import start_job
from foundation.policies.services import set_policy
from interactions.services import start_contact
from outreach.services import owe_followup
from staff.drafts import LONGEST, Place, draft_of, forget_draft, place_of, save_draft, token_of
from staff.models import Draft
from tests.customers.people import customer, operator
from tests.factories import UserFactory
from tests.racing import race

pytestmark = pytest.mark.django_db
HERE = Place("test.note", 77)
SAVE = reverse("staff:draft-save")


@pytest.fixture
def me():
    return UserFactory(role="AGENT")


def test_a_text_is_kept_for_its_writer_in_its_place_alone(me):
    saved = save_draft(me, HERE, "The caller says")
    draft = draft_of(me, HERE)
    assert (draft.text, draft.replaced, ids.to_text(draft.stamp)) == ("The caller says", "", saved.stamp)
    assert draft_of(UserFactory(role="AGENT"), HERE) is None
    for other in (Place("test.note", 78), Place("test.note"), Place("test.other", 77), Place("test.note", 77, "a")):
        assert draft_of(me, other) is None
    again = save_draft(me, HERE, "The caller says more", seen=saved.stamp)
    assert (again.other, Draft.objects.get().text) == ("", "The caller says more")
    forget_draft(me, HERE)
    assert not Draft.objects.exists()


def test_two_windows_the_newer_text_wins_and_the_other_is_kept(me):
    first = save_draft(me, HERE, "one")
    second = save_draft(me, HERE, "two")  # a window that was opened before there was a draft
    assert (second.other, draft_of(me, HERE).text) == ("one", "two")
    third = save_draft(me, HERE, "one and more", seen=first.stamp)
    assert (third.other, draft_of(me, HERE).text) == ("two", "one and more")
    same = save_draft(me, HERE, "one and more!", seen=third.stamp)
    assert same.other == "two"


def test_an_emptied_area_forgets_its_draft_but_never_the_text_of_another_window(me):
    saved = save_draft(me, HERE, "mine")
    assert save_draft(me, HERE, "  \n", seen=saved.stamp).stamp == ""
    assert not Draft.objects.exists()
    save_draft(me, HERE, "theirs")
    emptied = save_draft(me, HERE, "", seen=saved.stamp)
    assert (emptied.other, draft_of(me, HERE).replaced) == ("theirs", "theirs")


@pytest.mark.parametrize("text", ["x" * LONGEST, "line\nline", "‮abc\u200b", "😀" * 10, "nul\0byte"])
def test_odd_texts_are_kept_as_they_are(me, text):
    save_draft(me, HERE, text)
    assert draft_of(me, HERE).text == text.replace("\0", "")


def test_a_text_beyond_all_measure_is_refused_and_the_old_one_stays(me):
    save_draft(me, HERE, "short")
    with pytest.raises(RuleBroken) as no:
        save_draft(me, HERE, "x" * (LONGEST + 1))
    assert (no.value.code, draft_of(me, HERE).text) == ("draft.too_long", "short")


@pytest.mark.django_db(transaction=True)
def test_two_windows_saving_at_once_lose_nothing(me):
    texts = ["left", "right"]
    race(*[lambda text=text: save_draft(me, HERE, text) for text in texts])
    draft = Draft.objects.get()
    assert {draft.text, draft.replaced} == set(texts)


def test_the_door_takes_only_places_a_page_has_shown(me, client_for):
    client, other = client_for(me), UserFactory(role="AGENT")
    token = token_of(me, Place("test.note", 77, "x"))
    assert place_of(me, token) == Place("test.note", 77, "x")
    answer = client.post(SAVE, {"draft": token, "text": "words"})
    assert (answer.status_code, answer.json()["other"]) == (200, "")
    assert answer.json()["stamp"] == ids.to_text(Draft.objects.get().stamp)
    for wrong in ("", "x", token + "x", token_of(other, HERE)):
        assert client.post(SAVE, {"draft": wrong, "text": "words"}).status_code == 404
    assert client.post(SAVE, {"draft": token, "text": "x" * (LONGEST + 1)}).status_code == 422
    assert Draft.objects.get().text == "words"
    assert client.post(SAVE, {"draft": token, "drop": "1"}).status_code == 200
    assert not Draft.objects.exists()


def test_old_drafts_are_forgotten_by_policy(me, travel):
    save_draft(me, HERE, "old")
    set_policy("staff.draft_days", timedelta(days=10), actor=UserFactory(role="POLICY_ADMIN"))
    with travel(clock.now() + timedelta(days=9)):
        save_draft(me, Place("test.note", 78), "young")
    with travel(clock.now() + timedelta(days=10, minutes=1)):
        assert claim_and_run(start_job("staff.forget_drafts", actor=None).pk)
    assert [row.text for row in Draft.objects.all()] == ["young"]


def test_the_note_of_a_customer_comes_back_and_goes_when_it_is_saved(client_for):
    op = operator()
    row = customer(op.hall, "王小娟")
    start_contact(actor=op.clerk, customer=row, channel="HALL_OWN")
    save_draft(op.clerk, Place("interactions.note", row.pk), "half a <note>")
    page = reverse("customers:customer-detail", args=[row.pk])
    shown = client_for(op.clerk).get(page).content.decode()
    assert "half a &lt;note&gt;</textarea>" in shown
    assert "brought back" in shown
    assert "half a" not in client_for(op.head).get(page).content.decode()
    client, log = client_for(op.clerk), reverse("interactions:contact-quick-log", args=[row.pk])
    refused = client.post(log, {"summary": "half a note", "kind": "NONE"})
    assert refused.status_code == 422
    assert "half a note</textarea>" in refused.content.decode()
    assert Draft.objects.exists()
    assert client.post(log, {"summary": "a whole note"}).status_code == 302
    assert not Draft.objects.exists()


def test_the_texts_of_a_follow_up_are_kept_apart(client_for):
    op = operator()
    row = customer(op.hall, "王小娟")
    soon = clock.now() + timedelta(days=1)
    due = owe_followup(customer=row, kind="CALLBACK", owner=op.clerk, due_at=soon, subject="Ring", actor=op.clerk)
    save_draft(op.clerk, Place("outreach.attempt", row.pk, due.ref), "nobody there")
    save_draft(op.clerk, Place("outreach.result", row.pk, due.ref), "told the price")
    client, page = client_for(op.clerk), reverse("outreach:followup-detail", args=[due.pk])
    shown = client.get(page).content.decode()
    assert "nobody there</textarea>" in shown and "told the price</textarea>" in shown
    client.post(reverse("outreach:followup-attempt", args=[due.pk]), {"outcome": "NO_ANSWER", "note": "nobody there"})
    assert [draft.text for draft in Draft.objects.all()] == ["told the price"]
    client.post(reverse("outreach:followup-complete", args=[due.pk]), {"result": "told the price"})
    assert not Draft.objects.exists()
