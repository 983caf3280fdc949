"""Trying the ladder of arrears on a page: the answer and the refusals of `manage dunning_try`, nothing written."""

from __future__ import annotations

import json

import pytest

from billing.dunning.trying import try_dunning
from billing.models import DunningCase
from foundation.audit.models import AuditEntry
from tests.workspace.making import enter, person, queries

pytestmark = [pytest.mark.django_db, pytest.mark.covers("ARR-02")]
PAGE = "/admin/arrears/try/"
GIVEN = {
    "kind": "mobile", "grade": "E", "tier": "ordinary", "now": "2026-02-20 12:00",
    "bills": "2025-12 100 2026-01-31", "payments": "2026-02-10T10:00 60", "reversals": "", "holds": "",
}  # fmt: skip


def test_what_is_typed_gives_steps_late_fee_state_and_why():
    client = enter(person("POLICY_ADMIN"))
    with queries() as seen:
        page = client.get(PAGE)
    assert len(seen) <= 10 and page.status_code == 200
    before = (DunningCase.objects.count(), AuditEntry.objects.count())
    answer = client.post(PAGE, GIVEN)
    assert answer.status_code == 200
    shown = answer.context["answer"]
    # 100 for ten days, 40 for ten more.
    assert (shown["state"], shown["late_fee"], shown["to_pay"]) == ("WARNED", "4.20", "44.20")
    text = answer.content.decode()
    assert "2026-03-03 09:00" in text and "Paying 44.20 CNY today ends the case." in text
    assert try_dunning(json.loads(answer.context["line"])) == shown
    assert (DunningCase.objects.count(), AuditEntry.objects.count()) == before
    held = client.post(PAGE, GIVEN | {"holds": "DISPUTE 2026-02-11 - 40", "reversals": ""})
    assert held.context["answer"]["disputed"] == "40.00"
    back = client.post(PAGE, GIVEN | {"reversals": "2026-02-12 60"})
    assert back.context["answer"]["open_principal"] == "100.00"


def test_what_does_not_read_is_refused_in_words():
    client = enter(person("SYS_ADMIN"))
    for more, words in (
        ({"bills": "2025-12"}, "does not read"),
        ({"bills": "2025-12 1.234 2026-01-31"}, "more than two decimals"),
        ({"payments": "yesterday 5"}, "must be a moment"),
        ({"holds": "REST 2026-02-01"}, "type of a hold"),
        ({"now": "soon"}, "now must be a moment"),
    ):
        page = client.post(PAGE, GIVEN | more)
        assert page.status_code == 422 and words in page.content.decode()


def test_the_policies_of_the_ladder_lead_to_it():
    client = enter(person("POLICY_ADMIN"))
    assert PAGE in client.get("/admin/policies/billing.suspension_day/").content.decode()
    assert PAGE not in client.get("/admin/policies/outreach.hours.care/").content.decode()
