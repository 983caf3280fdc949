"""Where a contact came in: the usual place of the unit, another one named, the list and the file by place (INT-07)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.http import QueryDict
from django.test import Client

from interactions.exporting import CONTACTS
from interactions.models import ContactPlace, Interaction
from interactions.place_queries import places_near, usual_channel, usual_place
from interactions.services import quick_log, start_contact
from staff.models import OrgUnit, User
from tests.factories import CustomerFactory, UnitFactory, UserFactory
from tests.interactions.first_ask_making import refused

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]


def place(unit: OrgUnit, channel: str, name: str, **more: object) -> ContactPlace:
    return ContactPlace.objects.create(
        unit=unit, channel=channel, name_zh=name, name_en=name, calendar_code="STANDARD", **more
    )


@pytest.mark.covers("INT-07", "INT-02")
def test_a_contact_names_its_place_by_itself_and_another_when_told(client_for: ClientFor) -> None:
    branch = UnitFactory(no=500, last_no=599)
    north, south = UnitFactory(parent=branch, no=510), UnitFactory(parent=branch, no=520)
    clerk = UserFactory(role="HALL_CLERK", unit=north, language="en")
    customer = CustomerFactory(unit=north)
    assert (usual_channel(clerk), usual_place(clerk, "HALL_OWN")) == ("HOTLINE", None)
    line = place(branch, "HOTLINE", "Line 10086")
    assert (usual_channel(clerk), usual_place(clerk, "HOTLINE")) == ("HOTLINE", line)
    desk, far = place(north, "HALL_OWN", "North hall"), place(south, "HALL_OWN", "South hall")
    closed = place(north, "HALL_OWN", "Old hall", active=False)
    elsewhere = place(UnitFactory(), "HALL_OWN", "Far away")
    assert (usual_channel(clerk), usual_place(clerk, "HALL_OWN")) == ("HALL_OWN", desk)
    assert places_near(clerk) == [desk, line, far]
    client, note = client_for(clerk), f"/interactions/note/{customer.ref}/"
    # One field and one key: the counter's contact says that it was at the counter.
    assert client.post(note, {"summary": "asked"}).status_code == 302
    first = Interaction.objects.get()
    assert (first.channel, first.place) == ("HALL_OWN", desk)
    for wrong in (closed, elsewhere):
        sent = {"summary": "x", "channel": "HALL_OWN", "place": wrong.pk}
        assert client.post(note, sent).status_code == 422
    mixed = client.post(note, {"summary": "x", "channel": "HOTLINE", "place": far.pk})
    assert mixed.status_code == 422 and "South hall is no place of the channel Hotline" in mixed.content.decode()
    assert Interaction.objects.count() == 1
    # Helping out next door, and a call to the branch's line.
    assert client.post(note, {"summary": "x", "channel": "HALL_OWN", "place": far.pk}).status_code == 302
    start = {"customer": customer.ref, "channel": "HOTLINE", "caller": "CUSTOMER"}
    assert '<option value="HALL_OWN" selected>' in client.get("/interactions/start/").content.decode()
    assert client.post("/interactions/start/", start).status_code == 302
    assert list(Interaction.objects.order_by("pk").values_list("place", flat=True)) == [desk.pk, far.pk, line.pk]
    refused("contact.place_of_other_channel", start_contact, actor=clerk, customer=customer, channel="APP", place=desk)
    # A second counter of the same hall: the one the clerk worked at last.
    second = place(north, "HALL_OWN", "North hall, counter 2")
    assert usual_place(clerk, "HALL_OWN") == desk
    Interaction.objects.order_by("-pk").first().delete()  # type: ignore[union-attr]  # there is one
    quick_log(actor=clerk, customer=customer, summary="y", channel="HALL_OWN", place=second)
    assert usual_place(clerk, "HALL_OWN") == second
    assert usual_place(UserFactory(role="HALL_CLERK", unit=north), "HALL_OWN") is None
    # The list by place, the same rows in the file.
    listed = client.get(f"/interactions/?view=all&place={desk.pk}")
    assert [row.pk for row in listed.context["page"].items] == [first.pk]
    assert f"?view=mine&amp;place={desk.pk}" in listed.content.decode()
    assert [row.place for row in client.get("/interactions/?place=rubbish").context["page"].items] == [
        second,
        far,
        desk,
    ]
    query = QueryDict(f"view=all&place={desk.pk}")
    assert [row.pk for row in CONTACTS.rows(clerk, query)] == [first.pk]
    assert CONTACTS.filters(clerk, query)[-1][1] == "North hall"
    page = client.get(f"/interactions/{first.ref}/").content.decode()
    assert "North hall" in page
