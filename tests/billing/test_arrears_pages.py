"""The pages of arrears: open cases, one case with steps taken and ahead, and the promise taken there."""

from __future__ import annotations

import pytest

from billing.models import DunningCase, Hold
from customers.models import Customer
from tests.billing.test_dunning_holds import in_arrears
from tests.billing.test_dunning_running import at
from tests.workspace.making import enter, person, queries

pytestmark = [pytest.mark.django_db, pytest.mark.covers("ARR-04")]


def test_a_case_shows_what_was_done_what_follows_and_takes_a_promise() -> None:
    account = in_arrears()
    assert account.customer is not None
    Customer.objects.filter(pk=account.customer_id).update(name="Wang Xiaoming")
    with at("2026-01-02T09:00"):
        finance, agent = person("FINANCE_DUNNING"), person("AGENT")
    case = DunningCase.objects.get()
    with at("2026-02-25T10:00"):
        client = enter(finance)
        with queries() as seen:
            listed = client.get("/billing/arrears/?state=WARNED")
        assert listed.status_code == 200 and len(seen) <= 15
        text = listed.content.decode()
        assert account.external_id in text and "Wang Xiaoming" not in text
        assert account.external_id not in client.get("/billing/arrears/?state=GRACE").content.decode()
        page = f"/billing/arrears/{case.ref}/"
        with queries() as seen:
            shown = client.get(page).content.decode()
        assert len(seen) <= 25
        assert "107.50" in shown  # 100 and 25 days of 0.30
        assert "First warning" in shown and "Suspension of outgoing calls" in shown
        assert "Known then: 100.00 CNY overdue, 6.00 CNY late fee, credit grade C." in shown
        refused = client.post(page, {"pays_on": "2026-04-01", "amount": "100"})
        assert refused.status_code == 422 and "at most 15 days ahead" in refused.content.decode()
        assert not Hold.objects.exists()
        assert client.post(page, {"pays_on": "2026-03-05", "amount": "100"}).status_code == 302
        assert Hold.objects.get().kind == "PROMISE"
        assert "no step is taken" in client.get(page).content.decode()
        assert enter(agent).get(page).status_code == 404
