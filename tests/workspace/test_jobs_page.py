"""Background work: who sees, stops, repeats and downloads which runs."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.files.base import ContentFile

from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.jobs.kinds import JobKind, register_job
from foundation.jobs.models import JobRun
from tests.workspace.making import HX, enter, person, queries

pytestmark = pytest.mark.django_db
TRIAL = JobKind(
    "workspace_tests.trial", "Trial work", lambda job: None, "imports.run", counts={"created": "Customers made"}
)


@pytest.fixture(autouse=True)
def _kind():
    register_job(TRIAL)


@pytest.fixture(autouse=True)
def _files(settings, tmp_path):
    settings.STORAGES = settings.STORAGES | {
        "default": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(tmp_path)},
        }
    }


def run_of(user, state: str = "DONE", **more) -> JobRun:
    fields = {"job": TRIAL.name, "actor_id": user.pk if user else None, "state": state}
    if state == "RUNNING":
        fields["lease_until"] = clock.now() + timedelta(minutes=5)
    elif state != "WAITING":
        fields["finished_at"] = clock.now()
    run = JobRun(**fields, **more)
    run.save(force_insert=True)
    return run


def test_everybody_sees_own_runs_and_those_who_watch_see_all():
    agent, admin, head = person("AGENT"), person("SYS_ADMIN"), person("DEPT_HEAD")
    own, nightly, foreign = run_of(agent), run_of(None), run_of(head, "FAILED", error_text="no room")
    assert [run.pk for run in enter(agent).get("/jobs/").context["page"].items] == [own.pk]
    assert [run.pk for run in enter(head).get("/jobs/").context["page"].items] == [foreign.pk]
    client = enter(admin)
    assert [run.pk for run in client.get("/jobs/").context["page"].items] == [foreign.pk, nightly.pk, own.pk]
    assert [run.pk for run in client.get("/jobs/?state=FAILED").context["page"].items] == [foreign.pk]
    assert client.get("/jobs/?state=NONSENSE&job=none").status_code == 200
    for damaged in ("@@", "WyJ4Il0", "bnVsbA", "W251bGxd"):  # nothing, ["x"], null, [null]
        assert client.get(f"/jobs/?after={damaged}").url == "/jobs/", damaged
    assert client.get("/jobs/?after=WzEwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDBd").status_code == 200  # [10**30]
    assert enter(agent).get(f"/jobs/{foreign.ref}/").status_code == 404
    assert "no room" in client.get(f"/jobs/{foreign.ref}/").content.decode()


def test_progress_asks_again_until_the_end_and_then_loads_the_page():
    admin = person("SYS_ADMIN")
    run = run_of(admin, "RUNNING", total=200, done=50, counts={"created": 49})
    client = enter(admin)
    fragment = client.get(f"/jobs/{run.ref}/", headers=HX)
    text = fragment.content.decode()
    assert "<dt>Customers made</dt><dd>49</dd>" in text
    assert "50 / 200" in text and "25 %" in text and 'hx-trigger="every 2s"' in text and "<html" not in text
    assert "HX-Refresh" not in fragment.headers
    JobRun.objects.filter(pk=run.pk).update(state="DONE", finished_at=clock.now())
    fragment = client.get(f"/jobs/{run.ref}/", headers=HX)
    assert fragment.headers["HX-Refresh"] == "true" and "every 2s" not in fragment.content.decode()


def test_cancel_and_repeat_with_their_refusals():
    agent = person("AGENT")
    run = run_of(agent, "WAITING")
    client = enter(agent)
    assert client.post(f"/jobs/{run.ref}/cancel/").url == f"/jobs/{run.ref}/"
    run.refresh_from_db()
    assert run.state == "CANCELLED"
    again = client.post(f"/jobs/{run.ref}/cancel/")
    assert again.status_code == 422 and "already ended" in again.content.decode()
    assert client.post(f"/jobs/{run.ref}/retry/").status_code == 302
    run.refresh_from_db()
    assert run.state == "WAITING"
    assert client.post(f"/jobs/{run.ref}/retry/").status_code == 422


def test_who_only_watches_cannot_stop_and_sees_no_button():
    owner, watcher = person("AGENT"), person("DPO")
    run = run_of(owner, "WAITING")
    client = enter(watcher)
    page = client.get(f"/jobs/{run.ref}/").content.decode()
    assert "Cancel the run" not in page
    assert client.post(f"/jobs/{run.ref}/cancel/").status_code == 404
    run.refresh_from_db()
    assert run.state == "WAITING" and not run.cancel_asked
    assert "Cancel the run" in enter(person("SYS_ADMIN")).get(f"/jobs/{run.ref}/").content.decode()


def test_files_go_to_the_owner_and_to_those_who_may_start_such_work_and_each_is_recorded():
    owner = person("DEPT_HEAD")
    run = run_of(owner)
    run.errors_name = "errors.csv"
    run.errors_file.save("errors.csv", ContentFile(b"row,why\r\n2,no number\r\n"))
    url = f"/jobs/{run.ref}/errors/"
    watcher = enter(person("DPO"))
    assert url not in watcher.get(f"/jobs/{run.ref}/").content.decode()
    assert watcher.get(url).status_code == 404
    assert enter(person("AGENT")).get(url).status_code == 404
    assert not AuditEntry.objects.filter(verb="job.file_downloaded").exists()
    for user in (owner, person("SYS_ADMIN")):
        answer = enter(user).get(url)
        assert b"".join(answer.streaming_content) == b"row,why\r\n2,no number\r\n"
        assert answer.headers["Content-Disposition"] == 'attachment; filename="errors.csv"'
    assert AuditEntry.objects.filter(verb="job.file_downloaded", target_id=str(run.pk)).count() == 2
    assert enter(owner).get(f"/jobs/{run.ref}/result/").status_code == 404


def test_the_list_costs_the_same_for_ten_and_for_five_hundred_runs():
    admin = person("SYS_ADMIN")
    client = enter(admin)
    for _ in range(10):
        run_of(admin)
    client.get("/jobs/")
    with queries() as few:
        client.get("/jobs/")
    for _ in range(490):
        run_of(admin)
    with queries() as more:
        assert len(client.get("/jobs/").context["page"].items) == 50
    assert len(few) == len(more) <= 10
