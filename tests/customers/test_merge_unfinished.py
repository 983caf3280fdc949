"""What people were in the middle of when two archives became one: texts, requests, pages open on the screen."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from customers import presence
from customers.merging.pages import TABLES
from customers.merging.services import approve_merge, propose_merge, set_apart
from customers.merging.undoing import plan_of, undo_merge
from customers.models import ChangeRequest, Customer, Merge
from customers.recent import note_viewed, recently_viewed
from customers.services import request_change
from customers.services.keys import rotate_keys
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.common.merging import OnMerge, customer_keys
from interactions.models import RightsRequest
from staff.drafts import Place, draft_of, place_of, save_draft, token_of
from staff.models import Draft, User
from tests.customers.people import Operator, customer, operator
from tests.factories import SubscriptionFactory, UserFactory
from tests.racing import LONGEST_SECONDS, Beside

pytestmark = pytest.mark.django_db
Clients = Callable[..., Client]
ASKED = {"channel": "HOTLINE", "asked_by": "self", "verified": "CODE"}


@pytest.fixture
def world() -> Operator:
    return operator()


@pytest.fixture
def lead(world: Operator) -> User:
    return UserFactory(role="TEAM_LEAD", unit=world.hall)


@pytest.fixture
def two(world: Operator) -> tuple[Customer, Customer]:
    return customer(world.hall, "王小明", id_number="110101199003070011"), customer(world.hall, "王晓明")


def merged(two: tuple[Customer, Customer], world: Operator, lead: User) -> Merge:
    merge = propose_merge(two[0].pk, two[1].pk, actor=world.clerk, reason="same person")
    return approve_merge(merge.pk, actor=lead)


@pytest.mark.covers("ARC-17")
def test_what_a_clerk_was_typing_is_found_at_the_survivor(
    world: Operator, lead: User, two: tuple[Customer, Customer], client_for: Clients
) -> None:
    keeps, goes = two
    place = {one.pk: Place("customers.need", one.pk) for one in two}
    token = token_of(world.clerk, place[goes.pk])
    seen = save_draft(world.clerk, place[goes.pk], "wants fib")
    save_draft(lead, place[keeps.pk], "mine, older")
    save_draft(lead, place[goes.pk], "mine, newer")
    before = list(Draft.objects.order_by("pk").values())
    merge = merged(two, world, lead)
    clerk = client_for(world.clerk)
    assert "wants fib" in clerk.get(reverse("customers:customer-profile", args=[keeps.pk])).content.decode()
    both = draft_of(lead, place[keeps.pk])
    assert both is not None and (both.text, both.replaced) == ("mine, newer", "mine, older")
    # The window that was open all the time goes on writing, and nothing of it is a conflict.
    typed = {"draft": token, "text": "wants fibre", "seen": seen.stamp}
    assert clerk.post(reverse("staff:draft-save"), typed).json()["other"] == ""
    found = draft_of(world.clerk, place[keeps.pk])
    assert found is not None and found.text == "wants fibre" and draft_of(world.clerk, place[goes.pk]) is None
    assert plan_of(merge).is_plain, "a person's own text is nobody else's business"
    undo_merge(merge.pk, actor=lead, reason="two people")
    after = list(Draft.objects.order_by("pk").values())
    told = {"text", "stamp", "saved_at"}  # of the clerk's, who wrote on
    assert [row for row in after if row["user_id"] == lead.pk] == [row for row in before if row["user_id"] == lead.pk]
    mine = [[row for row in rows if row["user_id"] == world.clerk.pk] for rows in (before, after)]
    assert [{key: row[key] for key in row.keys() - told} for row in mine[0]] == [
        {key: row[key] for key in row.keys() - told} for row in mine[1]
    ]
    assert mine[1][0]["text"] == "wants fibre"


@contextmanager
def begun(act: Callable[[], Any]) -> Iterator[None]:
    """Somebody has done this and commits it at the end of the block."""
    done, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            act()
            done.set()
            assert go_on.wait(LONGEST_SECONDS)

    holder = Beside(hold)
    try:
        assert done.wait(LONGEST_SECONDS), holder.outcome
        yield
    finally:
        go_on.set()
        assert holder.ended() is None


def waiting(act: Callable[[], Any]) -> Beside:
    """Somebody who does this and stands before a lock."""
    one = Beside(act)
    until = time.monotonic() + LONGEST_SECONDS
    while not one.waits():
        assert one.is_alive() and time.monotonic() < until, one.outcome
    return one


@pytest.mark.django_db(transaction=True)
def test_a_text_saved_in_the_instant_of_the_merge_lands_with_the_survivor(
    world: Operator, lead: User, two: tuple[Customer, Customer]
) -> None:
    keeps, goes = two
    place = place_of(world.clerk, token_of(world.clerk, Place("customers.need", goes.pk)))
    assert place == Place("customers.need", goes.pk)
    with begun(lambda: merged(two, world, lead)):  # its drafts are moved, and nobody sees it yet
        writing = waiting(lambda: save_draft(world.clerk, place, "wants fibre"))
    assert writing.ended().other == ""
    assert draft_of(world.clerk, place) is None
    kept = draft_of(world.clerk, Place("customers.need", keeps.pk))
    assert kept is not None and kept.text == "wants fibre"
    # Written first, moved by the merge that waited for it.
    third = customer(world.hall, "王小名")
    later = Place("customers.need", third.pk)
    with begun(lambda: save_draft(world.clerk, later, "wants fibre at home")):
        merging = waiting(lambda: merged((keeps, third), world, lead))
    assert isinstance(merging.ended(), Merge)
    kept = draft_of(world.clerk, Place("customers.need", keeps.pk))
    assert kept is not None and {kept.text, kept.replaced} == {"wants fibre at home", "wants fibre"}


@pytest.mark.covers("ARC-17")
def test_of_two_open_requests_for_one_field_the_newer_stays_open(
    world: Operator, lead: User, two: tuple[Customer, Customer], client_for: Clients, settings: Any, travel: Any
) -> None:
    keeps, goes = two
    with travel(clock.now() - timedelta(hours=2)):
        older = request_change(keeps.pk, actor=world.clerk, field="name", new="王小民", **ASKED)
        document = request_change(goes.pk, actor=world.clerk, field="id_number", new="330102199203151235", **ASKED)
    newer = request_change(goes.pk, actor=world.clerk, field="name", new="王晓敏", **ASKED)
    later = request_change(keeps.pk, actor=world.clerk, field="id_number", new="110105199003071239", **ASKED)
    line = SubscriptionFactory(customer=goes)
    handed = {"subscription_id": line.pk, "new_owner_id": keeps.pk}
    moot = request_change(goes.pk, actor=world.clerk, field="owner", **handed, **ASKED)
    merge = merged(two, world, lead)
    rows = {row.pk: row for row in ChangeRequest.objects.all()}
    assert {row.state for row in (rows[newer.pk], rows[later.pk])} == {"OPEN"}
    assert rows[newer.pk].customer_id == rows[document.pk].customer_id == keeps.pk
    for closed, names in ((older, newer.number), (document, later.number), (moot, "one since")):
        row = rows[closed.pk]
        assert (row.state, row.closed_by, row.new_sealed) == ("REFUSED", lead, None)
        assert names in row.reason and merge.number in row.reason
    assert sorted(merge.result["closed"]) == sorted([older.number, document.number, moot.number])
    page = client_for(lead).get(reverse("customers:merge-detail", args=[merge.pk])).content.decode()
    assert older.number in page and "Closed by the merge" in page
    with pytest.raises(RuleBroken, match="asked for already"):
        request_change(keeps.pk, actor=world.clerk, field="name", new="王", **ASKED)
    # The number the closed request holds sealed waits in the merge's note, and comes under a new key there.
    settings.CARELINE_ID_KEYS = {"new": os.urandom(32), **settings.CARELINE_ID_KEYS}
    assert rotate_keys().rotated == 3
    settings.CARELINE_ID_KEYS = {"new": settings.CARELINE_ID_KEYS["new"]}
    undo_merge(merge.pk, actor=lead, reason="two people")
    rows = {row.pk: row for row in ChangeRequest.objects.all()}
    assert {(row.state, row.closed_at, row.closed_by_id, row.reason) for row in rows.values()} == {
        ("OPEN", None, None, "")
    }
    assert rows[document.pk].wanted() == "330102199203151235"
    owners = {row.pk: row.customer_id for row in rows.values()}
    assert owners == {one.pk: one.customer_id for one in (older, document, newer, later, moot)}


def test_of_two_open_rights_requests_of_a_kind_the_one_due_first_is_answered(
    world: Operator, lead: User, two: tuple[Customer, Customer]
) -> None:
    asked = {"channel": "HALL", "raised_by": world.clerk, "owner": world.head, "unit_no": 110, "working_days": 15}
    asked |= {"calendar_code": "x", "calendar_version": 1}
    days = {two[0]: 9, two[1]: 4}
    made = {
        one: RightsRequest.objects.create(
            number=f"RR{day}", customer=one, kind="ACCESS", due_at=clock.now() + timedelta(days=day), **asked
        )
        for one, day in days.items()
    }
    merge = merged(two, world, lead)
    late, first = (RightsRequest.objects.get(pk=made[one].pk) for one in two)
    assert (first.state, first.customer_id) == ("RECEIVED", two[0].pk)
    assert (late.state, late.closed_by, late.customer_id) == ("WITHDRAWN", lead, two[0].pk)
    assert "RR4" in late.reason and merge.result["closed"] == ["RR9"]
    undo_merge(merge.pk, actor=lead, reason="two people")
    for one in two:
        row = RightsRequest.objects.get(pk=made[one].pk)
        assert (row.state, row.closed_at, row.reason, row.customer_id) == ("RECEIVED", None, "", one.pk)


def test_who_looks_at_the_absorbed_archive_is_seen_at_the_survivor(
    world: Operator, lead: User, two: tuple[Customer, Customer], client_for: Clients
) -> None:
    keeps, goes = two
    other = customer(world.hall, "李四")
    for one in (keeps, other, goes):
        note_viewed(world.clerk, one.pk)
    merge = merged(two, world, lead)
    assert recently_viewed(world.clerk, most=5) == [keeps, other], "named once, where it was seen last"
    clerk = client_for(world.clerk)
    ping = clerk.post(reverse("customers:customer-presence", args=[goes.pk]), follow=True)
    assert ping.redirect_chain == [(reverse("customers:customer-presence", args=[keeps.pk]), 307)]
    assert presence.open_elsewhere(lead, [keeps.pk, goes.pk]) == {keeps.pk}
    undo_merge(merge.pk, actor=lead, reason="two people")
    assert recently_viewed(world.clerk, most=5) == [goes, other, keeps]


@pytest.mark.covers("ARC-17")
def test_a_pair_set_apart_and_merged_all_the_same_is_apart_again_after_the_undo(
    world: Operator, lead: User, two: tuple[Customer, Customer]
) -> None:
    apart = set_apart(two[0].pk, two[1].pk, actor=world.clerk, why="brothers")
    merge = merged(two, world, lead)
    apart.refresh_from_db()
    assert (apart.state, apart.why, apart.decided_by) == ("MERGED", merge.number, lead)
    undo_merge(merge.pk, actor=lead, reason="two people")
    apart.refresh_from_db()
    assert (apart.state, apart.why, apart.decided_by) == ("SET_ASIDE", "brothers", world.clerk)


def test_each_table_that_moves_is_named_in_words() -> None:
    silent = {key.table for key in customer_keys() if key.rule not in (None, OnMerge.KEEP)} - set(TABLES)
    assert not silent, f"say what these rows are called: {sorted(silent)}"
