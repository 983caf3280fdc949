"""Who gets how many when cases are spread: the colleagues of the unit who are there, the least loaded next, nobody
above the limit, what needs a skill to those who have it (D§3.3, 9.6)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count
from django.utils.translation import gettext as _

from complaints.models import Complaint
from complaints.services.ground import ASSIGN_RIGHT
from complaints.team.load import WORKERS, limits_of, with_presence
from foundation.common import clock
from foundation.common.sentences import join_words
from staff.models import RoleAssignment, User, holds_on
from staff.rights import sight_of


@dataclass
class Taker:
    """A colleague cases may be spread to. `held`: open cases now; `got`: of those spread."""

    user: User
    limit: int
    held: int
    got: int = 0
    skills: frozenset[str] = frozenset()

    @property
    def load(self) -> tuple[float, int]:
        """By which the least loaded is found."""
        return ((self.held + self.got) / self.limit, self.user.pk)


@dataclass
class Takers:
    """Those of each unit who are there (`present`), and all skills somebody of the unit has, there or not."""

    present: dict[int, list[Taker]] = field(default_factory=dict)
    skills: dict[int, set[str]] = field(default_factory=dict)


def takers_of(unit_ids: Iterable[int], *, actor: User, leaving: Counter[int], now: datetime) -> Takers:
    """The handlers of these units within the actor's orders. `leaving`: how many of the cases spread each has now,
    which count no more for their load. Four statements."""
    wanted = set(unit_ids)
    sight = sight_of(actor, ASSIGN_RIGHT)
    workers = RoleAssignment.objects.filter(holds_on(clock.today(now)), role__in=WORKERS).values("user")
    rows = User.objects.people().filter(sight.rows(unit_no="unit__no", owner="pk"), unit__in=wanted, pk__in=workers)
    people = list(with_presence(rows, now).select_related("unit").order_by("pk"))
    open_rows = Complaint.objects.open().filter(handler__in=[one.pk for one in people])
    held = dict(open_rows.order_by().values_list("handler").annotate(n=Count("pk")))
    limits = limits_of({one.unit_id for one in people})
    found = Takers()
    for one in people:
        skills = frozenset(one.skills)
        found.skills.setdefault(one.unit_id, set()).update(skills)
        if one.away_from is not None or one.off:
            continue
        taker = Taker(one, limits[one.unit_id], held.get(one.pk, 0) - leaving[one.pk], 0, skills)
        found.present.setdefault(one.unit_id, []).append(taker)
    return found


def needed(case: Complaint, known: set[str]) -> set[str]:
    """The skills a case needs of those somebody of the unit has: named like its topic (or the one above) or like the
    tier of its customer."""
    words = set()
    if case.topic is not None:
        words |= {case.topic.code.upper(), case.topic.code.split(".")[0].upper()}
    if case.customer is not None and (facts := getattr(case.customer, "facts", None)) is not None:
        words.add(facts.tier)
    return words & known


def spread(cases: Sequence[Complaint], takers: Takers) -> dict[int, Taker | str]:
    """Who gets each case, the most urgent first, or why nobody can: by the id of the case. The cases know topic and
    customer with facts."""
    found: dict[int, Taker | str] = {}
    for case in sorted(cases, key=lambda one: (one.queue_at, one.pk)):
        barred = {case.handler_id, case.about_staff_id, case.not_handler_id}
        there = [one for one in takers.present.get(case.work_unit_id, []) if one.user.pk not in barred]
        skills = needed(case, takers.skills.get(case.work_unit_id, set()))
        able = [one for one in there if skills <= one.skills]
        free = [one for one in able if one.held + one.got < one.limit]
        if free:
            taker = min(free, key=lambda one: one.load)
            taker.got += 1
            found[case.pk] = taker
        elif not there:
            found[case.pk] = _("Nobody else of the unit is there.")
        elif not able:
            found[case.pk] = _("Nobody there has the skill it needs: %(skill)s.") % {
                "skill": join_words(sorted(skills))
            }
        else:
            found[case.pk] = _("Everybody there is at the limit.")
    return found
