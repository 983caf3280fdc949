"""Optional facts with lists, masks, ends and refusals; needs with owner, day and follow-up."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from customers import services
from customers.models import Customer, FieldChange, Need, ProfileField, TimelineLine
from customers.optional_removal import remove_overdue_facts
from customers.queries import customer_page
from foundation.audit.models import AuditEntry, AuditPersonal
from foundation.common import clock
from foundation.common.errors import RuleBroken
from outreach.models import FollowUp
from staff.models import User
from tests.customers.people import Operator, customer
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
AGREED = {"source": "desk", "purpose": "Advice", "consent_evidence": "F12"}


@pytest.fixture
def row(op: Operator) -> Customer:
    return customer(op.hall, "王小娟", mobile="13800138000")


def url(row: Customer, name: str = "customer-profile", *more: Any) -> str:
    return reverse(f"customers:{name}", args=[row.pk, *more])


def words(response: Any) -> str:
    return response.content.decode()


def fact(op: Operator, row: Customer, key: str = "INTERESTS", value: str = "摄影", **more: Any) -> ProfileField:
    return services.record_profile_field(row.pk, actor=op.clerk, key=key, value=value, **{**AGREED, **more})


@pytest.mark.covers("ARC-07", "ARC-10", "ARC-18")
def test_facts_with_a_list_are_chosen_and_the_sensitive_ones_stay_hidden(
    op: Operator, client_for: ClientFor, row: Customer
) -> None:
    client = client_for(op.clerk)
    typed = {"key": "STRATUM", "choice": "EDUCATION:MASTER", **AGREED}
    answer = client.post(url(row, "fact-record"), typed)
    assert answer.status_code == 422 and "Choose one of the values of this fact." in words(answer)
    assert client.post(url(row, "fact-record"), {**typed, "choice": "STRATUM:OWNER"}).status_code == 302
    assert (
        client.post(url(row, "fact-record"), {**typed, "key": "EDUCATION", "verified_how": "PAPER"}).status_code == 302
    )
    stored = {one.key: one for one in ProfileField.objects.all()}
    assert stored["STRATUM"].value == "OWNER" and stored["STRATUM"].verified_at is None
    education = stored["EDUCATION"]
    assert (education.value, education.verified_how, education.verified_by_id) == ("MASTER", "PAPER", op.clerk.pk)
    for page in (words(client.get(url(row))), words(client.get(url(row, "customer-detail")))):
        # The list to choose from names every band; the one kept is not said.
        assert "Business owner" not in page.replace("Business owner</option>", "") and "Master" in page
    shown = client.post(
        url(row, "customer-reveal", "stratum"), {"reason": "Advice on plans"}, headers={"HX-Request": "true"}
    )
    assert "Business owner" in words(shown)
    assert AuditEntry.objects.get(verb="customer.revealed").detail["field"] == "stratum"
    assert "OWNER" not in words(client.get(url(row, "customer-history")))


@pytest.mark.covers("ARC-07")
def test_a_fact_is_checked_with_the_customer_and_written_anew_from_what_is_there(
    op: Operator, client_for: ClientFor, row: Customer, travel: Any
) -> None:
    kept = fact(op, row, expires_on=clock.today() + timedelta(days=90))
    hidden = fact(op, row, "STRATUM", "OWNER")
    client, page = client_for(op.head), url(row)
    with travel(clock.now() + timedelta(days=30)):
        shown = {one["row"].key: one["copy"] for one in client.get(page).context["facts"]}
        assert shown["STRATUM"] == "" and client.post(url(row, "fact-confirm", hidden.pk)).status_code == 422
        assert client.post(url(row, "fact-confirm", kept.pk), {"copy": shown["INTERESTS"]}).headers["Location"] == page
        kept.refresh_from_db()
        assert (kept.verified_how, kept.verified_by_id, kept.as_of) == ("TOLD", op.head.pk, clock.today())
        assert (kept.value, kept.source) == ("摄影", AGREED["source"])
        entry = AuditEntry.objects.get(verb="profile.confirmed", target_id=str(kept.pk))
        assert (entry.actor_id, entry.detail["key"], entry.detail["how"]) == (op.head.pk, "INTERESTS", "TOLD")
        assert "Fact checked: Interests" in words(client.get(url(row, "customer-detail")))
        start = client.get(f"{page}?add=fact&key=INTERESTS").context["forms"]["fact"].initial
        assert (start["value"], start["source"], start["expires_on"]) == ("摄影", AGREED["source"], kept.expires_on)
        assert client.get(f"{page}?add=fact&key=STRATUM").context["forms"]["fact"].initial["value"] == ""
        assert "key" not in client.get(f"{page}?add=fact&key=SHOE_SIZE").context["forms"]["fact"].initial
        # Somebody wrote it anew meanwhile: what was read then is not what would be confirmed.
        fact(op, row, value="旅行")
        stale = client.post(url(row, "fact-confirm", kept.pk), {"copy": shown["INTERESTS"]})
        assert stale.status_code == 422 and ProfileField.objects.get(pk=kept.pk).verified_at is None
    services.refuse_consent(row.pk, actor=op.clerk, purpose="PROFILING")
    with pytest.raises(RuleBroken) as no:
        services.confirm_profile_field(hidden.pk, actor=op.clerk)
    assert no.value.code == "customers.fact_over"
    assert AuditEntry.objects.filter(verb="profile.confirmed").count() == 1


@pytest.mark.covers("ARC-08")
def test_what_is_missing_leads_to_where_it_is_filled_in(op: Operator, client_for: ClientFor) -> None:
    bare = customer(op.hall, "王小娟")
    client = client_for(op.clerk)
    shown = client.get(url(bare, "customer-detail")).context["view"].missing
    assert [part.code for part, _there in shown] == [
        "id", "contact", "interests", "spending", "needs", "address", "birthday", "channel",
    ]  # fmt: skip
    assert shown[0][0].adds == 20
    for part, there in shown:
        assert f'href="{escape(there)}"' in words(client.get(url(bare, "customer-detail"))), part.code
        address, _sign, place = there.partition("#")
        opened = client.get(address)
        assert opened.status_code == 200 and f'id="{place}"' in words(opened), part.code
        if "add=" in address:
            assert opened.context["opened"] in address
    # A number on file is verified, not entered again; who may not edit sees words alone.
    services.add_contact_point(bare.pk, actor=op.clerk, kind="MOBILE", value="13800138000")
    parts = {part.code: there for part, there in client.get(url(bare)).context["view"].missing}
    assert parts["contact"] == f"{url(bare)}#reached-at"
    guide = client_for(UserFactory(role="HALL_GUIDE", unit=op.hall, language="en"))
    assert {there for _part, there in guide.get(url(bare)).context["view"].missing} == {""}


@pytest.mark.parametrize("value", ["信仰佛教", "患有糖尿病", "老党员", "A devout Catholic", "HIV"])
def test_belief_politics_and_health_are_refused(op: Operator, row: Customer, value: str) -> None:
    with pytest.raises(RuleBroken) as no:
        fact(op, row, value=value)
    assert no.value.code == "customers.forbidden_fact"
    assert not ProfileField.objects.exists() and Customer.objects.get(pk=row.pk).version == 1
    assert fact(op, row, value="健身, 登山").value == "健身, 登山"


def test_refusing_the_profile_hides_it_and_blocks_no_service(op: Operator, row: Customer) -> None:
    fact(op, row)
    Customer.objects.filter(pk=row.pk).update(identity_status="VERIFIED")
    page = customer_page(row.pk, user=op.clerk, opened=())
    assert page is not None and len(page.fields) == 1
    filled = page.completeness.percent
    services.refuse_consent(row.pk, actor=op.clerk, purpose="PROFILING")
    page = customer_page(row.pk, user=op.clerk, opened=())
    assert page is not None and page.fields == [] and page.withheld == 1
    assert page.completeness.percent == filled - 10
    with pytest.raises(RuleBroken) as no:
        fact(op, row, value="旅行")
    assert no.value.code == "customers.profiling_refused"
    line = services.open_subscription(row.pk, actor=op.clerk, service_no="13900139000", product_line="MOBILE")
    assert line.customer_id == row.pk


def test_what_is_over_goes_by_night_as_one_by_one(op: Operator, travel: Any) -> None:
    """The job over everybody and the service for one leave the same rows."""
    people = [customer(op.hall, f"客户{n}") for n in range(8)]
    for one in people:
        fact(op, one, expires_on=clock.today() + timedelta(days=10))
        fact(op, one, "SPENDING_HABIT", "节俭")
    for one in people[4:]:
        services.give_consent(
            one.pk, actor=op.clerk, purpose="PROFILING", evidence_kind="FORM", evidence="F1", source="DESK"
        )
        services.withdraw_consent(one.pk, actor=op.clerk, purpose="PROFILING")
    with travel(clock.now() + timedelta(days=20)):
        alone, by_job = [people[0], people[4]], [people[1], people[5]]
        due = ProfileField.objects.filter(customer__in=alone, expires_on__lte=clock.today())
        for pk in list(due.values_list("pk", flat=True)):
            services.remove_profile_field(pk, actor=None)
        assert sum(remove_overdue_facts(piece=3)) == 6
        assert sum(remove_overdue_facts(piece=3)) == 0

        def left(one: Customer) -> tuple[Any, ...]:
            notes = AuditEntry.objects.filter(customer_id=one.pk, target_type="customers.profilefield")
            return (
                sorted(ProfileField.objects.filter(customer=one).values_list("key", flat=True)),
                sorted(
                    FieldChange.objects.filter(customer_id=one.pk, entity="profilefield").values_list("field", "new"),
                    key=str,
                ),
                AuditPersonal.objects.filter(entry_id__in=notes.values("pk")).count(),
                Customer.objects.get(pk=one.pk).version,
                sorted(str(p) for p in TimelineLine.objects.filter(customer_id=one.pk).values_list("kind", "params")),
            )

        for one, other in zip(alone, by_job, strict=True):
            assert left(one) == left(other)
        assert left(people[1])[0] == ["SPENDING_HABIT"]
        assert AuditEntry.objects.filter(verb="profile.expired").count() == 2
    with travel(clock.now() + timedelta(days=40)):
        assert sum(remove_overdue_facts()) == 4
        assert not ProfileField.objects.filter(customer__in=people[4:]).exists()


@pytest.mark.covers("CLS-12", "CLS-16")
def test_a_need_is_planned_reminded_and_met(op: Operator, client_for: ClientFor, row: Customer) -> None:
    client, day = client_for(op.clerk), clock.today() + timedelta(days=5)
    assert client.post(url(row, "need-add"), {"text": "网速稳定", "category": "STABLE_SPEED"}).status_code == 302
    need = Need.objects.get()
    assert (need.state, need.category, need.owner) == ("NEW", "STABLE_SPEED", None)
    refused = client.post(url(row, "need-change", need.pk), {"state": "PLANNED"})
    assert refused.status_code == 422 and "Say by when it is planned." in words(refused)
    refused = client.post(url(row, "need-change", need.pk), {"state": "DECLINED"})
    assert refused.status_code == 422 and "Write down why it is declined." in words(refused)
    assert Need.objects.get().state == "NEW" and not FollowUp.objects.exists()
    assert (
        client.post(url(row, "need-change", need.pk), {"state": "PLANNED", "due_on": day.isoformat()}).status_code
        == 302
    )
    need.refresh_from_db()
    owed = FollowUp.objects.get()
    assert (need.state, need.owner, need.due_on, need.followup_id) == ("PLANNED", op.clerk, day, owed.pk)
    assert owed.owner == op.clerk and owed.due_at == clock.business_midnight(day) + timedelta(hours=9)
    assert "网速稳定" in words(client.get(reverse("customers:need-list")))
    # Another day: the old promise is no longer owed, the new one is.
    later = day + timedelta(days=2)
    services.change_need(need.pk, actor=op.clerk, state="PLANNED", due_on=later)
    states = dict(FollowUp.objects.values_list("due_at__date", "state"))
    assert states == {day: "CANCELLED", later: "OPEN"}
    services.change_need(need.pk, actor=op.clerk, state="MET")
    need.refresh_from_db()
    assert need.closed_at is not None and need.followup_id is None
    assert FollowUp.objects.filter(state="DONE").count() == 1 and not FollowUp.objects.open().exists()
    assert "网速稳定" not in words(client.get(reverse("customers:need-list")))
    with pytest.raises(RuleBroken) as no:
        services.change_need(need.pk, actor=op.clerk, state="DECLINED", reason="x")
    assert no.value.code == "customers.bad_move"


def test_a_declined_need_says_why(op: Operator, row: Customer) -> None:
    need = services.add_need(row.pk, actor=op.clerk, text="Free phone", category="TERMINAL")
    services.change_need(need.pk, actor=op.clerk, state="DECLINED", reason="Not offered")
    need.refresh_from_db()
    assert (need.state, need.reason, need.owner) == ("DECLINED", "Not offered", None)
    assert FieldChange.objects.get(field="reason").new == "Not offered"


def test_the_tabs_of_needs_hold_what_they_say(op: Operator, client_for: ClientFor, row: Customer) -> None:
    far = customer(op.elsewhere, "赵六")
    for one, text, category in ((row, "甲甲", "DATA"), (row, "乙乙", "PRICE"), (far, "丙丙", "DATA")):
        Need.objects.create(customer=one, text=text, category=category)
    client, base = client_for(op.clerk), reverse("customers:need-list")
    for query, expected in (("?view=new", "甲乙"), ("?view=all&category=DATA", "甲"), ("?view=mine", "")):
        page = words(client.get(base + query))
        assert [letter for letter in "甲乙丙" if letter * 2 in page] == list(expected)
