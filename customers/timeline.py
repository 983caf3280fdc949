"""The customer's timeline: writing lines, the words of each kind, and reading pages of it.

Every app writes through `add_line` (one) or `add_lines_sql` (a set) and registers its kinds in `ready()`. A line is a
kind and parameters; the words are made when it is read, in the reader's language, with one query per kind that
refers to rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from customers.models import TimelineLine
from foundation.common import clock
from foundation.common.ids import first_id_at, moment_of
from foundation.common.prepared import prepared
from foundation.ui.parts.lists import Entry
from staff.models import User

PAGE = 30
YEAR = timedelta(days=396)
_LINES = (
    "SELECT id, customer_id, kind, ref_id, params, actor_id, unit_id FROM timeline"
    " WHERE customer_id = %(customer)s AND id < %(top)s AND id >= %(floor)s"
    " AND (%(kinds)s::text[] IS NULL OR kind = ANY(%(kinds)s)) ORDER BY id DESC LIMIT %(most)s"
)
# The same of several archives that were merged: each by its own index, then laid together.
_LINES_OF_ALL = (
    "SELECT l.* FROM unnest(%(customers)s::bigint[]) AS one (customer_id) CROSS JOIN LATERAL ("
    "SELECT id, customer_id, kind, ref_id, params, actor_id, unit_id FROM timeline t"
    " WHERE t.customer_id = one.customer_id AND id < %(top)s AND id >= %(floor)s"
    " AND (%(kinds)s::text[] IS NULL OR kind = ANY(%(kinds)s)) ORDER BY id DESC LIMIT %(most)s) l"
    " ORDER BY l.id DESC LIMIT %(most)s"
)
# What is noted later than it happened may lie before the archive was opened, but not by more.
REPORTED_LATE = timedelta(days=30)

Words = Callable[[TimelineLine, Any], tuple[str, str]]
Load = Callable[[Iterable[int]], dict[int, Any]]

GROUPS: dict[str, str | Promise] = {
    "contacts": _("Contacts"),
    "followups": _("Follow-ups"),
    "messages": _("Messages"),
    "business": _("Business"),
    "changes": _("Changes"),
}


@dataclass(frozen=True)
class LineKind:
    """How a kind of line looks: its icon (lucide), tone, filter group, words, and the rows its lines refer to.

    `words(line, ref)` gives (title, text); `ref` is the row `load` found for `line.ref_id`, or None when it is gone.
    """

    kind: str
    icon: str
    tone: str
    group: str
    words: Words
    load: Load | None = None


_kinds: dict[str, LineKind] = {}


def register_kind(kind: LineKind) -> None:
    """Make a kind of line known. Raises ValueError for a second one of the name or an unknown group."""
    if kind.group not in GROUPS:
        raise ValueError(f"the timeline has no group {kind.group!r}")
    if _kinds.setdefault(kind.kind, kind) is not kind:
        raise ValueError(f"two kinds of line are called {kind.kind!r}")


def kinds_of(group: str) -> list[str]:
    """The kinds of a filter group."""
    return [kind.kind for kind in _kinds.values() if kind.group == group]


def add_line(
    customer_id: int,
    kind: str,
    *,
    actor: Any = None,
    ref_id: int | None = None,
    params: dict[str, Any] | None = None,
    unit_id: int | None = None,
    at: datetime | None = None,
) -> TimelineLine:
    """Write one line in the caller's transaction. `params`: codes, numbers and ids, never a personal text.

    `at` (aware) back-dates the line: its id is made for that moment. Raises ValueError for a kind nobody registered.
    """
    if kind not in _kinds:
        raise ValueError(f"nobody registered the timeline kind {kind!r}")
    line = TimelineLine(
        customer_id=customer_id,
        kind=kind,
        ref_id=ref_id,
        params=params or {},
        actor_id=actor.pk if actor is not None else None,
        unit_id=unit_id if unit_id is not None else getattr(actor, "unit_id", None),
    )
    if at is not None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT make_id(%s)", [at])
            line.pk = cursor.fetchone()[0]
    line.save(force_insert=True)
    return line


def add_lines(lines: Sequence[TimelineLine]) -> None:
    """Write lines of registered kinds built by the caller, in its transaction and one statement for each thousand."""
    for kind in {line.kind for line in lines} - set(_kinds):
        raise ValueError(f"nobody registered the timeline kind {kind!r}")
    TimelineLine.objects.bulk_create(lines, batch_size=1_000)


def add_lines_sql(select: str, params: list[Any]) -> int:
    """Write a set of lines: `select` gives (customer_id, kind, ref_id, params jsonb, actor_id, unit_id, at).

    Returns how many. The caller's SELECT names only registered kinds and bounds its own rows.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO timeline (id, customer_id, kind, ref_id, params, actor_id, unit_id)"
            " SELECT make_id(at), customer_id, kind, ref_id, params, actor_id, unit_id"
            f" FROM ({select}) AS lines (customer_id, kind, ref_id, params, actor_id, unit_id, at)",
            params,
        )
        return cursor.rowcount


