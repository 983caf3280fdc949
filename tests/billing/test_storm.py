"""Billing and Careline in a storm: events twice and in disorder, failing requests, cut connections, and kill -9 of web,
worker and broker. Afterwards both say the same, and what was asked took effect once (issue 5, done when 1)."""

from __future__ import annotations

import json
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from billing.models import Bill, BilledProduct, BillingAccount, BillingEvent, Command, DunningCase
from billing.services import queue_command
from foundation.common import clock
from foundation.rest.models import ApiClient
from outreach.models import OutMessage
from tests.billing.comparing import unlike
from tests.billing.storming import VICTIMS, House
from tests.conftest import DEEP
from tests.factories import ContactPointFactory, CustomerFactory, SubscriptionFactory, UnitFactory, UserFactory
from tests.jobs.processes import Processes, wait_until
from tests.outreach.peer import smtp_peer
from tests.rest.calling import program

MORNING = datetime(2026, 3, 10, 0, 45, tzinfo=UTC)  # Tuesday, 8:45 in Beijing
NOTICES = timedelta(minutes=15, seconds=1)  # later the notices of the day leave
ROUNDS = 20 if DEEP else 1
ACCOUNTS = 12
MONTHS = ("2025-12", "2026-01")  # due on 31 January and on 28 February


class Round:
    """Accounts of a round: every third pays all it owes, every third pays and takes back, every third is barred."""

    def __init__(self, house: House, number: int) -> None:
        self.house, self.number = house, number
        self.draw = random.Random(20261123 + number)
        self.names = [f"A{number}-{n}" for n in range(ACCOUNTS)]
        self.payers = self.names[0::3]
        self.known: set[str] = set()
        self.paying: set[str] = set()
        with house.present():
            unit = UnitFactory()
            for n, name in enumerate(self.names):
                customer = CustomerFactory(number=f"CU-{name}", unit=unit, language="en")
                ContactPointFactory(customer=customer, kind="EMAIL", value=f"{name.lower()}@example.test")
                SubscriptionFactory(customer=customer, service_no=self._line(n))

    def _line(self, n: int) -> str:
        return f"{13_900_000_000 + self.number * 100 + n}"

    def play(self) -> None:
        billing, draw = self.house.billing, self.draw
        weather = {"duplicates": 0.2, "disorder": 0.2, "errors": 0.1, "cut": 0.1}
        billing.do("storm", **weather, seed=draw.randrange(10_000))
        told = [
            {
                "id": name,
                "party": f"CU-{name}",
                "creditLimit": 100,
                "payType": "PREPAID" if n == ACCOUNTS - 1 else "POSTPAID",
                "products": [{"id": f"L{name}", "serviceNo": self._line(n)}],
            }
            for n, name in enumerate(self.names)
        ]
        billing.do("accounts", accounts=told)
        lines = BilledProduct.objects.filter(external_id__in=[f"L{name}" for name in self.names])
        wait_until(lambda: lines.count() == ACCOUNTS, 60, "all lines known", self.house.processes)
        postpaid = self.names[:-1]
        for month in MONTHS:
            billing.do("month-end", month=month, accounts=postpaid, seed=self.number)
        early, acts = self._early(), self._acts()
        draw.shuffle(early)
        for act in early:
            act()
        wait_until(self._is_morning_known, 60, "the night's events", self.house.processes)
        self.house.move(MORNING + timedelta(days=self.number) + NOTICES)
        mine = OutMessage.objects.filter(customer__number__in=[f"CU-{name}" for name in self.names])
        wait_until(mine.exists, 60, "the first notice", self.house.processes)
        draw.shuffle(acts)
        kills = draw.sample(VICTIMS, len(VICTIMS))
        for at, victim in zip(sorted(draw.sample(range(len(acts)), len(kills))), kills, strict=True):
            acts.insert(at, partial(self._kill, victim))
        for act in acts:
            act()
            self.look()
            Event().wait(draw.uniform(0.0, 0.15))
        billing.do("storm")

    def _kill(self, victim: str) -> None:
        if victim == "worker":  # while it is at something
            wait_until(lambda: OutMessage.objects.filter(state="sending").exists() or not self.house.left(), 20)
        self.house.kill(victim)

    def _is_morning_known(self) -> bool:
        """Whether all bills of the payers are known, and what follows for them at the hour of the notices."""
        owing = Bill.objects.filter(account__external_id__in=self.payers, open_amount__gt=0)
        cases = DunningCase.objects.filter(account__external_id__in=self.payers, next_planned_at__isnull=False)
        return owing.count() == len(self.payers) * len(MONTHS) and cases.count() == len(self.payers)

    def _early(self) -> list[Callable[[], Any]]:
        acts: list[Callable[[], Any]] = []
        for name in self.names[1::3]:
            acts += [partial(self._do, "pay", account=name, amount=20), partial(self._take_back, name)]
        return acts + [partial(self._do, "balance", account=self.names[-1], amount=amount) for amount in (12, 3.5)]

    def _acts(self) -> list[Callable[[], Any]]:
        acts: list[Callable[[], Any]] = [partial(self._pay_all, name) for name in self.payers]
        acts += [partial(self._replace, name) for name in self.names[1::3]]
        acts += [partial(self._take_back, name) for name in self.names[1::3]]
        acts += [partial(self._bar_and_back, name) for name in self.names[2:-1:3]]
        return [*acts, partial(self._do, "balance", account=self.names[-1], amount=7)]

    def _do(self, verb: str, **told: Any) -> None:
        self.house.billing.do(verb, **told)

    def _pay_all(self, name: str) -> None:
        self.house.billing.do("pay", account=name)
        self.paying.add(name)

    def _take_back(self, name: str) -> None:
        paid = self.house.billing.do("pay", account=name, amount=59.5)
        self.look()
        self.house.billing.do("reverse", payment=paid["payment"], bankErred=self.draw.random() < 0.5)

    def _replace(self, name: str) -> None:
        line = {"type": "PLAN", "name": "Plan", "serviceNo": "", "amount": 31.5}
        new = self.house.billing.do("replace-bill", bill=f"{name}-{MONTHS[0]}", lines=[line])
        self.house.billing.do("replace-bill", bill=new["bill"], lines=[line | {"amount": 30}])

    def _bar_and_back(self, name: str) -> None:
        steps: list[tuple[str, dict[str, Any]]] = [
            ("SUSPEND_ONE_WAY", {}), ("CREDIT_LIMIT", {"limit": "300.00"}), ("SUSPEND_TWO_WAY", {})
        ]  # fmt: skip
        if self.draw.random() < 0.7:
            steps.append(("RESTORE", {}))
        for kind, params in steps:
            with self.house.present():
                account = BillingAccount.objects.get(external_id=name)
                for _again in range(2):  # the second decides nothing new
                    queue_command(
                        account.pk, actor=None, kind=kind, natural_key=f"storm:{name}:{kind}".lower(), params=params
                    )
            Event().wait(self.draw.uniform(0.0, 0.3))

    def look(self) -> bool:
        """Note which payments became known; whether all are."""
        for name in sorted(self.paying - self.known):
            bills = list(Bill.objects.filter(account__external_id=name))
            if len(bills) == len(MONTHS) and all(not bill.open_amount for bill in bills):
                self.known.add(name)
        return self.known == self.paying


