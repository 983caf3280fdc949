"""Drafts: a decision about a policy or a work calendar, checked like the decision itself, kept, and taken later.

Content of a draft, by kind. POLICY: {"value": as stored, null takes the place's own value away; "scope", "ref"; "from":
null or ISO 8601}. CALENDAR: {"edit": {"act": "week", "weekly"} | {"act": "day", "day", "kind", "windows"} | {"act":
"clear", "day"} | {"act": "import", "year"}; "base": the version edited; "definition": what the calendar would be}.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any, TypeVar

from django.db import transaction
from django.utils.translation import gettext as _

from foundation.audit.services import record
from foundation.calendars import services as calendars
from foundation.calendars.definition import Calendar
from foundation.calendars.models import WorkCalendar
from foundation.calendars.queries import calendar_for
from foundation.calendars.windows import as_pairs, windows_json
from foundation.calendars.working_time import next_window
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.policies.kinds import checked, from_stored, stored
from foundation.policies.models import Draft, PolicySetting
from foundation.policies.reading import Place
from foundation.policies.registry import definition
from foundation.policies.services import check_beginning, check_place, set_policy, withdraw_policy

T = TypeVar("T")
LONGEST_NOTE = 200


class _Undone(Exception):
    """Ends a trial edit: what it wrote is rolled back."""


@transaction.atomic
def draft_policy(
    key: str,
    value: Any,
    *,
    actor: Any,
    scope: str = PolicySetting.Scope.GLOBAL,
    scope_ref: str | int = "",
    effective_from: datetime | None = None,
    note: str = "",
) -> Draft:
    """Keep a value of a policy that does not hold yet; None: the place's own value is to be taken away. Refuses
    (RuleBroken) as `set_policy` and `withdraw_policy`.
    """
    known, place = definition(key), check_place(scope, scope_ref)
    if effective_from is not None:
        check_beginning(effective_from)
    content = {
        "value": None if value is None else stored(known, checked(known, value)),
        "scope": place[0],
        "ref": place[1],
        "from": effective_from.isoformat() if effective_from else None,
    }
    _try(lambda: _decide_policy(key, content, actor, note))
    return keep_draft(Draft.Kind.POLICY, key, content, actor, note)


@transaction.atomic
def draft_calendar(code: str, edit: dict[str, Any], *, actor: Any, note: str = "") -> Draft:
    """Keep an edit of a work calendar that does not hold yet (see above). Refuses (RuleBroken) what the edit itself
    refuses; `calendars.same` when it changes nothing; `calendars.never_opens` when nothing would be open any more.
    """
    base = WorkCalendar.objects.filter(code=code).values_list("version", flat=True).first()
    edited = _tried(code, edit, actor)
    if edited.version == base:
        raise RuleBroken("calendars.same", _("This changes nothing."))
    next_window(clock.now(), edited)
    content = {"edit": edit, "base": base, "definition": edited.as_json()}
    return keep_draft(Draft.Kind.CALENDAR, code, content, actor, note)


def _tried(code: str, edit: dict[str, Any], actor: Any) -> Calendar:
    """The calendar as the edit leaves it; nothing stays written."""

    def edited() -> Calendar:
        _edit(code, edit, actor, "")
        return calendar_for(code)

    return _try(edited)


def _try(act: Callable[[], T]) -> T:
    """What `act` returns or refuses; what it wrote is rolled back."""
    found: list[T] = []
    try:
        with transaction.atomic():
            found.append(act())
            raise _Undone
    except _Undone:
        return found[0]


def _decide_policy(key: str, content: dict[str, Any], actor: Any, note: str) -> PolicySetting:
    begins = datetime.fromisoformat(content["from"]) if content["from"] else None
    if begins is not None and begins <= clock.now():
        begins = None  # its day came while it was a draft
    place = {"scope": content["scope"], "scope_ref": content["ref"], "effective_from": begins, "note": note}
    if content["value"] is None:
        return withdraw_policy(key, actor=actor, **place)
    return set_policy(key, from_stored(definition(key), content["value"]), actor=actor, **place)


def _edit(code: str, edit: dict[str, Any], actor: Any, note: str) -> None:
    if edit["act"] == "week":
        weekly = [as_pairs(windows) for windows in edit["weekly"]]
        calendars.change_calendar(code, actor=actor, weekly=weekly, note=note)
    elif edit["act"] == "day":
        named = note[:120]
        calendars.set_day(
            code,
            date.fromisoformat(edit["day"]),
            edit["kind"],
            windows=as_pairs(edit["windows"]),
            actor=actor,
            name_en=named,
            name_zh=named,
            note=note,
        )
    elif edit["act"] == "clear":
        calendars.clear_day(code, date.fromisoformat(edit["day"]), actor=actor, note=note)
    else:
        calendars.import_year(code, edit["year"], actor=actor)


def week_edit(weekly: Iterable[Iterable[Any]]) -> dict[str, Any]:
    """The edit that gives a calendar these windows, Monday first."""
    return {"act": "week", "weekly": [windows_json(tuple(windows)) for windows in weekly]}


def day_edit(day: date, kind: str, windows: Iterable[Any] = ()) -> dict[str, Any]:
    """The edit that makes a date special, or (no kind) ordinary again."""
    if not kind:
        return {"act": "clear", "day": day.isoformat()}
    return {"act": "day", "day": day.isoformat(), "kind": kind, "windows": windows_json(tuple(windows))}


def import_edit(year: int) -> dict[str, Any]:
    """The edit that takes the public holidays of a year."""
    return {"act": "import", "year": year}


def place_of(draft: dict[str, Any]) -> Place:
    """Where the value of a policy draft stands; `draft`: kind, subject and content as JSON (`frozen`)."""
    content = draft["content"]
    return (draft["subject"], content["scope"], content["ref"])


def calendar_of(draft: dict[str, Any]) -> Calendar:
    """The calendar of a calendar draft."""
    return Calendar.from_json(draft["subject"], draft["content"]["base"] + 1, draft["content"]["definition"])


def frozen(draft: Draft) -> dict[str, Any]:
    """A draft as plain JSON, to be kept with what it was used for."""
    return {"id": str(draft.pk), "kind": draft.kind, "subject": draft.subject, "content": draft.content}


@transaction.atomic
def untick(draft_id: int, clock_ids: Iterable[int], *, keep: bool) -> Draft:
    """Let open clocks keep their limits when the draft is activated (`keep`), or move after all. Refuses (RuleBroken
    `policies.draft_decided`) a draft that is none any more.
    """
    draft = _open(draft_id)
    named = set(clock_ids)
    draft.kept = sorted(set(draft.kept) | named if keep else set(draft.kept) - named)
    draft.save(update_fields=["kept"])
    return draft


@transaction.atomic
def activate_draft(draft_id: int, *, actor: Any, move: bool = True) -> Draft:
    """Take the decision: from now on (or its own beginning) it holds. `move`: the open clocks go with it, but for those
    unticked; that is done apart (`moving.move_clocks`), piece by piece.

    Refuses (RuleBroken) `policies.draft_decided`; `policies.draft_old`: the calendar was edited since; a staffing rule
    (`policies.draft_staffing`), which is for rehearsing only; and as `set_policy`, `withdraw_policy`.
    """
    draft = _open(draft_id)
    content = draft.content
    if draft.kind == Draft.Kind.STAFFING:
        raise RuleBroken(
            "policies.draft_staffing", _("A staffing rule is for rehearsing; people are planned elsewhere.")
        )
    if draft.kind == Draft.Kind.POLICY:
        _decide_policy(draft.subject, content, actor, draft.note)
    else:
        calendar = WorkCalendar.objects.select_for_update(no_key=True).get(code=draft.subject)
        if calendar.version != content["base"]:
            raise RuleBroken("policies.draft_old", _("The calendar was changed since. Look at the change once more."))
        _edit(draft.subject, content["edit"], actor, draft.note)
    draft.move = move
    draft.save(update_fields=["move"])
    record("draft.activated", target=draft, actor=actor, detail=_detail(draft))
    return _decide(draft, Draft.State.ACTIVATED, actor)


@transaction.atomic
def drop_draft(draft_id: int, *, actor: Any) -> Draft:
    """Nothing comes of it. Refuses (RuleBroken `policies.draft_decided`)."""
    draft = _open(draft_id)
    record("draft.dropped", target=draft, actor=actor, detail=_detail(draft))
    return _decide(draft, Draft.State.DROPPED, actor)


def _open(draft_id: int) -> Draft:
    draft = Draft.objects.select_for_update(no_key=True).get(pk=draft_id)
    if draft.state != Draft.State.OPEN:
        raise RuleBroken("policies.draft_decided", _("This draft was activated or dropped already."))
    return draft


def keep_draft(kind: str, subject: str, content: dict[str, Any], actor: Any, note: str) -> Draft:
    """Keep a draft whose content was checked. Refuses (RuleBroken `policies.note`) a note above 200 characters."""
    note = note.strip()
    if len(note) > LONGEST_NOTE:
        raise RuleBroken("policies.note", _("A note has at most 200 characters, a source at most 20."))
    draft = Draft.objects.create(
        kind=kind, subject=subject, content=content, note=note, created_by_id=getattr(actor, "pk", None)
    )
    record("draft.made", target=draft, actor=actor, detail=_detail(draft))
    return draft


def _decide(draft: Draft, state: str, actor: Any) -> Draft:
    draft.state, draft.decided_at, draft.decided_by_id = state, clock.now(), getattr(actor, "pk", None)
    draft.save(update_fields=["state", "decided_at", "decided_by_id"])
    return draft


def _detail(draft: Draft) -> dict[str, Any]:
    return {"kind": draft.kind, "subject": draft.subject}
