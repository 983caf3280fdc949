"""A year of contacts, promises and bells for the sample customers, relative to now. Written in bulk.

What is overdue is left for the clock: the running beat reminds and hands over exactly as it does in earnest.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from customers.copying import copy_rows, ids_at
from customers.models import TimelineLine
from customers.sample.archive import Kept
from customers.sample.draw import Draw
from customers.sample.figures import CALLS_A_YEAR, HALL_VISIT_SHARE
from customers.sample.organisation import Organisation
from foundation.common import clock
from foundation.common.numbers import next_number
from interactions.models import Interaction, InteractionMove, Topic
from outreach.models import FollowUp, FollowUpAttempt, FollowUpMove, Notification
from staff.models import OrgUnit, Team, User
from workspace import words_zh as words
from workspace.sample_first_ask import write_first_ask

YEAR = timedelta(days=365)
FOLLOWED_SHARE = 0.16  # no public figure: so that one contact in six leaves a promise
NEEDS_CALLBACK = {"COMPLAINT", "FAULT"}
Line = tuple[datetime, int, str, int, dict[str, Any], int | None, int | None]
DRAWN_BELOW = 500  # numbers of a past day that the services may draw


@dataclass(eq=False)
class _Contact:
    kept: Kept
    staff: User
    channel: str
    topic: str
    kind: str
    summary: str
    at: datetime
    minutes: int
    promise: _Promise | None = None

    @property
    def ended_at(self) -> datetime:
        return self.at + timedelta(minutes=self.minutes)


@dataclass(eq=False)
class _Promise:
    kept: Kept
    kind: str
    subject: str
    owner: User
    made_at: datetime
    due_at: datetime
    made_by: User | None
    done_at: datetime | None = None
    tries: int = 0
    team: Team | None = None
    pooled: bool = False


class History:
    """Draws the year, then writes it."""

    def __init__(self, draw: Draw, organisation: Organisation, kept: list[Kept]) -> None:
        self.draw = draw
        self.organisation = organisation
        self.kept = kept
        self.now = clock.now()
        self.contacts: list[_Contact] = []
        self.promises: list[_Promise] = []
        self.numbers: dict[str, int] = defaultdict(int)
        self.agents = [*organisation.by_role["AGENT"], *organisation.by_role["ROAMING_AGENT"]]
        self.clerks: dict[int, list[User]] = defaultdict(list)
        for user in organisation.by_role["HALL_CLERK"]:
            self.clerks[user.unit_id].append(user)

    def write(self) -> dict[str, int]:
        """Everything; returns the counts for the audit."""
        self._draw_contacts()
        self._draw_promises_of_managers()
        self._draw_pool()
        follow_ups = self._write_promises()
        contacts = self._write_contacts(follow_ups)
        self._write_lines(contacts, follow_ups)
        self._write_bells(follow_ups)
        self._push_facts()
        left = write_first_ask(contacts.values(), self.organisation, self.now, self._number)
        return {"contacts": len(self.contacts), "follow_ups": len(self.promises), **left}

    def _draw_contacts(self) -> None:
        for kept in self.kept:
            calls = int(self.draw.by_count(CALLS_A_YEAR))
            for _call in range(calls + (2 if kept.draft.is_company else 0)):
                self._contact(kept, self.draw.one(self.agents), "HOTLINE")
            here = self.clerks.get(kept.unit.pk) or self.clerks[self._hall_of(kept).pk]
            if not kept.draft.is_company and self.draw.chance(HALL_VISIT_SHARE):
                self._contact(kept, self.draw.one(here), "HALL_OWN")

    def _hall_of(self, kept: Kept) -> OrgUnit:
        return self.organisation.branches[kept.draft.city].halls[0]

    def _contact(self, kept: Kept, staff: User, channel: str) -> None:
        joined = datetime.combine(kept.draft.joined_on, datetime.min.time(), tzinfo=clock.BUSINESS_ZONE)
        begin, end = max(joined + timedelta(days=1), self.now - YEAR), self.now - timedelta(hours=2)
        if kept.draft.left_on:
            left = datetime.combine(kept.draft.left_on, datetime.min.time(), tzinfo=clock.BUSINESS_ZONE)
            end = min(end, left)
        if begin >= end:
            return
        topic = self.draw.by_count(words.WEIGHTS)
        kind, summaries = words.CONTACTS[topic]
        at = _office_hours(begin + (end - begin) * self.draw.random.random(), round_the_clock=channel == "HOTLINE")
        at = min(max(at, begin), end)
        contact = _Contact(kept, staff, channel, topic, kind, self.draw.one(summaries), at, self.draw.whole(2, 14))
        if self.draw.chance(FOLLOWED_SHARE * (3 if kind in NEEDS_CALLBACK else 0.6)):
            made_at = at + timedelta(minutes=contact.minutes)
            due_at = made_at + timedelta(hours=self.draw.whole(4, 72))
            contact.promise = _Promise(kept, "CALLBACK", self.draw.one(words.CALLBACKS), staff, made_at, due_at, staff)
            self._settle(contact.promise)
            self.promises.append(contact.promise)
        self.contacts.append(contact)

    def _settle(self, promise: _Promise) -> None:
        """Old promises were kept, nearly always in time; of the last days' some are still open or overdue."""
        if promise.due_at > self.now or (promise.due_at > self.now - timedelta(days=4) and self.draw.chance(0.4)):
            return
        late = self.draw.whole(1, 30) if self.draw.chance(0.08) else -self.draw.whole(1, 3)
        promise.done_at = min(
            max(promise.due_at + timedelta(hours=late), promise.made_at + timedelta(minutes=20)),
            self.now - timedelta(minutes=5),
        )
        promise.tries = 2 if self.draw.chance(0.2) else 1

    def _draw_promises_of_managers(self) -> None:
        """Care calls and visits of the account managers: done ones behind, planned ones ahead, a few overdue."""
        for kept in self.kept:
            if kept.manager is None or kept.draft.left_on or kept.draft.staff_of is not None:
                continue
            kind, subjects = ("VISIT", words.VISITS) if kept.draft.is_company else ("CARE_CALL", words.CARE_CALLS)
            for days in (-self.draw.whole(60, 300), self.draw.whole(-2, 21)):
                due_at = _office_hours(self.now + timedelta(days=days, hours=self.draw.whole(0, 8)))
                made_at = due_at - timedelta(days=self.draw.whole(14, 28))
                promise = _Promise(kept, kind, self.draw.one(subjects), kept.manager, made_at, due_at, kept.manager)
                self._settle(promise)
                self.promises.append(promise)

    def _draw_pool(self) -> None:
        """Callbacks anybody of a hotline team may take, and what the demo users owe today."""
        first = {role: people[0] for role, people in self.organisation.by_role.items()}
        served = [row for row in self.kept if not row.draft.left_on and not row.draft.is_company]
        for team in [team for team in self.organisation.teams.values() if team.unit_id == first["AGENT"].unit_id]:
            for hours in (1, 3, 6, 20, 30):
                promise = self._today(self.draw.one(served), team.lead, hours)
                promise.team, promise.pooled = team, True
        for role in ("AGENT", "ACCOUNT_MANAGER", "HALL_CLERK", "TEAM_LEAD", "COMPLAINT_HANDLER", "PROJECT_MANAGER"):
            for hours in (-26, -3, 1, 4, 28):
                self._today(self.draw.one(served), first[role], hours)

    def _today(self, kept: Kept, owner: User, hours: int) -> _Promise:
        due_at = self.now + timedelta(hours=hours, minutes=self.draw.whole(5, 50))
        kind = "TASK" if self.draw.chance(0.2) else "CALLBACK"
        subject = self.draw.one(words.TASKS if kind == "TASK" else words.CALLBACKS)
        made_at = min(due_at, self.now) - timedelta(hours=self.draw.whole(2, 20))
        promise = _Promise(kept, kind, subject, owner, made_at, due_at, owner)
        self.promises.append(promise)
        return promise

    def _number(self, prefix: str, digits: int, at: datetime) -> str:
        """Past days' numbers are counted here, above those the services draw there; today's come from the sequence."""
        day = clock.today(at)
        if day >= clock.today(self.now):
            return next_number(prefix)
        self.numbers[f"{prefix}{day:%Y%m%d}"] += 1
        return f"{prefix}{day:%Y%m%d}{DRAWN_BELOW + self.numbers[f'{prefix}{day:%Y%m%d}']:0{digits}d}"

    def _write_promises(self) -> dict[_Promise, FollowUp]:
        keys = ids_at([promise.made_at for promise in self.promises])
        found = {
            promise: FollowUp(
                id=key,
                number=self._number("CB", 6, promise.made_at),
                kind=promise.kind,
                customer_id=promise.kept.customer_id,
                subject=promise.subject,
                owner=promise.owner,
                team=promise.team,
                unit_no=promise.owner.unit.no,
                pooled=promise.pooled,
                due_at=promise.due_at,
                state="DONE" if promise.done_at else "OPEN",
                attempts=promise.tries,
                last_outcome="REACHED" if promise.done_at else "",
                last_attempt_at=promise.done_at,
                result=self.draw.one(words.RESULTS) if promise.done_at else "",
                done_by=promise.owner if promise.done_at else None,
                closed_at=promise.done_at,
                next_notice_at=None if promise.done_at else promise.due_at,
                created_at=promise.made_at,
                created_by=promise.made_by,
            )
            for promise, key in zip(self.promises, keys, strict=True)
        }
        FollowUp.objects.bulk_create(found.values(), batch_size=1_000)
        moves, tries = [], []
        for promise, row in found.items():
            moves.append(
                FollowUpMove(
                    follow_up=row, at=promise.made_at, act="OWED", actor=promise.made_by, new_owner=promise.owner,
                    new_due=promise.due_at,
                )
            )  # fmt: skip
            if promise.done_at:
                moves.append(FollowUpMove(follow_up=row, at=promise.done_at, act="DONE", actor=promise.owner))
                for place in range(promise.tries):
                    back = timedelta(minutes=15 * (promise.tries - 1 - place))
                    outcome = "REACHED" if place == promise.tries - 1 else "NO_ANSWER"
                    tries.append(
                        FollowUpAttempt(follow_up=row, at=promise.done_at - back, actor=promise.owner, outcome=outcome)
                    )
        FollowUpMove.objects.bulk_create(moves, batch_size=2_000)
        FollowUpAttempt.objects.bulk_create(tries, batch_size=2_000)
        return found

    def _write_contacts(self, follow_ups: dict[_Promise, FollowUp]) -> dict[_Contact, Interaction]:
        topics = dict(Topic.objects.values_list("code", "pk"))
        keys = ids_at([contact.at for contact in self.contacts])
        found = {}
        for contact, key in zip(self.contacts, keys, strict=True):
            ended = contact.ended_at
            staff, unit = contact.staff, contact.staff.unit
            result = "FOLLOW_UP" if contact.promise else self.draw.one(("ANSWERED", "ANSWERED", "RESOLVED"))
            found[contact] = Interaction(
                id=key,
                number=self._number("IN", 9, contact.at),
                customer_id=contact.kept.customer_id,
                channel=contact.channel,
                kind=contact.kind,
                direction="INBOUND",
                staff=staff,
                first_ask_owner=staff,
                unit_no=unit.no,
                caller="CUSTOMER",
                verified_how="ID_DOCUMENT" if contact.channel == "HALL_OWN" else "PASSWORD",
                verified_until=contact.at + timedelta(minutes=30),
                out_of_scope=not unit.no <= contact.kept.unit.no <= unit.last_no,
                started_at=contact.at,
                ended_at=ended,
                logged_at=ended,
                opens_until=ended + timedelta(days=1),
                topic_id=topics[contact.topic],
                summary=contact.summary,
                result=result,
                resolved_on_spot=result == "RESOLVED",
                next_action=follow_ups[contact.promise] if contact.promise else None,
            )
        Interaction.objects.bulk_create(found.values(), batch_size=1_000)
        InteractionMove.objects.bulk_create(
            (
                InteractionMove(interaction=row, at=at, act=act, actor=contact.staff, code=code)
                for contact, row in found.items()
                for at, act, code in (
                    (contact.at, "STARTED", row.verified_how),
                    (contact.ended_at, "ENDED", ""),
                    (contact.ended_at, "LOGGED", row.result),
                )
            ),
            batch_size=2_000,
        )
        return found

    def _write_lines(self, contacts: dict[_Contact, Interaction], follow_ups: dict[_Promise, FollowUp]) -> None:
        lines: list[Line] = []
        for contact, row in contacts.items():
            about = {
                "number": row.number, "channel": row.channel, "kind": row.kind, "result": row.result,
                "topic": contact.topic,
            }  # fmt: skip
            unit = contact.staff.unit_id
            lines.append(
                (contact.ended_at, contact.kept.customer_id, "contact.logged", row.pk, about, contact.staff.pk, unit)
            )
        for promise, follow_up in follow_ups.items():
            about = {"number": follow_up.number, "kind": follow_up.kind}
            owner, customer, unit = promise.owner.pk, promise.kept.customer_id, promise.owner.unit_id
            due = about | {"due_at": promise.due_at.isoformat(), "owner": owner}
            lines.append((promise.made_at, customer, "followup.owed", follow_up.pk, due, owner, unit))
            if promise.done_at:
                tried = about | {"outcome": "REACHED"}
                lines.append((promise.done_at, customer, "followup.attempt", follow_up.pk, tried, owner, unit))
                lines.append((promise.done_at, customer, "followup.done", follow_up.pk, about, owner, unit))
        keys = ids_at([line[0] for line in lines])
        copy_rows(
            TimelineLine,
            ("id", "customer_id", "kind", "ref_id", "params", "actor_id", "unit_id"),
            ((key, *line[1:]) for key, line in zip(keys, lines, strict=True)),
        )

    def _write_bells(self, follow_ups: dict[_Promise, FollowUp]) -> None:
        """Each owner of something open was told when it was given; older bells were read."""
        recent = [(p, row) for p, row in follow_ups.items() if not p.done_at and not p.pooled]
        keys = ids_at([promise.made_at for promise, _row in recent])
        Notification.objects.bulk_create(
            (
                Notification(
                    id=key,
                    user=promise.owner,
                    kind="followup.given",
                    subject_type="followup",
                    subject_id=row.pk,
                    params={"number": row.number, "due_at": row.due_at.isoformat()},
                    dedupe_key=f"given-{row.ref}-sample",
                    read_at=None if promise.made_at > self.now - timedelta(days=2) else promise.made_at,
                )
                for key, (promise, row) in zip(keys, recent, strict=True)
            ),
            batch_size=1_000,
        )

    def _push_facts(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                """UPDATE customers_facts f SET last_contact_at = n.last, contacts_total = n.total
                   FROM (SELECT customer_id, max(started_at) AS last, count(*) AS total
                         FROM interactions_interaction GROUP BY customer_id) n
                   WHERE f.customer_id = n.customer_id"""
            )


def _office_hours(at: datetime, *, round_the_clock: bool = False) -> datetime:
    """The same day at an hour somebody works: 9 to 17, for the hotline 7 to 22."""
    local = at.astimezone(clock.BUSINESS_ZONE)
    first, last = (7, 22) if round_the_clock else (9, 17)
    return local.replace(hour=first + local.hour % (last - first + 1))
