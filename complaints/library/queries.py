"""Reads behind the library: cases and their solutions by words and filters, and cases like one (D§10.16)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery

from complaints.lifecycle import State
from complaints.models import Complaint, LibraryWord, Solution
from complaints.models.cases import ComplaintQuerySet
from complaints.queries import View, sight_streams
from staff.models import User

CLOSED, OPEN = "closed", "open"
MOST_ALIKE = 12
ALIKE_AMONG = 400  # of the newest closed cases of the topic, those with the most words in common
# What a row shows besides its own columns.
BESIDE = ("topic", "cause", "responsible_unit", "customer", "work_unit")


def library_view(user: User, which: str) -> View:
    """The closed cases by their end backwards, or the open ones by their receipt backwards, in the user's scope."""
    rows = Complaint.objects.not_about(user).filter(is_parent=False)
    if which == OPEN:
        return View(rows.open().order_by("-received_at", "-pk"), sight_streams(user))
    return View(rows.ended().filter(state=State.CLOSED).order_by("-closed_at", "-pk"), sight_streams(user))


def with_words(rows: ComplaintQuerySet, words: Sequence[str]) -> ComplaintQuerySet:
    """Those that hold every word."""
    for word in words:
        rows = rows.filter(Exists(LibraryWord.objects.filter(word=word, complaint=OuterRef("pk"))))
    return rows


def shown(rows: QuerySet[Complaint]) -> QuerySet[Complaint]:
    """The rows with what stands beside them."""
    return rows.select_related(*BESIDE).defer("text", "facts_given")


@dataclass(frozen=True)
class Shelf:
    """A case of the library: what was found, why it came about, and how it ended."""

    case: Complaint
    finding: str
    shared: int = 0

    @property
    def lesson(self) -> str:
        return self.case.lesson


def shelved(cases: Iterable[Complaint]) -> list[Shelf]:
    """The cases with their findings: one query."""
    held = list(cases)
    solutions = Solution.objects.filter(complaint__in=[case.pk for case in held], dropped_at=None)
    findings = dict(solutions.values_list("complaint_id", "finding")) if held else {}
    return [Shelf(case, findings.get(case.pk, ""), getattr(case, "shared", 0)) for case in held]


def alike(user: User, case: Complaint, most: int = MOST_ALIKE) -> list[Complaint]:
    """Closed cases the user may see that are most like `case`: of its topic, with the most words in common (`shared`),
    the newest first among equals. Two queries, however many cases there are."""
    view = library_view(user, CLOSED)
    rows = view.seen.exclude(pk=case.pk).order_by()
    if case.topic_id is not None:
        rows = rows.filter(topic=case.topic_id)
    own = LibraryWord.objects.filter(complaint=case.pk).values("word")
    some = rows.order_by("-closed_at", "-pk").values("pk")[:ALIKE_AMONG]
    counted = (
        LibraryWord.objects.filter(complaint__in=Subquery(some), word__in=own)
        .values("complaint")
        .annotate(shared=Count("word"))
        .order_by("-shared", "-complaint")
        .values_list("complaint", "shared")[:most]
    )
    shared = dict(counted)
    found = list(shown(Complaint.objects.filter(pk__in=shared))) if shared else []
    for one in found:
        one.shared = shared[one.pk]  # type: ignore[attr-defined]  # read by `shelved` alone
    return sorted(found, key=lambda one: (-shared[one.pk], -one.pk))


def about_cause(code: str) -> Q:
    """The condition on causes: this one or one below it."""
    return Q(code=code) | Q(parent__code=code)
