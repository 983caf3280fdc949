"""The audit log: found by person, customer, act and day; looking is recorded, what was typed is not."""

from __future__ import annotations

import pytest

from foundation.audit.models import AuditEntry
from foundation.audit.services import record
from tests.factories import CustomerFactory
from tests.workspace.making import HX, enter, person, queries

pytestmark = pytest.mark.django_db
PAGE = "/admin/audit/"


def verbs(response) -> list[str]:
    return [line.entry.verb for line in response.context["lines"]]


@pytest.fixture
def written():
    agent, other, customer = person("AGENT"), person("AGENT"), CustomerFactory()
    record("customer.revealed", target=customer, actor=agent, customer_id=customer.pk, detail={"field": "id_number"})
    record("customer.changed", target=customer, actor=other, customer_id=customer.pk, on_behalf_of=agent)
    record("policy.set", target=("policy", 1), actor=other)
    return agent, other, customer


def test_entries_are_found_by_person_customer_and_act(written):
    agent, other, customer = written
    client = enter(person("DPO"))
    assert verbs(client.get(PAGE, {"staff_no": other.staff_no})) == ["policy.set", "customer.changed"]
    assert verbs(client.get(PAGE, {"customer": customer.number})) == ["customer.changed", "customer.revealed"]
    assert verbs(client.get(PAGE, {"verb": "customer."}))[:2] == ["customer.changed", "customer.revealed"]
    page = client.get(PAGE, {"staff_no": other.staff_no}).content.decode()
    assert f"for {agent.name}" in page and customer.number in page


def test_looking_is_recorded_without_the_words_typed(written):
    agent, _other, customer = written
    officer = person("DPO")
    client = enter(officer)
    client.get(PAGE, {"staff_no": agent.staff_no, "customer": customer.number, "verb": "customer.revealed"})
    entry = AuditEntry.objects.get(verb="audit.searched")
    assert (entry.actor_id, entry.customer_id) == (officer.pk, customer.pk)
    assert entry.detail["staff_no"] == str(agent.pk) and entry.detail["verb"] == "customer.revealed"
    for typed in ({"verb": "13800138000"}, {"staff_no": "13800138000"}, {"customer": "\u738b\u5c0f\u5a1f"}):
        response = client.get(PAGE, typed)
        assert response.status_code == 422 and next(iter(typed.values())) in response.content.decode()
    assert AuditEntry.objects.filter(verb="audit.searched").count() == 1


@pytest.mark.parametrize(
    ("since", "until", "status"),
    [
        ("0001-01-01", "", 422),
        ("", "0001-01-01", 422),
        ("9999-12-31", "9999-12-31", 422),
        ("2026-01-01", "9999-12-31", 200),
        ("2024-01-01", "2026-11-22", 422),
        ("not a day", "", 422),
    ],
)
def test_days_far_away_are_answered_in_words(since, until, status):
    assert enter(person("DPO")).get(PAGE, {"since": since, "until": until}).status_code == status


def test_pages_and_fragments(written):
    agent = written[0]
    for at in range(60):
        record("customer.revealed", target=("x", at), actor=agent)
    client = enter(person("SYS_ADMIN"))
    first = client.get(PAGE, {"staff_no": agent.staff_no}, headers=HX)
    text = first.content.decode()
    assert "<html" not in text and text.count("<code>customer.revealed</code>") == 50
    after = client.get(PAGE, {"staff_no": agent.staff_no}).context["page"].next_cursor
    assert len(client.get(PAGE, {"staff_no": agent.staff_no, "after": after}).context["lines"]) == 11
    assert client.get(PAGE, {"after": "@@"}).url == PAGE
    with queries() as seen:
        client.get(PAGE)
    assert len(seen) <= 10


def test_only_those_who_may_look(written):
    for role in ("AGENT", "TEAM_LEAD", "GM", "POLICY_ADMIN"):
        assert enter(person(role)).get(PAGE).status_code == 403
    assert not AuditEntry.objects.filter(verb="audit.searched").exists()
