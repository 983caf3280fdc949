"""What the library finds a case by: the words of what the customer said and of what was found and done (D§10.16).

One row a word (recipes §5): a word seldom used leads straight to its cases, a common one is looked up for each case of
the list's own order, so that neither grows with the number of cases. The words of open cases are read soon after they
come in, those of ended ones again with their solution; every night whatever was missed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from complaints.figures.time_keeping import keep_times
from complaints.intake.classify import plain, singular
from complaints.models import Complaint, LibraryEntry, Measure, Solution
from foundation.common import clock
from foundation.common.ids import first_id_at
from foundation.jobs.kinds import NO_CUSTOMERS, JobKind, register_job
from foundation.jobs.running import RunningJob

FILL = "complaints.fill_library"
LONGEST_WORD, MOST_WORDS, MOST_ASKED = 40, 300, 8
# Cases held at once while their words are read: whoever saves one of them waits that long.
AT_ONCE = 50
PIECE = 500
# A change is seen at most this long after its moment, for it is committed later.
LATELY = timedelta(days=1)

_HAN = re.compile(r"[\u3400-\u9fff]{2,}")
_LATIN = re.compile(r"[a-z][a-z'-]{1,29}")
_MIXED = re.compile(r"(?=.*[a-z])(?=.*[0-9])[a-z0-9]{2,12}")


def library_words(text: str) -> list[str]:
    """The distinct words of a text in their order, at most 300: Chinese ones of two characters or more with the words
    inside them, Latin ones, and letters with figures ("5g"); no numbers, which would be those of customers."""
    import rjieba  # as in classify: not at every start of a process

    found: dict[str, None] = {}
    for segment in rjieba.cut_for_search(plain(text)):
        if word := _kept(segment.strip()):
            found[word] = None
        if len(found) == MOST_WORDS:
            break
    return list(found)


def asked_words(text: str) -> list[str]:
    """The words a search asks for, at most 8: those of the text, the longest ones where a word holds others."""
    import rjieba

    found = dict.fromkeys(word for segment in rjieba.cut(plain(text)) if (word := _kept(segment.strip())))
    return list(found)[:MOST_ASKED]


def _kept(segment: str) -> str:
    if len(segment) > LONGEST_WORD:
        return ""
    if _HAN.fullmatch(segment) or _MIXED.fullmatch(segment):
        return segment
    return singular(segment) if _LATIN.fullmatch(segment) else ""


@transaction.atomic
def read_cases(ids: Iterable[int]) -> int:
    """Read the words of these cases anew, and who used the time of ended ones; how many were read. Those somebody is
    changing are left for later; cases of the past that hold nothing any more (erased) lose their words."""
    keys = list(ids)
    held = Complaint.objects.filter(pk__in=keys).select_for_update(skip_locked=True, no_key=True, of=("self",))
    held = held.select_related("work_unit").only(
        "pk", "subject", "text", "demand", "lesson", "closed_at", "work_unit__calendar_code"
    )
    cases = list(held.order_by("pk"))
    if not cases:
        return 0
    texts = {case.pk: [case.subject, case.text, case.demand, case.lesson] for case in cases}
    solutions = Solution.objects.filter(complaint__in=texts, dropped_at=None)
    for case_id, finding, reason in solutions.values_list("complaint_id", "finding", "reason"):
        texts[case_id] += [finding, reason]
    measures = Measure.objects.filter(solution__complaint__in=texts, solution__dropped_at=None)
    for case_id, text, result in measures.values_list("solution__complaint_id", "text", "result"):
        texts[case_id] += [text, result]
    words = {key: library_words("\n".join(said for said in parts if said)) for key, parts in texts.items()}
    pairs = [(key, word) for key, found in words.items() for word in found]
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM complaints_libraryword WHERE complaint_id = ANY(%s)", [list(texts)])
        cursor.execute(
            "INSERT INTO complaints_libraryword (complaint_id, word) SELECT * FROM unnest(%s::bigint[], %s::text[])",
            [[key for key, _word in pairs], [word for _key, word in pairs]],
        )
    now = clock.now()
    keep_times([case for case in cases if case.closed_at is not None])
    LibraryEntry.objects.bulk_create(
        [LibraryEntry(complaint_id=case.pk, closed_at=case.closed_at, read_at=now) for case in cases],
        update_conflicts=True,
        unique_fields=["complaint"],
        update_fields=["closed_at", "read_at"],
    )
    return len(cases)


# Those never read, and those that ended, were reopened or ended again since.
_MISSED = """SELECT c.id FROM complaints_complaint c LEFT JOIN complaints_libraryentry e ON e.complaint_id = c.id
  WHERE {where} AND (e.complaint_id IS NULL OR e.closed_at IS DISTINCT FROM c.closed_at) ORDER BY c.id LIMIT %(most)s"""
_NEW = _MISSED.format(where="c.id >= %(since)s")
_ENDED = _MISSED.format(where="c.closed_at >= %(lately)s")
_BETWEEN = _MISSED.format(where="c.id >= %(lo)s AND c.id < %(hi)s")


def read_lately(most: int = 500) -> int:
    """Read what came in or ended within the last day and was not read yet, `most` of each kind; how many."""
    now = clock.now()
    given: dict[str, Any] = {"since": first_id_at(now - LATELY), "lately": now - LATELY, "most": most}
    with connection.cursor() as cursor:
        keys: set[int] = set()
        for sql in (_NEW, _ENDED):
            cursor.execute(sql, given)
            keys |= {key for (key,) in cursor.fetchall()}
    return _read(sorted(keys))


def fill_chunk(cursor: Any, _run: Any, lo: int, hi: int) -> int:
    """The same for the cases lo <= id < hi, however old."""
    cursor.execute(_BETWEEN, {"lo": lo, "hi": hi, "most": PIECE * 10})
    return _read([key for (key,) in cursor.fetchall()])


def _read(keys: list[int]) -> int:
    return sum(read_cases(keys[at : at + AT_ONCE]) for at in range(0, len(keys), AT_ONCE))


def forget_reading(case_id: int) -> None:
    """What stands in the case was put right: its words are read again."""
    LibraryEntry.objects.filter(complaint=case_id).delete()


def fill_library(job: RunningJob) -> None:
    """The nightly job: what the ticks missed, imported cases, changed ones. Harmless to repeat."""
    job.run_chunks_of(Complaint._meta.db_table, size=PIECE)


def register() -> None:
    """Make the job known."""
    register_job(
        JobKind(
            FILL,
            _("Read complaints into the library"),
            fill_library,
            "jobs.control",
            chunk=fill_chunk,
            counts={"rows": _("cases read")},
            files_of=NO_CUSTOMERS,
        )
    )
