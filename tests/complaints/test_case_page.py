"""The page of a case: what it offers in each state, replies and notes, properties, who else is there, what it costs."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from complaints import tasks
from complaints.acts.verb_table import VERBS
from complaints.lifecycle import MOVES, Act, State, acts_from
from complaints.models import CaseChange, Complaint, ComplaintMove, Entry, Promise, Solution
from complaints.services import ground
from complaints.services.talking import receive_words, take_back_reply
from foundation.common import clock
from foundation.common.errors import RuleBroken
from outreach.models import OutMessage
from staff.drafts import Place, draft_of
from staff.models import User
from tests.complaints.cases import Office, case, cause, office
from tests.factories import UnitFactory, UserFactory

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
HTMX = {"HX-Request": "true"}
MOMENT = "2026-11-25 12:00"


@pytest.fixture
def at() -> Office:
    return office()


def page(client: Client, one: Complaint, query: str = "") -> Any:
    return client.get(f"/complaints/{one.ref}/{query}")


def words(response: Any) -> str:
    return str(response.content.decode())


def post(client: Client, one: Complaint, verb: str, data: dict[str, Any] | None = None) -> Any:
    return client.post(f"/complaints/{one.ref}/{verb}/", data or {})


def standing(one: Complaint) -> tuple[Any, ...]:
    """What must stay as it is when an act is refused."""
    one.refresh_from_db()
    return one.state, one.version, one.handler_id, one.moves.count(), one.entries.count(), OutMessage.objects.count()


def filled(at: Office) -> dict[str, dict[str, Any]]:
    """What each verb is sent with, filled in as it should be."""
    return {
        "assess": {"topic": "BILLING.AMOUNT", "grade": "ORDINARY", "grade_reason": "", "path": "SIMPLE"},
        "assign": {"to": at.other.pk, "note": ""},
        "propose": {"finding": "You are right", "kind_1": "EXPLAIN", "text_1": "Explain", "due_1": MOMENT},
        "decide": {"words": "You are right."},
        "dispute": {"words": "I am not satisfied."},
        "close": {"cause": cause().pk, "responsible_unit": at.unit.pk, "lesson": "Look twice"},
        "return": {"reason": "not solved"},
        "rework": {"reason": "new facts"},
        "final": {"words": "This is our last word."},
        "pause": {"reason": "THIRD_PARTY", "evidence": "asked the other operator"},
        "reopen": {"words": "It is back."},
        "take-up": {"to": at.other.pk},
        "reject": {"reason": "not ours", "referral": "City water works"},
        "withdraw": {"reason": "settled"},
    }


# Registering makes a case, merging joins two: other pages do these. Only a group is closed as one.
ELSEWHERE = {Act.REGISTER, Act.MERGE, Act.CLOSE_GROUP}


@pytest.mark.parametrize("state", State.values)
def test_a_page_offers_what_the_table_allows_and_refuses_the_rest(
    state: str, at: Office, client_for: ClientFor
) -> None:
    one = case(at, state)
    client = client_for(at.boss)
    shown = page(client, one)
    assert shown.status_code == 200
    context = shown.context
    offered = [verb for verb in [context["primary"], *context["buttons"], *context["menu"]] if verb is not None]
    made = {act for verb in offered for act in verb.acts}
    assert made == {move.act for move in acts_from(state)} - ELSEWHERE
    if made - {Act.WITHDRAW}:
        assert context["primary"] is not None
    before = standing(one)
    sent = filled(at)
    for verb in VERBS:
        if verb.acts and not made & set(verb.acts):
            answer = post(client, one, verb.name, sent.get(verb.name))
            # Claiming answers by leading back to the page with the words.
            assert answer.status_code == (302 if verb.name == "claim" else 422), verb.name
            assert standing(one) == before, verb.name
    for verb in offered:
        if verb.asks:
            assert f'action="/complaints/{one.ref}/{verb.name}/"' in words(page(client, one, f"?do={verb.name}"))


def test_every_move_of_the_table_has_its_verb() -> None:
    made = {act for verb in VERBS for act in verb.acts}
    assert made == {move.act for move in MOVES} - {Act.REGISTER, Act.MERGE}


@pytest.mark.covers("CMP-12", "CMP-26")
def test_a_case_goes_the_whole_way_by_its_page(at: Office, client_for: ClientFor) -> None:
    one = case(at, State.REGISTERED)
    boss, agent = client_for(at.boss), client_for(at.agent)
    sent = filled(at)

    def go(client: Client, verb: str, data: dict[str, Any] | None = None) -> None:
        answer = post(client, one, verb, data if data is not None else sent.get(verb))
        assert answer.status_code == 302, (verb, answer.context and answer.context.get("refusal"))
        one.refresh_from_db()

    go(boss, "acknowledge")
    go(boss, "assess")
    why = page(boss, one, "?why=service")
    assert why.context["why"] and "Why this deadline?" in words(why)
    go(boss, "assign")
    go(client_for(at.other), "accept")
    assert (one.state, one.handler) == (State.INVESTIGATING, at.other)
    go(client_for(at.other), "contact", {"channel": "HOTLINE", "text": "Told her what we look at", "reached": "on"})
    go(client_for(at.other), "propose")
    go(client_for(at.other), "decide")
    shown = page(boss, one)
    assert "Waits for approval" not in words(shown) and shown.context["hanging"].measures[0].text == "Explain"
    measure = Solution.objects.get().measures.get()
    go(client_for(at.other), "measure-done", {"item": measure.ref, "result": "explained by phone"})
    go(agent, "callback", {"solved": "YES", "told_of_progress": "1", "satisfaction": "5", "said": "fine"})
    if one.state == State.ACCEPTED:
        go(agent, "call-back")
    assert one.state == State.CALLBACK
    go(boss, "close")
    assert one.state == State.CLOSED
    held = page(boss, one, "?held=1").context["held"]
    assert {row.person for row in held} == {"", at.other.name}
    text = words(page(boss, one, "?told=changes"))
    assert "Answered → " in text and at.other.name in text
    assert [row.act for row in ComplaintMove.objects.filter(complaint=one, new=State.CLOSED)] == [Act.CLOSE]


def test_who_may_not_is_refused_at_the_door_and_input_is_kept(at: Office, client_for: ClientFor) -> None:
    one = case(at, State.INVESTIGATING)
    stranger = UserFactory(role="COMPLAINT_HANDLER", unit=UnitFactory(no=9000))
    assert page(client_for(stranger), one).status_code == 404
    assert post(client_for(stranger), one, "pause", filled(at)["pause"]).status_code == 404
    # First asked, not the handler: sees it, writes in it, but neither pauses nor proposes.
    agent = client_for(at.agent)
    assert page(agent, one).status_code == 200
    assert post(agent, one, "pause", filled(at)["pause"]).status_code == 403
    other = client_for(at.other)  # of the unit, but somebody else works on it
    before = standing(one)
    assert post(other, one, "pause", filled(at)["pause"]).status_code == 403
    client = client_for(at.handler)
    answer = post(client, one, "pause", {"reason": "APPOINTMENT", "evidence": "she is away until Friday"})
    assert answer.status_code == 422 and "she is away until Friday" in words(answer)
    assert "Name the time agreed with the customer." in words(answer)
    assert standing(one) == before
    accused = UserFactory(role="COMPLAINT_HANDLER", unit=at.unit)
    about = case(at, State.INVESTIGATING, about_staff=accused)
    assert page(client_for(accused), about).status_code == 404


@pytest.mark.covers("CMP-25")
def test_a_reply_waits_can_be_undone_and_leaves_once(at: Office, client_for: ClientFor, travel: Any) -> None:
    one = case(at, State.INVESTIGATING)
    client = client_for(at.handler)
    shown = words(page(client, one))
    assert "Send to customer" in shown and "Save note" in shown and "Received, being checked" in shown
    now = clock.now()
    empty = post(client, one, "reply", {"reply": "  ", "channel": "SMS"})
    assert empty.status_code == 422 and not Entry.objects.exists()
    assert post(client, one, "reply", {"reply": "We are on it.", "channel": "SMS"}).status_code == 302
    first = Entry.objects.get()
    assert (first.kind, first.leaves_at, first.left_at) == ("REPLY", now + timedelta(seconds=8), None)
    undo = f'action="/complaints/replies/{first.ref}/undo/"'
    assert undo in words(page(client, one)) and undo not in words(page(client_for(at.lead), one))
    assert client_for(at.lead).post(f"/complaints/replies/{first.ref}/undo/").status_code == 404
    assert tasks.send_replies() == 0
    assert client.post(f"/complaints/replies/{first.ref}/undo/").status_code == 302
    draft = draft_of(at.handler, Place("complaints.reply", one.customer_id, one.ref))
    assert draft is not None and draft.text == "We are on it."
    assert "We are on it." in words(page(client, one)) and "Taken back before it left" in words(page(client, one))
    assert post(client, one, "reply", {"reply": "We are on it now.", "channel": "EMAIL"}).status_code == 302
    second = Entry.objects.order_by("pk").last()
    assert second is not None and draft_of(at.handler, Place("complaints.reply", one.customer_id, one.ref)) is None
    with travel(now + timedelta(seconds=9)):
        assert tasks.send_replies() == 1
        assert tasks.send_replies() == 0
        with pytest.raises(RuleBroken, match="has left"):
            take_back_reply(second.pk, actor=at.handler)
    sent = OutMessage.objects.get()
    assert (sent.template, sent.channel, sent.params["words"]) == ("complaint_reply", "EMAIL", "We are on it now.")
    one.refresh_from_db()
    second.refresh_from_db()
    assert (second.message_id, one.first_contact_at) == (sent.pk, second.left_at)


def test_a_note_never_leaves_and_words_that_come_in_end_a_pause(at: Office, client_for: ClientFor) -> None:
    one = case(at, State.INVESTIGATING)
    client = client_for(at.handler)
    assert post(client, one, "pause", filled(at)["pause"]).status_code == 302
    told = OutMessage.objects.count()
    assert post(client, one, "note", {"note": "Ask <b>Zhou</b> about the cell"}).status_code == 302
    note = Entry.objects.get()
    assert (note.kind, note.leaves_at, OutMessage.objects.count()) == ("NOTE", None, told)
    text = words(page(client, one))
    assert "Ask &lt;b&gt;Zhou&lt;/b&gt; about the cell" in text and "Internal note, not seen by the customer" in text
    came = receive_words(one.pk, channel="EMAIL", text="Any news?", key="<1@example.test>")
    assert receive_words(one.pk, channel="EMAIL", text="Any news?", key="<1@example.test>") == came
    one.refresh_from_db()
    assert (one.state, one.entries.filter(kind="INBOUND").count()) == (State.INVESTIGATING, 1)
    only = words(page(client, one, "?told=customer"))
    assert "Any news?" in only and "about the cell" not in only
    assert "Any news?" not in words(page(client, one, "?told=internal"))
    assert "Charged twice" in only  # the words it began with


@pytest.mark.covers("CMP-30")
def test_properties_change_in_place_conflicts_are_shown_and_undone(at: Office, client_for: ClientFor) -> None:
    one = case(at, State.INVESTIGATING)
    mine, theirs = client_for(at.handler), client_for(at.lead)
    place = f"/complaints/{one.ref}/inline/demand/"
    form = mine.get(place, headers=HTMX).context["form"]
    seen = {"version": form["version"].value(), "copy": form["copy"].value()}
    late = mine.get(f"/complaints/{one.ref}/inline/area/", headers=HTMX).context["form"]
    saved = mine.post(place, {**seen, "demand": "Her money back"}, headers=HTMX)
    assert saved.status_code == 200 and "Her money back" in words(saved)
    change = CaseChange.objects.get()
    assert (change.field, change.old, change.new) == ("demand", "", "Her money back")
    # Another field on the older copy is no conflict; the same field is, and says what stands there.
    older = {"version": late["version"].value(), "copy": late["copy"].value()}
    assert (
        theirs.post(f"/complaints/{one.ref}/inline/area/", {**older, "area": "Wenzhou"}, headers=HTMX).status_code
        == 200
    )
    clash = theirs.post(place, {**seen, "demand": "An apology"}, headers=HTMX)
    assert clash.status_code == 422 and "On file now: Her money back" in words(clash) and "An apology" in words(clash)
    edit = theirs.get(f"/complaints/{one.ref}/edit/").context["form"]
    whole = {name: edit[name].value() or "" for name in edit.fields} | {"topic": "BILLING.AMOUNT"}
    assert mine.post(f"/complaints/changes/{change.ref}/undo/", headers=HTMX).status_code == 200
    one.refresh_from_db()
    assert one.demand == ""
    clash = theirs.post(f"/complaints/{one.ref}/edit/", {**whole, "demand": "Both", "amount": "12.50"})
    assert clash.status_code == 422
    assert [(row.field, row.was, row.theirs, row.mine) for row in clash.context["conflict"]] == [
        ("demand", "Her money back", "", "Both")
    ]
    again = {**whole, "demand": "Both", "amount": "12.50", "version": str(clash.context["form"].data["version"])}
    again |= {"copy": clash.context["form"].data["copy"], "choose_demand": "mine"}
    assert theirs.post(f"/complaints/{one.ref}/edit/", again).status_code == 302
    one.refresh_from_db()
    assert (one.demand, str(one.amount)) == ("Both", "12.50")
    assert mine.post(f"/complaints/changes/{change.ref}/undo/").status_code == 302
    one.refresh_from_db()
    assert one.demand == "Both"  # changed again since: not taken back
    assert "Changed: What the customer wants" in words(page(mine, one))


def test_masks_presence_place_in_the_queue_and_cost(at: Office, client_for: ClientFor) -> None:
    one = case(at, State.INVESTIGATING, next_due_at=clock.now() + timedelta(hours=1))
    first = case(at, State.INVESTIGATING, next_due_at=clock.now() - timedelta(hours=1))
    last = case(at, State.INVESTIGATING, next_due_at=clock.now() + timedelta(hours=2))
    handler, lead = client_for(at.handler), client_for(at.lead)
    name, phone = one.customer.name, one.customer.contact_points.get().value
    shown = words(page(handler, one, "?view=mine"))
    assert name in shown and phone in shown  # clear inside one's own case
    assert "2 / 3" in shown
    assert f'href="/complaints/{first.ref}/?view=mine" data-key="k"' in shown
    assert f'href="/complaints/{last.ref}/?view=mine" data-key="j"' in shown
    other = words(page(lead, one))
    assert name not in other and phone not in other
    assert f"{at.handler.name} is viewing" in other
    beat = lead.post(f"/complaints/{one.ref}/presence/", {"doing": "edit", "said": ""})
    assert beat.status_code == 200 and f"{at.handler.name} is viewing" in words(beat)
    assert f"{at.lead.name} is replying" in words(page(handler, one))

    def cost() -> int:
        page(handler, one)
        with CaptureQueriesContext(connection) as seen:
            assert page(handler, one, "?view=mine").status_code == 200
        return len(seen.captured_queries)

    few = cost()
    for n in range(40):
        Entry.objects.create(complaint=one, kind="NOTE", text=f"Note {n}", by=at.other)
        ground.remember(one, Act.ASSIGN, actor=at.lead, old=State.ASSIGNED, new=State.ASSIGNED)
        if n < 10:
            Promise.objects.create(complaint=one, text="call", owner=at.handler, due_at=clock.now() + timedelta(days=1))
    assert cost() <= 15
    assert cost() - few <= 2  # people and units of the rows, once each
    late = page(handler, one)
    assert "Note 39" in words(late) and "Note 1<" not in words(late)
    earlier = late.context["stream"].earlier_ref
    part = handler.get(f"/complaints/{one.ref}/?before={earlier}", headers=HTMX)
    assert "Note 20" in words(part) and "Note 39" not in words(part)


def test_claiming_names_who_was_first(at: Office, client_for: ClientFor) -> None:
    one = case(at, State.ASSIGNED, handler=None)
    mine = client_for(at.handler)
    row = mine.get("/complaints/?view=pool")
    assert f"/complaints/{one.ref}/claim/" in words(row)
    assert post(client_for(at.other), one, "claim").status_code == 302
    late = mine.post(f"/complaints/{one.ref}/claim/", headers=HTMX)
    assert at.other.name in late.headers["HX-Trigger"] and at.other.name in words(late)
    one.refresh_from_db()
    assert one.handler == at.other
