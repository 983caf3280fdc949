"""What customers experience, by topic: complaints, suggestions and what they said when called back, side by side
(SUR-12). Surveys join when there are any."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any
from urllib.parse import urlencode

from django.db.models import Avg, Count, F, Q
from django.urls import reverse

from complaints.figures.asking import Asked, rows_url
from complaints.figures.report_rows import CALLS
from complaints.kpis.base import Part
from complaints.kpis.lines import names_of
from complaints.kpis.outcome import GOOD_SCORE
from complaints.kpis.slicing import frozen_among, month_rows
from complaints.kpis.spans import span_of
from interactions.models import Suggestion
from interactions.models.suggestions import SuggestionQuerySet
from staff.models import User


@dataclass
class Voice:
    """One topic: how many complained, suggested, were called back and satisfied, and the means they gave."""

    key: str
    label: str
    complaints: int = 0
    suggestions: int = 0
    reached: int = 0
    satisfied: int = 0
    satisfaction: float | None = None
    attitude: float | None = None
    complaints_url: str = ""
    suggestions_url: str = ""
    reached_url: str = ""
    satisfied_url: str = ""

    @property
    def share(self) -> float | None:
        """Per cent satisfied of those reached."""
        return 100 * self.satisfied / self.reached if self.reached else None


def suggestions_of(user: User, month: date) -> SuggestionQuerySet:
    """The suggestions of a month the person sees."""
    span = span_of(month)
    return Suggestion.objects.visible_to(user).filter(received_at__gte=span.start, received_at__lt=span.end)


def voices(user: User, month: date) -> list[Voice]:
    """The topics of a month, those with the most complaints and suggestions first. Six queries."""
    frozen = month in frozen_among([month])
    came = month_rows(user, "complaints", month, frozen=frozen).order_by().values(split_by=F("row_topic"))
    complaints = dict(came.annotate(n=Count("row_case")).values_list("split_by", "n"))
    said = suggestions_of(user, month)
    suggestions = dict(said.order_by().values("topic_id").annotate(n=Count("pk")).values_list("topic_id", "n"))
    calls = CALLS.of(user, month).order_by().values(split_by=F("row_topic"))
    called: dict[Any, Any] = {
        row["split_by"]: row
        for row in calls.annotate(
            n=Count("pk", filter=Q(row_reached_at__isnull=False)),
            good=Count("pk", filter=Q(row_satisfaction__gte=GOOD_SCORE)),
            mean=Avg("row_satisfaction"),
            kind=Avg("row_attitude"),
        )
    }
    keys = {*complaints, *suggestions, *called}
    names = names_of("topic", keys)
    found = []
    for key in keys:
        call = called.get(key, {"n": 0, "good": 0, "mean": None, "kind": None})
        text = "" if key is None else str(key)
        rows = {"month": f"{month:%Y-%m}", "by": "topic", "key": text or "none"}
        at = reverse("complaints:callback-rows")
        found.append(
            Voice(
                text,
                names[key],
                complaints.get(key, 0),
                suggestions.get(key, 0),
                call["n"],
                call["good"],
                call["mean"],
                call["kind"],
                rows_url(Asked("complaints", month, "topic", text, Part.ALL)),
                f"{reverse('complaints:voice-suggestions')}?{urlencode(rows)}",
                f"{at}?{urlencode(rows | {'part': 'reached'})}",
                f"{at}?{urlencode(rows | {'part': 'satisfied'})}",
            )
        )
    return sorted(found, key=lambda one: (-(one.complaints + one.suggestions), one.label))