@dataclass(frozen=True)
class TimelinePage:
    """Some lines as the page shows them, and where the earlier ones begin (None: there are none)."""

    entries: list[Entry]
    before: int | None


def timeline_page(
    customer_id: int,
    *,
    since: datetime,
    group: str = "",
    before: int | None = None,
    size: int = PAGE,
    absorbed: Sequence[int] = (),
) -> TimelinePage:
    """The newest `size` lines of a customer (before the id `before`), newest first, with those of the archives merged
    into it (`absorbed`).

    Reads a year at a time, so that few months are opened. `since`: no line of the customer is older (archive opened,
    first service). The first page reads one year, whatever it finds, so that it costs the same whatever the history;
    asked for earlier ones, it steps back year by year until the page is full.
    """
    oldest = first_id_at(since - REPORTED_LATE)
    top = before if before is not None else first_id_at(clock.now() + timedelta(days=1))
    kinds = kinds_of(group) if group else None
    found: list[TimelineLine] = []
    while True:
        floor = max(oldest, first_id_at(moment_of(top) - YEAR))
        wanted: dict[str, Any] = {"customer": customer_id, "top": top, "floor": floor, "kinds": kinds}
        wanted["most"] = size + 1 - len(found)
        if absorbed:
            wanted["customers"] = [customer_id, *absorbed]
        found += TimelineLine.objects.raw(*prepared(_LINES_OF_ALL if absorbed else _LINES, wanted))
        if len(found) > size or before is None or floor <= oldest:
            break
        top = floor
    shown = found[:size]
    if len(found) > size:
        return TimelinePage(_entries(shown), shown[-1].pk)
    return TimelinePage(_entries(shown), floor if floor > oldest else None)


def _entries(lines: list[TimelineLine]) -> list[Entry]:
    wanted: dict[Load, set[int]] = defaultdict(set)
    for line in lines:
        kind = _kinds.get(line.kind)
        if kind is not None and kind.load is not None and line.ref_id is not None:
            wanted[kind.load].add(line.ref_id)
    loaded = {load: load(ids) for load, ids in wanted.items()}
    names = dict(
        User.objects.filter(pk__in={line.actor_id for line in lines if line.actor_id}).values_list("pk", "name")
    )
    return [_entry(line, loaded, names) for line in lines]


def _entry(line: TimelineLine, loaded: dict[Load, dict[int, Any]], names: dict[int, str]) -> Entry:
    who = names.get(line.actor_id, "") if line.actor_id else _("System")
    kind = _kinds.get(line.kind)
    if kind is None:  # written by an app that is no longer installed: say what is known
        return Entry(at=line.at, title=line.kind, who=who)
    ref = loaded[kind.load].get(line.ref_id) if kind.load is not None and line.ref_id is not None else None
    title, text = kind.words(line, ref)
    return Entry(at=line.at, title=title, text=text, icon=kind.icon, tone=kind.tone, who=who)
