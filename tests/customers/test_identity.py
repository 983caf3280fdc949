"""Who the customer is: checks with their evidence, guardians and handlers, the protective hold, a death."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from customers import services
from customers.models import (
    ContactBlock,
    Customer,
    DeathNote,
    IdentityCheck,
    ProtectiveHold,
    Relation,
    Subscription,
    TimelineLine,
)
from customers.services import ActingPerson
from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from outreach.delivery import deliver_due
from outreach.models import FollowUp, OutMessage
from outreach.services import owe_followup, queue_message
from staff.models import User
from tests.customers.people import Operator, customer
from tests.factories import SubscriptionFactory, UserFactory
from tests.racing import race

pytestmark = pytest.mark.django_db
ClientFor = Callable[[User], Client]
CARD, OTHER_CARD, CARD_15 = "33010619900307017X", "11010519491231002X", "330106900307017"
LICENCE = "91110000600037341L"
MOTHER = ActingPerson("GUARDIAN", "王大明", "ID_CARD", OTHER_CARD)


@pytest.fixture
def lead(op: Operator) -> User:
    return UserFactory(role="TEAM_LEAD", unit=op.hall)


@pytest.fixture
def row(op: Operator) -> Customer:
    return customer(op.hall, "王小娟", mobile="13800138000", id_number=CARD)


def url(row: Customer, name: str = "identity") -> str:
    return reverse(f"customers:{name}", args=[row.pk])


def words(response: Any) -> str:
    return response.content.decode()


def state(row: Customer) -> str:
    return Customer.objects.get(pk=row.pk).identity_status


def untouched(row: Customer) -> bool:
    return not (IdentityCheck.objects.exists() or AuditEntry.objects.filter(customer_id=row.pk).exists())


def young(row: Customer, years: int) -> None:
    today = clock.today()
    Customer.objects.filter(pk=row.pk).update(birth_date=date(today.year - years, 1, 1))


@pytest.mark.covers("ARC-20")
def test_a_line_begins_only_after_the_document_was_compared(op: Operator, client_for: ClientFor, row: Customer) -> None:
    with pytest.raises(RuleBroken) as no:
        services.open_subscription(row.pk, actor=op.clerk, service_no="13900139000", product_line="MOBILE")
    assert no.value.code == "customers.identity_not_verified" and not Subscription.objects.exists()
    answer = client_for(op.clerk).post(
        url(row, "identity-verify"), {"how": "READER", "id_number": "3301061990 0307017x"}
    )
    assert answer.status_code == 302 and state(row) == "VERIFIED"
    check = IdentityCheck.objects.get()
    assert (check.old, check.new, check.how, check.document, check.document_last4, check.actor_id) == (
        "UNVERIFIED", "VERIFIED", "READER", "ID_CARD", "017X", op.clerk.pk,
    )  # fmt: skip
    assert check.at <= clock.now() and check.acting_role == ""
    services.open_subscription(row.pk, actor=op.clerk, service_no="13900139000", product_line="MOBILE")
    assert Subscription.objects.get().customer_id == row.pk
    line = TimelineLine.objects.get(customer_id=row.pk, kind="identity.checked")
    assert line.params == {"status": "VERIFIED", "how": "READER"}


@pytest.mark.parametrize(
    ("typed", "field", "said"),
    [
        ({"id_number": OTHER_CARD}, "id_number", "This is not the document on file."),
        ({"id_number": "330106199003070171"}, "id_number", "The last character does not fit"),
        ({"id_number": "11010520991231002X"}, "id_number", "The last character does not fit"),
        ({"how": "TAROT"}, "how", "not one of the available choices"),
    ],
)
def test_another_document_verifies_nobody(
    op: Operator, client_for: ClientFor, row: Customer, typed: dict[str, str], field: str, said: str
) -> None:
    answer = client_for(op.clerk).post(url(row, "identity-verify"), {"how": "IN_PERSON", **typed})
    assert answer.status_code == 422
    assert said in str(answer.context["forms"]["verify"].errors[field])
    assert state(row) == "UNVERIFIED" and untouched(row)


def test_a_birth_in_the_future_stands_on_no_document(op: Operator) -> None:
    row = customer(op.hall, "王小娟")
    tomorrow = clock.today() + timedelta(days=1)
    body = f"330106{tomorrow:%Y%m%d}017"
    weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
    number = body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11]
    with pytest.raises(RuleBroken) as no:
        services.verify_identity(row.pk, actor=op.clerk, how="READER", id_type="ID_CARD", id_number=number)
    assert no.value.code == "customers.bad_id" and "birth date inside" in no.value.message
    assert untouched(row) and Customer.objects.get().id_hash is None


def test_a_card_of_15_digits_is_the_one_of_18(op: Operator, row: Customer) -> None:
    services.verify_identity(row.pk, actor=op.clerk, how="IN_PERSON", id_number=CARD_15)
    assert state(row) == "VERIFIED"


def test_a_document_that_was_missing_is_taken_from_the_check(op: Operator) -> None:
    row = customer(op.hall, "王小娟")
    with pytest.raises(RuleBroken) as no:
        services.verify_identity(row.pk, actor=op.clerk, how="IN_PERSON")
    assert no.value.code == "identity.no_document" and untouched(row)
    services.verify_identity(row.pk, actor=op.clerk, how="IN_PERSON", id_number=CARD)
    stored = Customer.objects.get()
    assert (stored.id_number(), stored.id_type, stored.birth_date) == (CARD, "ID_CARD", date(1990, 3, 7))
    assert CARD not in str(list(AuditEntry.objects.values_list("detail")))


def test_who_acts_for_a_person_shows_a_document_too(op: Operator, client_for: ClientFor, row: Customer) -> None:
    typed = {"how": "IN_PERSON", "acting_role": "AGENT", "acting_name": "李四", "acting_document": "ID_CARD"}
    client = client_for(op.clerk)
    for number, said in (("", "Both documents are recorded"), (CARD, "the customer&#x27;s own document")):
        answer = client.post(url(row, "identity-verify"), {**typed, "acting_number": number})
        assert answer.status_code == 422 and said in words(answer) and untouched(row)
    assert client.post(url(row, "identity-verify"), {**typed, "acting_number": OTHER_CARD}).status_code == 302
    check = IdentityCheck.objects.get()
    assert (check.acting_role, check.acting_name, check.acting_last4) == ("AGENT", "李四", "002X")
    assert check.acting_number() == OTHER_CARD
    page = words(client.get(url(row)))
    assert "李*" in page and "****002X" in page and "李四" not in page and OTHER_CARD not in page


def test_a_company_is_verified_by_its_licence_and_who_handles_it(op: Operator) -> None:
    row = customer(op.hall, "远洋科技", customer_type="ENTERPRISE")
    common = {"actor": op.clerk, "how": "IN_PERSON", "id_type": "LICENCE", "id_number": LICENCE}
    with pytest.raises(RuleBroken) as no:
        services.verify_identity(row.pk, **common)
    assert no.value.code == "identity.no_handler" and untouched(row)
    services.verify_identity(row.pk, **common, acting=ActingPerson("HANDLER", "李四", "ID_CARD", CARD))
    check = IdentityCheck.objects.get()
    assert (check.document, check.acting_role, check.acting_last4) == ("LICENCE", "HANDLER", "017X")


def test_a_child_needs_the_guardian_and_under_14_the_guardian_s_word(op: Operator, row: Customer) -> None:
    def verify(acting: ActingPerson | None = None) -> IdentityCheck:
        return services.verify_identity(row.pk, actor=op.clerk, how="IN_PERSON", acting=acting)

    def open_line() -> Subscription:
        return services.open_subscription(
            row.pk, actor=op.clerk, service_no="13900139000", product_line="MOBILE", guardian="王大明"
        )

    young(row, 15)
    with pytest.raises(RuleBroken) as no:
        verify()
    assert no.value.code == "customers.no_guardian"
    young(row, 13)
    with pytest.raises(RuleBroken) as no:
        verify(MOTHER)
    assert no.value.code == "customers.no_guardian_consent" and untouched(row)
    guardian = {"actor": op.clerk, "kind": "GUARDIAN", "other_name": "王大明", "other_phone": "13700137000"}
    bare = services.add_relation(row.pk, **guardian)
    with pytest.raises(RuleBroken):
        verify(MOTHER)
    services.end_relation(bare.pk, actor=op.clerk)
    services.add_relation(row.pk, **guardian, consent_evidence="Form 77")
    verify(MOTHER)
    young(row, 9)
    with pytest.raises(RuleBroken) as no:
        open_line()
    assert no.value.code == "customers.too_young"
    young(row, 13)
    assert open_line().customer_id == row.pk
    services.end_relation(Relation.objects.get(valid_to=None).pk, actor=op.clerk)
    with pytest.raises(RuleBroken) as no:
        services.open_subscription(
            row.pk, actor=op.clerk, service_no="13900139001", product_line="MOBILE", guardian="王大明"
        )
    assert no.value.code == "customers.no_guardian_consent" and Subscription.objects.count() == 1


@pytest.mark.parametrize(
    ("old", "act", "after"),
    [
        ("UNVERIFIED", "verify", "VERIFIED"),
        ("UNVERIFIED", "reject", "REJECTED"),
        ("UNVERIFIED", "recheck", None),
        ("VERIFIED", "verify", None),
        ("VERIFIED", "reject", None),
        ("VERIFIED", "recheck", "RECHECK"),
        ("REJECTED", "verify", "VERIFIED"),
        ("REJECTED", "reject", None),
        ("REJECTED", "recheck", "RECHECK"),
        ("RECHECK", "verify", "VERIFIED"),
        ("RECHECK", "reject", "REJECTED"),
        ("RECHECK", "recheck", None),
    ],
)
def test_which_identity_may_follow_which(op: Operator, row: Customer, old: str, act: str, after: str | None) -> None:
    Customer.objects.filter(pk=row.pk).update(identity_status=old)
    acts: dict[str, Callable[[], Any]] = {
        "verify": lambda: services.verify_identity(row.pk, actor=op.clerk, how="READER"),
        "reject": lambda: services.reject_identity(row.pk, actor=op.clerk, how="READER", reason="False"),
        "recheck": lambda: services.recheck_identity(row.pk, actor=op.clerk, reason="Doubt"),
    }
    if after is None:
        with pytest.raises(RuleBroken) as no:
            acts[act]()
        assert no.value.code == "customers.bad_move" and state(row) == old and untouched(row)
    else:
        acts[act]()
        assert state(row) == after
        assert (IdentityCheck.objects.get().old, IdentityCheck.objects.get().new) == (old, after)


def test_a_hold_limits_tells_and_never_counts_as_arrears(
    op: Operator, client_for: ClientFor, row: Customer, lead: User
) -> None:
    Customer.objects.filter(pk=row.pk).update(identity_status="VERIFIED")
    works = SubscriptionFactory(customer=row)
    owes = SubscriptionFactory(customer=row, status="SUSPENDED_ARREARS_1WAY")
    with pytest.raises(NotAllowed):
        services.put_hold(row.pk, actor=op.clerk, reason="REPORTED")
    assert client_for(op.clerk).post(url(row, "hold-put"), {"reason": "REPORTED"}).status_code == 403
    assert not ProtectiveHold.objects.exists()
    client = client_for(lead)
    assert client.post(url(row, "hold-put"), {"reason": "REPORTED", "note": "Police report 7"}).status_code == 302
    hold = ProtectiveHold.objects.get()
    statuses = dict(Subscription.objects.values_list("pk", "status"))
    assert statuses == {works.pk: "SUSPENDED_PROTECTIVE", owes.pk: "SUSPENDED_ARREARS_1WAY"}
    assert state(row) == "RECHECK" and hold.held_lines == [works.pk]
    block = ContactBlock.objects.get()
    assert (block.reason, block.classes) == ("PROTECTIVE", ["CARE", "MARKETING", "REMINDER", "SURVEY"])
    # Told the reason and where to appeal; SERVICE, so nothing holds it back.
    told = OutMessage.objects.get()
    assert (told.message_class, told.template, told.params) == ("SERVICE", "protective_hold", {"reason": "REPORTED"})
    assert "Protective hold: Reported as used for fraud." in " ".join(words(client.get(url(row))).split()).replace(
        "</b>", ""
    ).replace("<b>", "")
    with pytest.raises(RuleBroken) as no:
        services.put_hold(row.pk, actor=lead, reason="REPORTED")
    assert no.value.code == "holds.there"
    with pytest.raises(RuleBroken) as no:
        services.open_subscription(row.pk, actor=op.clerk, service_no="13900139000", product_line="MOBILE")
    assert no.value.code == "customers.identity_not_verified"
    # Verified again by whoever stands at the counter: lifted at once, what was in arrears stays so.
    services.verify_identity(row.pk, actor=op.clerk, how="IN_PERSON", id_number=CARD)
    statuses = dict(Subscription.objects.values_list("pk", "status"))
    assert statuses == {works.pk: "ACTIVE", owes.pk: "SUSPENDED_ARREARS_1WAY"}
    hold.refresh_from_db()
    block.refresh_from_db()
    assert hold.lifted_by_id == op.clerk.pk and block.ends_at is not None and block.ends_at <= clock.now()
    assert list(OutMessage.objects.order_by("pk").values_list("template", flat=True)) == [
        "protective_hold",
        "protective_hold_lifted",
    ]


def test_an_appeal_lifts_a_hold_and_the_identity_stays_open(
    op: Operator, client_for: ClientFor, row: Customer, lead: User
) -> None:
    hold = services.put_hold(row.pk, actor=lead, reason="ABNORMAL_USE")
    client = client_for(lead)
    assert client.post(url(row, "hold-lift"), {"reason": ""}).status_code == 422
    hold.refresh_from_db()
    assert hold.lifted_at is None
    assert client.post(url(row, "hold-lift"), {"reason": "Own travel abroad"}).status_code == 302
    hold.refresh_from_db()
    assert (hold.lifted_because, state(row)) == ("Own travel abroad", "RECHECK")
    again = client.post(url(row, "hold-lift"), {"reason": "Again"})
    assert again.status_code == 422 and "Again" in again.content.decode()
    assert "lifted already" in again.content.decode()


@pytest.mark.django_db(transaction=True)
def test_two_holds_at_once_are_one(op: Operator, row: Customer, lead: User) -> None:
    outcomes = race(*[lambda: services.put_hold(row.pk, actor=lead, reason="REPORTED")] * 2)
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["ProtectiveHold", "RuleBroken"]
    assert (ProtectiveHold.objects.count(), ContactBlock.objects.count(), OutMessage.objects.count()) == (1, 1, 1)


def test_a_death_stops_messages_and_what_is_owed(op: Operator, client_for: ClientFor, row: Customer) -> None:
    soon = clock.now() + timedelta(days=2)
    owed = owe_followup(customer=row, kind="CALLBACK", owner=op.clerk, due_at=soon, subject="Ring", actor=op.clerk)
    message = queue_message(
        customer=row,
        message_class="SERVICE",
        template="callback_promised",
        params={"number": "CB1", "due_at": soon.isoformat()},
        dedupe_key="death",
        urgent=True,
    )
    client = client_for(op.clerk)
    assert client.post(url(row, "death-note"), {"evidence": ""}).status_code == 422
    assert not DeathNote.objects.exists()
    typed = {"evidence": "Certificate 9", "relative_name": "王大明", "relative_phone": "13700137000"}
    assert client.post(url(row, "death-note"), typed).status_code == 302
    stored = Customer.objects.get(pk=row.pk)
    assert stored.status == "DECEASED" and DeathNote.objects.get().evidence == "Certificate 9"
    follow_up = FollowUp.objects.get(pk=owed.pk)
    assert (follow_up.state, follow_up.result) == ("CANCELLED", "The customer has died.")
    relative = Relation.objects.get()
    assert (relative.kind, relative.other_name, relative.other_phone) == ("FAMILY", "王大明", "13700137000")
    deliver_due()
    assert message is not None
    message.refresh_from_db()
    assert (message.state, message.reason) == ("suppressed", "status")
    assert client.post(url(row, "death-note"), typed).status_code == 422 and DeathNote.objects.count() == 1
    assert client.post(url(row, "death-take-back"), {"reason": "Another person"}).status_code == 302
    assert Customer.objects.get(pk=row.pk).status == "ACTIVE"
    assert DeathNote.objects.get().taken_back_because == "Another person"


def test_the_page_costs_the_same_with_a_long_history(op: Operator, client_for: ClientFor, row: Customer) -> None:
    client = client_for(op.clerk)
    client.get(url(row))

    def queries() -> int:
        with CaptureQueriesContext(
            connection,
        ) as counted:
            assert client.get(url(row)).status_code == 200
        return len(counted)

    services.verify_identity(row.pk, actor=op.clerk, how="READER")
    first = queries()
    for number in range(12):
        services.recheck_identity(row.pk, actor=op.clerk, reason=f"Doubt {number}")
        services.verify_identity(row.pk, actor=op.clerk, how="READER")
    assert queries() == first <= 15
