"""Letters that lie in files for another carrier are blanked when who got them is forgotten (D§5.12)."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

from django.db.models import QuerySet

from foundation.common import clock
from outreach.channels.file import forget
from outreach.delivery import reference_of
from outreach.models import OutMessage

FILE = "file"


def blank_letters(messages: QuerySet[OutMessage]) -> int:
    """Blank the letters of these messages, of whatever month; how many."""
    written = messages.filter(carrier=FILE, sent_at__isnull=False)
    found: dict[date, set[str]] = defaultdict(set)
    for pk, sent_at in written.values_list("pk", "sent_at"):
        if sent_at is not None:
            for day in (-1, 0, 1):  # the file is named when it is written, the message stamped when that is told
                found[clock.today(sent_at) + timedelta(days=day)].add(reference_of(pk))
    return sum(forget(day, frozenset(references)) for day, references in found.items())
