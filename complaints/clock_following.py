"""What lists copy from the clocks of cases and parts, kept when another version of a calendar or policy moves them; and
the reasons of their pauses and changes in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from complaints.lifecycle import OWNER_KIND, PART_KIND, ClockKind, PauseReason
from complaints.models import Complaint, Part
from complaints.services.clocks import NOT_OURS
from foundation.calendars.clock_words import name_reasons
from foundation.calendars.models import Clock
from foundation.calendars.moving import Follower, follow


def register() -> None:
    """Follow the clocks, and name their reasons."""
    follow(OWNER_KIND, Follower(lock=partial(_lock, Complaint), changed=copy_to_cases))
    follow(PART_KIND, Follower(lock=partial(_lock, Part), changed=copy_to_parts))
    name_reasons(OWNER_KIND, {**dict(PauseReason.choices), "GRADE": _("another grade"), "MEDIATION": _("mediation")})


def _lock(model: type[Complaint] | type[Part], ids: list[int]) -> set[int]:
    """Those of the rows nobody else holds."""
    rows: Any = model._default_manager.filter(pk__in=ids).order_by("pk")
    return set(rows.select_for_update(no_key=True, skip_locked=True).values_list("pk", flat=True))


def copy_to_cases(clocks: Sequence[Clock]) -> None:
    """Write the copies of these cases anew from their open clocks, as `services.clocks.CaseClocks.copies` gives them.

    The version counts up: a page opened before asks its reader to look again. One statement.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """UPDATE complaints_complaint c SET service_due_at = k.service, statutory_due_at = k.statutory,
                 next_due_at = k.nearest, service_late = c.service_late OR k.service_late,
                 statutory_late = c.statutory_late OR k.statutory_late, version = c.version + 1
               FROM (SELECT owner_id, min(due_at) FILTER (WHERE kind = %(service)s) AS service,
                       min(due_at) FILTER (WHERE kind = %(statutory)s) AS statutory,
                       min(due_at) FILTER (WHERE kind <> ALL(%(not_ours)s)) AS nearest,
                       count(missed_at) FILTER (WHERE kind = %(service)s) > 0 AS service_late,
                       count(missed_at) FILTER (WHERE kind = %(statutory)s) > 0 AS statutory_late
                     FROM clock WHERE owner_kind = %(kind)s AND owner_id = ANY(%(ids)s)
                       AND state IN ('RUNNING', 'PAUSED') GROUP BY owner_id) k
               WHERE c.id = k.owner_id""",
            {
                "service": ClockKind.SERVICE.value,
                "statutory": ClockKind.STATUTORY.value,
                "not_ours": list(NOT_OURS),
                "kind": OWNER_KIND,
                "ids": [clock.owner_id for clock in clocks],
            },
        )


def copy_to_parts(clocks: Sequence[Clock]) -> None:
    """Write the deadline of these parts anew."""
    parts = Part.objects.in_bulk([clock.owner_id for clock in clocks])
    for clock in clocks:
        parts[clock.owner_id].due_at = clock.due_at
    Part.objects.bulk_update(parts.values(), ["due_at"])
