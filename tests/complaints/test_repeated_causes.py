"""Causes that come again in a unit (D§10.16)."""

from __future__ import annotations

import pytest

from complaints.kpis.causes import repeated_causes
from complaints.models import (
    Complaint,
)
from foundation.common import clock
from tests.complaints.cases import cause, moment, office
from tests.complaints.figure_world import (
    MARCH,
    NOW,
    ClientFor,
    closed,
    opened,
)

pytestmark = pytest.mark.django_db


@pytest.mark.covers("CMP-16", "CMP-17")
def test_repeated_causes_are_flagged_by_unit_and_thirty_days(client_for: ClientFor) -> None:
    with clock.travel(moment(-9)):
        here, there = office(), office()
    wrong, gap = cause("WRONG_BILL"), cause("COVERAGE_GAP")
    for day in (-20, 5, 9):  # three within thirty days, one of them in February
        closed(here, day, cause=wrong)
    for day in (2, 3):
        closed(here, day, cause=gap)
    closed(there, 4, cause=gap)  # of another unit
    for day in (-27, 1, 30):
        closed(there, day, cause=wrong)  # never three within thirty days
    with clock.travel(NOW):
        found = repeated_causes(here.boss, MARCH)
        assert [(one.cause_id, one.unit_id, one.in_month, one.most) for one in found] == [
            (wrong.pk, here.unit.pk, 2, 3)
        ]
        assert found[0].last_at == moment(9)
        client = client_for(here.boss)
        page = client.get("/complaints/analysis/?month=2026-03")
        assert "repeats" in page.content.decode()
        (one,) = page.context["repeated"]
        rows = opened(client, one["href"])
        assert len(rows) == 2 and set(Complaint.objects.filter(pk__in=rows).values_list("cause", flat=True)) == {
            wrong.pk
        }
        assert {bar.value for bar in page.context["causes"]} == {3, 4}
        for bar in page.context["causes"]:
            assert len(opened(client, bar.href)) == bar.value
        assert repeated_causes(there.head, MARCH) == []