def effects(house: House) -> Counter[str]:
    """How often each command changed something at billing, by its key: from what billing wrote of each change."""
    with sqlite3.connect(house.billing.folder / "billing.sqlite3") as store:
        bodies = [json.loads(raw) for (raw,) in store.execute("SELECT body FROM event")]
    return Counter(body["correlationId"] for body in bodies if "correlationId" in body)


@pytest.fixture
def house(processes: Processes, tmp_path: Path) -> Iterator[House]:
    with smtp_peer() as mails:
        with clock.travel(MORNING):
            keys = program("billing:notify").keys
            ApiClient.objects.update(calls_per_minute=1_000_000)
        made = House(processes, tmp_path, mails, MORNING, keys)
        yield made
        made.end()


@pytest.mark.covers("ARC-11", "ARR-04")
def test_after_a_storm_of_kills_both_sides_agree_and_nothing_happened_twice(house: House) -> None:
    careline = house
    with careline.present():
        UserFactory(role="FINANCE_DUNNING", email="finance@example.test")
    for number in range(ROUNDS):
        if number:
            careline.move(MORNING + timedelta(days=number))
        with careline.ticking():
            one = Round(careline, number)
            one.play()
            wait_until(one.look, 60, "payments known", careline.processes)
            end = careline.settle(120)
            one.look()
            wait_until(lambda: not careline.in_the_broker(), 30, "queues of the broker", careline.processes)
        assert unlike(end) == []
        assert not BillingEvent.objects.exclude(state__in=["APPLIED", "IGNORED"]).exists()
        states = dict(Command.objects.values_list("key", "state"))
        assert set(states.values()) <= {"ACKNOWLEDGED", "OVERTAKEN"}
        done = effects(careline)
        assert {str(key) for key, state in states.items() if state == "ACKNOWLEDGED"} <= set(done)
        assert set(done) <= {str(key) for key in states}
        assert set(done.values()) == {1}
