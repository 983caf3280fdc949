"""The matched part of a search result is marked, and nothing the mask hides is shown for it (ui-guide §12.3)."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from customers.finding import Hit
from customers.models import Customer
from staff.masking import masked
from staff.models import User
from tests.customers.people import Operator, customer, operator
from workspace.marking import Marked, marked_line

ClientFor = Callable[[User], Client]


def line(kind: str, matched: str, typed: str, name: str = "\u738b\u5c0f\u660e", **fields: str) -> Marked:
    row = Customer(name=name, number="CU20260105000042", home_city="\u743c\u6d77\u5e02", **fields)
    mask = "company" if row.customer_type == "ENTERPRISE" else "name"
    return marked_line(row, masked(mask, name), typed, Hit(1, kind, matched))


@pytest.mark.parametrize(
    ("kind", "typed", "name", "shown"),
    [
        ("name", "\u738b\u5c0f\u660e", "\u738b\u5c0f\u660e", "<mark>\u738b</mark>*<mark>\u660e</mark>"),
        ("name_prefix", "\u738b\u5c0f", "\u738b\u5c0f\u660e", "<mark>\u738b</mark>*\u660e"),
        ("name_part", "\u5c0f\u660e", "\u738b\u5c0f\u660e", "\u738b*<mark>\u660e</mark>"),
        ("name_prefix", "\u9673\u66c9", "\u9648\u6653\u534e", "<mark>\u9648</mark>*\u534e"),  # typed in traditional
        ("pinyin", "wangx", "\u738b\u5c0f\u660e", "<mark>\u738b</mark>*\u660e"),
        ("initials", "wxm", "\u738b\u5c0f\u660e", "<mark>\u738b</mark>*<mark>\u660e</mark>"),
        ("name_prefix", "jo", "John Smith", "<mark>J</mark>***"),
        ("name_part", "smith", "John Smith", "J***"),  # hidden: nothing to mark
        ("number_tail", "8000", "\u738b\u5c0f\u660e", "\u738b*\u660e"),
        ("name_part", "<b>", "<b>x", "****"),
    ],
)
def test_of_a_name_only_what_the_mask_shows_is_marked(kind: str, typed: str, name: str, shown: str) -> None:
    found = line(kind, "", typed, name).name
    assert found == shown if name != "<b>x" else "<b>" not in found


def test_of_a_company_the_beginning_and_the_end_are_shown() -> None:
    name = "\u4e09\u4e9a\u6d77\u6d6a\u65c5\u6e38\u6709\u9650\u516c\u53f8"
    kind = {"customer_type": "ENTERPRISE"}
    assert line("name_prefix", "", name[:4], name, **kind).name == f"<mark>{name[:2]}</mark>****{name[-2:]}"
    assert line("name_part", "", name[-3:], name, **kind).name == f"{name[:2]}****<mark>{name[-2:]}</mark>"
    assert line("name_part", "", name[3:5], name, **kind).name == f"{name[:2]}****{name[-2:]}"


@pytest.mark.parametrize(
    ("kind", "matched", "typed", "shown"),
    [
        ("number_tail", "13800138000", "8000", "138 **** <mark>8000</mark>"),
        ("number_tail", "13800138000", "\uff18\uff10\uff10\uff10", "138 **** <mark>8000</mark>"),
        ("number_tail", "13800138000", "138000", "138 **** <mark>8000</mark>"),
        ("number_prefix", "13800138000", "1380013", "<mark>138</mark> **** 8000"),
        ("number_prefix", "13800138000", "+86 1380", "<mark>138</mark> **** 8000"),
        ("number", "13800138000", "86 138 0013 8000", "<mark>138</mark> **** <mark>8000</mark>"),
        ("id_tail", "4216", "4216", "**************<mark>4216</mark>"),
        ("id", "4216", "460200198512034216", "**************<mark>4216</mark>"),
        ("email", "wang@example.com", "wang@example.com", "<mark>w</mark>***<mark>@example.com</mark>"),
        ("number", "HZ05711234566", "hz0571-1234566", "<mark>HZ0571</mark>****<mark>66</mark>"),
        ("number_prefix", "123456", "1234", "****"),
        ("name", "x", "x", ""),
    ],
)
def test_the_number_that_matched_is_shown_masked_with_its_part_marked(
    kind: str, matched: str, typed: str, shown: str
) -> None:
    assert line(kind, matched, typed).value == shown


def test_our_own_number_and_the_city_are_marked_where_they_stand() -> None:
    found = line("number_prefix", "CU20260105000042", "CU2026")
    assert (found.number, found.value) == ("<mark>CU2026</mark>0105000042", "")
    assert line("number", "CU20260105000042", "cu 20260105 000042").number == "<mark>CU20260105000042</mark>"
    assert line("city", "", "\u743c\u6d77").city == "<mark>\u743c\u6d77</mark>\u5e02"
    assert line("city", "", "\u74ca\u6d77").city == "<mark>\u743c\u6d77</mark>\u5e02"


@pytest.fixture
def op() -> Operator:
    return operator()


@pytest.mark.covers("ARC-06")
@pytest.mark.django_db
def test_the_page_of_results_marks_and_keeps_the_mask(op: Operator, client_for: ClientFor) -> None:
    customer(op.hall, "\u738b\u5c0f\u660e", mobile="13800108000")
    customer(op.hall, "\u738b\u5c0f\u7ea2", mobile="13800118000")
    client = client_for(op.clerk)
    for typed, wanted in (("8000", "138 **** <mark>8000</mark>"), ("\u738b\u5c0f", "<mark>\u738b</mark>*\u660e")):
        page = client.post(reverse("workspace:search"), {"q": typed}, follow=True).content.decode()
        rows = page.split("<tbody")[1].split("</tbody>")[0]
        assert wanted in rows
        assert "\u5c0f" not in re.sub(r"<mark>|</mark>", "", rows) and "13800108000" not in rows
