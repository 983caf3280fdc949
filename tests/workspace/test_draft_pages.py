"""A new value of a policy or an edit of a calendar is looked at before it holds: each open clock, before and after."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from complaints.lifecycle import State
from complaints.models import Complaint
from foundation.calendars.clock_queries import faults_of_clocks
from foundation.calendars.models import WorkCalendar
from foundation.common import clock
from foundation.jobs.models import JobRun
from foundation.jobs.running import claim_and_run
from foundation.policies.drafting import draft_policy
from foundation.policies.models import Draft, PolicySetting
from foundation.policies.reading import policy
from tests.complaints.cases import moment, office, on, ready
from tests.workspace.making import enter, person, queries
from workspace.admin import draft_jobs, drafts_page

pytestmark = [pytest.mark.django_db, pytest.mark.covers("CMP-09", "CMP-28")]
SIMPLE = "complaints.limit.simple"
PAGE = f"/admin/policies/{SIMPLE}/"


def test_a_policy_is_looked_at_then_activated_with_one_clock_unticked():
    with on(2, 10):
        at = office()
        one, other = (ready(at, State.INVESTIGATING) for _one in range(2))
        ready(at, State.INVESTIGATING, path="CROSS_UNIT")
        admin, boss = enter(person("POLICY_ADMIN")), enter(at.boss)
        assert "Look at the open clocks" in admin.get(PAGE).content.decode()
        went = admin.post(PAGE, {"value": "24", "note": "Faster", "act": "set"})
        draft = Draft.objects.get()
        address = f"/admin/drafts/{draft.ref}/"
        assert went.url == address and not PolicySetting.objects.exists()
        with queries() as seen:
            page = admin.get(address)
        assert len(seen) <= 15
        assert page.context["counts"] == {
            "clocks": 2, "sooner": 2, "later": 0, "same": 0, "late_at_once": 0, "refused": 0,
        }  # fmt: skip
        text = page.content.decode()
        assert text.count("a case you do not see") == 2 and one.number not in text  # the policy's people see no cases
        assert "2026-03-04 10:00" in text and "2026-03-03 10:00" in text
        assert "24 hours" in text and "Faster" in text
        rows = page.context["rows"]
        of = {row.shift.clock.owner_id: row.ref for row in rows}
        ticks = {"shown": list(of.values()), "move": [of[one.pk]]}
        assert admin.post(f"{address}keep/", ticks).status_code == 302
        page = admin.get(address)
        assert [row.kept for row in page.context["rows"]] == [row.shift.clock.owner_id == other.pk for row in rows]
        assert [admin.get(f"{address}?way={way}").context["rows"] for way in ("later", "late", "refused")] == [[]] * 3
        assert len(admin.get(f"{address}?way=sooner").context["rows"]) == 2
        # Who may not decide does not.
        assert boss.get(address).status_code == 403 and boss.post(f"{address}activate/").status_code == 403
        assert enter(person("SYS_ADMIN")).post(f"{address}activate/", {"move": "1"}).status_code == 403
        assert policy(SIMPLE) == timedelta(hours=48)
        done = admin.post(f"{address}activate/", {"move": "1"}, follow=True).content.decode()
        assert "It holds." in done and "1 clock was moved." in done
        assert policy(SIMPLE) == timedelta(hours=24)
        assert Complaint.objects.get(pk=one.pk).service_due_at == moment(3, 10)
        assert Complaint.objects.get(pk=other.pk).service_due_at == moment(4, 10)
        again = admin.post(f"{address}activate/", {"move": "1"})
        assert again.status_code == 422 and "activated or dropped already" in again.content.decode()
        assert list(faults_of_clocks()) == []


def test_without_moving_clocks_keep_their_limits_and_a_draft_may_be_dropped_or_only_kept():
    with on(2, 10):
        at = office()
        one = ready(at, State.INVESTIGATING)
        admin = enter(person("POLICY_ADMIN"))
        admin.post(PAGE, {"value": "24", "note": "Faster", "act": "set"})
        address = f"/admin/drafts/{Draft.objects.get().ref}/"
        assert "kept their limits" in admin.post(f"{address}activate/", follow=True).content.decode()
        assert Complaint.objects.get(pk=one.pk).service_due_at == moment(4, 10)
        admin.post(PAGE, {"value": "30", "note": "Other", "act": "draft"})
        other = Draft.objects.latest("pk")
        listed = admin.get("/admin/drafts/").content.decode()
        assert "30 hours" in listed and "24 hours" not in listed
        assert "24 hours" in admin.get("/admin/drafts/?state=all").content.decode()
        admin.post(f"/admin/drafts/{other.ref}/drop/")
        assert Draft.objects.get(pk=other.pk).state == "DROPPED" and policy(SIMPLE) == timedelta(hours=24)
        # What limits no open clock holds at once; nonsense is refused and nothing is kept.
        assert admin.post("/admin/policies/complaints.limit.works/", {"value": "20", "note": "Long"}).url.startswith(
            "/admin/policies/"
        )
        assert policy("complaints.limit.works") == 20
        number = Draft.objects.count()
        refused = admin.post(PAGE, {"value": "soon", "note": "x", "act": "set"})
        assert refused.status_code == 422 and "must be a number" in refused.content.decode()
        assert admin.post(PAGE, {"value": "", "note": "x", "act": "withdraw"}).status_code == 302  # 24 h are its own
        assert Draft.objects.count() == number + 1
        assert admin.post(f"/admin/drafts/{other.ref}/explode/").status_code == 404


def test_a_calendar_made_shorter_is_looked_at_and_one_without_hours_refused():
    with on(2, 10):
        at = office()
        cross = ready(at, State.INVESTIGATING, path="CROSS_UNIT")
        admin, page = enter(person("POLICY_ADMIN")), "/admin/calendars/STANDARD/2026/"
        week = {"act": "week", "week-note": "Mornings"} | {f"week-day{day}": "" for day in range(7)}
        refused = admin.post(page, week)
        assert refused.status_code == 422 and "no working time left" in refused.content.decode()
        version = WorkCalendar.objects.get(code="STANDARD").version
        went = admin.post(page, week | {f"week-day{day}": "09:00-12:00" for day in range(5)})
        assert re.fullmatch(r"/admin/drafts/\w+/", went.url)
        shown = admin.get(went.url)
        assert shown.context["counts"]["later"] == 1 and "Mon–Fri 09:00-12:00" in shown.content.decode()
        assert WorkCalendar.objects.get(code="STANDARD").version == version
        done = admin.post(f"{went.url}activate/", {"move": "1"}, follow=True).content.decode()
        assert "1 clock was moved." in done
        assert Complaint.objects.get(pk=cross.pk).service_due_at == moment(23, 10)
        assert WorkCalendar.objects.get(code="STANDARD").version == version + 1


def test_many_clocks_are_counted_and_moved_in_the_background(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(draft_jobs, "AT_ONCE", 2)
    monkeypatch.setattr(draft_jobs, "COUNTED_AT_ONCE", 2)
    monkeypatch.setattr(drafts_page, "COUNTED_AT_ONCE", 2)
    with on(2, 10):
        at = office()
        for _one in range(3):
            ready(at, State.INVESTIGATING)
        admin = enter(person("POLICY_ADMIN"))
        went = admin.post(PAGE, {"value": "24", "note": "Faster", "act": "set"})
        assert "being counted in the background" in admin.get(went.url).content.decode()
        assert claim_and_run(JobRun.objects.get(job=draft_jobs.COUNT).pk)
        assert admin.get(went.url).context["counts"]["sooner"] == 3
        admin.post(f"{went.url}activate/", {"move": "1"})
        assert set(Complaint.objects.values_list("service_due_at", flat=True)) == {moment(4, 10)}
        run = JobRun.objects.get(job=draft_jobs.MOVE)
        assert claim_and_run(run.pk)
        run.refresh_from_db()
        assert (run.state, run.counts) == ("DONE", {"clocks": 3})
        assert set(Complaint.objects.values_list("service_due_at", flat=True)) == {moment(3, 10)}


def test_what_is_decided_for_later_is_moved_by_the_clock():
    with on(2, 10):
        at = office()
        ready(at, State.INVESTIGATING)
        admin = enter(person("POLICY_ADMIN"))
        went = admin.post(PAGE, {"value": "24", "note": "Faster", "act": "set", "effective_from": "2026-03-02 18:00"})
        assert "from a later moment" in admin.post(f"{went.url}activate/", {"move": "1"}, follow=True).content.decode()
        assert draft_policy(SIMPLE, timedelta(hours=1), actor=at.boss).state == "OPEN"
    for hour, due in ((17, moment(4, 10)), (19, moment(3, 10))):
        with on(2, hour):
            run = JobRun.objects.create(job=draft_jobs.MOVE_DUE, scheduled_for=clock.now())
            assert claim_and_run(run.pk)
            run.refresh_from_db()
            assert (run.state, Complaint.objects.get().service_due_at) == ("DONE", due)
