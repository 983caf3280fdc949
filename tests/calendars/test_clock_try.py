"""`manage clock_try`: clocks asked from a file. The named cases of the rulebook, written as people would write them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from foundation.calendars.trying import try_clock
from foundation.common.trying import BadCase

OFFICE = [["09:00", "12:00"], ["13:30", "18:00"]]
WEEK = dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), OFFICE)
ALWAYS = {day: [["00:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
NIGHT = {"fri": [["22:00", "06:00"]], "mon": [["09:00", "18:00"]]}
NEW_YEAR = [{"date": "2026-01-01", "windows": []}, {"date": "2026-01-04", "windows": OFFICE}]
FIFTEEN = {"calendar_days": 15, "end_of_day": True}


def case(kind: str, target: dict[str, Any], now: str, *events: str, zone: str = "Asia/Shanghai", **more: Any) -> dict:
    """Events as "01-05T10:00 pause": of 2026, in Shanghai unless an offset or a year is written."""
    listed = []
    for event in events:
        at, kind_of, *rest = event.split(" ", 2)
        listed.append({"at": moment(at), "type": kind_of, **(json.loads(rest[0]) if rest else {})})
    windows = {} if kind == "CALENDAR" else {"windows": WEEK}
    return {**windows, "zone": zone, "kind": kind, "target": target, "events": listed, "now": moment(now), **more}


def moment(text: str) -> str:
    text = text if text[4:5] == "-" else f"2026-{text}"
    return text if "+" in text or text.endswith("Z") or text.count("-") > 2 else f"{text}+08:00"


CASES = {
    # D§1.3, D§26
    "a complaint at 23:59: that day is day 0": (
        case("CALENDAR", FIFTEEN, "01-20T23:59:59", "01-05T23:59 start"),
        ("01-20T23:59:59", 21600, 0, "running"),
    ),
    "one minute later the day is another": (
        case("CALENDAR", FIFTEEN, "01-21T00:00", "01-05T23:59 start"),
        ("01-20T23:59:59", 21601, -1, "breached"),
    ),
    "across New Year": (
        case("CALENDAR", FIFTEEN, "01-15T23:59:59", "2025-12-31T23:59 start", "01-15T23:59:59 stop"),
        ("01-15T23:59:59", 21600, 0, "met"),
    ),
    "the statutory form never pauses": (
        case("CALENDAR", FIFTEEN, "01-07T10:00", "01-05T10:00 start", "01-06T10:00 pause", "01-06T12:00 resume"),
        ("01-20T23:59:59", 2880, 19559, "running"),
    ),
    "a holiday inside 48 hours: the calendar clock runs on": (
        case("CALENDAR", {"hours": 48}, "01-01T12:00", "2025-12-31T12:00 start", windows=WEEK, exceptions=NEW_YEAR),
        ("01-02T12:00", 1440, 1440, "running"),
    ),
    "a grade raised after 3 hours carries the time and the pauses": (
        case("CALENDAR", {"hours": 48}, "01-05T14:00", "01-05T09:00 start", "01-05T10:00 pause", "01-05T11:00 resume",
             '01-05T13:00 retarget {"target": {"hours": 24}}'),
        ("01-06T10:00", 240, 1200, "running"),
    ),
    "a grade raised when the new limit is over: late, and 24 hours more": (
        case("CALENDAR", {"hours": 48}, "01-06T10:00", "01-05T09:00 start",
             '01-06T10:00 retarget {"target": {"hours": 24}}'),
        ("01-07T10:00", 1500, 1440, "breached"),
    ),
    "a new limit used up to the minute before, after which the clock ran on: over": (
        case("WORKING", {"hours": 9}, "01-05T12:30", "01-05T09:00 start", "01-05T11:00 pause", "01-05T12:00 resume",
             "01-05T12:15 pause", "01-05T12:15 resume", '01-05T12:15 retarget {"target": {"hours": 2}}'),
        ("01-06T12:15", 120, 1425, "breached"),
    ),
    "a new limit used up to the minute when it was paused: in time until it runs again": (
        case("WORKING", {"hours": 9}, "01-06T09:00", "01-05T09:00 start", "01-05T11:00 pause",
             '01-05T11:30 retarget {"target": {"hours": 2}}'),
        (None, 120, 0, "paused"),
    ),
    "an old miss stays a miss when there is more time": (
        case("CALENDAR", {"hours": 1}, "01-05T12:00", "01-05T09:00 start",
             '01-05T11:00 retarget {"target": {"hours": 24}}'),
        ("01-06T09:00", 180, 1260, "breached"),
    ),
    # D§1.2
    "two working days are twice 540 minutes of running time": (
        case("WORKING", {"working_days": 2}, "01-05T12:30", "01-05T09:00 start"),
        ("01-07T12:00", 180, 900, "running"),
    ),
    "two working days round the clock": (
        case("WORKING", {"working_days": 2}, "01-05T12:00", "01-05T09:00 start", windows=ALWAYS),
        ("01-07T09:00", 180, 2700, "running"),
    ),
    "a working day of one's own length; half of one": (
        case("WORKING", {"working_days": 1.5}, "01-05T09:00", "01-05T09:00 start", day_minutes=450),
        ("01-06T14:15", 0, 675, "running"),
    ),
    "a make-up Sunday is worked, New Year's Day is not": (
        case("WORKING", {"hours": 10}, "01-04T12:00", "2025-12-31T18:00 start", exceptions=NEW_YEAR),
        ("01-04T11:30", 630, -30, "breached"),
    ),
    "a start at night runs from the next opening": (
        case("WORKING", {"hours": 1}, "01-05T09:30", "01-03T23:00 start"),
        ("01-05T10:00", 30, 30, "running"),
    ),
    "a limit that ends with the day is due at closing time, not the next morning": (
        case("WORKING", {"hours": 1.5}, "01-05T18:00", "01-05T16:30 start"),
        ("01-05T18:00", 90, 0, "running"),
    ),
    "the night after closing time it is over": (
        case("WORKING", {"hours": 1.5}, "01-05T23:00", "01-05T16:30 start"),
        ("01-05T18:00", 90, 0, "breached"),
    ),
    "a window over midnight belongs to the day it begins on": (
        case("WORKING", {"hours": 9}, "01-10T07:00", "01-09T20:00 start", windows=NIGHT),
        ("01-12T10:00", 480, 60, "running"),
    ),
    "a closed Friday takes its night away, a closed Saturday does not": (
        case("WORKING", {"hours": 3}, "01-16T12:00", "01-09T20:00 start", windows=NIGHT,
             exceptions=[{"date": "2026-01-09", "windows": []}, {"date": "2026-01-10", "windows": []}]),
        ("01-12T12:00", 540, -360, "breached"),
    ),
    "a limit beyond the hours given is never due": (
        case("WORKING", {"hours": 1}, "01-05T10:00", "01-05T09:00 start", windows={}),
        (None, 0, 60, "running"),
    ),
    # D§10.6
    "a paused clock shows the time left and is not missed": (
        case("WORKING", {"hours": 4}, "02-05T09:00", "01-05T09:00 start", '01-05T11:00 pause {"reason": "DISASTER"}'),
        (None, 120, 120, "paused"),
    ),
    "two pauses that overlap are one": (
        case("WORKING", {"hours": 4}, "01-06T09:00", "01-05T09:00 start", '01-05T10:00 pause {"id": "a"}',
             '01-05T11:00 pause {"id": "b"}', '01-05T14:30 resume {"id": "a"}', '01-05T15:30 resume {"id": "b"}'),
        ("01-06T09:30", 210, 30, "running"),
    ),
    "a pause at night takes nothing out": (
        case("WORKING", {"hours": 7.5}, "01-05T18:00", "01-04T20:00 start", "01-04T21:00 pause", "01-05T09:00 resume"),
        ("01-05T18:00", 450, 0, "running"),
    ),
    "complaining again while paused ends the pause": (
        case("WORKING", {"hours": 2}, "01-06T10:00", "01-05T09:00 start", "01-05T10:00 pause", "01-06T09:30 resume"),
        ("01-06T10:30", 90, 30, "running"),
    ),
    "paused at the due moment it is in time until it runs again": (
        case("WORKING", {"hours": 2}, "01-06T09:31", "01-05T09:00 start", "01-05T11:00 pause", "01-06T09:30 resume"),
        ("01-06T09:30", 121, -1, "breached"),
    ),
    "stopped while paused it was in time": (
        case("WORKING", {"hours": 2}, "02-01T09:00", "01-05T09:00 start", "01-05T10:00 pause", "01-20T10:00 stop"),
        (None, 60, 60, "met"),
    ),
    "stopped at the due moment": (
        case("WORKING", {"hours": 2}, "01-06T11:00", "01-05T09:00 start", "01-05T11:00 stop"),
        ("01-05T11:00", 120, 0, "met"),
    ),
    "stopped a minute later; the time runs until the stop": (
        case("WORKING", {"hours": 2}, "01-06T11:00", "01-05T09:00 start", "01-05T11:01 stop"),
        ("01-05T11:00", 121, -1, "breached"),
    ),
    "what comes after now is not counted": (
        case("WORKING", {"hours": 2}, "01-05T10:00", "01-05T09:00 start", "01-05T10:30 pause"),
        ("01-05T11:00", 60, 60, "running"),
    ),
    "a clock that starts after now": (
        case("WORKING", {"hours": 2}, "01-04T10:00", "01-05T09:00 start"),
        ("01-05T11:00", 0, 120, "running"),
    ),
    # zones
    "the hour Berlin skips is not worked": (
        case("WORKING", {"hours": 4}, "03-29T00:00+01:00", "03-29T00:00+01:00 start", zone="Europe/Berlin",
             windows={"sun": [["00:00", "06:00"]]}),
        ("03-29T05:00+02:00", 0, 240, "running"),
    ),
    "the hour New York has twice is worked twice": (
        case("WORKING", {"hours": 4}, "11-01T06:00Z", "11-01T00:00-04:00 start", zone="America/New_York",
             windows={"sun": [["00:00", "06:00"]]}),
        ("11-01T03:00-05:00", 120, 120, "running"),
    ),
    "the end of a day of 23 hours": (
        case("CALENDAR", {"calendar_days": 1, "end_of_day": True}, "03-29T00:00+01:00", "03-28T12:00+01:00 start",
             zone="Europe/Berlin"),
        ("03-29T23:59:59+02:00", 720, 1379, "running"),
    ),
    "the case moves to another zone: counted anew from the start": (
        case("WORKING", {"hours": 4}, "01-05T12:00", "01-05T09:00 start",
             '01-05T11:00 retarget {"zone": "Asia/Tokyo"}'),
        ("01-05T14:30", 120, 120, "running"),
    ),
}  # fmt: skip


@pytest.mark.covers("CMP-09", "CMP-28")
def test_the_named_cases_through_the_command(tmp_path: Path) -> None:
    path, out = tmp_path / "cases.jsonl", StringIO()
    path.write_text("\n".join(json.dumps(given) for given, _expected in CASES.values()), encoding="utf-8")
    call_command("clock_try", str(path), stdout=out)
    answers = [json.loads(line) for line in out.getvalue().splitlines()]
    assert len(answers) == len(CASES)
    found = {}
    for name, answer in zip(CASES, answers, strict=True):
        assert list(answer) == ["due", "elapsed_minutes", "remaining_minutes", "state", "why"]
        assert all(step["words"] and "%" not in step["words"] for step in answer["why"]), name
        found[name] = tuple(answer.values())[:4]
    assert {name: (value[0] and iso(value[0]), *value[1:]) for name, value in found.items()} == {
        name: (due and iso(moment(due)), *rest) for name, (_given, (due, *rest)) in CASES.items()
    }
    words = [step["words"] for step in answers[list(CASES).index("two pauses that overlap are one")]["why"]]
    assert words == [
        "The limit is 4 h 0 min.",
        "It runs in the working hours given.",
        "It started 2026-01-05 09:00.",
        "It stood still from 2026-01-05 10:00 to 2026-01-05 15:30: 4 h 0 min of its own time do not count.",
        "By 2026-01-06 09:00 it has run 3 h 30 min.",
        "So it is due 2026-01-06 09:30.",
    ]


def iso(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def test_a_bad_line_is_named_and_the_rest_go_on(tmp_path: Path) -> None:
    good, _expected = CASES["stopped at the due moment"]
    bad = {
        "not json": "line 2",
        "[]": "a case must be an object",
        json.dumps({**good, "zone": "Mars/Base"}): "no known time zone",
        json.dumps({**good, "zone": 7}): "zone must be the name",
        json.dumps({**good, "kind": "working"}): "kind must be one of WORKING, CALENDAR",
        json.dumps({**good, "color": "red"}): "unknown in a case: color",
        json.dumps({key: good[key] for key in good if key != "now"}): "missing: now",
        json.dumps({key: good[key] for key in good if key != "windows"}): "missing: windows",
        json.dumps({**good, "windows": {"monday": []}}): "unknown in windows: monday",
        json.dumps({**good, "windows": {"mon": [["09:00"]]}}): "windows of mon must be pairs",
        json.dumps({**good, "windows": {"mon": [["24:00", "25:00"]]}}): "00:00 to 24:00",
        json.dumps({**good, "windows": {"mon": [["24:00", "06:00"]]}}): "cannot begin at 24:00",
        json.dumps({**good, "windows": {"mon": [["09:00", "12:00"], ["11:00", "18:00"]]}}): "overlap",
        json.dumps({**good, "windows": {"mon": [["22:00", "10:00"]], "tue": [["09:00", "18:00"]]}}): "runs into",
        json.dumps({**good, "exceptions": [{"windows": []}]}): "needs a date",
        json.dumps({**good, "exceptions": [{"date": "2026-01-05"}, {"date": "2026-01-05"}]}): "listed twice",
        json.dumps({**good, "now": "2026-01-05T09:00"}): "now must say its zone",
        json.dumps({**good, "now": "0001-01-01T00:00+14:00"}): "between the years",
        json.dumps({**good, "now": 5}): "now must be a moment",
        json.dumps({**good, "target": {}}): "names one of",
        json.dumps({**good, "target": {"hours": 1, "working_days": 1}}): "names one of",
        json.dumps({**good, "target": {"hours": "1"}}): "hours must be a number",
        json.dumps({**good, "target": {"hours": True}}): "hours must be a number",
        json.dumps({**good, "target": {"hours": float("nan")}}): "hours must be a number",
        json.dumps({**good, "target": {"hours": 0}}): "longer than nothing",
        json.dumps({**good, "target": {"hours": -1}}): "longer than nothing",
        json.dumps({**good, "target": {"hours": 0.001}}): "whole minutes",
        json.dumps({**good, "target": {"hours": 10**400}}): "100 years",
        json.dumps({**good, "target": {"hours": 1e300}}): "100 years",
        json.dumps({**good, "target": {"calendar_days": 2}}): "not limited by calendar days",
        json.dumps({**good, "target": {"hours": 2, "end_of_day": True}}): "goes with calendar_days",
        json.dumps({**good, "events": []}): "begins with the start",
        json.dumps({**good, "events": good["events"][1:]}): "event 1: A clock begins with its start",
        json.dumps({**good, "events": good["events"] * 2}): "event 3: events go in order of time",
        json.dumps({**good, "events": good["events"][:1] * 2}): "event 2: The clock has been started already",
        json.dumps({**good, "events": [*good["events"], good["events"][1]]}): "event 3: The clock has been stopped",
        json.dumps({**good, "events": [good["events"][0], {**good["events"][1], "type": "resume"}]}): "no such pause",
        json.dumps({**good, "events": [good["events"][0], {**good["events"][1], "type": "PAUSE"}]}): "type must be",
        json.dumps({**good, "events": [good["events"][0], {**good["events"][1], "by": 1}]}): "unknown in a stop: by",
        json.dumps({**good, "events": [{**good["events"][0], "at": "2026-01-05"}]}): "at must say its zone",
    }
    path, out = tmp_path / "cases.jsonl", StringIO()
    path.write_text("\n".join([json.dumps(good), *bad, "", json.dumps(good)]), encoding="utf-8")
    with pytest.raises(CommandError, match=f"{len(bad)} lines"):
        call_command("clock_try", str(path), stdout=out)
    answers = [json.loads(line) for line in out.getvalue().splitlines()]
    assert answers[0]["state"] == answers[-1]["state"] == "met" and len(answers) == len(bad) + 2
    for (line, said), answer in zip(bad.items(), answers[1:-1], strict=True):
        assert list(answer) == ["error"] and said in answer["error"], (line, answer)


def test_years_between_are_not_walked_through() -> None:
    windows = {"mon": [["09:00", "09:01"]]}
    days = [{"date": f"{year}-07-0{day}", "windows": OFFICE} for year in range(2027, 2126) for day in range(1, 8)]
    given = case("WORKING", {"hours": 70}, "2126-01-01T00:00", "2026-01-05T09:00 start", windows=windows)
    few = try_clock(given)
    assert (few["due"], few["elapsed_minutes"]) == ("2106-06-28T09:01:00+08:00", 5218)  # a minute a week
    assert try_clock({**given, "exceptions": days})["state"] == "breached"
    assert try_clock({**given, "target": {"hours": 870_000}})["due"] is None
    events = [{"at": given["events"][0]["at"], "type": "start"}]
    for step in range(300):
        at = f"2027-01-{1 + step // 1440:02}T{step // 60 % 24:02}:{step % 60:02}+08:00"
        kinds = ({"type": "pause"}, {"type": "resume"}, {"type": "retarget", "target": {"hours": 1 + step}})
        events.append({"at": at, **kinds[step % 3]})
    assert try_clock({**given, "events": events})["state"] == "running"


def test_a_number_of_hours_may_be_a_third(tmp_path: Path) -> None:
    given, _expected = CASES["a clock that starts after now"]
    assert try_clock({**given, "target": {"hours": 1 / 3}})["remaining_minutes"] == 20
    with pytest.raises(BadCase, match="whole minutes"):
        try_clock({**given, "target": {"hours": 0.3334}})
    assert timedelta(minutes=try_clock(given)["remaining_minutes"]) == timedelta(hours=2)
