"""Monthly figures of complaints against a naive recount; every number opens its rows (D§25)."""

from __future__ import annotations

from collections import Counter
from urllib.parse import parse_qs, urlparse

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from complaints.kpis import KPIS, Part
from complaints.kpis.month import figures_of
from complaints.kpis.slicing import MONTHLY, in_scope, month_rows, narrowed
from complaints.models import Complaint
from foundation.common import clock
from tests.complaints.cases import cause
from tests.complaints.figure_world import (
    FEBRUARY,
    MARCH,
    NOW,
    OUTCOME,
    ClientFor,
    closed,
    naive,
    opened,
    world,
)
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.mark.covers("CMP-16", "CMP-33", "CMP-25")
def test_every_figure_equals_a_naive_recount_and_opens_its_rows(client_for: ClientFor) -> None:
    here, _there = world()
    with clock.travel(NOW):
        head, coordinator = here.head, UserFactory(role="COORDINATOR", language="en")
        everything = list(Complaint.objects.all())
        mine = [one for one in everything if one.unit_no == here.unit.no]
        assert mine and len(mine) * 2 == len(everything)
        for user, cases in ((head, mine), (coordinator, everything)):
            client = client_for(user)
            shown = {
                one.code: one for one in figures_of(user, MARCH, frozen=False, before=FEBRUARY, before_frozen=False)
            }
            for code in OUTCOME:
                yes, of = naive(code, cases)
                assert of, code
                rows = month_rows(user, code, MARCH, frozen=False)
                assert set(rows.values_list("row_case", flat=True)) == of, code
                figure = shown[code].counted
                assert figure.of == len(of), code
                if KPIS[code].numerator is not None:
                    assert 0 < len(yes) < len(of), code  # the world tells them apart
                    assert figure.yes == len(yes), code
                    assert shown[code].value == pytest.approx(100 * len(yes) / len(of))
                    found = set(narrowed(rows, Part.YES).values_list("row_case", flat=True))
                    assert found == yes, code
        # Every number of every split opens exactly its rows.
        client = client_for(head)
        page = client.get("/complaints/analysis/?month=2026-03")
        assert page.status_code == 200
        for code in ("escalation", "mean_time", "reopening"):
            yes, of = naive(code, mine) if code in OUTCOME else (set(), set())
            for by in ("topic", "unit", "responsible", "person", "team", "channel", "brand", "cause", "grade", "area"):
                page = client.get(f"/complaints/analysis/{code}/?month=2026-03&by={by}")
                lines = page.context["lines"]
                total: Counter[str] = Counter()
                for one in lines:
                    parts = ("all", "yes", "no") if KPIS[code].numerator is not None else ("all",)
                    counts = {"all": one["line"].of, "yes": one["line"].yes, "no": one["line"].no}
                    for part in parts:
                        got = opened(client, one["links"][part])
                        assert len(got) == counts[part], (code, by, part)
                        total[part] += len(got)
                if code in OUTCOME:
                    assert (total["all"], total["yes"]) == (len(of), len(yes)), (code, by)
                    assert opened(client, page.context["sum"]["links"]["yes"]) == yes
        # By naive hand: by brand, those without one too.
        page = client.get("/complaints/analysis/complaints/?month=2026-03&by=brand")
        by_brand = Counter(one.brand for one in mine if one.pk in naive("complaints", mine)[1])
        assert {one["line"].key: one["line"].of for one in page.context["lines"]} == by_brand
        # By day of the business zone: of what came, was answered, was due, was reached.
        page = client.get("/complaints/analysis/complaints/?month=2026-03&by=day")
        came = [one for one in mine if one.pk in naive("complaints", mine)[1]]
        by_day = Counter(clock.today(one.received_at).isoformat() for one in came)
        assert [(one["line"].key, one["line"].of) for one in page.context["lines"]] == sorted(by_day.items())
        for code in ("complaints", "satisfaction", "callback", "closed", "on_time"):
            for one in client.get(f"/complaints/analysis/{code}/?month=2026-03&by=day").context["lines"]:
                assert one["line"].key.startswith("2026-03"), code
                assert len(opened(client, one["links"]["all"])) == one["line"].of
        assert client.get("/complaints/analysis/reopening/?month=2026-03&by=day").status_code == 404
        for url in (
            "/complaints/analysis/none/", "/complaints/analysis/complaints/?by=none",
            "/complaints/analysis/rows/?figure=complaints&part=none",
            "/complaints/analysis/rows/?figure=repeated&key=x",
            "/complaints/analysis/rows/?figure=complaints&part=yes", "/complaints/analysis/repeated/",
        ):  # fmt: skip
            assert client.get(url).status_code == 404, url
        assert client.get("/complaints/analysis/rows/?figure=complaints&by=topic&key=none").status_code == 404
        assert opened(client, "/complaints/analysis/rows/?figure=complaints&month=2026-03&by=topic&key=999") == set()
        assert client_for(here.agent).get("/complaints/analysis/").status_code == 403
        empty = client_for(head).get("/complaints/analysis/?month=2024-01")
        values = {card.label: card.value for card in empty.context["cards"]}
        assert values["Escalation rate"] is None and values["Complaints"] == "0"
        assert values["Complaints per 10,000 lines"] is None


def test_the_pages_cost_the_same_for_few_and_many(client_for: ClientFor) -> None:
    here, _there = world()

    def cost(client: Client, url: str) -> int:
        client.get(url)
        with CaptureQueriesContext(connection) as seen:
            assert client.get(url).status_code == 200
        return len(seen.captured_queries)

    with clock.travel(NOW):
        client = client_for(here.head)
        urls = (
            "/complaints/analysis/?month=2026-03", "/complaints/analysis/escalation/?month=2026-03&by=person",
            "/complaints/analysis/rows/?figure=complaints&month=2026-03&by=topic",
        )  # fmt: skip
        for number in range(6):  # a cause that repeats: its names are one more question
            closed(here, 20 + number, cause=cause("CAUSE0"))
        few = [cost(client, url) for url in urls]
        for number in range(70):
            closed(here, 1 + number % 28, cause=cause(f"CAUSE{number % 12}"))
        assert [cost(client, url) for url in urls] == few
        assert max(few) <= 15, few
        assert set(MONTHLY) <= set(KPIS) and in_scope(here.head).count() > 70
        assert parse_qs(urlparse(client.get(urls[2]).context["back"]).query) == {"month": ["2026-03"]}
