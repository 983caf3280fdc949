"""Reveals: by right, with a reason where it is sensitive, for a minute, so many an hour, recorded (D§3.1)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from foundation.audit.models import AuditEntry, AuditPersonal
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.policies.services import set_policy
from staff.models import Reveal, User
from staff.reveals import reveal, seconds_left
from tests.factories import UserFactory
from tests.racing import race
from tests.staff.refusals import refused

pytestmark = pytest.mark.django_db
CUSTOMER = 77


def _open(user: User, customer_id: int) -> dict[str, int]:
    rows = Reveal.objects.filter(user=user, customer_id=customer_id, until__gt=clock.now())
    return seconds_left(rows.values_list("field", "until"))


@pytest.fixture(autouse=True)
def _steady(travel):
    with travel(clock.now()):
        yield


def test_a_reveal_lasts_a_minute_and_is_recorded_without_its_reason_in_the_sealed_part():
    agent = UserFactory(role="AGENT")
    reveal(agent, CUSTOMER, "id_number", "caller reads it out")
    assert _open(agent, CUSTOMER) == {"id_number": 60}
    assert _open(agent, CUSTOMER + 1) == {}
    assert _open(UserFactory(role="AGENT"), CUSTOMER) == {}
    entry = AuditEntry.objects.get(verb="customer.revealed")
    assert (entry.customer_id, entry.actor_id, entry.detail["field"]) == (CUSTOMER, agent.pk, "id_number")
    assert "reads" not in str(entry.detail)
    assert AuditPersonal.objects.get(entry_id=entry.pk).values == {"reason": "caller reads it out"}
    with clock.travel(clock.now() + timedelta(seconds=60)):
        assert _open(agent, CUSTOMER) == {}


def test_sensitive_fields_need_a_reason_unless_the_role_sees_them():
    agent, manager = UserFactory(role="AGENT"), UserFactory(role="ACCOUNT_MANAGER")
    for field in ("id_number", "income", "stratum", "family", "note"):
        with refused("reveal.reason"):
            reveal(agent, CUSTOMER, field, "   ")
    assert not Reveal.objects.exists()
    assert not AuditEntry.objects.exists()
    reveal(agent, CUSTOMER, "phone", "")
    reveal(manager, CUSTOMER, "income", "")
    assert Reveal.objects.count() == 2


@pytest.mark.parametrize("role", ["QA", "SYS_ADMIN", "HALL_GUIDE", "MARKETING"])
def test_roles_without_the_right_reveal_nothing(role):
    with pytest.raises(NotAllowed):
        reveal(UserFactory(role=role), CUSTOMER, "phone", "because")
    assert not Reveal.objects.exists()


def test_unknown_fields_and_endless_reasons_are_refused():
    agent = UserFactory(role="AGENT")
    for field, reason in (("password", "x"), ("phone", "x" * 201)):
        with pytest.raises(RuleBroken):
            reveal(agent, CUSTOMER, field, reason)
    assert not Reveal.objects.exists()


def test_a_second_click_opens_the_same_reveal():
    agent = UserFactory(role="AGENT")
    assert reveal(agent, CUSTOMER, "phone", "") == reveal(agent, CUSTOMER, "phone", "")
    assert AuditEntry.objects.filter(verb="customer.revealed").count() == 1


def test_so_many_an_hour_and_the_next_when_the_first_is_an_hour_old():
    agent = UserFactory(role="AGENT")
    set_policy("staff.reveals_per_hour", 3, actor=agent)
    for n in range(3):
        with clock.travel(clock.now() + timedelta(minutes=n)):
            reveal(agent, CUSTOMER + n, "phone", "")
    start = clock.now()
    with clock.travel(start + timedelta(minutes=59)), refused("reveal.too_many"):
        reveal(agent, CUSTOMER + 9, "phone", "")
    assert Reveal.objects.count() == 3
    with clock.travel(start + timedelta(minutes=61)):
        reveal(agent, CUSTOMER + 9, "phone", "")


@pytest.mark.django_db(transaction=True)
def test_reveals_at_the_same_moment_do_not_pass_the_limit():
    agent = UserFactory(role="AGENT")
    set_policy("staff.reveals_per_hour", 2, actor=agent)
    outcomes = race(*[lambda n=n: reveal(agent, CUSTOMER + n, "phone", "") for n in range(6)])
    assert Reveal.objects.count() == 2
    assert sum(isinstance(outcome, RuleBroken) for outcome in outcomes) == 4
