"""Records into the library of cases: some hundred rows at a time, each lot in one transaction.

A case is known by its number in the source. What is already as the file says is not touched, so a run may be repeated
from its beginning: killed half-way it ends the same. No clock is started, nobody is told, no duty is born.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import DataError, IntegrityError, models, transaction
from django.utils.translation import gettext as _

from complaints.intake.classify import TopicGuess, suggest_for_many
from complaints.intake.places import owner_for_all
from complaints.library.words import forget_reading
from complaints.lifecycle import Deed
from complaints.models import Complaint, ComplaintLine, ComplaintMove, RecordedCase
from complaints.public.codes import new_code
from complaints.recorded.mapping import RECORDED_ENDED
from complaints.recorded.reading import CaseRow
from customers.imports.models import Import
from customers.imports.problems import Problem
from foundation.common import clock, crypto
from foundation.common.ids import new_id
from foundation.common.numbers import next_number
from foundation.policies.reading import policy
from staff.models import OrgUnit, User

LOT = 500
MINUTE = timedelta(minutes=1)
# What is said of a case by columns of its own; `customer`, `topic` … hold rows.
COLUMNS = (
    "received_at", "answered_at", "decided_at", "closed_at", "channel", "state", "grade", "solved", "satisfaction",
    "subject", "text", "demand", "lesson", "topic", "cause", "product_line", "brand", "area", "amount", "language",
    "contact_name", "contact_phone", "contact_email", "facts_given", "customer", "work_unit", "owner",
)  # fmt: skip


@dataclass
class Written:
    """How many cases were added, changed and left as they were."""

    inserted: int = 0
    updated: int = 0
    unchanged: int = 0


@dataclass
class Recorder:
    """Writes the rows of one import. `rehearse`: each lot is rolled back."""

    imported: Import
    rehearse: bool
    now: datetime = field(default_factory=clock.now)
    owners: dict[int, User] = field(default_factory=dict)

    def write(self, rows: Sequence[CaseRow]) -> tuple[Written, list[Problem]]:
        """Write a lot; a row the database refuses is found by halving and told."""
        try:
            with transaction.atomic():
                done = self._write(rows)
                if self.rehearse:
                    transaction.set_rollback(True)
                return done
        except (IntegrityError, DataError) as error:
            if len(rows) > 1:
                half = len(rows) // 2
                (first, wrong), (second, more) = self.write(rows[:half]), self.write(rows[half:])
                return _sum(first, second), wrong + more
            rule = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or type(error).__name__
            words = _("The database refuses this row (%(rule)s): compare it with what the library holds.")
            return Written(), [Problem(rows[0].line, "", words % {"rule": rule})]

    def _write(self, rows: Sequence[CaseRow]) -> tuple[Written, list[Problem]]:
        keys = {key_of(self.imported.source, row.source_no): row for row in rows}
        known = _known(list(keys))
        done, wrong, fresh = Written(), [], []
        for key, row in keys.items():
            if key not in known:
                fresh.append((key, row))
                continue
            was, case = known[key]
            if not case.source_no:
                words = _("was erased: no file brings anything about them back.")
                wrong.append(Problem(row.line, "", words))
            elif not (changed := self._changed(case, row)):
                done.unchanged += 1
            elif was.version != case.version:
                words = _("Somebody has worked on case %(number)s since: it stays as it is.")
                wrong.append(Problem(row.line, "", words % {"number": case.number}))
            else:
                self._change(case, row, key, changed)
                done.updated += 1
        self._add(fresh)
        done.inserted = len(fresh)
        return done, wrong

    # New ones

    def _add(self, fresh: Sequence[tuple[str, CaseRow]]) -> None:
        guessed = _guesses([row for _key, row in fresh if "topic" not in row.columns])
        cases, moves, lines, records = [], [], [], []
        for key, row in fresh:
            case = self._case(row, guessed.get(row.line))
            cases.append(case)
            moves.append(self._move(case))
            if (line := row.columns.get("line")) is not None:
                lines.append(ComplaintLine(complaint=case, subscription=line))
            records.append(self._record(case, row.line, key))
        Complaint.objects.bulk_create(cases)
        ComplaintMove.objects.bulk_create(moves)
        ComplaintLine.objects.bulk_create(lines)
        RecordedCase.objects.bulk_create(records)

    def _case(self, row: CaseRow, guess: TopicGuess | None) -> Complaint:
        given = {name: row.columns[name] for name in COLUMNS if name in row.columns}
        unit: OrgUnit = given.setdefault("work_unit", self.imported.unit)
        owner: User = given.setdefault("owner", None) or self._owner(unit)
        if guess is not None:
            given["topic"] = guess.topic
        customer = given.get("customer")
        return Complaint(
            id=new_id(),
            number=next_number("CP"),
            registered_at=self.now,
            registered_by_id=self.imported.actor_id,
            work_unit_no=unit.no,
            unit_no=owner.unit.no,
            public_code=new_code(),
            source=self.imported.source,
            source_no=row.source_no,
            topic_suggested=guess is not None,
            **given
            | {"owner": owner, "language": given.get("language") or (customer.language if customer else "zh-hans")}
            | self._end(row, given["state"]),
        )

    def _end(self, row: CaseRow, state: str) -> dict[str, Any]:
        """An ended case has a moment: where the file says none, the end of the day it describes, by which it was."""
        if state not in RECORDED_ENDED:
            return {"closed_at": None}
        day = clock.business_midnight(self.imported.as_of + timedelta(days=1)) - MINUTE
        return {"closed_at": row.columns.get("closed_at") or max(row.columns["received_at"], min(day, self.now))}

    def _owner(self, unit: OrgUnit) -> User:
        """Who answers for a record whose row names nobody: who would for one that came by itself (D§9.2)."""
        if unit.no not in self.owners:
            self.owners[unit.no] = owner_for_all(self.now, unit_no=unit.no, about=None)
        return self.owners[unit.no]

    def _move(self, case: Complaint, reason: str = "") -> ComplaintMove:
        return ComplaintMove(
            complaint=case,
            at=self.now,
            act=Deed.RECORDED,
            new=case.state,
            actor_id=self.imported.actor_id,
            unit=case.work_unit,
            reason=reason,
        )

    def _record(self, case: Complaint, line: int, key: str, before: dict[str, Any] | None = None) -> RecordedCase:
        return RecordedCase(
            complaint=case, import_id=self.imported.pk, line=line, key=key, version=case.version, before=before
        )

    # Known ones

    def _changed(self, case: Complaint, row: CaseRow) -> dict[str, Any]:
        """What the row says otherwise than the case."""
        said = {name: row.columns[name] for name in COLUMNS if name in row.columns}
        changed = {name: value for name, value in said.items() if getattr(case, name) != value}
        if "state" in changed:
            changed |= self._end(row, said["state"])
        if "work_unit" in changed:
            changed["work_unit_no"] = changed["work_unit"].no
        if "owner" in changed:
            changed["unit_no"] = changed["owner"].unit.no
        if "topic" in said and case.topic_suggested:
            changed |= {"topic": said["topic"], "topic_suggested": False}
        return changed

    def _change(self, case: Complaint, row: CaseRow, key: str, changed: dict[str, Any]) -> None:
        before = {_column(name): _plain(getattr(case, _column(name))) for name in changed}
        for name, value in changed.items():
            setattr(case, name, value)
        case.version += 1
        case.save(update_fields=[*changed, "version"])
        forget_reading(case.pk)
        self._move(case).save()
        RecordedCase.objects.update_or_create(
            complaint=case,
            import_id=self.imported.pk,
            defaults={"line": row.line, "key": key, "version": case.version, "before": before},
        )


def key_of(source: str, source_no: str) -> str:
    """What a case of a source is known by, also after its number was erased."""
    return crypto.blind_index(f"case\0{source}\0{source_no}").hex()


def _known(keys: list[str]) -> dict[str, tuple[RecordedCase, Complaint]]:
    """The cases of these keys, locked, with what the last import did to each."""
    rows = RecordedCase.objects.filter(key__in=keys).order_by("key", "-pk").distinct("key")
    found = {row.complaint_id: row for row in rows}
    cases = (
        Complaint.objects.filter(pk__in=found)
        .select_for_update(no_key=True, of=("self",))
        .select_related("owner__unit", "work_unit", "topic", "cause", "customer")
        .order_by("pk")
    )
    return {found[case.pk].key: (found[case.pk], case) for case in cases}


def _guesses(rows: Sequence[CaseRow]) -> dict[int, TopicGuess]:
    """By line the likeliest topic of what was said, where it is likely enough."""
    least = policy("complaints.recorded_topic_share") / 100
    guessed = suggest_for_many([row.columns["text"] for row in rows])
    pairs = zip(rows, guessed, strict=True)
    return {row.line: guess for row, guess in pairs if guess is not None and guess.share >= least}


def _sum(one: Written, other: Written) -> Written:
    return Written(one.inserted + other.inserted, one.updated + other.updated, one.unchanged + other.unchanged)


def _column(name: str) -> str:
    """The column that holds a field: of a row it refers to, its key."""
    field = Complaint._meta.get_field(name)
    return field.attname if isinstance(field, models.ForeignKey) else name


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else json.loads(json.dumps(value))
