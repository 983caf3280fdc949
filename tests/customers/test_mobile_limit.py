"""Five mobile numbers a document, also when a person and their company ask at two windows at once (D§5.1, D§26)."""

from __future__ import annotations

import pytest

from customers import services
from customers.models import Customer, Subscription
from foundation.common.errors import RuleBroken
from staff.models import User
from tests.factories import UserFactory
from tests.racing import race

NUMBER = "330106196503070170"


def open_line(clerk: User, customer_id: int, number: str) -> Subscription:
    return services.open_subscription(customer_id, actor=clerk, service_no=number, product_line="MOBILE")


@pytest.mark.django_db(transaction=True)
def test_of_two_last_numbers_at_once_one_is_opened() -> None:
    clerk = UserFactory(role="HALL_CLERK")
    document = {"id_type": "OTHER"}
    person = services.create_customer(actor=clerk, fields={"name": "A B", **document}, id_number=NUMBER)
    trader = services.create_customer(
        actor=clerk, fields={"name": "B Shop", "customer_type": "ENTERPRISE", **document}, id_number=NUMBER
    )
    Customer.objects.update(identity_status="VERIFIED")
    for n in range(4):
        open_line(clerk, person.pk, f"1380013800{n}")
    outcomes = race(
        lambda: open_line(clerk, person.pk, "13800138004"), lambda: open_line(clerk, trader.pk, "13800138005")
    )
    refused = [outcome for outcome in outcomes if isinstance(outcome, RuleBroken)]
    assert [no.code for no in refused] == ["customers.too_many_mobiles"]
    assert Subscription.objects.filter(terminated_on=None).count() == 5
