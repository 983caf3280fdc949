"""Consent by purpose and channel: given with evidence, taken back with a word, never edited (D§5.2, D§5.6)."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction

from customers import services
from customers.models import (
    Consent,
    ConsentEvent,
    ConsentEvidence,
    ContactPoint,
    Customer,
    FieldChange,
    TimelineLine,
)
from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from staff.models import User
from tests.customers.people import Operator, customer
from tests.factories import CustomerFactory, UserFactory
from tests.racing import race

SMS = {"purpose": "MARKETING", "channel": "SMS"}
FORM = {"evidence_kind": "FORM", "evidence": "Form 12"}


def nothing_written(row: Customer) -> bool:
    row.refresh_from_db()
    return (
        row.version == 1
        and not Consent.objects.exists()
        and not ConsentEvent.objects.exists()
        and not ConsentEvidence.objects.exists()
        and not AuditEntry.objects.filter(verb__startswith="consent.").exists()
        and not TimelineLine.objects.exists()
    )


def steps(row: Customer) -> list[tuple[str, ...]]:
    events = ConsentEvent.objects.filter(customer_id=row.pk).order_by("pk")
    return list(events.values_list("purpose", "channel", "old", "new"))


@pytest.mark.django_db
@pytest.mark.covers("ARC-21")
def test_a_consent_is_given_with_evidence_and_taken_back_without_a_reason(op: Operator) -> None:
    row = customer(op.hall, "王小娟")
    given = services.give_consent(row.pk, actor=op.clerk, **SMS, **FORM, source="CALL", expires_on=date(2027, 12, 31))
    assert (given.state, given.expires_on) == ("GRANTED", date(2027, 12, 31))
    event = given.event
    assert (event.evidence_kind, event.source, event.actor_id) == ("FORM", "CALL", op.clerk.pk)
    assert ConsentEvidence.objects.get(pk=event.pk).text == "Form 12"
    back = services.withdraw_consent(row.pk, actor=op.clerk, **SMS)
    assert back is not None
    assert (back.pk, back.state, back.expires_on) == (given.pk, "WITHDRAWN", None)
    assert steps(row) == [("MARKETING", "SMS", "UNKNOWN", "GRANTED"), ("MARKETING", "SMS", "GRANTED", "WITHDRAWN")]
    verbs = AuditEntry.objects.filter(customer_id=row.pk).order_by("pk").values_list("verb", "actor_id")
    assert list(verbs) == [("consent.given", op.clerk.pk), ("consent.withdrawn", op.clerk.pk)]
    kinds = TimelineLine.objects.filter(customer_id=row.pk).order_by("pk").values_list("kind", "params")
    told = {"purpose": "MARKETING", "channel": "SMS"}
    assert list(kinds) == [("consent.given", told), ("consent.withdrawn", told)]
    assert "Form 12" not in str(list(AuditEntry.objects.values_list("detail", flat=True)))
    assert not FieldChange.objects.exists()


@pytest.mark.django_db
def test_saying_the_same_again_changes_nothing(op: Operator) -> None:
    row = customer(op.hall, "王小娟")
    first = services.give_consent(row.pk, actor=op.clerk, **SMS, **FORM)
    again = services.give_consent(row.pk, actor=op.clerk, **SMS, **FORM)
    assert (again.pk, again.event_id) == (first.pk, first.event_id)
    services.withdraw_consent(row.pk, actor=op.clerk, **SMS)
    services.withdraw_consent(row.pk, actor=op.clerk, **SMS)
    services.refuse_consent(row.pk, actor=op.clerk, **SMS)
    assert [new for *_rest, new in steps(row)] == ["GRANTED", "WITHDRAWN"]
    services.give_consent(row.pk, actor=op.clerk, **SMS, **FORM)  # the form of before counts anew when said anew
    renewed = services.give_consent(row.pk, actor=op.clerk, **SMS, evidence_kind="RECORDING", evidence="Call 7")
    assert [(old, new) for *_rest, old, new in steps(row)] == [
        ("UNKNOWN", "GRANTED"),
        ("GRANTED", "WITHDRAWN"),
        ("WITHDRAWN", "GRANTED"),
        ("GRANTED", "GRANTED"),
    ]
    assert renewed.event.evidence_kind == "RECORDING"
    assert Consent.objects.count() == 1


@pytest.mark.django_db
def test_a_refusal_without_a_consent_before_is_kept_and_each_channel_stands_alone(op: Operator) -> None:
    row = customer(op.hall, "王小娟")
    assert services.withdraw_consent(row.pk, actor=op.clerk, **SMS) is None
    assert nothing_written(row)
    services.refuse_consent(row.pk, actor=op.clerk, purpose="MARKETING", channel="CALL")
    services.give_consent(row.pk, actor=op.clerk, **SMS, **FORM)
    services.give_consent(row.pk, actor=op.clerk, purpose="PROFILING", **FORM)
    assert sorted(Consent.objects.values_list("purpose", "channel", "state")) == [
        ("MARKETING", "CALL", "DENIED"),
        ("MARKETING", "SMS", "GRANTED"),
        ("PROFILING", "", "GRANTED"),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"purpose": "HEALTH"}, "customers.bad_code"),
        ({"channel": ""}, "customers.bad_code"),
        ({"channel": "FAX"}, "customers.bad_code"),
        ({"purpose": "PROFILING"}, "customers.bad_code"),  # no channel there
        ({"source": "RUMOUR"}, "customers.bad_code"),
        ({"evidence_kind": ""}, "consent.no_evidence"),
        ({"evidence": "  "}, "consent.no_evidence"),
        ({"evidence": "F\u200b12"}, "customers.invisible"),
        ({"evidence": "F" * 201}, "customers.too_long"),
        ({"expires_on": date(2020, 1, 1)}, "customers.impossible_date"),
    ],
)
def test_what_is_not_a_consent_is_refused_and_leaves_nothing(op: Operator, fields: dict[str, Any], code: str) -> None:
    row = customer(op.hall, "王小娟")
    with pytest.raises(RuleBroken) as no:
        services.give_consent(row.pk, actor=op.clerk, **{**SMS, **FORM, **fields})
    assert no.value.code == code
    assert nothing_written(row)


@pytest.mark.django_db
def test_without_the_right_nothing_is_given_and_nothing_withdrawn(op: Operator) -> None:
    row, reader = customer(op.hall, "王小娟"), UserFactory(role="QA", unit=op.hall)
    for act in (
        lambda: services.give_consent(row.pk, actor=reader, **SMS, **FORM),
        lambda: services.withdraw_consent(row.pk, actor=reader, **SMS),
        lambda: services.refuse_consent(row.pk, actor=reader, **SMS),
    ):
        with pytest.raises(NotAllowed):
            act()
    assert nothing_written(row)


@pytest.mark.django_db
def test_no_marketing_to_minors_and_for_a_child_the_guardian_agrees(op: Operator) -> None:
    today = clock.today()
    youth = customer(op.hall, "青年", birth_date=today.replace(year=today.year - 18) + timedelta(days=1))
    grown = customer(op.hall, "成年", birth_date=today.replace(year=today.year - 18))
    child = customer(op.hall, "小童", birth_date=today.replace(year=today.year - 14) + timedelta(days=1))
    with pytest.raises(RuleBroken) as no:
        services.give_consent(youth.pk, actor=op.clerk, **SMS, **FORM)
    assert no.value.code == "consent.minor"
    survey = {"purpose": "SURVEY", "channel": "SMS"}
    with pytest.raises(RuleBroken) as no:
        services.give_consent(child.pk, actor=op.clerk, **survey, **FORM)
    assert no.value.code == "consent.guardian"
    assert nothing_written(youth)
    assert nothing_written(child)
    services.give_consent(child.pk, actor=op.clerk, **survey, evidence_kind="GUARDIAN", evidence="Form 13")
    services.give_consent(youth.pk, actor=op.clerk, **survey, **FORM)
    services.give_consent(grown.pk, actor=op.clerk, **SMS, **FORM)
    assert Consent.objects.filter(state="GRANTED").count() == 3


@pytest.mark.django_db
def test_the_history_cannot_be_changed_nor_the_evidence_rewritten(op: Operator) -> None:
    row = customer(op.hall, "王小娟")
    event = services.give_consent(row.pk, actor=op.clerk, **SMS, **FORM).event
    for forbidden in (
        lambda: ConsentEvent.objects.filter(pk=event.pk).update(new="DENIED"),
        lambda: ConsentEvent.objects.filter(pk=event.pk).delete(),
        lambda: ConsentEvidence.objects.filter(pk=event.pk).update(text="Form 13"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            forbidden()
    ConsentEvidence.objects.filter(customer_id=row.pk).delete()  # erasure takes the words, the event stays
    assert steps(row) == [("MARKETING", "SMS", "UNKNOWN", "GRANTED")]


@pytest.mark.django_db
def test_the_database_holds_one_state_with_a_fitting_channel_and_evidence_for_what_is_given(op: Operator) -> None:
    row = customer(op.hall, "王小娟")
    services.give_consent(row.pk, actor=op.clerk, **SMS, **FORM)
    plain = {"customer_id": row.pk, "old": "UNKNOWN", "source": "DESK", "evidence_kind": "FORM"}
    spare = ConsentEvent.objects.create(**plain, **SMS, new="GRANTED")
    for wrong in (
        lambda: Consent.objects.create(customer=row, **SMS, state="DENIED", event=spare),
        lambda: Consent.objects.create(customer=row, purpose="SURVEY", channel="", state="DENIED", event=spare),
        lambda: Consent.objects.create(customer=row, purpose="SURVEY", channel="SMS", state="UNKNOWN", event=spare),
        lambda: ConsentEvent.objects.create(**{**plain, "evidence_kind": ""}, **SMS, new="GRANTED"),
        lambda: ConsentEvent.objects.create(**plain, purpose="PROFILING", channel="SMS", new="GRANTED"),
        lambda: ConsentEvent.objects.create(**{**plain, "old": "DENIED"}, **SMS, new="DENIED"),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            wrong()
    assert Consent.objects.count() == 1


@pytest.mark.django_db
def test_a_reply_of_refusal_reaches_everybody_at_that_number_and_nobody_else(op: Operator) -> None:
    both = [customer(op.hall, name, mobile="13800138000") for name in ("王小娟", "王大明")]
    other = customer(op.elsewhere, "李娜", mobile="13900139000")
    gone = customer(op.hall, "张三", mobile="13800138000")
    ContactPoint.objects.filter(customer=gone).update(valid_to=clock.today())
    for row in (*both[:1], other, gone):
        services.give_consent(row.pk, actor=op.clerk, **SMS, **FORM)
    services.give_consent(both[0].pk, actor=op.clerk, purpose="SURVEY", channel="SMS", **FORM)
    answered = services.refuse_by_reply("+86 138 0013 8000", reference="MO-77")
    assert [(row.customer_id, row.state) for row in answered] == sorted(
        [(both[0].pk, "WITHDRAWN"), (both[1].pk, "DENIED")]
    )
    assert services.refuse_by_reply("13800138000", reference="MO-78") == answered
    assert services.refuse_by_reply("13700137000") == []
    told = ConsentEvent.objects.filter(source="SMS_REPLY")
    assert [event.actor_id for event in told] == [None, None]
    assert set(ConsentEvidence.objects.filter(pk__in=told).values_list("text", flat=True)) == {"MO-77"}
    states = {(row.customer_id, row.purpose): row.state for row in Consent.objects.all()}
    assert states[other.pk, "MARKETING"] == states[gone.pk, "MARKETING"] == states[both[0].pk, "SURVEY"] == "GRANTED"


@pytest.mark.django_db(transaction=True)
def test_two_people_at_once_leave_one_state_and_a_history_in_one_order() -> None:
    row, clerk = CustomerFactory(), UserFactory(role="HALL_CLERK")

    def give(number: int, by: User = clerk) -> Any:
        return services.give_consent(row.pk, actor=by, **SMS, evidence_kind="FORM", evidence=f"Form {number}")

    def withdraw() -> Any:
        return services.withdraw_consent(row.pk, actor=clerk, **SMS)

    done = race(*[lambda n=n: give(n % 2) for n in range(4)], withdraw, withdraw)  # type: ignore[misc]
    assert [outcome for outcome in done if isinstance(outcome, Exception)] == []
    history = steps(row)
    for before, after in pairwise(history):
        assert before[3] == after[2]
    consent = Consent.objects.get()
    assert consent.state == history[-1][3]
    assert consent.event_id == ConsentEvent.objects.order_by("-pk").values_list("pk", flat=True)[0]
    row.refresh_from_db()
    assert row.version == 1 + len(history)
    assert AuditEntry.objects.filter(verb__startswith="consent.").count() == len(history)
