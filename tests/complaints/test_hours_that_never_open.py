"""A unit whose hours never open again: no complaint is kept out, and its limits run day and night instead."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from complaints.mail.receiving import receive_mail
from complaints.models import Complaint
from complaints.services.assessing import acknowledge_complaint, assess_complaint
from complaints.services.working import accept_work, assign_complaint
from foundation.calendars.clock_queries import clocks_of
from foundation.calendars.services import change_calendar, set_day
from foundation.common import clock
from foundation.common.errors import RuleBroken
from interactions.models import Topic
from staff.models import User
from tests.complaints.cases import Office, moment, office, on
from tests.complaints.test_mail_reading import mail

HOUR = timedelta(hours=1)


@pytest.fixture
def at(db: None) -> Office:
    """An office of a fair that was open on the 3rd of March alone."""
    with on(2):
        made = office()
        code = made.unit.calendar_code
        with pytest.raises(RuleBroken, match="no working time left"):
            change_calendar(code, actor=made.boss, weekly=[()] * 7)
        set_day(code, date(2026, 3, 3), "OPEN", windows=[(540, 1080)], actor=made.boss)
        change_calendar(code, actor=made.boss, weekly=[()] * 7)
    return made


@pytest.mark.covers("CMP-05")
def test_a_unit_whose_hours_are_over_takes_and_works_on_complaints(
    at: Office, client_for: Callable[[User], Client]
) -> None:
    with on(10, 22):
        client = client_for(at.agent)
        page = reverse("complaints:intake")
        assert client.get(page).status_code == 200
        told = {"text": "No signal", "channel": "HOTLINE", "contact_name": "Li", "contact_phone": "13800138000"}
        assert client.post(page, {**told, "token": "t"}).status_code == 302
        one = Complaint.objects.get()
        assert (one.state, one.next_due_at) == ("ACKNOWLEDGED", moment(11, 0))
        letter = receive_mail(mail(b"No signal"), received_at=clock.now()).complaint
        assert letter is not None and letter.next_due_at == moment(11, 0)
        acknowledge_complaint(letter.pk, actor=at.lead)
        assess_complaint(
            one.pk, actor=at.lead, topic=Topic.objects.get(code="BILLING.AMOUNT"), grade="ORDINARY", path="CROSS_UNIT"
        )
        assign_complaint(one.pk, actor=at.lead, to=at.handler)
        accept_work(one.pk, actor=at.handler)
        one.refresh_from_db()
        assert one.state == "INVESTIGATING" and one.service_due_at == moment(15, 22)  # five days
        running = {one.kind: one.runs for one in clocks_of("CASE", [one.pk], open_only=True)}
        assert set(running.values()) == {"CALENDAR"} and {"service", "statutory", "first_contact"} <= set(running)
        assert client_for(at.handler).get(f"/complaints/{one.ref}/?why=service").status_code == 200
        for address in ("/complaints/?view=all", f"/complaints/{one.ref}/hand/", f"/complaints/{one.ref}/?held=1"):
            assert client_for(at.lead).get(address).status_code == 200
