"""Everything the page of a case shows beside the case itself, in three statements however long its history is.

What hangs on a case is small and of many kinds: one statement brings all of it as JSON, and the rows become plain model
objects again. The stream (what was said, done and changed) is read backwards from its end, a page at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from django.db import connection, models

from complaints.lifecycle import OWNER_KIND, PART_OPEN, ApprovalState, Deed, EntryKind, HandoverState
from complaints.models import (
    AnswerTemplate,
    Approval,
    Attachment,
    Callback,
    CaseChange,
    CaseMerge,
    Complaint,
    ComplaintMove,
    Entry,
    Handover,
    Link,
    Measure,
    MediationCase,
    Order,
    Part,
    Promise,
    Rejection,
    Seat,
    Solution,
)
from complaints.outside.mediation import MEDIATING
from foundation.calendars.models import Clock
from foundation.common.ids import to_text
from foundation.common.prepared import prepared
from staff.models import OrgUnit, User

M = TypeVar("M", bound=models.Model)
Told = Entry | ComplaintMove | CaseChange
STREAM_SHOWN = 30
GROUPS = ("customer", "internal", "changes")
SPOKEN = (Deed.REPLIED, Deed.HEARD, Deed.NOTED, Deed.CONTACTED, Deed.URGED)  # an entry says it already
CUSTOMER_KINDS = (EntryKind.INBOUND, EntryKind.REPLY, EntryKind.URGE, EntryKind.CONTACT)


def _table(model: type[models.Model]) -> str:
    return str(model._meta.db_table)


_OF_CASE: tuple[type[models.Model], ...] = (
    Solution,
    Part,
    Handover,
    Promise,
    Order,
    Attachment,
    Callback,
    Seat,
    Rejection,
    MediationCase,
)
_OF_SOLUTION: tuple[type[models.Model], ...] = (Measure, Approval)
_ALONE: tuple[type[models.Model], ...] = (Link, CaseMerge, Clock, AnswerTemplate)
_KNOWN = {_table(model): model for model in (*_OF_CASE, *_OF_SOLUTION, *_ALONE)}
_BESIDE = " UNION ALL ".join(
    [
        *(
            f"SELECT '{_table(m)}', to_jsonb(t), NULL::text, NULL::text FROM {_table(m)} t"
            " WHERE complaint_id = %(case)s"
            for m in _OF_CASE
        ),
        *(
            f"SELECT '{_table(m)}', to_jsonb(t), NULL, NULL FROM {_table(m)} t"
            f" JOIN {_table(Solution)} s ON s.id = t.solution_id WHERE s.complaint_id = %(case)s"
            for m in _OF_SOLUTION
        ),
        # Links and merges with number and subject of the other case, whichever end this one is.
        f"SELECT '{_table(Link)}', to_jsonb(t), o.number, o.subject FROM {_table(Link)} t JOIN {_table(Complaint)} o"
        " ON o.id = CASE WHEN t.complaint_id = %(case)s THEN t.other_id ELSE t.complaint_id END"
        " WHERE t.complaint_id = %(case)s OR t.other_id = %(case)s",
        f"SELECT '{_table(CaseMerge)}', to_jsonb(t), o.number, o.subject FROM {_table(CaseMerge)} t"
        f" JOIN {_table(Complaint)} o ON o.id = CASE WHEN t.merged_id = %(case)s THEN t.master_id ELSE t.merged_id END"
        " WHERE (t.merged_id = %(case)s OR t.master_id = %(case)s) AND t.undone_at IS NULL",
        f"SELECT '{_table(Clock)}', to_jsonb(t), NULL, NULL FROM {_table(Clock)} t"
        f" WHERE owner_kind = '{OWNER_KIND}' AND owner_id = %(case)s AND stopped_at IS NULL",
        # The same for all cases: it stands here to cost no trip of its own.
        f"SELECT '{_table(AnswerTemplate)}', to_jsonb(t), NULL, NULL FROM {_table(AnswerTemplate)} t WHERE active",
    ]
)
_TOLD: dict[str, type[Any]] = {"e": Entry, "m": ComplaintMove, "c": CaseChange}
_SOURCES = {
    "e": f"SELECT 'e' AS what, t.id, to_jsonb(t) AS row FROM {_table(Entry)} t WHERE complaint_id = %(case)s"
    " AND id < %(before)s AND kind = ANY(%(kinds)s)",
    "m": f"SELECT 'm', t.id, to_jsonb(t) FROM {_table(ComplaintMove)} t WHERE complaint_id = %(case)s"
    " AND id < %(before)s AND NOT act = ANY(%(spoken)s)",
    "c": f"SELECT 'c', t.id, to_jsonb(t) FROM {_table(CaseChange)} t WHERE complaint_id = %(case)s AND id < %(before)s",
}
_NEWEST = 2**63 - 1


def _object(model: type[M], text: str) -> M:
    """A row as JSON as the object it was."""
    row = json.loads(text, parse_float=Decimal)
    values = {field.attname: field.to_python(row[field.column]) for field in model._meta.concrete_fields}
    found = model(**values)
    found._state.adding = False
    return found


@dataclass
class Other:
    """The other end of a link or a merge."""

    row: Link | CaseMerge
    pk: int
    number: str
    subject: str


class Beside:
    """What hangs on a case, each kind in the order of its making."""

    def __init__(self, case: Complaint, rows: Iterable[tuple[str, str, str | None, str | None]]) -> None:
        kept: dict[type[models.Model], list[Any]] = {model: [] for model in _KNOWN.values()}
        self.links: list[Other] = []
        self.merges: list[Other] = []
        for table, row, number, subject in rows:
            model = _KNOWN[table]
            one = _object(model, row)
            kept[model].append(one)
            if isinstance(one, Link):
                other = one.other_id if one.complaint_id == case.pk else one.complaint_id
                self.links.append(Other(one, other, number or "", subject or ""))
            elif isinstance(one, CaseMerge):
                other = one.master_id if one.merged_id == case.pk else one.merged_id
                self.merges.append(Other(one, other, number or "", subject or ""))
        for found in kept.values():
            found.sort(key=lambda one: one.pk)
        self.all: list[models.Model] = [one for found in kept.values() for one in found]
        self.solutions: list[Solution] = kept[Solution]
        self.parts: list[Part] = kept[Part]
        self.handovers: list[Handover] = kept[Handover]
        self.promises: list[Promise] = kept[Promise]
        self.orders: list[Order] = kept[Order]
        self.attachments: list[Attachment] = kept[Attachment]
        self.callbacks: list[Callback] = kept[Callback]
        self.seats: list[Seat] = kept[Seat]
        self.approvals: list[Approval] = kept[Approval]
        self.rejections: list[Rejection] = kept[Rejection]
        self.mediations: list[MediationCase] = kept[MediationCase]
        self.clocks: list[Clock] = kept[Clock]
        self.answers: list[AnswerTemplate] = kept[AnswerTemplate]
        self._measures: list[Measure] = kept[Measure]

    @property
    def solution(self) -> Solution | None:
        """The one in force."""
        return next((one for one in reversed(self.solutions) if one.dropped_at is None), None)

    @property
    def measures(self) -> list[Measure]:
        """Of the solution in force."""
        solution = self.solution
        return [one for one in self._measures if solution is not None and one.solution_id == solution.pk]

    @property
    def asked(self) -> Approval | None:
        """The approval somebody must still decide on."""
        return next((one for one in self.approvals if one.state == ApprovalState.ASKED), None)

    @property
    def may_answer(self) -> bool:
        """Whether nothing of the solution in force waits for approval or was denied."""
        solution = self.solution
        last = next((one for one in reversed(self.approvals) if solution and one.solution_id == solution.pk), None)
        return last is None or last.state == ApprovalState.GRANTED

    @property
    def rejection(self) -> Rejection | None:
        """That it is not ours, while a lead must still decide on it."""
        return next((one for one in self.rejections if one.state == ApprovalState.ASKED), None)

    @property
    def mediation(self) -> MediationCase | None:
        """The mediation for which the case rests."""
        return next((one for one in self.mediations if one.closed_at is None and one.state in MEDIATING), None)

    @property
    def offers(self) -> list[Handover]:
        """Hand-overs nobody has answered yet."""
        return [one for one in self.handovers if one.state == HandoverState.OFFERED]

    @property
    def open_parts(self) -> list[Part]:
        return [one for one in self.parts if one.state in PART_OPEN]

    @property
    def open_promises(self) -> list[Promise]:
        return [one for one in self.promises if one.kept_at is None and one.dropped_at is None]

    @property
    def callback(self) -> Callback | None:
        """The call after the answer in force."""
        return self.callbacks[-1] if self.callbacks else None


def beside(case: Complaint) -> Beside:
    """What hangs on the case: one statement. The people and units of the rows come with `with_people`."""
    with connection.cursor() as cursor:
        cursor.execute(*prepared(_BESIDE, {"case": case.pk}))
        return Beside(case, cursor.fetchall())


@dataclass
class Stream:
    """A part of what was said, done and changed, oldest first; `earlier`: the cursor of what is before, if anything."""

    told: list[Told]
    earlier: int | None
    before: int | None = None

    @property
    def earlier_ref(self) -> str:
        """The cursor as it stands in an address."""
        return to_text(self.earlier or 0)


def stream_of(case_id: int, group: str = "", before: int | None = None, size: int = STREAM_SHOWN) -> Stream:
    """The last `size` of the stream, or those before the id `before`. `group`: one of GROUPS, "" for everything."""
    kinds = {"customer": CUSTOMER_KINDS, "internal": (EntryKind.NOTE,)}.get(group, tuple(EntryKind.values))
    sources = {"customer": "e", "internal": "e", "changes": "mc"}.get(group, "emc")
    parts = [f"({_SOURCES[one]} ORDER BY id DESC LIMIT %(size)s)" for one in sources]
    sql = f"SELECT * FROM ({' UNION ALL '.join(parts)}) told ORDER BY id DESC LIMIT %(size)s"
    asked: dict[str, Any] = {"case": case_id, "before": before or _NEWEST, "size": size + 1}
    asked |= {"kinds": [str(kind) for kind in kinds], "spoken": [str(deed) for deed in SPOKEN]}
    with connection.cursor() as cursor:
        cursor.execute(sql, asked)
        rows = cursor.fetchall()
    told = [_object(_TOLD[what], row) for what, _id, row in rows[:size]]
    earlier = told[-1].pk if len(rows) > size else None
    return Stream(told[::-1], earlier, before)


def with_people(
    rows: Iterable[models.Model], *, people: Iterable[int] = (), units: Iterable[int] = ()
) -> tuple[dict[int, User], dict[int, OrgUnit]]:
    """Put people and units into the rows that name them, and give them by their keys with those of `people` and
    `units`: two statements for all."""
    asked: dict[type[models.Model], set[int]] = {User: set(people), OrgUnit: set(units)}
    wanted: dict[type[models.Model], dict[int, list[tuple[models.Model, Any]]]] = {User: {}, OrgUnit: {}}
    for row in rows:
        for field in row._meta.concrete_fields:
            if not field.is_relation or field.related_model not in (User, OrgUnit):
                continue
            key = getattr(row, field.attname)
            if key is not None and field.name not in row._state.fields_cache:
                wanted[field.related_model].setdefault(key, []).append((row, field))
    known: dict[type[models.Model], dict[int, Any]] = {}
    for model, places in wanted.items():
        keys = asked[model] | set(places)
        known[model] = model._default_manager.in_bulk(list(keys)) if keys else {}
        for key, one in known[model].items():
            for row, field in places.get(key, ()):
                field.set_cached_value(row, one)
    return known[User], known[OrgUnit]
