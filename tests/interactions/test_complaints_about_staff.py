"""A complaint about a colleague: that person neither sees it nor gets a part in it, whatever falls due (D§3.2, 9.3)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import pytest
from django.test import Client

from foundation.common import clock
from interactions import tasks
from interactions.figure_queries import late_matters, matter_figures, period_of
from interactions.models import Interaction, Matter
from interactions.services import NextAction, offer_matter, turn_shift
from outreach.models import FollowUp, Notification
from staff.models import Shift, User
from tests.factories import UserFactory
from tests.interactions.first_ask_making import Hall, leave_open, make_hall, refused
from tests.outreach.making import MORNING
from tests.workspace.making import away

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
Travel = Callable[[datetime], AbstractContextManager[None]]
WORDS = "the one with the beard shouted"


@pytest.fixture
def hall() -> Hall:
    return make_hall(language="en")


def about(hall: Hall, person: User, **more: object) -> Matter:
    """The agent notes a complaint about `person` and promises to look into it."""
    action = NextAction("CALLBACK", hall.agent, None)
    return leave_open(hall, kind="COMPLAINT", about=person, summary=WORDS, next_action=action, **more)


@pytest.mark.covers("HND-05")
def test_the_form_says_whom_it_is_about_and_that_person_meets_it_nowhere(hall: Hall, client_for: ClientFor) -> None:
    agent, mate, lead = (client_for(person) for person in (hall.agent, hall.mate, hall.lead))
    note = f"/interactions/note/{hall.customer.ref}/"
    form = agent.get(note).content.decode()
    assert f'<option value="{hall.mate.pk}">' in form and "Complained of" in form
    elsewhere = UserFactory(role="AGENT", staff_no="Z900")
    sent = {"summary": WORDS, "result": "FOLLOW_UP", "next_owner": hall.agent.pk}
    for wrong, said in (
        ({"about": hall.mate.pk, "kind": "CONSULT"}, "choose the kind “Complaint”"),
        ({"about": hall.mate.pk, "next_owner": hall.mate.pk}, "let a colleague do what follows"),
        ({"about_no": "nobody"}, "Nobody has this staff number."),
        ({"about": hall.mate.pk, "about_no": "Z900"}, "another person than the one chosen"),
    ):
        answer = agent.post(note, sent | {"kind": "COMPLAINT"} | wrong)
        assert answer.status_code == 422 and said in answer.content.decode() and WORDS in answer.content.decode()
    assert not Interaction.objects.exists()
    assert agent.post(note, sent | {"about": hall.mate.pk}).status_code == 302
    assert agent.post(note, sent | {"about_no": "z900 ", "summary": "waited"}).status_code == 302
    ours, theirs = Matter.objects.order_by("pk").select_related("contact")
    assert (ours.contact.kind, ours.contact.about_staff, theirs.contact.about_staff) == (
        "COMPLAINT",
        hall.mate,
        elsewhere,
    )
    assert (ours.owner, ours.handler, ours.due_at) == (hall.agent, hall.agent, MORNING + timedelta(days=1))
    assert not FollowUp.objects.exists()  # who sees the customer sees their follow-ups
    places = {
        f"/interactions/{ours.contact.ref}/": 404,
        f"/interactions/matters/{ours.ref}/": 404,
        "/interactions/?view=all": 200,
        "/interactions/matters/?view=all": 200,
        f"/interactions/complaints/{hall.customer.ref}/": 200,
        f"/customers/{hall.customer.ref}/": 200,
    }
    for url, status in places.items():
        page = mate.get(url)
        assert page.status_code == status, url
        assert WORDS not in page.content.decode() and ours.number not in page.content.decode(), url
        assert lead.get(url).status_code == 200, url
    assert [row.pk for row in mate.get("/interactions/?view=all").context["page"].items] == [theirs.contact_id]
    assert [row.pk for row in mate.get("/interactions/matters/?view=all").context["page"].items] == [theirs.pk]
    assert mate.get(f"/interactions/complaints/{hall.customer.ref}/").context["archive"].total == 1
    assert lead.get(f"/interactions/complaints/{hall.customer.ref}/").context["archive"].total == 2
    assert mate.post(f"/interactions/matters/{ours.ref}/answer/", {"answer": "x"}).status_code == 404
    offered = agent.get(f"/interactions/matters/{ours.ref}/").content.decode()
    assert f'value="{hall.lead.pk}"' in offered and f'value="{hall.mate.pk}"' not in offered


def test_the_lead_complained_of_is_passed_over_by_every_clock(hall: Hall, travel: Travel) -> None:
    head = UserFactory(role="DEPT_HEAD", unit=hall.lead.unit)
    hall.lead.unit.heads.create(user=head, from_day=MORNING.date() - timedelta(days=30))
    matter = about(hall, hall.lead, asked_with=hall.lead)  # the senior of the two, were it about somebody else
    assert (matter.owner, matter.why_owner) == (hall.agent, "FIRST_ASKED")
    refused("matter.about_them", offer_matter, matter.pk, actor=hall.agent, to=hall.lead)
    offer_matter(matter.pk, actor=hall.agent, to=hall.mate)
    away(hall.agent, delegate=hall.lead)
    with travel(MORNING + timedelta(hours=1)):
        assert tasks.lapse_offers() == 1
    with travel(matter.due_at - timedelta(minutes=30)):
        assert tasks.remind_matters() == 1
    with travel(matter.due_at + timedelta(seconds=1)):
        assert tasks.remind_matters() == 1
        period = period_of(clock.today(), clock.today())
        assert (matter_figures(hall.lead, period).due, list(late_matters(hall.lead, period))) == (0, [])
        assert matter_figures(head, period).late == len(late_matters(head, period)) == 1
    matter.refresh_from_db()
    assert matter.escalated_to == head
    told = set(Notification.objects.values_list("user", "kind"))
    assert {kind for user, kind in told if user == hall.lead.pk} == set()
    assert {kind for user, kind in told if user == head.pk} == {"matter.lapsed", "matter.due", "matter.overdue"}


def test_at_the_end_of_a_shift_the_lead_complained_of_keeps_nothing(hall: Hall) -> None:
    def shift(user: User, begins: float, ends: float, lead: bool) -> Shift:
        hours = [MORNING + timedelta(hours=begins), MORNING + timedelta(hours=ends)]
        return Shift.objects.create(user=user, starts_at=hours[0], ends_at=hours[1], is_lead=lead)

    day = shift(hall.agent, -1, 8, False)
    shift(hall.mate, 7, 23, True)
    his, other = about(hall, hall.mate), leave_open(hall)
    assert turn_shift(day.pk, "END", now=day.ends_at) == 1
    assert list(Matter.objects.order_by("pk").values_list("pk", "owner")) == [
        (his.pk, hall.agent.pk),
        (other.pk, hall.mate.pk),
    ]
    shift(hall.lead, 7, 24, True)
    late = shift(hall.agent, 8, 9, False)
    assert turn_shift(late.pk, "END", now=late.ends_at) == 1
    assert Matter.objects.get(pk=his.pk).owner == hall.lead
