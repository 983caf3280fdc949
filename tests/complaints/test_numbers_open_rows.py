"""Complaints of the past beside those of today: every number of boards, load and reports counts the rows it opens."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from complaints.kpis.slicing import MONTHLY
from complaints.lifecycle import State
from complaints.models import Complaint
from foundation.common import clock
from staff.models import User
from tests.complaints.cases import Office, case, moment
from tests.complaints.test_board import BOARD, busy, numbers_of
from tests.complaints.test_kpis import HOUR, NOW, shown, world
from tests.imports.bringing import bring, table

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
HEADER = ["case_no", "received_at", "channel", "state", "text", "topic", "closed_at", "satisfaction", "answered_at",
          "grade", "unit", "owner"]  # fmt: skip
IN_TABLE = re.compile(r'<td[^>]*class="num[^"]*"[^>]*><a [^>]*href="([^"]+)"[^>]*>([\d,]+)<')
REPORTS = ("callbacks", "support", "times", "experience")


def records(at: Office) -> list[Complaint]:
    """A file of the past brought in today: ended by the day of the file, this morning, this month and long ago; open
    ones; answered ones."""
    rows = [
        ["R-1", "2026-03-31 08:10", "WEB", "CLOSED", "Charged twice", "BILLING.AMOUNT", "", "1", "", ""],
        ["R-2", "2026-03-30 09:00", "WEB", "CLOSED", "No signal", "", "2026-03-31 09:30", "2", "2026-03-30 15:00", ""],
        ["R-3", "2026-03-02 09:00", "LETTER", "CLOSED", "Slow", "NETWORK.SPEED", "2026-03-11", "", "", "UPGRADED"],
        ["R-4", "2026-03-31 10:20", "WEB", "ACKNOWLEDGED", "x", "", "", "", "", "MAJOR"],
        ["R-5", "2026-03-24 10:00", "HOTLINE", "ASSIGNED", "y", "NETWORK.SPEED", "", "", "2026-03-31 11:00", ""],
        ["R-6", "2026-03-20 10:00", "HOTLINE", "WITHDRAWN", "z", "NETWORK.SPEED", "2026-03-31 10:00", "", "", ""],
        ["R-7", "2015-06-04 10:00", "WEB", "CLOSED", "Long ago", "", "2015-06-09", "5", "", ""],
    ]  # fmt: skip
    with clock.travel(NOW):
        whose = [at.unit.code, at.handler.staff_no]
        made = bring(table(HEADER, *([*row, *whose] for row in rows)), "complaints", as_of=clock.today())
        assert made.counts["inserted"] == len(rows)
    return list(Complaint.objects.exclude(source="").filter(work_unit=at.unit).order_by("source_no"))


class Lists:
    """The lists behind numbers, each opened once and read over all its pages."""

    def __init__(self, client: Client) -> None:
        self.client, self.read = client, dict[str, set[int]]()

    def __call__(self, url: str) -> set[int]:
        if url not in self.read:
            people = url.startswith("/complaints/load/")
            self.read[url] = (
                {row.worker.pk for row in self.client.get(url).context["people"]} if people else shown(self.client, url)
            )
        return self.read[url]

    def counted(self, numbers: dict[str, int]) -> dict[str, int]:
        """The numbers of these addresses as their lists have them."""
        return {url: len(self(url)) for url in numbers}


@pytest.mark.covers("REP-05", "CMP-12", "CMP-15")
def test_every_number_of_board_and_wall_opens_its_rows_with_records_of_the_past_beside(
    client_for: ClientFor, settings: Any, tmp_path: Path
) -> None:
    file_store(settings, tmp_path)
    here, _there = world()
    busy(here)
    past = records(here)
    assert [one.state for one in past] == [
        "CLOSED", "CLOSED", "CLOSED", "ACKNOWLEDGED", "ASSIGNED", "WITHDRAWN", "CLOSED",
    ]  # fmt: skip
    with clock.travel(NOW):
        now = {
            "received_at": moment(31, 8, 30),
            "closed_at": moment(31, 11),
            "satisfaction": 5,
            "handler": here.handler,
        }
        case(here, State.CLOSED, **now)
        case(here, State.CLOSED, **now | {"satisfaction": 4, "answered_at": moment(31, 9)})
        case(here, State.WITHDRAWN, received_at=moment(31, 8), closed_at=moment(31, 9))
        client = client_for(here.lead)
        rows = Lists(client)
        for period in ("today", "month"):
            page = client.get(f"{BOARD}?period={period}")
            found = {href: number for href, number in numbers_of(page.content.decode()) if number or "closed" in href}
            assert len(found) > 25
            assert rows.counted(found) == found, period
            cards = {one["label"]: one for one in page.context["kpis"]}
            assert len(rows(cards["Cases closed"]["href"])) == cards["Cases closed"]["value"]
            assert not rows(cards["Cases closed"]["href"]) & {one.pk for one in past}
            assert len(rows(cards["Cases closed"]["note_href"])) == int(cards["Cases closed"]["note"].split()[-1])
            scored = Complaint.objects.filter(pk__in=rows(cards["Satisfaction"]["href"]))
            scores = list(scored.values_list("satisfaction", flat=True))
            assert cards["Satisfaction"]["value"] == f"{sum(scores) / len(scores):.2f}"
            assert cards["Satisfaction"]["note"].startswith(f"{len(scores)} ")
            met, due = (rows(f"{cards['On-time rate']['href'].replace('part=all', part)}")
                        for part in ("part=yes", "part=all"))  # fmt: skip
            assert cards["On-time rate"]["value"] == (f"{100 * len(met) / len(due):.1f}" if due else None)
            # The charts: each column and its list.
            for series in page.context["hourly"].series:
                assert [len(rows(url)) for url in series.hrefs] == list(series.values), series.label
            for bar in page.context["topics"]:
                assert len(rows(bar.href)) == bar.value
            held = {row.worker.pk: row for row in page.context["people"]}
            mine = held[here.handler.pk]
            assert len(rows(mine.closed_url)) == mine.worker.closed >= 2
        assert (
            cards["Cases closed"]["value"] == 8
            and sum(number or 0 for number in page.context["hourly"].series[1].values) == 4
        )
        wall, board = (client.get(url).context for url in (f"{BOARD}wall/", BOARD))
        for name in ("label", "value", "note"):
            assert [one[name] for one in wall["kpis"]] == [one[name] for one in board["kpis"]]
        assert [list(one.values) for one in wall["hourly"].series] == [
            list(one.values) for one in board["hourly"].series
        ]
        assert sum(bar.value for bar in wall["units"]) == board["kpis"][2]["value"]
        for view in ("all", "over", "present", "away"):
            page = client.get(f"/complaints/load/?view={view}")
            assert [tab.count for tab in page.context["tabs"] if tab.current] == [len(page.context["people"])]
            for row in page.context["people"]:
                one = row.worker
                for url, number in ((row.open_url, one.open), (row.late_url, one.late), (row.closed_url, one.closed)):
                    assert len(rows(url)) == number, (view, url)


@pytest.mark.covers("CMP-15", "CMP-16")
def test_every_number_of_the_reports_opens_its_rows_with_records_of_the_past_beside(
    client_for: ClientFor, settings: Any, tmp_path: Path
) -> None:
    file_store(settings, tmp_path)
    here, _there = world()
    past = records(here)
    with clock.travel(NOW):
        case(here, State.CLOSED, received_at=moment(30), closed_at=NOW - HOUR, satisfaction=5)
        client = client_for(here.head)
        rows = Lists(client)
        analysis = client.get("/complaints/analysis/?month=2026-03")
        values = {card.label: card.value for card in analysis.context["cards"]}
        bars = [*analysis.context["causes"], *analysis.context["topics"]]
        assert bars and all(len(rows(bar.href)) == bar.value for bar in bars)
        looked = 0
        for code in MONTHLY:
            page = client.get(f"/complaints/analysis/{code}/?month=2026-03&by=topic")
            found = in_tables(page.content.decode())
            looked += len(found)
            assert rows.counted(found) == found, code
            whole = page.context["sum"]["line"]
            if page.context["figure"].unit == "cases":
                assert values[page.context["figure"].label] == str(whole.of), code
        for name in REPORTS:
            found = in_tables(client.get(f"/complaints/{name}/?month=2026-03").content.decode())
            looked += len(found)
            assert rows.counted(found) == found, name
        assert looked > 70
        # What ended by a file alone is no closing of ours, and cannot come back.
        month = "month=2026-03"
        for code in ("closed", "score", "reopening", "progress"):
            counted = rows(f"/complaints/analysis/rows/?figure={code}&{month}")
            assert counted and not counted & {one.pk for one in past}, code
        came = rows(f"/complaints/analysis/rows/?figure=complaints&{month}")
        assert came & {one.pk for one in past} == {one.pk for one in past if one.received_at.year == 2026}


def in_tables(text: str) -> dict[str, int]:
    """The numbers of the tables of a page by the address behind them."""
    return {unescape(url): int(number.replace(",", "")) for url, number in IN_TABLE.findall(text)}


def file_store(settings: Any, folder: Path) -> None:
    """Files of imports lie in a folder of the test."""
    storage = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(folder / "files")}}
    settings.STORAGES = settings.STORAGES | {"default": storage}
