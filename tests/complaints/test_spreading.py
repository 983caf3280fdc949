"""Cases spread over colleagues by load: who gets how many, limits, absence, skills, tiers; given in a fixed number of
statements with history, audit, hand-over and bells for each; taken back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from complaints.lifecycle import State
from complaints.models import BulkChange, Complaint, ComplaintMove, Handover
from complaints.services.bulk import aim_bulk, begin_bulk, confirm_bulk, run_lines, undo_bulk
from complaints.services.handing import order_case
from customers.models import CustomerFacts
from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.policies.services import set_policy
from interactions.models import Topic
from outreach.models import Notification
from staff.models import Absence, User
from tests.complaints.cases import Office, case, office
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]


@pytest.fixture
def at() -> Office:
    return office()


def colleagues(at: Office, number: int, **fields: Any) -> list[User]:
    return [UserFactory(unit=at.unit, role="COMPLAINT_HANDLER", **fields) for _n in range(number)]


def spread_all(at: Office, cases: list[Complaint]) -> BulkChange:
    bulk = begin_bulk([one.pk for one in cases], actor=at.lead, act="ASSIGN")
    return aim_bulk(bulk.pk, actor=at.lead, spread=True)


def shares(bulk: BulkChange) -> Counter[str]:
    names = bulk.lines.filter(new_handler__isnull=False).values_list("new_handler__name", flat=True)
    return Counter(names)


def words(bulk: BulkChange) -> set[str]:
    return set(bulk.lines.filter(state="REFUSED").values_list("said", flat=True))


@pytest.mark.covers("CMP-12")
def test_the_least_loaded_who_are_there_get_them_up_to_the_limit(at: Office, client_for: ClientFor) -> None:
    first, second, away, full = colleagues(at, 4)
    set_policy("complaints.load.most_open", 6, actor=at.boss, scope="UNIT", scope_ref=at.unit.pk)
    now = clock.now()
    Absence.objects.create(user=away, reason="LEAVE", starts_at=now - timedelta(hours=1), delegate=at.head)
    Absence.objects.create(user=at.other, reason="LEAVE", starts_at=now - timedelta(hours=1))
    for _n in range(6):
        case(at, State.INVESTIGATING, handler=full)
    for _n in range(2):
        case(at, State.INVESTIGATING, handler=first)
    cases = [case(at, State.INVESTIGATING) for _n in range(8)]
    lead = client_for(at.lead)
    # As a supervisor does it: all of one person, from the page of loads.
    started = lead.post(
        "/complaints/bulk/", {"act": "ASSIGN", "every": "1", "query": f"view=all&handler={at.handler.pk}"}
    )
    page = started["Location"]
    bulk = BulkChange.objects.latest("pk")
    assert bulk.lines.count() == 8
    assert lead.post(f"{page}aim/", {"spread": "on"}).status_code == 302
    # The first has 2 already: 6 and 4 more up to the limit of 6 each, as evenly as it goes: 3 and 5.
    assert shares(bulk) == {second.name: 5, first.name: 3}
    assert Complaint.objects.filter(handler=at.handler).count() == 8  # nothing is done yet
    shown = lead.get(page)
    # Who, how many, what they carry afterwards, and the limit.
    assert shown.context["shares"] == [(second.name, 5, 5, 6), (first.name, 3, 5, 6)]
    assert "carries 5 of 6 afterwards" in shown.content.decode()
    assert lead.post(f"{page}run/").status_code == 302
    assert Counter(Complaint.objects.filter(pk__in=[one.pk for one in cases]).values_list("handler", flat=True)) == {
        second.pk: 5,
        first.pk: 3,
    }
    # Two places are left for three more: the last stays, and says why.
    more = spread_all(at, [case(at, State.INVESTIGATING) for _n in range(3)])
    assert shares(more) == {first.name: 1, second.name: 1}
    assert words(more) == {"Everybody there is at the limit."}
    Absence.objects.create(user=first, reason="LEAVE", starts_at=now - timedelta(hours=1))
    Absence.objects.create(user=second, reason="LEAVE", starts_at=now - timedelta(hours=1))
    Absence.objects.create(user=full, reason="LEAVE", starts_at=now - timedelta(hours=1))
    assert words(spread_all(at, [case(at, State.INVESTIGATING)])) == {"Nobody else of the unit is there."}
    # Gone between the look and the doing: refused, not given to an empty chair.
    done = list(run_lines(confirm_bulk(more.pk, actor=at.lead)))
    assert done[-1] == (2, 2)
    assert set(more.lines.values_list("code", flat=True)) == {"complaint.absent", "complaint.nobody_free"}
    assert Complaint.objects.filter(handler=at.handler).count() == 4


@pytest.mark.covers("INT-05")
def test_skills_and_tiers_go_to_those_who_have_them(at: Office) -> None:
    plain, roamer = colleagues(at, 1)[0], colleagues(at, 1, skills=["ROAMING"])[0]
    gold = colleagues(at, 1, skills=["DIAMOND"])[0]
    roaming = case(at, State.INVESTIGATING, topic=Topic.objects.filter(code__startswith="ROAMING").first())
    precious = case(at, State.INVESTIGATING)
    CustomerFacts.objects.update_or_create(customer=precious.customer, defaults={"tier": "DIAMOND"})
    common = [case(at, State.INVESTIGATING) for _n in range(3)]
    bulk = spread_all(at, [roaming, precious, *common])
    given = dict(bulk.lines.values_list("complaint", "new_handler"))
    assert (given[roaming.pk], given[precious.pk]) == (roamer.pk, gold.pk)
    assert {given[one.pk] for one in common} <= {plain.pk, roamer.pk, gold.pk, at.other.pk}
    Absence.objects.create(user=roamer, reason="LEAVE", starts_at=clock.now() - timedelta(hours=1))
    again = spread_all(at, [roaming])
    assert words(again) == {"Nobody there has the skill it needs: ROAMING."}


@pytest.mark.covers("CMP-12")
def test_many_are_given_in_few_statements_as_if_one_by_one_and_taken_back(at: Office) -> None:
    colleagues(at, 2)
    one_by_one = case(at, State.INVESTIGATING)
    cases = [case(at, State.INVESTIGATING) for _n in range(12)] + [case(at, State.PAUSED) for _n in range(4)]
    offered = Handover.objects.create(
        complaint=cases[0], role="HANDLER", number=1, by=at.handler, old=at.handler, to=at.other,
        until=clock.now() + timedelta(hours=1),
    )  # fmt: skip
    accused = case(at, State.INVESTIGATING, handler=at.other)
    bulk = spread_all(at, cases)
    before = {one.pk: one.version for one in Complaint.objects.filter(pk__in=[one.pk for one in cases])}
    with CaptureQueriesContext(connection) as few:
        assert list(run_lines(confirm_bulk(bulk.pk, actor=at.lead)))[-1] == (16, 16)
    assert len(few) <= 45, len(few)
    moved = list(Complaint.objects.filter(pk__in=before))
    assert all(one.handler_id != at.handler.pk and one.version == before[one.pk] + 1 for one in moved)
    offered.refresh_from_db()
    assert offered.state == "WITHDRAWN"
    for one in moved:
        order = Handover.objects.get(complaint=one, ordered=True)
        assert (order.old, order.to_id, order.taken_by_id, order.by) == (
            at.handler, one.handler_id, one.handler_id, at.lead
        )  # fmt: skip
        move = ComplaintMove.objects.get(complaint=one, act="ORDERED")
        assert (move.handler_id, move.actor) == (one.handler_id, at.lead)
        entry = AuditEntry.objects.get(verb="complaint.ordered", target_id=str(one.pk))
        assert (entry.actor_id, entry.detail["to"], entry.detail["old"]) == (at.lead.pk, one.handler_id, at.handler.pk)
        bells = set(Notification.objects.filter(subject_id=one.pk).values_list("user", "kind"))
        assert bells == {(one.handler_id, "complaint.ordered_to"), (at.handler.pk, "complaint.taken_away")}
    # The same rows as the order of a single case leaves.
    order_case(one_by_one.pk, actor=at.lead, role="HANDLER", to=at.other, reason="")
    left = AuditEntry.objects.get(verb="complaint.ordered", target_id=str(one_by_one.pk))
    assert set(left.detail) == set(AuditEntry.objects.get(verb="complaint.ordered", target_id=str(cases[1].pk)).detail)
    # Taken back as a whole, but for the one changed since; twice is once.
    Complaint.objects.filter(pk=cases[3].pk).update(version=99)
    undone = undo_bulk(bulk.pk, actor=at.lead)
    list(run_lines(undone))
    assert list(run_lines(undone)) == []
    back = dict(Complaint.objects.filter(pk__in=before).values_list("pk", "handler"))
    assert {key for key, handler in back.items() if handler != at.handler.pk} == {cases[3].pk}
    assert Counter(bulk.lines.values_list("state", flat=True)) == {"UNDONE": 15, "KEPT": 1}
    assert accused.handler == at.other
