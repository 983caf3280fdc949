"""Every way of finding a customer, through the function behind the box, the palette and `search_try`."""

from __future__ import annotations

import base64

import pytest

from customers import visibility
from customers.finding import Hit, rebuild_find_rows, search, search_page
from customers.models import Customer
from customers.services import create_customer
from foundation.common.errors import NotAllowed, RuleBroken
from staff.models import User
from tests.customers.people import Operator, customer
from tests.factories import SubscriptionFactory, UserFactory

pytestmark = pytest.mark.django_db
ID = "110101199003070011"


@pytest.fixture
def wang(op: Operator) -> Customer:
    return customer(
        op.hall,
        "\u738b\u5c0f\u660e",  # Wang Xiaoming
        mobile="13800138000",
        line="13912345678",
        email="wang.xm@example.com",
        id_number=ID,
        source="telco",
        source_no="7590-VHVEG",
        number="CU20260105000042",
        home_city="Sanya",
    )


def found(user: User, text: str) -> list[tuple[int, str]]:
    return [(hit.customer_id, str(hit.kind)) for hit in search(user, text)]


@pytest.mark.covers("ARC-06")
@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("13800138000", "number"),
        ("+86 138-0013-8000", "number"),
        ("\uff11\uff13\uff18 0013 8000", "number"),  # full-width digits
        ("13912345678", "number"),
        ("7590-VHVEG", "number"),
        ("7590-vhveg", "number"),
        ("CU20260105000042", "number"),
        ("cu20260105000042", "number"),
        (ID, "id"),
        ("110101 19900307 0011", "id"),
        ("1380", "number_prefix"),
        ("139123", "number_prefix"),
        ("8000", "number_tail"),
        ("5678", "number_tail"),
        ("0011", "id_tail"),
        ("\u738b\u5c0f\u660e", "name"),
        ("\u738b\u5c0f", "name_prefix"),
        ("\u5c0f\u660e", "name_part"),
        ("wangxiaoming", "pinyin"),
        ("wang xiao", "pinyin"),
        ("wangx", "pinyin"),
        ("wxm", "initials"),
        ("WXM", "initials"),
        ("Sanya", "city"),
        ("wang.xm@example.com", "email"),
        ("WANG.XM@example.com", "email"),
    ],
)
def test_one_customer_is_found_in_every_way(op: Operator, wang: Customer, text: str, kind: str) -> None:
    customer(op.hall, "\u674e\u56db", mobile="18612349999", number="CU20250101000001", home_city="Haikou")
    assert found(op.clerk, text) == [(wang.pk, kind)]


@pytest.mark.covers("ARC-19")
def test_a_company_is_found_by_its_short_name_and_by_any_part(op: Operator) -> None:
    firm = customer(
        op.hall,
        "\u4e09\u4e9a\u6d77\u6d6a\u65c5\u6e38\u6709\u9650\u516c\u53f8",
        short_name="\u6d77\u6d6a\u65c5\u6e38",
        customer_type="ENTERPRISE",
    )
    assert found(op.clerk, "\u6d77\u6d6a\u65c5") == [(firm.pk, "short_name")]
    assert found(op.clerk, "\u65c5\u6e38\u6709\u9650") == [(firm.pk, "name_part")]
    assert found(op.clerk, "\u6d77\u6e38") == []


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("\u5355\u5b9d", "shanbao"),
        ("\u66fe\u82b3", "zengfang"),
        ("\u4ec7\u4f1f", "qiuwei"),
        ("\u89e3\u73b2", "xieling"),
        ("\u533a\u7434", "ouqin"),
        ("\u67e5\u4f1f", "zhawei"),
        ("\u4e50\u73b2", "yueling"),
        ("\u6734\u82b3", "piaofang"),
        ("\u5c09\u8fdf\u6668", "yuchichen"),
    ],
)
def test_surnames_are_read_as_surnames(op: Operator, name: str, typed: str) -> None:
    row = customer(op.hall, name)
    assert found(op.clerk, typed) == [(row.pk, "pinyin")]


