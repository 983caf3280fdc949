"""Solved in the first contact or not: the verdict on each contact, and the daily figures (D§9.5, D§25).

A contact counts when a known customer came to us (incoming, logged) with a question, a complaint or a fault. It is
solved when it ended solved with the customer's agreement (a question: answered, and the customer did not disagree), was
the first on its topic, and the customer does not come again with the same topic for seven days (policy). Until then
the verdict is pending. Contacts without a topic count as of one topic.

Verdicts are written anew every night as far back as figures may still change (until the 5th of the next month), and
as long as they are pending.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from foundation.common import clock
from foundation.common.ids import first_id_at
from foundation.jobs.kinds import JobKind, register_job
from foundation.jobs.running import RunningJob
from foundation.policies.reading import begin_work, policy
from interactions.lifecycle import JUDGED_KINDS, Direction, Kind, Result
from interactions.models import ContactVerdict, Interaction

State, Reason = ContactVerdict.State, ContactVerdict.Reason
FROZEN_ON = 5  # day of the month on which the month before is closed (D§25)
PIECE = 5_000
SLACK = timedelta(days=1)  # an id is made within a moment of the start; a note of yesterday may be written today


@dataclass(frozen=True)
class Verdict:
    """What is to be said of one contact at a moment."""

    state: str
    reasons: tuple[str, ...]
    again_id: int | None


def is_judged(contact: Interaction) -> bool:
    """Whether the contact counts for solving in the first contact."""
    return (
        contact.logged_at is not None
        and contact.customer_id is not None
        and contact.direction == Direction.INBOUND
        and contact.kind in JUDGED_KINDS
    )


def verdict_of(contact: Interaction, at: datetime) -> Verdict | None:
    """The verdict on one contact: the twin of the nightly statement. None when the contact does not count."""
    if not is_judged(contact) or contact.ended_at is None or contact.customer_id is None:
        return None
    within = policy("interactions.solved_within")
    same = Interaction.objects.filter(
        customer_id=contact.customer_id,
        topic=contact.topic_id,
        direction=Direction.INBOUND,
        logged_at__isnull=False,
    )
    before = same.filter(
        pk__gte=first_id_at(contact.started_at - within - SLACK),
        pk__lt=contact.pk,
        ended_at__gte=contact.started_at - within,
    )
    again = same.filter(
        pk__gt=contact.pk,
        pk__lt=first_id_at(contact.ended_at + within + SLACK),
        started_at__lte=contact.ended_at + within,
    )
    again_id = again.order_by("started_at", "pk").values_list("pk", flat=True).first()
    ended_well = contact.result == Result.RESOLVED or (
        contact.result == Result.ANSWERED and contact.kind == Kind.CONSULT
    )
    reasons = [
        reason
        for reason, holds in (
            (Reason.NOT_SOLVED, not ended_well),
            (Reason.NOT_AGREED, contact.agreed is False),
            (Reason.NOT_FIRST, before.exists()),
            (Reason.CAME_AGAIN, again_id is not None),
        )
        if holds
    ]
    over = contact.ended_at + within <= at
    state = State.NOT_SOLVED if reasons else State.SOLVED if over else State.PENDING
    return Verdict(state, tuple(reasons), again_id)


# The contact that came again is looked for by `started_at`: by id alone the planner might walk the contacts of all.
# OFFSET 0: the state and the reasons are made of one look.
_JUDGE = """
INSERT INTO interactions_contactverdict AS v (interaction_id, day, unit_no, channel, kind, staff_id, state, reasons,
  again_id, within_days, judged_at)
SELECT i.id, (i.started_at AT TIME ZONE %(zone)s)::date, i.unit_no, i.channel, i.kind, i.staff_id,
  CASE WHEN cardinality(w.reasons) > 0 THEN 'NOT_SOLVED'
       WHEN i.ended_at + %(within)s > %(now)s THEN 'PENDING' ELSE 'SOLVED' END,
  w.reasons, again.id, %(days)s, %(now)s
FROM interactions_interaction i
LEFT JOIN LATERAL (
  SELECT o.id FROM interactions_interaction o
  WHERE o.customer_id = i.customer_id AND o.id > i.id AND o.id < first_id_at(i.ended_at + %(within)s + %(slack)s)
    AND o.direction = 'INBOUND' AND o.logged_at IS NOT NULL AND o.topic_id IS NOT DISTINCT FROM i.topic_id
    AND o.started_at <= i.ended_at + %(within)s
  ORDER BY o.started_at, o.id LIMIT 1) again ON true
