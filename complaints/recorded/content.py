"""Recorded complaints as a content of import files."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any, cast

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.lifecycle import State
from complaints.models import RecordedCase
from complaints.recorded import reverting
from complaints.recorded.mapping import CaseMapping, parse
from complaints.recorded.naming import Names
from complaints.recorded.reading import CaseReader, CaseRow
from complaints.recorded.writing import LOT, Recorder
from customers.imports import working
from customers.imports.contents import Content, Progress, mapping_of, register_content
from customers.imports.forgetting import files_of
from customers.imports.models import Import
from customers.imports.problems import ErrorList, Problem
from customers.imports.reading import Table, open_table
from foundation.common import clock
from foundation.jobs.kinds import JobKind, register_job
from foundation.jobs.running import BadInput
from foundation.policies.reading import policy
from interactions.lifecycle import Channel

JOBS = ("imports.check_complaints", "imports.run_complaints", "imports.revert_complaints")
COUNT_WORDS = {
    "rows": gettext_lazy("Rows read"),
    "errors": gettext_lazy("Wrong rows"),
    "inserted": gettext_lazy("Complaints added"),
    "updated": gettext_lazy("Complaints changed"),
    "unchanged": gettext_lazy("Complaints as they were"),
    "reverted": gettext_lazy("Complaints put back"),
    "kept": gettext_lazy("Complaints kept"),
}


@dataclass(frozen=True)
class PreviewRow:
    """One of the first rows as the library would hold it, or what is wrong with it. No name, no text: who imports has
    no right to the complaints (D§3.1); `characters` tells how long the text is."""

    line: int
    source_no: str
    received_at: datetime | None
    channel: str
    state: str
    topic: str
    area: str
    characters: int
    problems: tuple[Problem, ...]


def bring_in(
    imported: Import, file: IO[bytes], errors: ErrorList, rehearse: bool, progress: Progress
) -> dict[str, int]:
    """Read, check and write records (`contents.Content`)."""
    mapping = cast(CaseMapping, mapping_of(imported.mapping))
    names, recorder = Names(mapping.customers_of), Recorder(imported, rehearse)
    most = policy("imports.max_errors")
    total = 0
    counts = {"inserted": 0, "updated": 0, "unchanged": 0}
    with open_table(file, mapping) as table:
        reader = CaseReader(mapping, table.header, as_of=imported.as_of, now=clock.now())
        once = _Once()
        for lot in _lots(table.rows):
            good: list[CaseRow] = []
            for line, row in lot:
                total += 1
                found = [row] if isinstance(row, Problem) else reader.read(line, row)
                if isinstance(found, CaseRow):
                    found = once.check(found) or found
                if isinstance(found, CaseRow):
                    good.append(found)
                else:
                    errors.add(found)
            named, wrong = names.resolve(good)
            errors.add(wrong)
            done, refused = recorder.write(named)
            errors.add(refused)
            counts["inserted"] += done.inserted
            counts["updated"] += done.updated
            counts["unchanged"] += done.unchanged
            if errors.rows > most:
                words = _("More than %(most)s rows are wrong. Is this the right mapping for the file?")
                raise BadInput("imports.too_many_errors", words % {"most": most})
            progress(total, max(table.lines or 0, total), rows=total, errors=errors.rows)
        imported.rows, imported.notes = total, table.notes
    if not rehearse:
        counts |= _done_by(imported, counts)
    return {"rows": total, "errors": errors.rows, **counts}


def _done_by(imported: Import, counts: dict[str, int]) -> dict[str, int]:
    """Over all attempts: what an interrupted one wrote is found as it was by the next."""
    rows = RecordedCase.objects.filter(import_id=imported.pk)
    inserted, updated = rows.filter(before__isnull=True).count(), rows.filter(before__isnull=False).count()
    good = sum(counts.values())
    return {"inserted": inserted, "updated": updated, "unchanged": max(0, good - inserted - updated)}


def _lots(rows: Iterator[Any]) -> Iterator[list[Any]]:
    while lot := list(itertools.islice(rows, LOT)):
        yield lot


class _Once:
    """A number stands in a file once: the second row of it is refused. Eight bytes a number are remembered."""

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}

    def check(self, row: CaseRow) -> list[Problem]:
        """What is wrong with the row; nothing for the first of its number."""
        mark = int.from_bytes(blake2b(row.source_no.encode(), digest_size=8).digest())
        first = self._seen.setdefault(mark, row.line)
        if first == row.line:
            return []
        words = _("stands in line %(line)s already: one row a complaint.")
        return [Problem(row.line, "", f"{row.source_no}: {words % {'line': first}}")]


def preview(imported: Import, table: Table, most: int) -> list[PreviewRow]:
    """The first rows."""
    mapping = cast(CaseMapping, mapping_of(imported.mapping))
    reader, names = (
        CaseReader(mapping, table.header, as_of=imported.as_of, now=clock.now()),
        Names(mapping.customers_of),
    )
    shown: dict[int, PreviewRow] = {}
    good: list[CaseRow] = []
    for line, row in itertools.islice(table.rows, most):
        found = [row] if isinstance(row, Problem) else reader.read(line, row)
        if isinstance(found, CaseRow):
            good.append(found)
        else:
            shown[line] = _wrong(line, found)
    right, wrong = names.resolve(good)
    for problem in wrong:
        shown[problem.line] = _wrong(problem.line, [one for one in wrong if one.line == problem.line])
    for case in right:
        given = case.columns
        shown[case.line] = PreviewRow(
            case.line,
            case.source_no,
            given["received_at"],
            str(Channel(given["channel"]).label),
            str(State(given["state"]).label),
            str(given.get("topic", "")),
            given.get("area", ""),
            len(given["text"]),
            (),
        )
    return [shown[line] for line in sorted(shown)]


def _wrong(line: int, problems: list[Problem]) -> PreviewRow:
    return PreviewRow(line, "", None, "", "", "", "", 0, tuple(problems))


def to_revert(imported: Import) -> int:
    """How many cases a revert looks at."""
    return reverting.to_revert(imported).count()


def written_for(ids: list[int]) -> QuerySet[Any]:
    """Imports that recorded a complaint of one of these customers."""
    return RecordedCase.objects.filter(complaint__customer__in=ids).values("import_id")


def register() -> None:
    """Make records known as a content, with their jobs."""
    register_content(
        Content(
            key="complaints",
            folder=Path(__file__).resolve().parent.parent / "mappings",
            parse=parse,
            bring_in=bring_in,
            revert=reverting.revert,
            to_revert=to_revert,
            preview=preview,
            template="imports/_complaints.html",
            kept=reverting.kept,
            written_for=written_for,
            words=COUNT_WORDS,
            kept_words=gettext_lazy("Complaints that were kept"),
            sure_words=gettext_lazy(
                "Complaints this import added are deleted, those it changed get their old values. Those somebody has"
                " worked on since are kept."
            ),
            jobs=JOBS,
        )
    )
    check, run, revert = JOBS
    for name, title, work, right in (
        (check, gettext_lazy("Check of a file of complaints"), working.check, "imports.run"),
        (run, gettext_lazy("Import of complaints"), working.run, "imports.run"),
        (revert, gettext_lazy("Revert of an import of complaints"), working.revert, "imports.revert"),
    ):
        register_job(JobKind(name, title, work, right, counts=COUNT_WORDS, files_of=files_of))
