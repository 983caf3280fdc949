"""A year of complaints of the sample operator, taken through the services in the order of time: nearly all closed, the
last ones open in every state."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from datetime import datetime, time, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from complaints.figures.freezing import count_missing_lines
from complaints.library.words import read_cases
from complaints.models import Cause, Complaint, Measure
from complaints.services.answering import decide_complaint, dispute_complaint
from complaints.services.approving import grant_approval
from complaints.services.assessing import assess_complaint
from complaints.services.callbacks import record_callback
from complaints.services.closing import close_complaint, reopen_complaint
from complaints.services.intake import register_complaint
from complaints.services.parts import accept_part, finish_part, give_part
from complaints.services.pausing import pause_complaint, resume_complaint
from complaints.services.solving import complete_measure, propose_solution
from complaints.services.urging import urge_complaint
from complaints.services.working import accept_work, assign_complaint, note_contact
from customers.models import Customer
from customers.sample.archive import Kept
from customers.sample.draw import Draw
from customers.sample.organisation import Organisation
from foundation.common import clock
from foundation.common.ids import count_anew, first_id_at
from interactions.models import Topic
from outreach.models import Notification, OutMessage
from staff.models import User
from workspace import complaint_words_zh as words

CLOSED, YEAR = 10, 350
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
Step = tuple[timedelta, Callable[[], Any]]
# How far the open ones of today have come: hours since they were taken, and the last step done.
OPEN = (
    (0.3, "registered"), (1.2, "registered"), (2, "assessed"), (5, "assigned"), (20, "working"), (26, "working"),
    (30, "part"), (44, "working"), (52, "paused"), (60, "working"), (70, "proposed"), (76, "answered"),
    (90, "answered"), (100, "disputed"), (140, "called"), (170, "reopened"),
)  # fmt: skip


class Complaints:
    """Draws the cases, then lets the people of the demonstration take them through their steps."""

    def __init__(self, draw: Draw, organisation: Organisation, kept: list[Kept]) -> None:
        self.draw = draw
        self.now = clock.now()
        roles = organisation.by_role
        self.agents, self.handlers = roles["AGENT"], roles["COMPLAINT_HANDLER"]
        self.coordinator, self.head, self.support = (
            roles["COORDINATOR"][0],
            roles["DEPT_HEAD"][0],
            roles["UNIT_HANDLER"],
        )
        self.people = [one for one in kept if not one.draft.left_on and not one.draft.is_company]
        self.topics = Topic.objects.in_bulk(field_name="code")
        self.causes = Cause.objects.in_bulk(field_name="code")
        self.order = count()

    def write(self) -> int:
        """All of them, step by step in the order of time; how many cases."""
        waiting: list[tuple[datetime, int, Iterator[Step]]] = []
        for begin, case in self._cases():
            heapq.heappush(waiting, (begin, next(self.order), case))
        while waiting:
            at, _place, case = heapq.heappop(waiting)
            with clock.travel(min(at, self.now)):
                step = next(case, None)
                if step is None:
                    continue
                after, act = step
                act()
            heapq.heappush(waiting, (at + after, next(self.order), case))
        self._settle()
        return CLOSED + len(OPEN)

    def _cases(self) -> Iterator[tuple[datetime, Iterator[Step]]]:
        count_anew()
        for number in range(CLOSED):
            day = clock.today(self.now) - timedelta(days=YEAR - number * (YEAR - 9) // CLOSED)
            begin = datetime.combine(day, time(9, 0), tzinfo=clock.BUSINESS_ZONE) + MINUTE * self.draw.whole(0, 480)
            yield begin, self._story(number, "closed")
        for number, (hours, until) in enumerate(OPEN, start=CLOSED):
            yield self.now - HOUR * hours, self._story(number, until)

    def _story(self, number: int, until: str) -> Iterator[Step]:
        """The steps of one case: what is done, and how long it takes to the next."""
        story = words.STORIES[number % len(words.STORIES)]
        agent, handler = self.draw.one(self.agents), self.handlers[number % len(self.handlers)]
        slow = self.draw.chance(0.3) and until == "closed"
        held: list[Complaint] = []
        yield MINUTE * 25, lambda: held.append(self._take(number, story, agent))
        case = held[0].pk
        if until == "registered":
            return
        yield (
            MINUTE * 30,
            lambda: assess_complaint(
                case, actor=handler, topic=self.topics[story.topic], grade=held[0].grade, path=story.path
            ),
        )
        if until == "assessed":
            return
        yield MINUTE * 40, lambda: assign_complaint(case, actor=self.coordinator, to=handler)
        if until == "assigned":
            return
        yield HOUR * 3, lambda: accept_work(case, actor=handler)
        yield (
            HOUR * (60 if slow else 6),
            lambda: note_contact(case, actor=handler, channel="HOTLINE", text=self.draw.one(words.CONTACTED)),
        )
        if until == "working":
            if number % 2:
                yield HOUR, lambda: urge_complaint(case, actor=agent, channel="HOTLINE", text=words.URGED)
            return
        if until == "part" or story.path == "CROSS_UNIT":
            parts: list[Any] = []
            unit = self.support[0].unit
            yield HOUR * 2, lambda: parts.append(give_part(case, actor=self.coordinator, unit=unit, ask=words.ASK))
            if until == "part":
                return
            yield HOUR * 3, lambda: accept_part(parts[0].pk, actor=self.support[-1])
            yield HOUR, lambda: finish_part(parts[0].pk, actor=self.support[-1], answer=words.FOUND)
        if until == "paused" or number % 9 == 4:
            reason, upto = "APPOINTMENT", min(clock.now(), self.now) + HOUR * 20
            yield (
                HOUR * 15,
                lambda: pause_complaint(case, actor=handler, reason=reason, until=upto, evidence=words.PAUSED),
            )
            if until == "paused":
                return
            yield HOUR, lambda: resume_complaint(case, actor=handler)
        yield HOUR * 2, lambda: self._propose(case, story, handler)
        if until == "proposed":
            return
        yield MINUTE, lambda: decide_complaint(case, actor=handler, words=story.answer)
        yield HOUR * 20, lambda: self._carry_out(case, handler)
        if until == "answered":
            return
        if until == "disputed":
            yield HOUR, lambda: dispute_complaint(case, actor=agent, words=words.DISPUTED)
            return
        yield (
            MINUTE * 20,
            lambda: record_callback(
                case,
                actor=self.head if held[0].grade == "MAJOR" else agent,
                solved="YES",
                told_of_progress=not slow,
                satisfaction=3 if slow else self.draw.whole(4, 5),
                attitude=self.draw.whole(3, 5),
                said=self.draw.one(words.SAID),
            ),
        )
        if until == "called":
            return
        unit = self.support[0].unit if story.cause.startswith("NETWORK") else handler.unit
        yield (
            HOUR * 20,
            lambda: close_complaint(
                case, actor=handler, cause=self.causes[story.cause], responsible_unit=unit, lesson=words.LESSON
            ),
        )
        if until == "reopened":
            yield HOUR, lambda: reopen_complaint(case, actor=agent, words=words.NOT_SOLVED)

    def _take(self, number: int, story: words.Story, agent: User) -> Complaint:
        kept = self.people[(number * 37 + 11) % len(self.people)]
        grave = number % 17 == 7
        return register_complaint(
            actor=agent,
            channel=("HOTLINE", "HOTLINE", "HALL_OWN", "APP", "WEB")[number % 5],
            text=story.text,
            demand=story.demand,
            customer=Customer.objects.get(pk=kept.customer_id),
            topic=self.topics[story.topic],
            amount=Decimal(story.amount) if story.amount else None,
            disputed_fee=bool(story.amount) and story.topic.startswith("BILLING"),
            area=kept.unit.area,
            grade="MAJOR" if grave else "ORDINARY",
            grade_reason="VULNERABLE" if grave else "",
        )

    def _propose(self, case: int, story: words.Story, handler: User) -> None:
        money = {"amount": Decimal(story.amount)} if story.measure in ("REFUND", "WAIVER", "COMPENSATION") else {}
        measure = {
            "kind": story.measure,
            "text": story.answer[:60],
            "owner": handler,
            "due_at": clock.now() + HOUR * 48,
        }
        solution = propose_solution(case, actor=handler, finding=story.finding, measures=[measure | money])
        for approval in solution.approvals.all():
            grant_approval(approval.pk, actor=self.head)

    def _carry_out(self, case: int, handler: User) -> None:
        for measure in Measure.objects.filter(solution__complaint=case, solution__dropped_at=None, done_at=None):
            complete_measure(measure.pk, actor=handler, result=words.FOUND)

    def _settle(self) -> None:
        """What was written and rung long ago has arrived and was read."""
        before = self.now - timedelta(hours=12)
        year = first_id_at(self.now - timedelta(days=YEAR + 1))
        old = OutMessage.objects.filter(pk__gte=year, state="queued", not_before__lt=before)
        old.filter(template__startswith="complaint").update(state="delivered", sent_at=before)
        Notification.objects.filter(pk__lt=first_id_at(self.now - timedelta(days=2)), read_at=None).update(
            read_at=self.now
        )


def write_complaints(draw: Draw, organisation: Organisation, kept: list[Kept]) -> int:
    """Write the year of complaints; how many cases."""
    written = Complaints(draw, organisation, kept).write()
    read_cases(Complaint.objects.values_list("pk", flat=True))
    count_missing_lines(clock.today())  # as every night would have
    return written
