"""The supervisor in a real browser: three hundred cases of one person given to others by filter and taken back; the
wallboard that says when its figures are old."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from complaints.lifecycle import State
from complaints.models import BulkChange, Complaint, ComplaintMove
from foundation.common import clock
from foundation.common.ids import new_id
from foundation.jobs.models import JobRun
from foundation.jobs.tasks import run_job
from foundation.policies.services import set_policy
from tests.browser.conftest import Watch
from tests.complaints.cases import Office, case, office
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)
HOUR = timedelta(hours=1)


@pytest.fixture
def at() -> Office:
    return office()


def many(at: Office, number: int, **fields: Any) -> list[int]:
    """So many cases the handler works on."""
    one = case(at, State.INVESTIGATING, next_due_at=clock.now() + HOUR, **fields)
    held = {
        field.attname: getattr(one, field.attname) for field in Complaint._meta.concrete_fields if not field.generated
    }
    copies = [
        Complaint(**{**held, "id": new_id(), "number": f"{one.number}{n:03d}", "public_code": f"{one.public_code}-{n}"})
        for n in range(1, number)
    ]
    Complaint.objects.bulk_create(copies)
    return [one.pk, *(copy.pk for copy in copies)]


def run_waiting() -> None:
    """What a worker does."""
    run_job(JobRun.objects.filter(job="complaints.bulk", state="WAITING").get().pk)


@pytest.mark.covers("CMP-12")
def test_three_hundred_are_given_to_others_by_filter_and_taken_back(
    at: Office, browser_page: Callable[..., Page], shoot: Any
) -> None:
    third = UserFactory(unit=at.unit, role="COMPLAINT_HANDLER")
    set_policy("complaints.load.most_open", 200, actor=at.boss)
    wanted = many(at, 300)
    kept = many(at, 10, grade="UPGRADED", grade_reason="UNSATISFIED")
    page = browser_page(at.lead, language="en")
    page.goto("/complaints/load/?view=over")
    row = page.locator("tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text(at.handler.name)
    expect(row).to_contain_text("over the limit")
    shoot(page, "load-over")
    row.locator("a.load").click()  # the 310 behind the number
    page.locator("#id_grade").select_option("ORDINARY")
    expect(page.locator(".chip").filter(has_text="Ordinary")).to_be_visible()
    page.locator("[data-pick-all]").check()
    page.get_by_role("button", name="Select all 300 in this view").click()
    page.get_by_role("button", name="Assign", exact=True).click()
    page.get_by_label("Spread by load").check()
    page.get_by_label("Message to whoever takes it").fill("He is on leave from tomorrow")
    shoot(page, "bulk-spread")
    page.get_by_role("button", name="Show what would happen").click()
    shares = page.locator("#state .rows").first
    for person in (at.other, third):
        expect(shares.locator("li").filter(has_text=person.name)).to_contain_text("carries 150 of 200 afterwards")
    shoot(page, "bulk-shares")
    assert Complaint.objects.filter(handler=at.handler).count() == 310
    page.get_by_role("button", name="Do it for 300 cases").click()
    expect(page.locator("#state")).to_contain_text("At work in the background")
    run_waiting()
    page.get_by_role("link", name="Look again").click()
    expect(page.get_by_role("button", name="Undo all of it")).to_be_visible()
    shoot(page, "bulk-done")
    moved = dict(Complaint.objects.filter(pk__in=wanted).values_list("pk", "handler"))
    assert Counter(moved.values()) == {at.other.pk: 150, third.pk: 150}
    assert set(Complaint.objects.filter(handler=at.handler).values_list("pk", flat=True)) == set(kept)
    ordered = ComplaintMove.objects.filter(act="ORDERED", reason="He is on leave from tomorrow", actor=at.lead)
    assert set(ordered.values_list("complaint", flat=True)) == set(wanted) and ordered.count() == 300
    page.goto(f"/complaints/?view=all&handler={third.pk}")
    expect(page.locator("tbody tr")).to_have_count(50)

    page.goto(f"/complaints/bulk/{BulkChange.objects.get().ref}/")
    page.get_by_role("button", name="Undo all of it").click()
    run_waiting()
    page.reload()
    expect(page.locator("#state")).to_contain_text("Taken back")
    shoot(page, "bulk-undone")
    assert set(Complaint.objects.filter(handler=at.handler).values_list("pk", flat=True)) == {*wanted, *kept}
    assert Counter(BulkChange.objects.get().lines.values_list("state", flat=True)) == {"UNDONE": 300}
    page.goto("/complaints/load/?view=over")
    expect(page.locator("tbody tr a.load b")).to_have_text("310")


def test_the_wallboard_says_when_its_figures_are_old(
    at: Office, browser_page: Callable[..., Page], watch: Watch, monkeypatch: pytest.MonkeyPatch, shoot: Any
) -> None:
    watch.allowed += ["ERR_FAILED", "htmx:afterRequest", "htmx:sendError", "/complaints/board/wall/"]
    begun = clock.now()
    monkeypatch.setattr(clock, "_frozen", begun)
    case(at, State.INVESTIGATING, next_due_at=begun - HOUR)
    page = browser_page(at.head, width=1920)
    page.clock.install()
    page.goto("/complaints/board/wall/")
    stale, number = page.locator("[data-stale]"), page.locator(".kpi-v").first
    expect(number).to_have_text("1")
    expect(stale).to_be_hidden()
    shoot(page, "wall")

    page.route("**/complaints/board/wall/*", lambda route: route.abort())  # the server is away
    page.clock.run_for(30_000)
    expect(stale).to_be_hidden()
    page.clock.run_for(20_000)
    expect(stale).to_be_visible()
    expect(stale.locator("b")).to_have_text(f"{begun.astimezone(clock.BUSINESS_ZONE):%H:%M}")
    shoot(page, "wall-stale")

    page.unroute("**/complaints/board/wall/*")  # back, but with figures of an old moment
    case(at, State.INVESTIGATING, next_due_at=begun - HOUR)
    page.clock.run_for(15_000)
    expect(number).to_have_text("2")
    page.clock.run_for(1_000)
    expect(stale).to_be_visible()

    monkeypatch.setattr(clock, "_frozen", begun + timedelta(seconds=80))  # and with those of now
    case(at, State.INVESTIGATING, next_due_at=begun - HOUR)
    page.clock.run_for(15_000)
    expect(number).to_have_text("3")
    page.clock.run_for(1_000)
    expect(stale).to_be_hidden()
