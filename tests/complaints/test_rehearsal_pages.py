"""The pages of rehearsals: asking, watching, reading figures, each of which opens exactly its lines."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest

from complaints.lifecycle import State
from complaints.models import Rehearsal
from complaints.rehearsing.reading import Asked, Load
from complaints.rehearsing.running import rehearse, start_rehearsal
from complaints.rehearsing.staff import Shift, draft_staffing
from foundation.common.ids import to_text
from foundation.jobs.models import JobRun
from foundation.jobs.running import claim_and_run
from foundation.policies.drafting import draft_policy
from foundation.policies.models import Draft
from tests.complaints.cases import Office, case, moment, office, on, ready
from tests.complaints.test_rehearsing import HOUR, story
from tests.workspace.making import enter, person, queries

pytestmark = [pytest.mark.django_db, pytest.mark.covers("CMP-09", "CMP-28")]
ADDRESS = re.compile(r'href="(/complaints/rehearsals/\w+/cases/\?[^"]+)"[^>]*>(?:<[^>]+>)*?(\d+)<')


def finished(at: Office, **sides: list[Any]) -> Rehearsal:
    ids = {name: [draft.pk for draft in sides.get(name, [])] for name in ("left", "right")}
    made = start_rehearsal(actor=at.boss, title="A day", from_day=date(2026, 3, 1), to_day=date(2026, 3, 6), **ids)
    return rehearse(made.pk)


def test_it_is_asked_for_runs_in_the_background_and_shows_what_changes():
    at, found = story()
    with on(6, 12):
        draft = draft_policy("complaints.limit.simple", 24 * HOUR, actor=at.boss)
        boss, other = enter(at.boss), enter(person("POLICY_ADMIN"))
        form = boss.get(f"/complaints/rehearsals/new/?right={draft.ref}").content.decode()
        assert "Service limit: simple · 24 hours" in form and re.search(r'value="\w+"[^>]* checked', form)
        refused = boss.post("/complaints/rehearsals/new/", {"title": "", "from_day": "2026-03-05", "to_day": "x"})
        assert refused.status_code == 422 and not Rehearsal.objects.exists()
        asked = {"title": "A day", "from_day": "2026-03-01", "to_day": "2026-03-06", "right": draft.ref}
        late = boss.post("/complaints/rehearsals/new/", asked | {"to_day": "2026-03-07"})
        assert late.status_code == 422 and "ends today at the latest" in late.content.decode()
        went = boss.post("/complaints/rehearsals/new/", asked)
        made = Rehearsal.objects.get()
        assert went.url == f"/complaints/rehearsals/{made.ref}/"
        assert "0 cases so far" in boss.get(went.url).content.decode()
        part = boss.get(went.url, headers={"HX-Request": "true"})
        assert "HX-Refresh" not in part.headers and "Waiting" in part.content.decode()
        assert claim_and_run(JobRun.objects.get().pk)
        assert boss.get(went.url, headers={"HX-Request": "true"}).headers["HX-Refresh"] == "true"
        with queries() as seen:
            page = boss.get(went.url)
        assert len(seen) <= 15
        text = page.content.decode()
        assert "24 hours" in text and "what was in force" in text
        counts = {name: number for name, (number, _url) in page.context["counts"].items()}
        assert (counts["late_left"], counts["late_right"], counts["newly"], counts["sooner"]) == (4, 5, 1, 3)
        with queries() as seen:
            listed = boss.get(page.context["counts"]["newly"][1])
        assert len(seen) <= 15
        line = listed.content.decode()
        assert found["answered"].number in line and f"/complaints/{found['answered'].ref}/" in line
        assert "2026-03-04 10:00" in line and "2026-03-03 10:00" in line and line.count(">missed<") == 1
        # Who draws up policies sees no case, but as many lines.
        blind = other.get(page.context["counts"]["newly"][1]).content.decode()
        assert "a case you do not see" in blind and found["answered"].number not in blind
        assert "A day" in other.get("/complaints/rehearsals/").content.decode()
        assert enter(at.lead).get(went.url).status_code == 403


def test_every_figure_opens_exactly_its_lines():
    at, _found = story()
    with on(6, 12):
        draft = draft_policy("complaints.limit.simple", 24 * HOUR, actor=at.boss)
        staff = draft_staffing(at.unit, minutes=240, shifts=[Shift(1, (0, 1, 2, 3, 4), ((540, 1080),))], actor=at.boss)
        made = finished(at, right=[draft, staff])
        boss, opened = enter(at.boss), 0
        for query in ("", "?kind=statutory", "?day=2026-03-03", "?by=hour", f"?unit={at.unit.pk}&month=2026-03"):
            text = boss.get(f"/complaints/rehearsals/{made.ref}/{query}").content.decode().replace("&amp;", "&")
            for address, number in set(ADDRESS.findall(text)):
                given = dict(
                    pair.split("=") for pair in address.split("?")[1].replace("%3A", ":").replace("%2B", "+").split("&")
                )
                assert Asked.read(given).lines(made).count() == int(number), address
                opened += 1
        assert opened > 60
        load = Load(made, "service", at.unit.pk)
        assert load.months() == [date(2026, 3, 1)] and load.staffed == ["right"]
        second = next(row for row in load.days(date(2026, 3, 1)) if row.start == moment(2, 0))
        # Nine cases of four hours each for one person with nine hours a day.
        assert (second.received.number, second.room["right"], second.through["right"].number) == (9, 2.25, 2)
        assert second.waiting["right"].number == 7 and second.over
        hours = {row.day: row for row in load.hours(date(2026, 3, 2))}
        assert len(load.hours(date(2026, 3, 2))) == 24 and hours
        assert [row.received.number for row in load.hours_of_day()][10] == 9
        nonsense = f"/complaints/rehearsals/{made.ref}/cases/?kind=x&unit=x&from=x&until=2026&hour=99&what=x&side=x"
        assert boss.get(nonsense).status_code == 200
        assert boss.get(f"/complaints/rehearsals/{made.ref}/?month=x&day=9999-99-99&unit=77").status_code == 200
        assert boss.get(f"/complaints/rehearsals/{made.ref}/cases/?after=x").status_code == 302


def test_records_of_the_past_are_said_to_have_due_moments_only():
    with on(2, 10):
        at = office()
        for number in range(3):
            case(at, State.CLOSED, source="REGULATOR", source_no=str(number))
    with on(6, 12):
        made = finished(at)
        page = enter(at.boss).get(f"/complaints/rehearsals/{made.ref}/")
        assert "Of 3 clocks the moment of the answer is not on record" in page.content.decode()
        listed = enter(at.boss).get(page.context["counts"]["unknown"][1]).content.decode()
        assert listed.count(">unknown<") == 6


def test_a_staffing_rule_is_kept_and_nonsense_refused():
    with on(2, 10):
        at = office()
        ready(at, State.INVESTIGATING)
        boss, address = enter(at.boss), "/complaints/rehearsals/staffing/"
        given = {"unit": at.unit.pk, "minutes": "30", "people1": "2", "days1": "week", "hours1": "09:00-12:00"}
        for wrong, words in (
            ({"hours1": "late"}, "Write windows as"),
            ({"hours1": ""}, "never works"),
            ({"people1": "0"}, "at least one shift"),
            ({"minutes": "0"}, "greater than or equal to 1"),
            ({"unit": ""}, "required"),
        ):
            refused = boss.post(address, given | wrong)
            assert refused.status_code == 422 and words in refused.content.decode(), wrong
        assert not Draft.objects.exists()
        went = boss.post(address, given | {"people2": "1", "days2": "weekend", "hours2": "10:00-14:00"})
        draft = Draft.objects.get()
        assert went.url == f"/complaints/rehearsals/new/?right={to_text(draft.pk)}"
        said = boss.get(went.url).content.decode()
        assert "30 min a case, 2 people Mon–Fri 09:00-12:00, 1 people Sat–Sun 10:00-14:00" in said
        # One nobody needs is dropped here; other drafts are not.
        drop = f"{address}{draft.ref}/drop/"
        assert f'action="{drop}"' in boss.get(address).content.decode()
        assert enter(at.lead).post(drop).status_code == 403
        assert boss.post(drop).url == address and Draft.objects.get().state == "DROPPED"
        assert "dropped already" in boss.post(drop, follow=True).content.decode()
        other = draft_policy("complaints.limit.simple", HOUR, actor=at.boss)
        assert boss.post(f"{address}{other.ref}/drop/").status_code == 404