def test_three_characters_must_stand_together(op: Operator) -> None:
    right = customer(op.hall, "\u6b27\u9633\u5c0f\u7ea2")
    customer(op.hall, "\u9633\u5c0f\u738b\u5c0f\u7ea2")  # holds both pieces, not the text
    assert found(op.clerk, "\u9633\u5c0f\u7ea2") == [(right.pk, "name_part")]


def test_newest_customers_come_first_and_the_list_ends(op: Operator) -> None:
    rows = [customer(op.hall, f"\u674e\u5f3a{n:02d}") for n in range(30)]
    hits = search(op.clerk, "\u5f3a1", limit=5)
    assert [hit.customer_id for hit in hits] == [row.pk for row in reversed(rows[10:20])][:5]
    assert len(search(op.clerk, "\u674e\u5f3a", limit=26)) == 26


@pytest.mark.parametrize("text", ["\u738b", "w", "1", "12", "  7 "])
def test_a_text_that_says_too_little_is_refused_in_words(op: Operator, wang: Customer, text: str) -> None:
    with pytest.raises(RuleBroken) as no:
        search(op.clerk, text)
    assert no.value.code == "search.short"
    assert no.value.message


@pytest.mark.parametrize("text", ["", "   ", "\u200b", "\x00"])
def test_nothing_typed_is_refused(op: Operator, text: str) -> None:
    with pytest.raises(RuleBroken) as no:
        search(op.clerk, text)
    assert no.value.code == "search.empty"


@pytest.mark.parametrize("text", ["%%", "__", "\\\\", "' OR 1=1 --", "a\x00b", "\u738b%", "\U0001f600\U0001f600"])
def test_signs_are_only_signs(op: Operator, wang: Customer, text: str) -> None:
    assert search(op.clerk, text) == []


def test_only_the_own_scope_is_found_by_anything_but_a_full_identifier(op: Operator) -> None:
    own = customer(op.hall, "\u738b\u5c0f\u660e", mobile="13800138000", id_number=ID)
    other = customer(op.elsewhere, "\u738b\u5c0f\u7ea2", mobile="13800138001", id_number="110101199003070038")
    for text in ("\u738b\u5c0f", "1380013", "wangxiao", "\u738b\u5c0f\u7ea2", "0038", "8001", "wxh"):
        assert other.pk not in [hit.customer_id for hit in search(op.clerk, text)], text
        assert other.pk in [hit.customer_id for hit in search(op.gm, text)], text
    assert found(op.head, "\u738b\u5c0f") == [(own.pk, "name_prefix")]
    assert [pk for pk, _kind in found(op.gm, "\u738b\u5c0f")] == [own.pk, other.pk]


def test_a_full_identifier_finds_another_units_customer_marked_outside(op: Operator) -> None:
    other = customer(
        op.elsewhere,
        "\u674e\u56db",
        mobile="18612349999",
        id_number=ID,
        number="CU20260105000099",
        email="li@example.com",
    )
    for text, kind in [("18612349999", "number"), ("CU20260105000099", "number"), (ID, "id")]:
        assert search(op.clerk, text) == [Hit(other.pk, kind, search(op.gm, text)[0].matched, outside=True)]
        assert [hit.outside for hit in search(op.gm, text)] == [False]
    assert search(op.clerk, "1861234999") == []  # a part, however long, is none
    assert search(op.clerk, "li@example.com") == []


def test_own_customers_stand_before_those_of_others_under_one_number(op: Operator) -> None:
    own = customer(op.hall, "A One", mobile="13800138000")
    other = customer(op.elsewhere, "B Two", mobile="13800138000")
    assert [(hit.customer_id, hit.outside) for hit in search(op.clerk, "13800138000")] == [
        (own.pk, False),
        (other.pk, True),
    ]


def test_a_manager_finds_own_customers_wherever_they_live(op: Operator) -> None:
    manager = UserFactory(role="ACCOUNT_MANAGER", unit=op.hall)
    own = customer(op.elsewhere, "\u738b\u5c0f\u660e", manager=manager)
    customer(op.hall, "\u738b\u5c0f\u7ea2")
    for text in ("\u738b\u5c0f", "\u5c0f\u660e", "wangx", "wxm"):
        assert [hit.customer_id for hit in search(manager, text)] == [own.pk], text


