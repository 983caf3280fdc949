"""Opening an archive and keeping it right, through the services every door uses."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from customers import services
from customers.models import (
    Address,
    ContactBlock,
    ContactPoint,
    Customer,
    CustomerFacts,
    FieldChange,
    FindNumber,
    Need,
    ProfileField,
    Subscription,
    TimelineLine,
)
from customers.services import Duplicate, StaleCopy
from foundation.audit.models import AuditEntry, AuditPersonal
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.policies.services import set_policy
from staff.models import User
from tests.factories import CustomerFactory, SubscriptionFactory, UnitFactory, UserFactory
from tests.racing import race

pytestmark = pytest.mark.django_db
CARD = "33010619900307017X"
CARD_15 = "330106900307017"
LICENCE = "91110000600037341L"


@pytest.fixture
def clerk() -> User:
    return UserFactory(role="HALL_CLERK")


def opened(clerk: User, **more: object) -> Customer:
    fields = {"name": "王小娟", **more.pop("fields", {})}  # type: ignore[dict-item]
    return services.create_customer(actor=clerk, fields=fields, **more)  # type: ignore[arg-type]


def verified(customer: Customer) -> Customer:
    """As if the document had been compared."""
    Customer.objects.filter(pk=customer.pk).update(identity_status="VERIFIED")
    return customer


def nothing_written() -> bool:
    return not (
        Customer.objects.exists()
        or AuditEntry.objects.exists()
        or TimelineLine.objects.exists()
        or FindNumber.objects.exists()
    )


@pytest.mark.covers("ARC-01", "ARC-06")
def test_a_new_archive_holds_the_basics_and_is_found_at_once(clerk: User) -> None:
    customer = opened(
        clerk,
        fields={"birth_date": date(1990, 3, 7), "home_city": "杭州", "gender": "F"},
        id_number=CARD,
        mobile="138 0013-8000",
    )
    stored = Customer.objects.get()
    assert (stored.name, stored.birth_date, stored.home_city) == ("王小娟", date(1990, 3, 7), "杭州")
    assert (stored.unit_id, stored.unit_no, stored.created_by_id) == (clerk.unit_id, clerk.unit.no, clerk.pk)
    assert stored.number.startswith("CU") and stored.version == 1
    assert stored.contact_points.get().value == "13800138000"
    assert set(FindNumber.objects.values_list("value", flat=True)) == {"13800138000", stored.number}
    assert TimelineLine.objects.get().kind == "customer.created"
    entry = AuditEntry.objects.get()
    assert (entry.verb, entry.customer_id, entry.actor_id) == ("customer.created", customer.pk, clerk.pk)


def test_the_id_is_encrypted_found_by_its_index_and_never_in_the_audit(clerk: User) -> None:
    customer = opened(clerk, id_number="３３０１０６１９９００３０７０１７ｘ")
    stored = Customer.objects.get()
    assert CARD.encode() not in bytes(stored.id_sealed)
    assert (stored.id_number(), stored.id_last4, stored.id_type) == (CARD, "017X", "ID_CARD")
    services.change_customer(customer.pk, actor=clerk, version=1, changes={}, id_number="11010519491231002X")
    change = FieldChange.objects.get(field="id_number")
    assert (change.old, change.new) == ("****017X", "****002X")
    everything = str(list(AuditEntry.objects.values())) + str(list(AuditPersonal.objects.values()))
    assert CARD not in everything and "11010519491231002X" not in everything


def test_a_card_of_15_digits_is_the_same_person_as_its_18(clerk: User) -> None:
    opened(clerk, id_number=CARD_15)
    assert Customer.objects.get().id_number() == CARD
    with pytest.raises(RuleBroken) as no:
        opened(clerk, fields={"name": "王娟"}, id_number=CARD, despite_duplicates=True)
    assert no.value.code == "customers.duplicate_id"
    assert Customer.objects.count() == 1


@pytest.mark.covers("ARC-19")
def test_a_person_and_a_company_may_share_a_document_and_a_company_has_its_licence(clerk: User) -> None:
    company = opened(clerk, fields={"name": "云图科技有限公司", "customer_type": "ENTERPRISE"}, id_number=LICENCE)
    assert (company.id_type, company.id_last4) == ("LICENCE", "341L")
    trader = opened(clerk, fields={"name": "王伟", "id_type": "OTHER"}, id_number=LICENCE)
    assert trader.customer_type == "PERSON"


@pytest.mark.parametrize(
    ("fields", "more", "code"),
    [
        ({"name": " "}, {}, "customers.no_name"),
        ({"name": "王\u200b娟"}, {}, "customers.invisible"),
        ({"name": "\u202e娟王"}, {}, "customers.invisible"),
        ({"name": "王\x00娟"}, {}, "customers.invisible"),
        ({"name": "王" * 201}, {}, "customers.too_long"),
        ({"birth_date": date(2999, 1, 1)}, {}, "customers.impossible_date"),
        ({"birth_date": date(1, 1, 1)}, {}, "customers.impossible_date"),
        ({"birthday_kind": "LUNAR"}, {}, "customers.impossible_date"),
        ({"customer_type": "DOG"}, {}, "customers.bad_code"),
        ({"unit_no": 1}, {}, "customers.unknown_field"),
        ({}, {"id_number": "330106199003070170"}, "customers.bad_id"),
        ({}, {"id_number": "330106199013070106"}, "customers.bad_id"),
        ({}, {"mobile": "10086"}, "customers.bad_phone"),
        ({}, {"mobile": "123"}, "customers.bad_phone"),
    ],
)
def test_bad_input_is_refused_with_a_code_and_writes_nothing(clerk: User, fields: dict, more: dict, code: str) -> None:
    with pytest.raises(RuleBroken) as no:
        opened(clerk, fields=fields, **more)
    assert no.value.code == code
    assert nothing_written()


def test_a_role_without_the_right_opens_nothing() -> None:
    guide = UserFactory(role="HALL_GUIDE")
    with pytest.raises(NotAllowed):
        opened(guide)
    assert nothing_written()


def test_same_phone_or_name_asks_first(clerk: User) -> None:
    first = opened(clerk, mobile="13800138000")
    stranger = UserFactory(role="HALL_CLERK")
    assert services.find_duplicates(stranger, phone="+86 138 0013 8000") == [Duplicate(first.pk, "phone", False)]
    assert services.find_duplicates(stranger, name="王小娟") == []
    assert services.find_duplicates(clerk, name="王小娟") == [Duplicate(first.pk, "name", True)]
    assert services.find_duplicates(clerk, id_number="33010", phone="138") == []
    with pytest.raises(RuleBroken) as no:
        opened(clerk, fields={"name": "李四"}, mobile="13800138000")
    assert no.value.code == "customers.duplicate"
    assert Customer.objects.count() == 1
    opened(clerk, fields={"name": "李四"}, mobile="13800138000", despite_duplicates=True)
    assert Customer.objects.count() == 2


@pytest.mark.covers("ARC-03")
def test_a_change_is_history_audit_timeline_and_a_new_version(clerk: User) -> None:
    customer = opened(clerk)
    services.change_customer(
        customer.pk, actor=clerk, version=1, changes={"name": "王娟", "home_city": "宁波", "language": "zh-hans"}
    )
    stored = Customer.objects.get()
    assert (stored.name, stored.home_city, stored.version) == ("王娟", "宁波", 2)
    changes = {row.field: (row.old, row.new) for row in FieldChange.objects.all()}
    assert changes == {"name": ("王小娟", "王娟"), "home_city": ("", "宁波")}
    entry = AuditEntry.objects.get(verb="customer.changed")
    assert entry.detail == {"fields": ["home_city", "name"], "version": 2}
    assert AuditPersonal.objects.get(entry_id=entry.pk).values["name"] == ["王小娟", "王娟"]
    assert TimelineLine.objects.filter(kind="customer.changed").get().params == {"fields": ["home_city", "name"]}


def test_saving_the_same_again_writes_nothing(clerk: User) -> None:
    customer = opened(clerk)
    services.change_customer(customer.pk, actor=clerk, version=1, changes={"name": "王小娟"})
    assert Customer.objects.get().version == 1
    assert not FieldChange.objects.exists()


def test_an_old_copy_is_refused_with_what_stands_there_now(clerk: User) -> None:
    customer = opened(clerk)
    services.change_customer(customer.pk, actor=clerk, version=1, changes={"home_city": "宁波"})
    with pytest.raises(StaleCopy) as no:
        services.change_customer(customer.pk, actor=clerk, version=1, changes={"home_city": "温州"})
    assert (no.value.current, no.value.version) == ({"home_city": "宁波"}, 2)
    assert (no.value.last.name, no.value.last.at) == (clerk.name, Customer.objects.get().updated_at)
    assert Customer.objects.get().home_city == "宁波"


@pytest.mark.django_db(transaction=True)
def test_of_two_at_once_one_saves_and_the_other_is_told() -> None:
    clerk = UserFactory(role="HALL_CLERK")
    customer = opened(clerk)

    def save(city: str) -> object:
        return services.change_customer(customer.pk, actor=clerk, version=1, changes={"home_city": city})

    outcomes = race(lambda: save("宁波"), lambda: save("温州"))
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Customer", "StaleCopy"]
    assert FieldChange.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_archives_for_one_document_at_once_one_is_opened() -> None:
    clerk = UserFactory(role="HALL_CLERK")
    outcomes = race(
        lambda: opened(clerk, id_number=CARD, despite_duplicates=True),
        lambda: opened(clerk, id_number=CARD, despite_duplicates=True),
    )
    assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Customer", "RuleBroken"]
    assert Customer.objects.count() == 1


def test_another_document_must_be_checked_again(clerk: User) -> None:
    customer = opened(clerk, id_number=CARD)
    services.verify_identity(customer.pk, actor=clerk, how="READER")
    asked = {"channel": "HOTLINE", "asked_by": "Wang", "verified": "CODE"}
    taken = services.request_change(customer.pk, actor=clerk, **asked, field="id_number", new="11010519491231002X")
    services.apply_request(taken.pk, actor=UserFactory(role="TEAM_LEAD", unit=clerk.unit))
    assert Customer.objects.get().identity_status == "RECHECK"


def test_a_status_follows_the_table(clerk: User) -> None:
    customer = opened(clerk)
    with pytest.raises(RuleBroken) as no:
        services.change_customer(customer.pk, actor=clerk, version=1, changes={"status": "PROSPECT"})
    assert no.value.code == "customers.bad_move"
    services.change_customer(customer.pk, actor=clerk, version=1, changes={"status": "DORMANT"})
    assert Customer.objects.get().status == "DORMANT"


@pytest.mark.parametrize("changes", [{"identity_status": "VERIFIED"}, {"status": "DECEASED"}])
def test_what_needs_evidence_is_not_changed_as_a_field(clerk: User, changes: dict[str, str]) -> None:
    with pytest.raises(RuleBroken) as no:
        opened(clerk, fields=changes)
    assert no.value.code == "customers.needs_evidence" and nothing_written()
    customer = opened(clerk)
    with pytest.raises(RuleBroken) as no:
        services.change_customer(customer.pk, actor=clerk, version=1, changes=changes)
    assert no.value.code == "customers.needs_evidence"
    assert (Customer.objects.get().version, FieldChange.objects.count()) == (1, 0)


def test_contact_points_have_one_primary_and_ended_ones_are_not_found(clerk: User) -> None:
    customer = opened(clerk, mobile="13800138000")
    second = services.add_contact_point(
        customer.pk, actor=clerk, kind="MOBILE", value="139 0013 8000", primary=True, verified=True
    )
    first = ContactPoint.objects.get(value="13800138000")
    assert not first.is_primary and second.is_primary and second.verified_at
    with pytest.raises(RuleBroken) as no:
        services.add_contact_point(customer.pk, actor=clerk, kind="MOBILE", value="+8613900138000")
    assert no.value.code == "customers.point_there"
    services.mark_unusable(second.pk, actor=clerk, reason="Bounced")
    second.refresh_from_db()
    assert (second.verified_at, second.is_primary, second.do_not_use) == (None, False, "Bounced")
    services.make_primary(first.pk, actor=clerk)
    services.end_contact_point(second.pk, actor=clerk)
    assert not FindNumber.objects.filter(value="13900138000").exists()
    assert Customer.objects.get().version == 5
    services.add_contact_point(customer.pk, actor=clerk, kind="EMAIL", value="Wang@Example.CN")
    services.add_contact_point(customer.pk, actor=clerk, kind="PHONE", value="0571-8888 0000")
    services.add_contact_point(customer.pk, actor=clerk, kind="PHONE", value="95588")
    found = set(FindNumber.objects.values_list("value", flat=True)) - {customer.number}
    assert found == {"13800138000", "wang@example.cn", "057188880000", "95588"}


def test_an_address_is_replaced_and_the_old_one_kept(clerk: User) -> None:
    customer = opened(clerk)
    services.set_address(customer.pk, actor=clerk, kind="HOME", parts={"city": "杭州", "street": "文三路 478 号"})
    services.set_address(customer.pk, actor=clerk, kind="HOME", parts={"city": "杭州", "street": "莫干山路 1 号"})
    assert Address.objects.get(valid_to=None).street == "莫干山路 1 号"
    assert Address.objects.count() == 2
    assert FieldChange.objects.filter(field="street").count() == 2
    services.set_address(customer.pk, actor=clerk, kind="HOME", parts={})
    assert not Address.objects.filter(valid_to=None).exists()


@pytest.mark.covers("ARC-02")
def test_an_optional_fact_needs_a_purpose_and_consent(clerk: User) -> None:
    customer = opened(clerk)
    known = {"actor": clerk, "key": "INTERESTS", "value": "摄影", "source": "desk"}
    for missing in ({"purpose": ""}, {"consent_evidence": ""}):
        with pytest.raises(RuleBroken) as no:
            services.record_profile_field(
                customer.pk, **known, **{"purpose": "Advice", "consent_evidence": "Signed form 12", **missing}
            )
        assert no.value.code == "customers.no_consent"
    assert not ProfileField.objects.exists()
    with pytest.raises(RuleBroken):
        services.record_profile_field(
            customer.pk, **{**known, "key": "RELIGION"}, purpose="Advice", consent_evidence="Signed"
        )
    row = services.record_profile_field(customer.pk, **known, purpose="Advice", consent_evidence="Signed form 12")
    assert ProfileField.objects.get().value == "摄影"
    services.remove_profile_field(row.pk, actor=clerk)
    assert not ProfileField.objects.exists()
    assert set(FieldChange.objects.filter(entity="profilefield").values_list("old", "new")) == {(None, None)}
    assert "摄影" not in str(list(AuditPersonal.objects.values_list("values", flat=True)))


@pytest.mark.covers("ARC-11")
def test_a_need_is_written_down_and_met(clerk: User) -> None:
    customer = opened(clerk)
    need = services.add_need(customer.pk, actor=clerk, text="千兆宽带", category="STABLE_SPEED")
    services.change_need(need.pk, actor=clerk, state="MET")
    assert Need.objects.get().state == "MET"
    assert list(TimelineLine.objects.order_by("pk").values_list("kind", flat=True)) == [
        "customer.created",
        "need.added",
        "need.changed",
    ]


@pytest.mark.covers("HND-23")
@pytest.mark.parametrize("product", ["MOBILE", "BROADBAND", "FIXED", "VAS", "ICT"])
def test_a_line_of_every_product_opens_and_ends(clerk: User, product: str) -> None:
    customer = verified(opened(clerk))
    number = {"MOBILE": "138 0013 8000", "VAS": "13800138000", "FIXED": "(0571) 8888-0001"}.get(product, "kd 0571 0001")
    line = services.open_subscription(
        customer.pk, actor=clerk, service_no=number, product_line=product, contract_end=date(2099, 1, 1)
    )
    assert CustomerFacts.objects.get().contract_end == date(2099, 1, 1)
    with pytest.raises(RuleBroken) as no:
        services.open_subscription(customer.pk, actor=clerk, service_no=number, product_line=product)
    assert no.value.code == "customers.line_lives"
    services.end_subscription(line.pk, actor=clerk)
    line.refresh_from_db()
    assert line.status == Subscription.Status.TERMINATED
    assert CustomerFacts.objects.get().contract_end is None


def test_a_document_holds_at_most_five_mobile_numbers(clerk: User) -> None:
    customer = verified(opened(clerk, id_number=CARD))
    for n in range(5):
        services.open_subscription(customer.pk, actor=clerk, service_no=f"1380013800{n}", product_line="MOBILE")
    with pytest.raises(RuleBroken) as no:
        services.open_subscription(customer.pk, actor=clerk, service_no="13800138005", product_line="MOBILE")
    assert no.value.code == "customers.too_many_mobiles"
    assert Subscription.objects.count() == 5
    services.open_subscription(customer.pk, actor=clerk, service_no="KD1", product_line="BROADBAND")
    set_policy("customers.mobiles_per_id", 6, actor=clerk)
    services.open_subscription(customer.pk, actor=clerk, service_no="13800138005", product_line="MOBILE")


def test_a_number_given_again_leaves_its_former_owner(clerk: User) -> None:
    former = verified(opened(clerk, mobile="13800138000"))
    began, ended = clock.today() - timedelta(days=100), clock.today() - timedelta(days=90)
    line = services.open_subscription(
        former.pk, actor=clerk, service_no="13800138000", product_line="MOBILE", activated_on=began
    )
    services.end_subscription(line.pk, actor=clerk, on=ended)
    assert FindNumber.objects.filter(value="13800138000", customer_id=former.pk).exists()
    owner = verified(opened(clerk, fields={"name": "李四"}))
    services.open_subscription(owner.pk, actor=clerk, service_no="13800138000", product_line="MOBILE")
    assert list(FindNumber.objects.filter(value="13800138000").values_list("customer_id", flat=True)) == [owner.pk]
    point = ContactPoint.objects.get(customer=former)
    assert point.valid_to is not None and point.do_not_use


@pytest.mark.covers("ARC-03", "ARC-12")
def test_use_of_a_month_is_kept_once_and_corrected(clerk: User) -> None:
    line = SubscriptionFactory(customer=CustomerFactory(unit=UnitFactory()))
    services.record_usage(line.pk, month=date(2026, 1, 1), totals={"data_mb": 100, "voice_minutes": 5})
    row = services.record_usage(line.pk, month=date(2026, 1, 1), totals={"data_mb": 120})
    assert (row.data_mb, row.voice_minutes, row.customer_id) == (120, 5, line.customer_id)
    for month in (date(2026, 1, 2), date(2999, 1, 1)):
        with pytest.raises(RuleBroken):
            services.record_usage(line.pk, month=month, totals={})


def test_a_block_holds_until_it_is_lifted(clerk: User) -> None:
    customer = opened(clerk)
    block = services.block_contact(customer.pk, actor=clerk, reason="MOURNING", classes=["CARE", "MARKETING"])
    assert ContactBlock.objects.get().holds(clock.now())
    services.lift_block(block.pk, actor=clerk)
    assert not ContactBlock.objects.get().holds(clock.now())
    with pytest.raises(RuleBroken):
        services.block_contact(customer.pk, actor=clerk, reason="MOURNING", classes=["GOSSIP"])


def test_facts_take_known_columns_only(clerk: User) -> None:
    customer = opened(clerk)
    services.update_facts(customer.pk, tier="GOLD")
    assert CustomerFacts.objects.get().tier == "GOLD"
    with pytest.raises(ValueError):
        services.update_facts(customer.pk, stars=5)