CROSS JOIN LATERAL (SELECT array_remove(ARRAY[
  CASE WHEN NOT (i.result = 'RESOLVED' OR (i.result = 'ANSWERED' AND i.kind = 'CONSULT')) THEN 'NOT_SOLVED' END,
  CASE WHEN NOT i.agreed THEN 'NOT_AGREED' END,
  CASE WHEN EXISTS (
    SELECT FROM interactions_interaction o
    WHERE o.customer_id = i.customer_id AND o.id < i.id AND o.id >= first_id_at(i.started_at - %(within)s - %(slack)s)
      AND o.direction = 'INBOUND' AND o.logged_at IS NOT NULL AND o.topic_id IS NOT DISTINCT FROM i.topic_id
      AND o.ended_at >= i.started_at - %(within)s) THEN 'NOT_FIRST' END,
  CASE WHEN again.id IS NOT NULL THEN 'CAME_AGAIN' END]::varchar[], NULL) AS reasons OFFSET 0) w
WHERE i.id >= %(lo)s AND i.id < %(hi)s AND i.logged_at IS NOT NULL AND i.ended_at IS NOT NULL
  AND i.customer_id IS NOT NULL AND i.direction = 'INBOUND' AND i.kind = ANY(%(kinds)s)
ON CONFLICT (interaction_id) DO UPDATE SET day = EXCLUDED.day, unit_no = EXCLUDED.unit_no, channel = EXCLUDED.channel,
  kind = EXCLUDED.kind, staff_id = EXCLUDED.staff_id, state = EXCLUDED.state, reasons = EXCLUDED.reasons,
  again_id = EXCLUDED.again_id, within_days = EXCLUDED.within_days, judged_at = EXCLUDED.judged_at
WHERE (v.day, v.unit_no, v.channel, v.kind, v.staff_id, v.state, v.reasons, v.again_id, v.within_days) IS DISTINCT FROM
  (EXCLUDED.day, EXCLUDED.unit_no, EXCLUDED.channel, EXCLUDED.kind, EXCLUDED.staff_id, EXCLUDED.state,
   EXCLUDED.reasons, EXCLUDED.again_id, EXCLUDED.within_days)
"""

_FORGET_DAY = "DELETE FROM interactions_contactfigure WHERE day = %(day)s"
_COUNT_DAY = """
INSERT INTO interactions_contactfigure (day, unit_no, channel, kind, staff_id, total, solved, pending)
SELECT day, unit_no, channel, kind, staff_id, count(*), count(*) FILTER (WHERE state = 'SOLVED'),
  count(*) FILTER (WHERE state = 'PENDING')
FROM interactions_contactverdict WHERE interaction_id >= %(lo)s AND interaction_id < %(hi)s AND day = %(day)s
GROUP BY day, unit_no, channel, kind, staff_id
"""


def first_open_day(today: date, within: timedelta) -> date:
    """The first day whose verdicts are written again: the month before until it is frozen, else this month; and
    whatever may still be pending."""
    month = today.replace(day=1)
    if today.day <= FROZEN_ON:
        month = (month - timedelta(days=1)).replace(day=1)
    return min(month, today - within - 2 * SLACK)


def judge_chunk(cursor: Any, run: Any, lo: int, hi: int) -> int:
    """Write the verdicts on the contacts lo <= id < hi; how many are new or other than before."""
    begin_work()
    within = policy("interactions.solved_within")
    cursor.execute(
        _JUDGE,
        {
            "lo": lo,
            "hi": hi,
            "now": clock.now(),
            "within": within,
            "days": within.days,
            "slack": SLACK,
            "zone": clock.BUSINESS_ZONE.key,
            "kinds": list(JUDGED_KINDS),
        },
    )
    return int(cursor.rowcount)


@transaction.atomic
def count_day(day: date) -> int:
    """Write the figures of one day anew from its verdicts; how many lines."""
    bounds: dict[str, Any] = {
        "day": day,
        "lo": first_id_at(clock.business_midnight(day) - SLACK),
        "hi": first_id_at(clock.business_midnight(day + timedelta(days=1)) + SLACK),
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('contact_figures'))")  # two runs, one after the other
        cursor.execute(_FORGET_DAY, bounds)
        cursor.execute(_COUNT_DAY, bounds)
        return int(cursor.rowcount)


def judge_contacts(job: RunningJob) -> None:
    """Verdicts of the days that may still change, then their figures. Harmless to repeat."""
    now = clock.now()
    today = clock.today(now)
    first = first_open_day(today, policy("interactions.solved_within"))
    lo = first_id_at(clock.business_midnight(first) - SLACK)
    judged = job.run_chunks_of(Interaction._meta.db_table, size=PIECE, since=lo)
    days = (today - first).days + 1
    for number in range(days):
        count_day(first + timedelta(days=number))
        job.progress(number + 1, days, judged=judged)


def register() -> None:
    """Make the job known."""
    register_job(
        JobKind(
            name="interactions.judge_contacts",
            title=_("Which contacts were solved at once"),
            run=judge_contacts,
            right="jobs.control",
            chunk=judge_chunk,
            counts={"judged": _("Verdicts written"), "rows": _("Verdicts written")},
        )
    )