def test_a_customer_an_open_contact_opens_is_found_and_in_sight(op: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    other = customer(op.elsewhere, "\u738b\u5c0f\u660e", mobile="13800138000")
    assert search(op.clerk, "13800138000")[0].outside
    opener = visibility.Opener("SELECT %s::bigint WHERE %s", lambda user: [other.pk, user == op.clerk])
    monkeypatch.setattr(visibility, "_openers", [opener])
    assert not search(op.clerk, "13800138000")[0].outside
    assert found(op.clerk, "\u5c0f\u660e") == [(other.pk, "name_part")]
    assert search(op.head, "\u5c0f\u660e") == []


def test_who_may_not_find_is_refused(op: Operator, wang: Customer) -> None:
    with pytest.raises(NotAllowed) as no:
        search(UserFactory(role="MARKETING", unit=op.hall), "13800138000")
    assert no.value.code == "search.may_not"


def test_a_number_that_lives_again_no_longer_leads_to_its_former_owner(op: Operator) -> None:
    former = customer(op.hall, "Old Owner")
    SubscriptionFactory(
        customer=former,
        service_no="13700000001",
        status="TERMINATED",
        activated_on="2020-01-01",
        terminated_on="2026-01-31",
    )
    rebuild_find_rows([former.pk])
    assert found(op.clerk, "13700000001") == [(former.pk, "number")]
    heir = customer(op.hall, "New Owner", line="13700000001")
    rebuild_find_rows([former.pk, heir.pk])
    assert found(op.clerk, "13700000001") == [(heir.pk, "number")]


def test_a_text_of_any_kind_costs_few_queries(op: Operator, wang: Customer, django_assert_max_num_queries) -> None:  # type: ignore[no-untyped-def]
    for text in ("13800138000", "8000", "\u5c0f\u660e", "wxm", "\u738b\u5c0f\u660e\u5927", "zzzz"):
        search(op.clerk, text)
        with django_assert_max_num_queries(10):
            search(op.clerk, text)


def test_the_mark_of_a_page_says_nothing_and_is_its_owners(op: Operator) -> None:
    """A name or a number stands in it: sealed, for the one person, and a changed one is refused."""
    for n in range(6):
        customer(op.hall, f"Wang Wei {n}", mobile=f"1380013800{n}")
    first = search_page(op.clerk, "wang", limit=2)
    seen, mark = [hit.customer_id for hit in first.hits], first.after
    while mark:
        clear = base64.urlsafe_b64decode(mark + "=" * (-len(mark) % 4))
        assert b"wang" not in clear.lower() and b"1380013" not in clear
        with pytest.raises(RuleBroken, match="damaged"):
            search_page(op.head, "wang", limit=2, after=mark)
        page = search_page(op.clerk, "wang", limit=2, after=mark)
        seen += [hit.customer_id for hit in page.hits]
        mark = page.after
    assert len(set(seen)) == 6
    assert first.after is not None
    for wrong in ("", "x", "WzEsIG51bGxd", first.after[:-2], first.after[::-1]):
        with pytest.raises(RuleBroken, match="damaged"):
            search_page(op.clerk, "wang", after=wrong)


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("\u738b\u202e\u660e", "customers.invisible"),
        ("\u738b\u200b\u660e", "customers.invisible"),
        ("\u738b\x00\u660e", "customers.invisible"),
        ("\u738b" * 201, "customers.too_long"),
    ],
)
def test_a_name_nobody_could_find_is_not_stored(op: Operator, name: str, code: str) -> None:
    with pytest.raises(RuleBroken) as no:
        create_customer(actor=op.clerk, fields={"name": name})
    assert no.value.code == code
    assert not Customer.objects.exists()


@pytest.mark.parametrize(
    "name", ["\u738b" * 199 + "\u660e", "\U0001f600 Li \u2764\ufe0f", "\U0002cc56\U0002cc57\u660e"]
)
def test_long_and_strange_names_are_stored_and_found(op: Operator, name: str) -> None:
    row = create_customer(actor=op.clerk, fields={"name": name})
    assert [hit.customer_id for hit in search(op.clerk, name[:60])] == [row.pk]
    assert [hit.customer_id for hit in search(op.clerk, name[-4:])] == [row.pk]
