"""Trying a clock on a page: the answer and the refusals of `manage clock_try`, nothing written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from foundation.audit.models import AuditEntry
from foundation.calendars.models import Clock
from foundation.calendars.trying import try_clock
from tests.workspace.making import enter, person, queries

pytestmark = [pytest.mark.django_db, pytest.mark.covers("CMP-09")]
PAGE = "/admin/clocks/try/"
WEEK = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), "09:00-12:00, 13:30-18:00")
GIVEN: dict[str, Any] = {
    **WEEK, "calendar": "", "zone": "Asia/Shanghai", "exceptions": "2026-01-06\n2026-01-07 09:00-10:00",
    "kind": "WORKING", "amount": "8", "unit": "hours", "now": "2026-01-07 09:30",
    "events": "2026-01-05 08:00 start\n2026-01-05T10:00 pause UNREACHABLE\n2026-01-05 11:00 resume",
}  # fmt: skip


def test_what_is_typed_gives_due_elapsed_left_state_and_why():
    client = enter(person("POLICY_ADMIN"))
    with queries() as seen:
        page = client.get(PAGE)
    assert len(seen) <= 10 and page.status_code == 200
    before = (Clock.objects.count(), AuditEntry.objects.count())
    answer = client.post(PAGE, GIVEN)
    assert answer.status_code == 200
    shown = answer.context["answer"]
    # Monday 6.5 h of 7.5, Tuesday closed, Wednesday one hour, then Thursday from nine.
    assert (shown["due"], shown["state"], shown["elapsed_minutes"], shown["remaining_minutes"]) == (
        "2026-01-08T09:30:00+08:00", "running", 420, 60,
    )  # fmt: skip
    text = answer.content.decode()
    assert "2026-01-08 09:30:00" in text and "Reason of the pause: UNREACHABLE." in text
    assert try_clock(json.loads(answer.context["line"])) == shown
    assert (Clock.objects.count(), AuditEntry.objects.count()) == before
    late = client.post(
        PAGE, GIVEN | {"events": GIVEN["events"] + "\n2026-01-09 10:00 stop"} | {"now": "2026-01-10 10:00"}
    )
    assert late.context["answer"]["state"] == "breached"


def test_a_stored_calendar_and_other_limits():
    client = enter(person("SYS_ADMIN"))
    for more, due in (
        ({"calendar": "STANDARD", "unit": "working_days", "amount": "5"}, "2026-01-09T18:00:00+08:00"),
        ({"kind": "CALENDAR", "unit": "calendar_days", "amount": "1"}, "2026-01-06T08:00:00+08:00"),
        (
            {"kind": "CALENDAR", "unit": "end_of_day", "amount": "15", "zone": "Europe/Berlin"},
            "2026-01-20T23:59:59+01:00",
        ),
        (
            {
                "calendar": "ROUND_THE_CLOCK",
                "events": "2026-01-05 08:00 start\n2026-01-05 09:00 retarget 24 hours",
            },
            "2026-01-06T08:00:00+08:00",
        ),
    ):
        given = GIVEN | {"events": "2026-01-05 08:00 start"} | more
        assert client.post(PAGE, given).context["answer"]["due"] == due, more


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"zone": "Mars/Base"}, "is no known time zone"),
        ({"mon": "late"}, "Write windows as"),
        ({"exceptions": "someday"}, "an exception needs a date"),
        ({"events": "2026-01-05 08:00 begin"}, "event 1: type must be one of"),
        ({"events": "2026-01-05 08:00 start\n2026-01-04 08:00 stop"}, "event 2: events go in order of time"),
        ({"events": "2026-01-05 08:00 start\n2026-01-05 09:00 resume"}, "event 2: There is no such pause to end."),
        ({"events": "soon start"}, "at must be a moment"),
        ({"events": "2026-01-05 08:00 start\n2026-01-05 09:00 retarget soon"}, "A retarget names its limit"),
        ({"now": "later"}, "now must be a moment"),
        ({"amount": "0.0001"}, "whole minutes"),
        ({"amount": "x"}, "Enter a number"),
        ({"unit": "working_days", "kind": "CALENDAR"}, "not limited by working days"),
        ({"calendar": "NOWHERE"}, "valid choice"),
    ],
)
def test_a_case_that_is_none_is_refused_in_the_same_words(more: dict[str, str], words: str):
    answer = enter(person("POLICY_ADMIN")).post(PAGE, GIVEN | more)
    text = answer.content.decode()
    assert answer.status_code == 422 and words in text.replace("&#x27;", "'").replace("&quot;", '"')
    assert "2026-01-07 09:30" in text or "now" in more  # what was typed stays
    assert answer.context["answer"] is None


def test_hours_that_never_open_are_said_to_be_never_due():
    given = GIVEN | dict.fromkeys(WEEK, "") | {"exceptions": "", "events": "2026-01-05 08:00 start"}
    answer = enter(person("POLICY_ADMIN")).post(PAGE, given)
    assert answer.context["answer"]["due"] is None
    assert "It is never due: the hours given do not open often enough." in answer.content.decode()
