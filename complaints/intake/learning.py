"""Learning from the operator's own closed cases, every night anew: which words cases of a topic hold.

Counted anew rather than carried on, so that what changes is followed, a case that is closed again counts once, and the
words of somebody erased are forgotten. Only the newest cases are read, so that its cost does not grow with the years.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext_lazy as _

from complaints.intake.classify import CASES, phrases_in, words_of
from complaints.models import Complaint, TopicWord
from foundation.common.replica import read_from_replica
from foundation.jobs.kinds import NO_CUSTOMERS, JobKind, register_job
from foundation.jobs.running import RunningJob
from foundation.policies.reading import policy

LEARN = "complaints.learn_topics"
PIECE = 2_000
LONGEST_WORD = 40
# A word fewer customers use may be a name or an address: it is not kept.
FEWEST_CUSTOMERS = 5
# Parts of speech that name persons, places, numbers and times.
NAMES = ("nr", "ns", "nt", "m", "t")

Counts = Counter[tuple[int, str]]
Behind = dict[str, set[int]]


def learned_words(text: str) -> set[str]:
    """What is counted of one case: its words and the topics' own words that stand in it, without names."""
    import rjieba  # as in classify: not at every start of a process

    named = {word.lower() for word, tag in rjieba.tag(text[:10_000]) if tag.startswith(NAMES)}
    own = phrases_in(text)
    return {word for word in {*words_of(text)} - named | {*own} if len(word) <= LONGEST_WORD}


def count_cases(most: int) -> Iterator[tuple[int, Counts, Behind]]:
    """Read the `most` newest cases that are closed with a topic, some thousands at a time. Yields how many were read,
    and the counts up to there with the customers behind each word (at most as many as matter)."""
    counts: Counts = Counter()
    behind: Behind = {}
    read, last = 0, None
    while read < most:
        piece = _piece(last, min(PIECE, most - read))
        if not piece:
            return
        for pk, _closed_at, topic_id, customer_id, said in piece:
            counts[topic_id, CASES] += 1
            for word in learned_words(said):
                counts[topic_id, word] += 1
                who = behind.setdefault(word, set())
                if len(who) < FEWEST_CUSTOMERS:
                    who.add(customer_id or -pk)
        read, last = read + len(piece), (piece[-1][1], piece[-1][0])
        yield read, counts, behind


def _piece(last: tuple[datetime, int] | None, size: int) -> list[tuple[int, datetime, int, int | None, str]]:
    rows = Complaint.objects.ended().filter(state="CLOSED", topic__isnull=False, topic_suggested=False)
    if last is not None:
        # Said in two ways: the first is what the index of closed cases is walked by.
        rows = rows.filter(closed_at__lte=last[0]).exclude(closed_at=last[0], pk__gte=last[1])
    columns = ("pk", "closed_at", "topic_id", "customer_id", "text")
    with read_from_replica():
        return list(rows.order_by("-closed_at", "-pk").values_list(*columns)[:size])


def learn_topics(job: RunningJob) -> None:
    """The nightly job. Killed half-way it leaves what was learned the night before; run twice it learns the same."""
    most = policy("complaints.learn_from")
    found: tuple[int, Counts, Behind] = (0, Counter(), {})
    for found in count_cases(most):
        job.progress(found[0], most)
    read, counts, behind = found
    kept = keep(counts, behind)
    job.progress(read, read, learned=kept)


@transaction.atomic
def keep(counts: Counts, behind: Behind) -> int:
    """Put the counts in the place of those of before, without words of fewer than five customers; how many rows."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('complaint_learning'))")
    rows = [
        TopicWord(topic_id=topic_id, word=word, cases=cases)
        for (topic_id, word), cases in sorted(counts.items())
        if word == CASES or len(behind[word]) >= FEWEST_CUSTOMERS
    ]
    TopicWord.objects.all().delete()
    TopicWord.objects.bulk_create(rows, batch_size=5_000)
    return len(rows)


def register() -> None:
    """Make the job known."""
    register_job(
        JobKind(
            LEARN,
            _("Learn topics from closed complaints"),
            learn_topics,
            "jobs.control",
            counts={"learned": _("words learned")},
            files_of=NO_CUSTOMERS,
        )
    )
