"""Random merges and undos over archives with rows in every table: all of it ends as it began, whatever the order."""

from __future__ import annotations

import os
import random
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import transaction

from customers.merging.services import approve_merge, propose_merge
from customers.merging.undoing import plan_of, undo_merge
from customers.models import Customer, Merge, Need
from customers.quality import refresh_one
from customers.services import add_need
from foundation.common.errors import RuleBroken
from foundation.common.merging import customer_keys
from staff.models import User
from tests.conftest import DEEP
from tests.customers.merging_hoard import BY_MERGING, Look, hoard, rows_by_key, unequal
from tests.customers.people import Operator, operator
from tests.factories import UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.covers("ARC-17")]
SEQUENCES, OF_A_POOL, PEOPLE = (10_000, 250, 9) if DEEP else (30, 30, 9)
CHOICES = ["name", "document", "birthday", "home_city", "status", "gender", "manager", "segment"]


@dataclass
class Pool:
    """Some archives, who merges them, and what was seen of the tables before each merge that is not undone yet."""

    draw: random.Random
    people: list[Customer]
    clerk: User
    lead: User
    look: Look
    undone: list[tuple[Merge, dict[str, Any] | None]] = field(default_factory=list)
    later: list[tuple[Need, int]] = field(default_factory=list)
    done: int = 0
    refused: int = 0

    def sequence(self) -> None:
        """Merge some of them, take merges back in any order, do a thing or two in between; then all back."""
        actors = self.draw.sample([row.pk for row in self.people], self.draw.randrange(2, 6))
        for _step in range(self.draw.randrange(1, 7)):
            standing = set(Customer.objects.filter(pk__in=actors, merged_into=None).values_list("pk", flat=True))
            act = self.draw.random()
            if self.undone and (len(standing) < 2 or act < 0.3):
                self.undo(self.draw.randrange(len(self.undone)) if act < 0.15 else len(self.undone) - 1)
            elif self.undone and act < 0.4:
                self.work_on()
            elif act < 0.5:
                self.refuse(actors)
            elif len(standing) >= 2:
                self.merge(*self.draw.sample(sorted(standing), 2))
        while self.undone:
            self.undo(len(self.undone) - 1)
        self.look_at_later_work()
        assert self.look.changed() == []

    def merge(self, keeps: int, goes: int) -> None:
        """One more, seen before. A family is refused and changes nothing."""
        before = self.look.now() if not self.later and self.draw.random() < 0.3 else None
        choices = self.draw.sample(CHOICES, self.draw.randrange(4))
        try:
            with transaction.atomic():
                asked = propose_merge(keeps, goes, actor=self.clerk, reason="same person", choices=choices)
                merge = approve_merge(asked.pk, actor=self.lead)
        except RuleBroken as no:
            if no.code != "merge.family":
                raise
            self.refused += 1
        else:
            self.undone.append((merge, before))
            assert not Need.objects.filter(customer=goes).exists()

    def undo(self, place: int) -> None:
        """The merge at this place; one that a later one stands on is refused. The last one ends where it began."""
        merge, before = self.undone[place]
        handed = {f"customers_need:{need.pk}" for need, _owner in self.later} if self.draw.random() < 0.5 else set()
        try:
            with transaction.atomic():
                offered = {since.ref for since in plan_of(merge).added} if handed else set()
                undo_merge(merge.pk, actor=self.lead, reason="two people", hand_over=handed & offered)
        except RuleBroken as no:
            if no.code != "merge.not_the_last" or place == len(self.undone) - 1:
                raise
            self.refused += 1
            return
        for number, (need, owner) in enumerate(self.later):
            if f"customers_need:{need.pk}" in handed & offered:
                self.later[number] = (need, merge.absorbed_id if owner == merge.survivor_id else owner)
        del self.undone[place]
        self.done += 1
        if place == len(self.undone) and before is not None and not self.later:
            assert unequal(before, self.look.now()) == []
        # What was seen before later merges saw this one as well.
        self.undone[place:] = [(other, None) for other, _seen in self.undone[place:]]

    def work_on(self) -> None:
        """The survivor of the last merge gets a need, and one that moved is worked on."""
        merge, _before = self.undone[-1]
        self.later.append((add_need(merge.survivor_id, actor=self.clerk, text="later"), merge.survivor_id))

    def refuse(self, actors: list[int]) -> None:
        """A merge into oneself, or of one that stands no more for itself."""
        one = self.draw.choice(actors)
        gone = Customer.objects.filter(pk__in=actors).exclude(merged_into=None).values_list("pk", flat=True).first()
        for other, code in ((one, "merge.itself"), (gone, "merge.gone")):
            if other is not None and (other == one) == (code == "merge.itself"):
                with pytest.raises(RuleBroken) as no, transaction.atomic():
                    propose_merge(one, other, actor=self.clerk, reason="same person")
                assert no.value.code in {code, "merge.gone"}
                self.refused += 1

    def look_at_later_work(self) -> None:
        """Nothing written meanwhile is lost; then it is taken out of the way of the comparison."""
        for need, owner in self.later:
            need.refresh_from_db()
            assert (need.text, need.customer_id) == ("later", owner)
            need.delete()
            refresh_one(owner)  # a need known makes an archive more complete
        self.later.clear()


def pool(draw: random.Random, world: Operator, lead: User) -> Pool:
    people = hoard(draw, world.hall, [world.clerk, lead, world.head], PEOPLE)
    return Pool(draw, people, world.clerk, lead, Look())


def test_random_merges_and_undos_end_as_they_began() -> None:
    """Chains, families, merges into oneself, undos in any order and work in between are among the sequences."""
    seed = int(os.environ.get("CARELINE_SEED") or (random.SystemRandom().randrange(10**9) if DEEP else 20_261_123))
    done = refused = 0
    empty = {str(key) for key in customer_keys()}
    for first in range(0, SEQUENCES, OF_A_POOL):
        with transaction.atomic():
            world = operator()
            lead = UserFactory(role="TEAM_LEAD", unit=world.hall)
            many = pool(random.Random(seed + first), world, lead)
            empty &= {key for key, rows in rows_by_key().items() if not rows}
            for number in range(first, min(first + OF_A_POOL, SEQUENCES)):
                many.draw = random.Random(seed + number)
                with transaction.atomic():
                    try:
                        many.sequence()
                    except Exception as error:
                        raise AssertionError(f"seed {seed}, sequence {number}") from error
                    transaction.set_rollback(True)
            done, refused = done + many.done, refused + many.refused
            many.look.close()
            transaction.set_rollback(True)
        told = f"seed {seed}: {first + OF_A_POOL} sequences, {done} merges undone, {refused} refused\n"
        sys.stderr.write(told)  # the only sign of life of the deep run
    assert empty == BY_MERGING, "no pool had rows for these keys (tests/customers/merging_hoard.py)"
    assert done > SEQUENCES
    assert refused > SEQUENCES / 20
