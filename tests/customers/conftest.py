"""A hall's operator, a verified customer of it, and a plan on sale."""

from __future__ import annotations

import pytest

from customers.models import Customer, Plan
from tests.customers.people import Operator, customer, operator
from tests.factories import PlanFactory


@pytest.fixture
def op() -> Operator:
    return operator()


@pytest.fixture
def row(op: Operator) -> Customer:
    return customer(op.hall, "王小娟", identity_status="VERIFIED")


@pytest.fixture
def plan() -> Plan:
    return PlanFactory(name="畅享 129", monthly_fee="129.00")
