"""Segments: what a rule may say, whom it holds for, who may count them, and the pages they are made on."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers.models import Customer, CustomerFacts, Need, Segment
from customers.segments import uses
from customers.segments.counting import count_for, count_rows, members
from customers.segments.editing import form_of, rule_of
from customers.segments.known import age_band_of, category_of, spend_band_of
from customers.segments.rules import checked, condition_of, in_words
from customers.segments.services import delete_segment, save_segment
from foundation.audit.models import AuditEntry
from foundation.common.errors import NotAllowed, RuleBroken
from staff.models import User
from tests.customers.people import Operator, operator
from tests.factories import CustomerFactory, SubscriptionFactory, UserFactory
from tests.value.people import consent, drawn, plans

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
TODAY = date(2026, 11, 22)
STAR = {"column": "value_cell", "op": "in", "value": ["STAR"]}


@pytest.fixture(autouse=True)
def _november(travel: Any) -> Any:
    with travel(NOW):
        yield


@pytest.fixture
def op() -> Operator:
    return operator()


def rule(*parts: Any, kind: str = "all") -> dict[str, Any]:
    return {"version": 1, "rule": {kind: list(parts)}}


def one(column: str, op: str, value: Any) -> dict[str, Any]:
    return rule({"column": column, "op": op, "value": value})


def found(stored: dict[str, Any]) -> set[int]:
    return set(Customer.objects.filter(condition_of(stored)).values_list("pk", flat=True))


def deep(levels: int) -> dict[str, Any]:
    node: dict[str, Any] = STAR
    for _n in range(levels):
        node = {"all": [node]}
    return {"version": 1, "rule": node}


@pytest.mark.covers("CLS-11", "ARC-16")
@pytest.mark.parametrize(
    ("stored", "words"),
    [
        ("all", "A rule is an object"),
        ({"version": 2, "rule": STAR}, "of another version: 2"),
        (rule(), "at least one condition"),
        (rule("x"), "a group or a comparison"),
        (rule({"column": "salary", "op": "in", "value": ["1"]}), "There is no column “salary”"),
        (rule({"column": ["x"], "op": "in", "value": ["1"]}), "There is no column"),
        (rule({"column": "value_cell", "op": "in", "value": ["STAR"], "sql": "1=1"}), "a group or a comparison"),
        (one("value_cell", "ge", ["STAR"]), "cannot be compared so"),
        (one("value_cell", "in", ["STAR' OR 1=1"]), "choose of what is offered"),
        (one("value_cell", "in", "STAR"), "choose at least one"),
        (one("value_cell", "in", []), "choose at least one"),
        (one("potential", "ge", "sixty"), "a whole number"),
        (one("potential", "ge", "60.5"), "a whole number"),
        (one("potential", "ge", True), "a whole number"),
        (one("potential", "ge", "9e99"), "a whole number"),
        (one("potential", "ge", 101), "from 0 to 100"),
        (one("value", "ge", "1.234"), "at most two decimals"),
        (one("managed", "is", "yes"), "choose yes or no"),
        (one("city", "in", ["x" * 61]), "choose of what is offered"),
        (one("city", "in", ["\u200f杭州"]), "choose of what is offered"),
        (deep(8), "at most 8 deep"),
        (rule(*[STAR] * 60), "at most 60 parts"),
        (one("city", "in", [str(n) for n in range(51)]), "at most 50 values"),
    ],
)
def test_a_bad_rule_is_refused_in_words(op: Operator, stored: Any, words: str) -> None:
    with pytest.raises(RuleBroken, match=words) as no:
        save_segment(actor=op.head, name="Bad", rule=stored)
    assert no.value.code == "segments.bad_rule"
    assert not Segment.objects.exists() and not AuditEntry.objects.filter(verb="segment.created").exists()


def test_the_deepest_and_largest_rule_is_kept() -> None:
    assert checked(deep(7)) == deep(7)
    assert checked(rule(*[STAR] * 58)) == rule(*[STAR] * 58)


@pytest.mark.covers("CLS-03", "CLS-06", "CLS-07", "CLS-08", "CLS-14")
@pytest.mark.parametrize("seed", range(3))
def test_the_dimensions_of_a_rule_are_those_of_single_customers(op: Operator, seed: int) -> None:
    draw, offers = random.Random(seed), plans()
    people = [drawn(draw, op.hall, offers) for _n in range(40)]
    edges = [date(1961, 11, 22), date(1961, 11, 23), date(2008, 11, 22), date(2008, 11, 23), date(2004, 2, 29)]
    people += [
        CustomerFactory(unit=op.hall, birth_date=born, segment=draw.choice(["PERSON", "STUDENT", "SENIOR"]))
        for born in edges
    ]
    for row in people:
        row.facts.value_amount = draw.choice([None, *map(Decimal, ("-1", "29.99", "30", "120", "239.99", "240"))])
        row.facts.location = draw.choice(["", "HOME", "OUTBOUND_DOMESTIC", "INBOUND"])
        row.facts.save()
    there = [row for row in people if row.status != "ANONYMISED"]
    for code in ("PERSON", "STUDENT", "FAMILY", "SENIOR", "ENTERPRISE"):
        assert found(one("category", "in", [code])) == {row.pk for row in there if category_of(row) == code}
    for code in ("0", "18", "25", "35", "50", "65"):
        assert found(one("age_band", "in", [code])) == {row.pk for row in there if age_band_of(row) == code}
    for code in ("1", "2", "3", "4", "5"):
        assert found(one("spend_band", "in", [code])) == {
            row.pk for row in there if spend_band_of(row.facts.value_amount) == code
        }
    for code in ("HOME", "OUTBOUND_DOMESTIC", "OUTBOUND_INTL", "INBOUND"):
        assert found(one("location", "in", [code])) == {row.pk for row in there if row.facts.location == code}
    every = {row.pk for row in there}
    assert found(one("category", "not_in", ["ENTERPRISE"])) == every - found(one("category", "in", ["ENTERPRISE"]))


@pytest.mark.covers("CLS-12")
def test_products_consents_needs_and_facts_can_be_asked_together(op: Operator) -> None:
    rows = [CustomerFactory(unit=op.hall, home_city="杭州") for _n in range(6)]
    a, b, c, d, e, f = rows
    SubscriptionFactory(customer=a, product_line="BROADBAND", activated_on=date(2024, 11, 22))
    SubscriptionFactory(customer=b, product_line="BROADBAND", activated_on=TODAY, status="PENDING")
    SubscriptionFactory(customer=c, product_line="MOBILE", activated_on=date(2024, 11, 23))
    SubscriptionFactory(customer=d, product_line="BROADBAND", activated_on=date(2020, 1, 1), terminated_on=TODAY)
    Need.objects.create(customer=e, text="x", state="NEW")
    Need.objects.create(customer=f, text="x", state="MET")
    for row, potential, cell in ((a, 70, "STAR"), (b, 60, "GROWTH"), (c, 59, "BASIC")):
        CustomerFacts.objects.filter(pk=row.pk).update(potential=potential, value_cell=cell, personas=["TRAVELLER"])
    CustomerFacts.objects.filter(pk=a.pk).update(last_contact_at=NOW - timedelta(days=10), contract_end=TODAY)
    draw = random.Random(4)
    while not any(q.state == "GRANTED" and q.purpose == "MARKETING" for q in a.consents.all()):
        a.consents.all().delete()
        consent(a, draw)
    a.consents.update(expires_on=TODAY)
    assert found(one("product", "in", ["BROADBAND"])) == {a.pk}
    assert found(one("product", "not_in", ["BROADBAND", "MOBILE"])) == {b.pk, d.pk, e.pk, f.pk}
    assert found(one("tenure", "ge", 24)) == {a.pk} and found(one("tenure", "eq", 23)) == {c.pk}
    assert found(one("tenure", "le", 24)) == {a.pk, c.pk}
    assert found(one("open_need", "is", True)) == {e.pk}
    assert found(one("potential", "ge", 60)) == {a.pk, b.pk}
    negated = {"version": 1, "rule": {"not": {"column": "potential", "op": "ge", "value": 60}}}
    assert found(negated) == {c.pk, d.pk, e.pk, f.pk}
    assert found(one("persona", "in", ["TRAVELLER"])) == {a.pk, b.pk, c.pk}
    assert found(one("silent_days", "le", 10)) == {a.pk} and found(one("silent_days", "ge", 11)) == {
        r.pk for r in rows[1:]
    }
    assert found(one("silent_days", "eq", 10)) == {a.pk}
    assert found(one("contract_days", "le", 0)) == {a.pk}
    assert found(one("consent", "in", ["MARKETING.SMS"])) == {a.pk}
    a.consents.update(expires_on=TODAY - timedelta(days=1))
    assert found(one("consent", "in", ["MARKETING.SMS"])) == set()
    both = rule(
        {"any": [STAR, {"column": "open_need", "op": "is", "value": True}]},
        *[{"column": "city", "op": "in", "value": ["杭州"]}],
    )
    assert found(both) == {a.pk, e.pk}
    assert in_words(both)[:3] == [
        (0, "All of these hold:"),
        (1, "At least one of these holds:"),
        (2, "Cell of the matrix is one of Star"),
    ]


def test_a_count_stays_in_ones_scope_and_says_at_least_when_time_is_over(op: Operator) -> None:
    for unit in [op.hall] * 6 + [op.elsewhere] * 3:
        CustomerFactory(unit=unit)
    every = one("managed", "is", False)
    assert (count_for(op.head, every).number, count_for(op.gm, every).number) == (6, 9)
    marketing = UserFactory(role="MARKETING", unit=op.branch)
    assert str(count_for(marketing, every)) == "6 customers"
    assert str(count_for(marketing, one("managed", "is", True))) == "fewer than 5 customers"
    assert str(count_for(op.head, one("managed", "is", True))) == "0 customers"
    assert not count_for(op.clerk, every).number  # no right, no row
    cut = count_rows(Customer.objects.extra(where=["pg_sleep(0.01) IS NOT NULL"]), timedelta(milliseconds=25))
    assert cut.cut and cut.number < 9 and str(cut).startswith("at least")
    assert count_rows(Customer.objects.all()).number == 9


def test_members_are_asked_each_time_and_an_own_name_is_once(op: Operator) -> None:
    segment = save_segment(actor=op.head, name="  Stars ", rule=rule(STAR))
    row, far = CustomerFactory(unit=op.hall), CustomerFactory(unit=op.elsewhere)
    assert segment.name == "Stars" and not members(segment).exists()
    CustomerFacts.objects.filter(pk__in=[row.pk, far.pk]).update(value_cell="STAR")
    assert set(members(segment)) == {row, far} and set(members(segment, op.head)) == {row}
    with pytest.raises(RuleBroken, match="of this name already"):
        save_segment(actor=op.head, name="STARS", rule=rule(STAR))
    save_segment(actor=op.gm, name="Stars", rule=rule(STAR))
    with pytest.raises(NotAllowed):
        save_segment(actor=op.gm, name="Mine", rule=rule(STAR), segment=segment, version=1)
    with pytest.raises(NotAllowed):
        save_segment(actor=op.clerk, name="Mine", rule=rule(STAR))
    with pytest.raises(RuleBroken, match="changed meanwhile"):
        save_segment(actor=op.head, name="Late", rule=rule(STAR), segment=segment, version=0)
    segment.refresh_from_db()
    assert (segment.name, segment.version) == ("Stars", 1)


def test_a_used_segment_is_not_deleted(op: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uses, "_finders", {})
    segment = save_segment(actor=op.head, name="Stars", rule=rule(STAR))
    uses.register_uses("trial", lambda ids: [uses.Use(pk, "Spring campaign") for pk in ids])
    with pytest.raises(RuleBroken, match="still uses"):
        delete_segment(segment.pk, actor=op.head)
    assert Segment.objects.filter(pk=segment.pk).exists()
    uses._finders.clear()
    delete_segment(segment.pk, actor=op.head)
    assert not Segment.objects.exists()
    assert [e.verb for e in AuditEntry.objects.filter(verb__startswith="segment").order_by("pk")] == [
        "segment.created",
        "segment.deleted",
    ]


def form(**more: Any) -> dict[str, Any]:
    return {
        "node": ["0:g", "0.0:c", "0.1:g", "0.1.0:c"],
        "mode-0": "all",
        "column-0.0": "value_class",
        "op-0.0": "in",
        "value-0.0": ["5", "4"],
        "mode-0.1": "none",
        "column-0.1.0": "potential",
        "op-0.1.0": "ge",
        "value-0.1.0": "６0",
        **more,
    }


SAVED = rule(
    {"column": "value_class", "op": "in", "value": ["5", "4"]},
    {"not": {"any": [{"column": "potential", "op": "ge", "value": 60}]}},
)


def test_a_segment_is_built_counted_saved_and_changed_without_script(op: Operator, client_for: ClientFor) -> None:
    for cell, value_class, potential in (("CORE", "5", 10), ("STAR", "4", 60), ("BASIC", "1", 0)):
        row = CustomerFactory(unit=op.hall)
        CustomerFacts.objects.filter(pk=row.pk).update(value_class=value_class, value_cell=cell, potential=potential)
    client = client_for(op.head)
    new = reverse("segments:segment-new")
    page = client.post(new, {"node": ["0:g"], "act": "cond:0", "name": "K", "note": "N"}).content.decode()
    assert 'name="node" value="0.0:c"' in page and 'value="K"' in page and 'value="N"' in page
    page = client.post(new, {"node": ["0:g", "0.0:c"], "column-0.0": "potential", "act": "look"}).content.decode()
    assert 'id="value-0.0"' in page and "at least" in page
    page = client.post(new, form(act="group:0.1", name="K")).content.decode()
    assert 'value="0.1.1:g"' in page and 'value="0.1.1.0:c"' in page
    page = client.post(new, form(act="drop:0.0", name="K")).content.decode()
    assert 'value="0.0:g"' in page and 'value="0.1:g"' not in page
    page = client.post(new, form(act="count", name="K")).content.decode()
    assert "<b>1 customer</b>" in page and not Segment.objects.exists()
    refused = client.post(new, form(act="save", name="K", **{"value-0.1.0": "lots"}))
    assert refused.status_code == 422 and "a whole number" in refused.content.decode()
    assert 'value="lots"' in refused.content.decode() and 'value="K"' in refused.content.decode()
    answer = client.post(new, form(act="save", name="K", shared="on"))
    segment = Segment.objects.get()
    assert answer["Location"] == reverse("segments:segment-detail", args=[segment.pk])
    assert (segment.rule, segment.shared, segment.owner) == (SAVED, True, op.head)
    edit = reverse("segments:segment-edit", args=[segment.pk])
    page = client.get(edit).content.decode()
    assert 'id="value-0.0-5" name="value-0.0" value="5" checked' in page
    assert client.post(edit, form(act="save", name="K2", version="1")).status_code == 302
    late = client.post(edit, form(act="save", name="K3", version="1"))
    assert late.status_code == 422 and "changed meanwhile" in late.content.decode()
    segment.refresh_from_db()
    assert (segment.name, segment.version) == ("K2", 2)
    detail = client.get(reverse("segments:segment-detail", args=[segment.pk])).content.decode()
    assert "1 customer" in detail and "None" not in detail and f"?in_segment={segment.ref}" in detail


def test_the_form_of_a_rule_says_the_same_rule(op: Operator) -> None:
    for stored in (
        SAVED,
        rule(STAR, kind="any"),
        rule({"not": {"all": [STAR, one("city", "in", ["a", "b"])["rule"]]}}),
    ):
        assert checked(rule_of(form_of(checked(stored)))) == stored


@pytest.mark.parametrize(
    "nodes", [[], ["0:c"], ["0.1:g"], ["0:g", "0.0.0:c"], ["0:g", "0:g"], ["0:g", "x:c"], ["0:g", "0.0:c", "0.0.0:c"]]
)
def test_whatever_is_posted_the_form_stays_a_form(op: Operator, client_for: ClientFor, nodes: list[str]) -> None:
    answer = client_for(op.head).post(reverse("segments:segment-new"), {"node": nodes, "name": "K", "act": "save"})
    assert answer.status_code == 422 and not Segment.objects.exists()


def test_members_are_a_list_of_customers_in_ones_scope_and_marketing_gets_figures_only(
    op: Operator, client_for: ClientFor
) -> None:
    rows = [CustomerFactory(unit=op.hall) for _n in range(7)]
    CustomerFactory(unit=op.elsewhere)
    CustomerFacts.objects.update(value_cell="STAR")
    segment = save_segment(actor=op.head, name="Stars", rule=rule(STAR), shared=True)
    hidden = save_segment(actor=op.gm, name="Hidden", rule=rule(STAR))
    listed = client_for(op.head).get(reverse("customers:customer-list"), {"in_segment": segment.ref})
    assert {row.pk for row in listed.context["page"].items} == {row.pk for row in rows}
    for ref in (hidden.ref, "zz", "-"):
        assert (
            not client_for(op.head).get(reverse("customers:customer-list"), {"in_segment": ref}).context["page"].items
        )
    marketing = client_for(UserFactory(role="MARKETING", unit=op.branch, language="en"))
    page = marketing.get(reverse("segments:segment-detail", args=[segment.pk])).content.decode()
    assert "7 customers" in page and "in_segment" not in page and rows[0].name not in page
    assert marketing.get(reverse("customers:customer-list"), {"in_segment": segment.ref}).status_code == 403


def test_the_pages_cost_the_same_for_few_and_many(op: Operator, client_for: ClientFor) -> None:
    client = client_for(op.head)
    segment = save_segment(actor=op.head, name="Stars", rule=rule(STAR))
    pages = [
        reverse("segments:segment-list"),
        reverse("segments:segment-detail", args=[segment.pk]),
        reverse("segments:segment-edit", args=[segment.pk]),
        reverse("value:board"),
        f"{reverse('customers:customer-list')}?in_segment={segment.ref}",
    ]

    def costs() -> list[int]:
        spent = []
        for url in pages:
            with CaptureQueriesContext(connection) as queries:
                assert client.get(url).status_code == 200
            spent.append(len(queries))
        return spent

    costs()
    few = costs()
    for n in range(40):
        CustomerFactory(unit=op.hall)
        save_segment(actor=op.head, name=f"S{n}", rule=rule(STAR))
    CustomerFacts.objects.update(value_cell="STAR")
    assert costs() == few and max(few) <= 15, few
