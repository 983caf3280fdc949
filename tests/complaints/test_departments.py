"""A department for complaints takes those of the units around it; hall staff call the customer back at home."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from complaints.figures.callbacks import CALLS, summed
from complaints.intake.places import unit_for
from complaints.lifecycle import State
from complaints.models import Callback, Complaint
from complaints.services.callbacks import record_callback
from complaints.services.intake import register_complaint
from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.common.errors import RuleBroken
from staff.models import OrgUnit, User
from tests.complaints.cases import Office, office, ready
from tests.factories import CustomerFactory, UnitFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def at() -> Office:
    return office()


@pytest.mark.covers("CMP-27")
def test_the_complaint_department_takes_what_the_halls_around_it_hear() -> None:
    branch = UnitFactory(function="BRANCH", no=100, last_no=199)
    centre = UnitFactory(function="CALL_CENTRE", parent=branch, no=110, last_no=119)
    hall = UnitFactory(function="HALL", parent=branch, no=120, last_no=129)
    clerk = UserFactory(unit=hall, role="HALL_CLERK")
    assert unit_for(clerk) == hall  # nobody handles complaints anywhere
    UserFactory(unit=centre, role="COMPLAINT_HANDLER")
    assert unit_for(clerk) == centre
    department = UnitFactory(function=OrgUnit.Function.COMPLAINTS, parent=branch, no=130, last_no=139)
    UserFactory(unit=department, role="COMPLAINT_HANDLER")
    assert unit_for(clerk) == department
    one = register_complaint(
        actor=clerk, channel="HALL_OWN", text="Nobody rings back.", customer=CustomerFactory(unit=hall)
    )
    assert (one.owner, one.handler, one.work_unit, one.unit_no) == (clerk, None, department, hall.no)
    # A centre with handlers of its own keeps its own.
    assert unit_for(UserFactory(unit=centre, role="AGENT")) == centre


@pytest.mark.covers("INT-16", "CMP-22")
def test_a_callback_is_also_made_at_the_customers_door(at: Office, client_for: Callable[[User], Client]) -> None:
    one = ready(at, State.DECIDED)
    said = {"solved": "YES", "told_of_progress": True, "satisfaction": 4, "said": "Works in every room now."}
    with pytest.raises(RuleBroken, match="how the customer was asked"):
        record_callback(one.pk, actor=at.agent, way="LETTER", **said)
    client = client_for(at.agent)
    address = f"/complaints/{one.ref}/"
    assert "At the customer&#x27;s" in client.get(f"{address}?do=callback").content.decode()
    assert client.post(f"{address}callback/", {**said, "told_of_progress": "1", "way": "VISIT"}).status_code == 302
    found = Callback.objects.get()
    assert (found.way, found.by, found.solved, found.said) == ("VISIT", at.agent, "YES", said["said"])
    assert Complaint.objects.get(pk=one.pk).state == State.CALLBACK
    assert AuditEntry.objects.get(verb="complaint.called_back").detail["way"] == "VISIT"
    shown = client.get(address).content.decode()
    assert said["said"] in shown and "At the customer&#x27;s" in shown
    rows = CALLS.rows.of(at.boss, clock.today().replace(day=1))
    (line,) = summed(CALLS, rows, None)
    assert (line.counts["reached"], line.counts["visited"]) == (1, 1)
    second = ready(at, State.DECIDED)
    record_callback(second.pk, actor=at.agent, **said)
    assert Callback.objects.get(complaint=second).way == "CALL"
