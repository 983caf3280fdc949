"""One spelling for what people type, and words for what is refused."""

from __future__ import annotations

from datetime import date

import pytest

from customers import normal
from customers.finding.forms import number_forms
from customers.models import Customer
from foundation.common.errors import RuleBroken


@pytest.mark.parametrize(
    ("typed", "kind", "stored"),
    [
        ("13800138000", "MOBILE", "13800138000"),
        ("+86 138-0013 8000", "MOBILE", "13800138000"),
        ("0086(138)00138000", "MOBILE", "13800138000"),
        ("\uff11\uff13\uff18\uff10\uff10\uff11\uff13\uff18\uff10\uff10\uff10", "MOBILE", "13800138000"),
        ("\u200b138\u202e00138000\ufeff", "MOBILE", "13800138000"),
        ("19912345678", "MOBILE", "19912345678"),
        ("+852 9123 4567", "MOBILE", "+85291234567"),
        ("00852 9123 4567", "MOBILE", "+85291234567"),
        ("+1 650 555 1234", "MOBILE", "+16505551234"),
        ("0571-8888 0000", "PHONE", "057188880000"),
        ("10086", "PHONE", "10086"),
        ("95588", "PHONE", "95588"),
        ("106575258192144", "PHONE", "106575258192144"),
        ("400-810-8888", "PHONE", "4008108888"),
        ("12345", "PHONE", "12345"),
    ],
)
def test_a_telephone_number_has_one_spelling(typed: str, kind: str, stored: str) -> None:
    assert normal.phone(typed, kind=kind) == stored


@pytest.mark.parametrize(
    ("typed", "kind"),
    [
        ("10086", "MOBILE"),
        ("12800138000", "MOBILE"),
        ("1380013800", "MOBILE"),
        ("138001380001", "MOBILE"),
        ("+999 1", "MOBILE"),
        ("+1 650 555 1234 5678 9012", "MOBILE"),
        ("abc", "PHONE"),
        ("", "PHONE"),
        ("7", "PHONE"),
        ("138\u0660\u0660\u0661\u0663\u0668\u0660\u0660\u0660x", "MOBILE"),
    ],
)
def test_what_is_no_telephone_number_is_refused_in_words(typed: str, kind: str) -> None:
    with pytest.raises(RuleBroken) as no:
        normal.phone(typed, kind=kind)
    assert no.value.code == "customers.bad_phone" and str(no.value.message)


def test_a_foreign_number_is_never_one_of_ours() -> None:
    ours, theirs = normal.phone("16505551234", kind="MOBILE"), normal.phone("+1 650 555 1234", kind="MOBILE")
    assert ours != theirs
    assert theirs in number_forms("+1-650-555-1234") and theirs in number_forms("001 650 555 1234")
    assert theirs not in number_forms("16505551234") and ours not in number_forms("+1 650 555 1234")


@pytest.mark.parametrize(
    ("typed", "id_type", "stored"),
    [
        ("11010519491231002x", "ID_CARD", "11010519491231002X"),
        ("110105 19491231 002X", "ID_CARD", "11010519491231002X"),
        ("330106900307017", "ID_CARD", "33010619900307017X"),
        ("91110000600037341l", "LICENCE", "91110000600037341L"),
        ("110000001234567", "LICENCE", "110000001234567"),
        ("e12345678", "PASSPORT", "E12345678"),
    ],
)
def test_a_document_number_has_one_spelling(typed: str, id_type: str, stored: str) -> None:
    assert normal.id_number(typed, id_type=id_type) == stored


@pytest.mark.parametrize(
    ("typed", "id_type"),
    [
        ("110105194912310021", "ID_CARD"),  # check digit
        ("11010519491331002X", "ID_CARD"),  # month 13
        ("1101051949123100", "ID_CARD"),
        ("33010619003070170", "ID_CARD"),
        ("91110000600037341M", "LICENCE"),
        ("1234", "PASSPORT"),
        ("\u738b12345", "OTHER"),
        ("", "OTHER"),
        ("9" * 33, "OTHER"),
    ],
)
def test_a_document_number_that_cannot_be_is_refused_in_words(typed: str, id_type: str) -> None:
    with pytest.raises(RuleBroken) as no:
        normal.id_number(typed, id_type=id_type)
    assert no.value.code == "customers.bad_id" and str(no.value.message)


def test_nobody_is_born_tomorrow_or_in_1889() -> None:
    assert normal.birth_date(None) is None
    assert normal.birth_date(date(1890, 1, 1)) == date(1890, 1, 1)
    for day in (date(2999, 1, 1), date(1889, 12, 31), date(1, 1, 1), date(9999, 12, 31)):
        with pytest.raises(RuleBroken) as no:
            normal.birth_date(day)
        assert no.value.code == "customers.impossible_date"


def test_texts_are_trimmed_and_what_cannot_be_seen_is_refused() -> None:
    assert normal.plain_text("  \u738b \t\n \u660e ", longest=200, label="Name") == "\u738b \u660e"
    assert normal.email("  W\uff21NG@Example.COM ") == "wang@example.com"
    for hidden in ("\u738b\u200b\u660e", "\u202e\u660e", "\x07", "a\x00b", "\ud800"):
        with pytest.raises(RuleBroken) as no:
            normal.plain_text(hidden, longest=200, label="Name")
        assert no.value.code == "customers.invisible" and "Name" in str(no.value.message)
    with pytest.raises(RuleBroken) as no:
        normal.plain_text("x" * 201, longest=200, label="Name")
    assert no.value.code == "customers.too_long"


@pytest.mark.parametrize("typed", ["", "x", "a@b", "a b@example.com", "a@@example.com", f"{'a' * 250}@example.com"])
def test_what_is_no_email_is_refused(typed: str) -> None:
    with pytest.raises(RuleBroken) as no:
        normal.email(typed)
    assert no.value.code == "customers.bad_email"


def test_every_kind_of_document_and_contact_has_a_rule() -> None:
    for code in Customer.IdType.values:
        with pytest.raises(RuleBroken):
            normal.id_number("-", id_type=code)
    for kind in ("MOBILE", "PHONE", "EMAIL", "IM"):
        with pytest.raises(RuleBroken):
            normal.contact_value(kind, " ")
