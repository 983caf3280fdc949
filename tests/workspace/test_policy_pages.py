"""Policies in the browser: what holds and why, deciding a new value, taking one back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import translation

from crm import doctor
from customers.labels import TIERS
from foundation.common import clock
from foundation.policies.models import PolicySetting
from foundation.policies.queries import effective
from foundation.policies.registry import definition, definitions
from foundation.policies.services import set_policy
from tests.factories import UnitFactory
from tests.workspace.making import enter, person, queries
from workspace.admin.policies_page import UNITS
from workspace.admin.policy_tables import KEYS, table_of

pytestmark = pytest.mark.django_db
KEY = "outreach.followup.to_lead_after"
PAGE = f"/admin/policies/{KEY}/"


def decide(client, **fields):
    return client.post(PAGE, {"value": "45", "note": "as agreed"} | fields)


def test_the_list_shows_every_key_with_its_value_and_source():
    client = enter(person("POLICY_ADMIN"))
    page = client.get("/admin/policies/").content.decode()
    assert KEY in page and "Messages and follow-ups" in page and "as shipped" in page
    with queries() as seen:
        client.get("/admin/policies/")
    assert len(seen) <= 8


def test_a_policy_has_a_short_title_above_what_it_does():
    client = enter(person("POLICY_ADMIN"))
    page = client.get(PAGE).content.decode()
    assert "<title>Overdue follow-up: to the lead" in page
    assert "How long after its due moment an open follow-up is brought to the lead." in page
    listed = client.get("/admin/policies/").content.decode()
    assert ">Overdue follow-up: to the lead</a>" in listed


def test_every_unit_is_one_the_catalogues_hold():
    symbols = {"", "%", "MB", "CNY"}
    assert {policy.unit for policy in definitions()} - symbols - set(map(str, UNITS)) == set()


def test_a_table_is_read_as_a_table_in_both_languages():
    admin = person("POLICY_ADMIN")
    client, page = enter(admin), "/admin/policies/customers.completeness_weights/"
    weights = {"name": 5, "id": 25, "contact": 20, "address": 8, "birthday": 6, "channel": 6}
    weights |= {"interests": 10, "spending": 10, "needs": 10}
    set_policy("customers.completeness_weights", weights, actor=admin, note="as agreed")
    shown = client.get(page)
    assert shown.context["table"].rows[:2] == [["Name", "5"], ["Document number", "25"]]
    text = shown.content.decode()
    assert "Document number 25" in text and text.count("&quot;name&quot;") == 1  # in the field alone
    assert shown.context["history"][0].new.startswith("Name 5, Document number 25")
    assert "Ordinary 50" in client.get("/admin/policies/").content.decode()
    items = client.get("/admin/policies/interactions.quality_items/").context["table"]
    assert items.head[:3] == ["Code", "Chinese name", "English name"] and "Phone call" in items.rows[0][3]
    with translation.override("zh-hans"):
        targets = definition("customers.completeness_targets")
        assert table_of(targets, targets.shipped()).rows[1] == [str(TIERS["SILVER"]), "70"]
    grades = definition("billing.credit_grades")
    table = table_of(grades, grades.shipped())
    assert table.head[2:] == ["Times the monthly value", "At most, CNY", "Days of grace"]
    assert table.rows[0] == ["A", "85", "2.0", "1000", "15"]
    for policy in definitions():
        if policy.kind == "table" and isinstance(policy.default, dict):
            assert set(policy.default) <= set(KEYS[policy.key]), policy.key
    assert table_of(definition(KEY), definition(KEY).shipped()) is None


def test_a_value_is_set_everywhere_in_a_unit_and_for_a_segment():
    admin, unit = person("POLICY_ADMIN"), UnitFactory(name="North hall")
    client = enter(admin)
    assert decide(client).url == PAGE
    assert decide(client, value="20", unit=unit.pk).status_code == 302
    assert decide(client, value="10", segment="SENIOR").status_code == 302
    rows = PolicySetting.objects.order_by("pk").values_list("scope", "scope_ref", "value", "created_by_id", "note")
    assert list(rows) == [
        ("GLOBAL", "", 45 * 60, admin.pk, "as agreed"),
        ("UNIT", str(unit.pk), 20 * 60, admin.pk, "as agreed"),
        ("SEGMENT", "SENIOR", 10 * 60, admin.pk, "as agreed"),
    ]
    assert effective(KEY).value == timedelta(minutes=45)
    page = client.get(PAGE).content.decode()
    assert "North hall" in page and "Senior (65+)" in page and admin.name in page
    assert 'rows="2"' in page and ">\n45</textarea>" in page


def test_an_own_value_is_taken_back():
    client = enter(person("POLICY_ADMIN"))
    decide(client)
    assert decide(client, act="withdraw", value="").status_code == 302
    assert effective(KEY).value == timedelta(minutes=30)
    assert decide(client, act="withdraw", value="").status_code == 422
    assert PolicySetting.objects.count() == 2


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"value": "soon"}, "must be a number"),
        ({"value": ""}, "must be a number"),
        ({"value": "0"}, "must not be below"),
        ({"note": ""}, "required"),
        ({"effective_from": "2020-01-01 10:00"}, "cannot begin in the past"),
        ({"effective_from": "0001-01-01 10:00"}, "past"),
        ({"effective_from": "tomorrow"}, "valid date"),
        ({"segment": "SENIOR", "unit": "UNIT"}, "not both"),
        ({"value": "9" * 70_000}, "at most 65536"),
    ],
)
def test_a_wrong_decision_is_refused_in_words_and_keeps_what_was_typed(fields, words):
    if fields.get("unit"):
        fields = fields | {"unit": UnitFactory().pk}
    response = decide(enter(person("POLICY_ADMIN")), **fields)
    page = response.content.decode()
    assert response.status_code == 422 and words in page
    if fields.get("note", "kept"):
        assert 'value="as agreed"' in page
    assert not PolicySetting.objects.exists()


def test_a_later_beginning_is_shown_as_the_next_change():
    client = enter(person("POLICY_ADMIN"))
    later = (clock.now() + timedelta(days=2)).astimezone(clock.BUSINESS_ZONE).strftime("%Y-%m-%d %H:%M")
    assert decide(client, effective_from=later).status_code == 302
    assert effective(KEY).value == timedelta(minutes=30)
    assert later in client.get("/admin/policies/").content.decode()


def test_who_only_reads_gets_no_form_and_changes_nothing():
    admin = enter(person("SYS_ADMIN"))
    assert "Set the value" not in admin.get(PAGE).content.decode()
    assert decide(admin).status_code == 403
    assert enter(person("AGENT")).get(PAGE).status_code == 403
    assert admin.get("/admin/policies/no.such_key/").status_code == 404
    assert not PolicySetting.objects.exists()


def test_a_sender_of_offers_nobody_has_named_is_warned_of_until_it_is():
    client, words = enter(person("POLICY_ADMIN")), "without naming who sends them"
    assert words in client.get("/admin/policies/").content.decode()
    assert [line.name for line in doctor._policies()] == ["offers"]
    set_policy("outreach.offer.sender", "Blue Bay Telecom", actor=None)
    assert words not in client.get("/admin/policies/").content.decode()
    assert list(doctor._policies()) == []
