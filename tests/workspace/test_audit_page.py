"""The audit log: found by person, customer, act and day; looking is recorded, what was typed is not."""

from __future__ import annotations

import pytest
from django.test import Client

from foundation.audit.models import AuditEntry
from foundation.audit.services import record
from foundation.jobs.kinds import job_kinds
from foundation.jobs.models import JobRun
from foundation.policies.services import set_policy
from tests.factories import CustomerFactory
from tests.outreach.making import owe
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
    assert "<html" not in text and text.count(">Masked field shown</td>") == 50
    after = client.get(PAGE, {"staff_no": agent.staff_no}).context["page"].next_cursor
    assert len(client.get(PAGE, {"staff_no": agent.staff_no, "after": after}).context["lines"]) == 11
    assert client.get(PAGE, {"after": "@@"}).url == PAGE
    with queries() as seen:
        client.get(PAGE)
    assert len(seen) <= 10


def words_of(client, **asked) -> list:
    """Act, kind, target, who, details of each line."""
    lines = client.get(PAGE, asked).context["lines"]
    return [(line.act, line.kind, line.target, line.who, line.details) for line in lines]


def test_entries_are_read_in_words(written):
    agent, other, customer = written
    client = enter(person("DPO"))
    [shown] = words_of(client, verb="customer.revealed")
    assert shown == ("Masked field shown", "Customer", "", agent.name, ["Field: Document number"])
    record(
        "absence.delegate_set",
        target=("staff.absence", 7),
        actor=other,
        detail={"delegate": [None, agent.pk], "reason": "LEAVE", "from": "2026-11-24T10:30:00+08:00"},
    )
    assert words_of(client, verb="absence.") == [
        (
            "Delegate named",
            "Absence",
            "7",
            other.name,
            ["Reason: Leave", "From: 2026-11-24 10:30", f"Delegate: – → {agent.name}"],
        )
    ]
    record("unit.moved", target=agent.unit, actor=other, detail={"from": None, "to": agent.unit_id, "no": 7})
    assert words_of(client, verb="unit.moved")[0][-1] == [
        f"To: {agent.unit.name}",
        "Number: 7",
    ]
    page = client.get(PAGE, {"customer": customer.number}).content.decode()
    for code in ("customer.changed<", "customers.customer", "id_number", ">customer.revealed<"):
        assert code not in page


def test_a_decision_is_read_with_its_title_and_values():
    admin = person("POLICY_ADMIN")
    set_policy("outreach.hours.care", [(540, 1200)], actor=admin, note="as agreed")
    [(act, kind, target, who, details)] = words_of(enter(person("DPO")), verb="policy.set")
    assert (act, kind, target, who) == ("Value of a policy set", "Policy", "Hours of care messages", admin.name)
    assert details[0] == "Policy: Hours of care messages" and "New: 09:00-20:00" in details


def test_things_are_called_by_their_names_in_one_query():
    admin, agent = person("SYS_ADMIN"), person("AGENT")
    client = enter(admin)
    run = JobRun.objects.create(job="jobs.drop_old_files", actor_id=admin.pk)
    follow_up = owe(agent)
    record("unit.moved", target=agent.unit, actor=admin)
    client.get(PAGE, {"verb": "unit.moved"})  # what is read once a process
    with queries() as one_kind:
        client.get(PAGE, {"verb": "unit.moved"})
    record("unit.moved", target=run, actor=admin)
    record("unit.moved", target=("outreach.followup", 5), actor=admin)
    record("unit.moved", target=("no.such_kind", 6), actor=admin)
    record("unit.moved", target=("staff.team", "x" * 30), actor=admin)
    record("unit.moved", target=follow_up, actor=admin)
    with queries() as many:
        targets = [target for _act, _kind, target, _who, _details in words_of(client, verb="unit.moved")]
    kind = str(job_kinds()["jobs.drop_old_files"].title)
    assert targets == [follow_up.number, "x" * 30, "6", "5", kind, agent.unit.name]
    assert len(many) == len(one_kind)


def test_what_nobody_signed_in_did_is_not_the_clocks():
    agent, client = person("AGENT"), enter(person("DPO"))
    Client().post("/accounts/login/", {"login": "nobody-here", "password": "wrong"})
    Client().post("/accounts/login/", {"login": agent.username, "password": "wrong"})
    record("followup.reminded", target=("outreach.followup", 5), actor=None, detail={"level": 0})
    failed = words_of(client, verb="user.sign_in_failed")
    assert [(act, target, who, details) for act, _kind, target, who, details in failed] == [
        ("Sign-in failed", f"{agent.name} {agent.staff_no}", "not signed in", ["Account known: yes"]),
        ("Sign-in failed", "", "not signed in", ["Account known: no"]),
    ]
    assert words_of(client, verb="followup.")[0][3:] == ("the clock", ["Level: Owner"])
    assert "not signed in" in client.get(PAGE, {"verb": "user."}).content.decode()


def test_the_list_of_acts_is_in_words_and_costs_nothing_more(written):
    client = enter(person("DPO"))
    page = client.get(PAGE).content.decode()
    assert '<optgroup label="Customers">' in page and '<option value="customer.revealed">Masked field shown' in page
    client.get(PAGE)
    with queries() as few:
        client.get(PAGE)
    for at in range(40):
        record("absence.ended", target=("staff.absence", at), actor=written[0], detail={"user": written[1].pk})
    with queries() as more:
        client.get(PAGE)
    assert len(few) == len(more) <= 10


def test_only_those_who_may_look(written):
    for role in ("AGENT", "TEAM_LEAD", "GM", "POLICY_ADMIN"):
        assert enter(person(role)).get(PAGE).status_code == 403
    assert not AuditEntry.objects.filter(verb="audit.searched").exists()
