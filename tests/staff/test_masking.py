"""Masks show what D§3.1 and the pictures allow, and nothing more, whatever is put in."""

from __future__ import annotations

import unicodedata

import pytest
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from staff.masking import (
    MASKS,
    mask_account,
    mask_address,
    mask_company,
    mask_email,
    mask_id,
    mask_name,
    mask_phone,
    masked,
)

ANY = st.text(st.characters(), max_size=60)
MOST_SHOWN = {"name": 2, "company": 4, "phone": 7, "account": 8, "address": 8, "id": 4}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("王娟", "王*"),
        ("王小娟", "王*娟"),
        ("欧阳小娟", "欧**娟"),
        ("买买提艾力江", "买***江"),
        ("王", "**"),
        ("", ""),
        ("  ", ""),
        ("王 娟", "王*"),
        ("John Smith", "J***"),
        ("Al", "A***"),
        ("\u202e王娟", "****"),
        ("𠮷田", "𠮷*"),
    ],
)
def test_names(name: str, shown: str) -> None:
    assert mask_name(name) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("13812348000", "138 **** 8000"),
        ("138 1234 8000", "138 **** 8000"),
        ("+86 138-1234-8000", "138 **** 8000"),
        ("008613812348000", "138 **** 8000"),
        ("１３８１２３４８０００", "138 **** 8000"),
        ("0571-88881234", "057 **** 1234"),
        ("88881234", "**** 1234"),
        ("10086", "****"),
        ("no number", "****"),
        ("", ""),
    ],
)
def test_phones(number: str, shown: str) -> None:
    assert mask_phone(number) == shown


@pytest.mark.parametrize(
    ("mask", "value", "shown"),
    [
        (mask_company, "杭州云帆科技有限公司", "杭州****公司"),
        (mask_company, "云帆科技", "云****"),
        (mask_company, "云帆", "****"),
        (mask_account, "HZ0571000466", "HZ0571****66"),
        (mask_account, "HZ057166", "HZ****66"),
        (mask_account, "HZ05", "****"),
        (mask_address, "西湖区文三路 478 号 3 幢", "西湖区文三路****"),
        (mask_address, "西湖区文三路", "西湖区****"),
        (mask_address, "12 Hill Road", "****"),
        (mask_address, "", ""),
        (mask_email, "wang.juan@example.com", "w***@example.com"),
        (mask_email, "w@example.com", "****"),
        (mask_email, "wang@juan@example.com", "****"),
        (mask_email, "wang", "****"),
        (mask_id, "2046", "**************2046"),
        (mask_id, "204X", "**************204X"),
        (mask_id, "", "******************"),
    ],
)
def test_the_rest(mask: object, value: str, shown: str) -> None:
    assert mask(value) == shown  # type: ignore[operator]


def test_an_id_shows_at_most_four_characters_at_each_end() -> None:
    assert mask_id("2046", first="3301") == "3301**********2046"
    assert mask_id("330106199001012046", first="330106199001012046") == "3301**********2046"


@given(ANY)
def test_no_mask_lets_more_through_than_it_may(text: str) -> None:
    for kind, most in MOST_SHOWN.items():
        shown = MASKS[kind](text)
        letters = [character for character in shown if character not in "* "]
        assert len(letters) <= most, kind
        assert all(unicodedata.category(character)[0] in "LN" for character in letters), kind
        if kind != "phone" and letters:  # a phone's digits may have been written in another script
            source = iter(text)
            assert all(character in source for character in letters), kind  # in order, nothing invented
        visible = [character for character in text if unicodedata.category(character)[0] in "LN"]
        if visible and kind != "id":
            assert "*" in shown, kind


@given(ANY)
def test_at_least_half_of_an_address_and_all_inner_characters_of_a_name_stay_hidden(text: str) -> None:
    shown = mask_name(text).replace("*", "")
    assert shown in {"", *("".join(text.split())[:1],), "".join(text.split())[:1] + "".join(text.split())[-1:]}
    assert len(mask_address(text).replace("*", "")) <= len(" ".join(text.split())) // 2


@given(st.text(st.sampled_from("0123456789+- ()"), max_size=24))
def test_four_digits_of_a_number_are_always_hidden(number: str) -> None:
    digits = [c for c in number if c.isdigit()]
    assert len([c for c in mask_phone(number) if c.isdigit()]) <= max(0, len(digits) - 4)


@given(ANY)
def test_an_e_mail_shows_one_character_before_the_at(text: str) -> None:
    local = mask_email(text).partition("@")[0]
    assert len(local.replace("*", "")) <= 1


def test_the_tag_masks_unless_told_otherwise_and_escapes() -> None:
    template = Template('{% load masking %}{% masked "name" value %}|{% masked "name" value clear=yes %}')
    assert template.render(Context({"value": "<b>王娟", "yes": True})) == "****|&lt;b&gt;王娟"


def test_a_kind_without_a_mask_is_an_error() -> None:
    with pytest.raises(KeyError):
        masked("blood_group", "A")
