"""The 2,224 public complaints of 2015, as an operator would bring in its own past."""

from __future__ import annotations

from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db.models import Count
from django.db.models.functions import TruncDate
from django.utils import translation

from complaints.library.words import read_cases
from complaints.models import Complaint, ComplaintMove
from complaints.watching.sweeping import sweep
from foundation.audit.models import AuditEntry
from foundation.calendars.models import Clock
from foundation.common import clock
from outreach.models import Notification, OutMessage
from tests.complaints.cases import office
from tests.complaints.rehearsed_real import rehearse_the_real_ones
from tests.imports.bringing import shared

pytestmark = pytest.mark.django_db(transaction=True)  # the lease of a long run is renewed by another connection
FILE = "comcast_complaints.csv.gz"
ALL = 2_224


def command(*words: str) -> str:
    out = StringIO()
    call_command(
        "import_complaints", str(shared(FILE)), "--mapping", "comcast", "--as-of", "2015-12-31", *words, stdout=out
    )
    return out.getvalue()


def by(column: str) -> dict[str, int]:
    return dict(Complaint.objects.values_list(column).annotate(n=Count("pk")).values_list(column, "n"))


@pytest.mark.covers("CMP-15", "CMP-20")
def test_the_real_complaints_come_in_with_their_days_channels_and_places(
    settings: Any, tmp_path: Path, client_for: Any
) -> None:
    storage = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": str(tmp_path)}}
    settings.STORAGES = settings.STORAGES | {"default": storage}
    at = office()
    with translation.override("en"):
        said = command("--unit", at.unit.code)
        assert f"Complaints added: {ALL}" in said and "Wrong rows: 0" in said
        rows = Complaint.objects.all()
        assert by("channel") == {"HOTLINE": 1119, "WEB": 1105}
        assert by("state") == {"ACKNOWLEDGED": 363, "ASSIGNED": 154, "CLOSED": 734 + 973}
        assert by("solved") == {"YES": 973, "": ALL - 973}
        areas = by("area")
        assert (len(areas), areas["Georgia"], areas["District of Columbia"]) == (42, 288, 17)
        days = dict(
            rows.annotate(day=TruncDate("received_at", tzinfo=clock.BUSINESS_ZONE))
            .values_list("day")
            .annotate(n=Count("pk"))
        )
        assert (len(days), days[date(2015, 6, 24)], sum(n for day, n in days.items() if day.month == 6)) == (
            91,
            218,
            1046,
        )
        assert rows.filter(facts_given__for_somebody_else="yes").count() == 203
        assert (rows.filter(answered_at=None).count(), rows.filter(customer=None, handler=None).count()) == (ALL, ALL)
        one = rows.get(source_no="250635")
        assert one.received_at.astimezone(clock.BUSINESS_ZONE).isoformat() == "2015-04-22T15:53:50+08:00"
        assert (one.text, one.area, one.facts_given["city"], one.facts_given["zip_code"], one.language) == (
            "Comcast Cable Internet Speeds", "Maryland", "Abingdon", "21009", "en",
        )  # fmt: skip
        # Topics only where the words say one, and marked; the rest waits without.
        suggested = by("topic__code")
        assert set(rows.exclude(topic=None).values_list("topic_suggested", flat=True)) == {True}
        assert suggested["NETWORK.SPEED"] > 200 and suggested[None] < 1_600

        sweep(clock.now())
        assert not Clock.objects.exists() and not OutMessage.objects.exists() and not Notification.objects.exists()
        assert ComplaintMove.objects.count() == ALL and AuditEntry.objects.count() < 10

        again = command("--unit", at.unit.code)
        assert f"Complaints as they were: {ALL}" in again and rows.count() == ALL

        # Pages work on them: the open ones in the queue, any of them as a case; found by their own number.
        client = client_for(at.lead)
        queue = client.get("/complaints/", {"view": "all"})
        assert queue.status_code == 200 and "record of the past" in queue.content.decode()
        found = client.get("/complaints/", {"view": "closed", "number": "250635"}).content.decode()
        assert one.number in found and found.count('-row">') == 1
        page = client.get(f"/complaints/{one.ref}/").content.decode()
        assert "Comcast Cable Internet Speeds" in page and "Abingdon" in page

        rehearse_the_real_ones(at)

        # The library holds them, by area; the board opens; what jobs worked out of them holds no revert up.
        south = rows.filter(area="Georgia", state="CLOSED")
        assert read_cases(south.values_list("pk", flat=True)) == south.count() > 100
        shelf = client.get("/complaints/library/", {"area": "Georgia"})
        assert shelf.status_code == 200 and {row.area for row in shelf.context["page"].items} == {"Georgia"}
        assert client.get("/complaints/board/").status_code == 200

        number = said.split(":")[0]
        back = StringIO()
        call_command("import_complaints", "--revert", number, stdout=back)
        assert f"Complaints put back: {ALL}" in back.getvalue() and not rows.exists()
