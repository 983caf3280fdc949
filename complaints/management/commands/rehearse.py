"""Rehearse values of policies and a staffing rule on the complaints of a past period, from the command line."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from complaints.lifecycle import ClockKind, label_of
from complaints.models import Rehearsal
from complaints.rehearsing.reading import Load, LoadRow
from complaints.rehearsing.running import rehearse, start_rehearsal
from complaints.rehearsing.staff import Shift, draft_staffing
from complaints.rehearsing.sums import COUNTED
from foundation.calendars.windows import read_windows
from foundation.common.errors import RuleBroken
from foundation.jobs.models import JobRun
from foundation.jobs.running import claim_and_run
from foundation.policies.drafting import draft_policy
from foundation.policies.kinds import from_text
from foundation.policies.registry import definition
from staff.models import OrgUnit, User

STAFF = re.compile(r"(?P<unit>[^:]+):(?P<people>\d+):(?P<hours>[\d:,\- ]+):(?P<minutes>\d+)")
BUSIEST = 5


class Command(BaseCommand):
    help = (
        "Runs values of policies and a staffing rule (UNIT:PEOPLE:HOURS:MINUTES, Monday to Friday) over the complaints"
        " received from one day to another, against what is in force. The drafts and the result stay, to be read on the"
        " pages of rehearsals."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--from", dest="first", required=True, type=date.fromisoformat)
        parser.add_argument("--to", dest="last", required=True, type=date.fromisoformat)
        parser.add_argument("--by", required=True, help="user name of who rehearses")
        parser.add_argument("--policy", action="append", default=[], help="KEY=VALUE as typed on the policy's page")
        parser.add_argument("--staff", action="append", default=[], help="UNIT:PEOPLE:HOURS:MINUTES")
        parser.add_argument("--title", default="Rehearsal")

    def handle(self, *_args: Any, **given: Any) -> None:
        actor = User.objects.filter(username=given["by"]).first()
        if actor is None:
            raise CommandError(f"nobody is called {given['by']}")
        try:
            drafts = [_policy(text, actor) for text in given["policy"]]
            drafts += [_staff(text, actor) for text in given["staff"]]
            made = start_rehearsal(
                actor=actor, title=given["title"], from_day=given["first"], to_day=given["last"], left=[], right=drafts
            )
        except RuleBroken as no:
            raise CommandError(str(no.message)) from no
        assert made.run_id is not None
        claim_and_run(made.run_id)  # unless a worker was quicker
        run = JobRun.objects.get(pk=made.run_id)
        if run.state != JobRun.State.DONE:
            made = rehearse(made.pk)
        self._say(Rehearsal.objects.get(pk=made.pk))

    def _say(self, made: Rehearsal) -> None:
        period = f"{made.from_day} - {made.to_day}, {made.cases} cases"
        self.stdout.write(f"{made.title}: {period}, /complaints/rehearsals/{made.ref}/")
        for kind, counts in made.figures["kinds"].items():
            figures = ", ".join(f"{name} {counts[name]}" for name in COUNTED)
            self.stdout.write(f"{label_of(ClockKind, kind)}: {figures}")
            load = Load(made, kind)
            rows = [row for month in load.months() for row in load.days(month)]
            for side in ("left", "right"):
                top = sorted(rows, key=lambda row: -row.due[side].number)[:BUSIEST]
                days = ", ".join(f"{_day(row)} {row.due[side].number}" for row in top if row.due[side].number)
                self.stdout.write(f"  most due, {side}: {days}")
        load = Load(made, ClockKind.SERVICE.value)
        rows = [row for month in load.months() for row in load.days(month)]
        came = sorted(rows, key=lambda row: -row.received.number)[:BUSIEST]
        self.stdout.write("most received: " + ", ".join(f"{_day(row)} {row.received.number}" for row in came))
        for side in load.staffed:
            over = [row for row in rows if row.received.number > row.room[side]]
            worst = max(rows, key=lambda row: row.waiting[side].number)
            waiting = sum(1 for row in rows if row.waiting[side].number)
            self.stdout.write(
                f"staff, {side}: {len(over)} days with more received than they can do, {waiting} evenings with cases"
                f" waiting, most {worst.waiting[side].number} on {_day(worst)}"
            )


def _day(row: LoadRow) -> str:
    return row.day


def _policy(text: str, actor: User) -> int:
    key, _equals, value = text.partition("=")
    return draft_policy(key, from_text(definition(key), value), actor=actor).pk


def _staff(text: str, actor: User) -> int:
    match = STAFF.fullmatch(text)
    unit = OrgUnit.objects.filter(code=match["unit"]).first() if match else None
    if match is None or unit is None:
        raise CommandError(f"{text} is no staffing rule: write UNIT:PEOPLE:HOURS:MINUTES with the code of a unit")
    shift = Shift(int(match["people"]), (0, 1, 2, 3, 4), tuple(read_windows(match["hours"])))
    return draft_staffing(unit, minutes=int(match["minutes"]), shifts=[shift], actor=actor).pk
