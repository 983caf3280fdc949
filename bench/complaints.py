"""Complaints at size: the queue, the boards, the page of a case and intake with few cases and with all of them, the
figures of the running month, and the sweep over the open ones beside the bare pass that writes the same rows (design
§7).

One case in ten is open, and of the open ones nine in ten have a mark of their service clock due: the team lead is
brought each. The bare pass puts finished copies of the rows the sweep wrote back into the same tables by one INSERT …
SELECT a table, and changes marks and cases by one UPDATE each. It looks nobody up and takes no locks of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connection, models
from django.http import QueryDict

from bench import cases, complaint_library, intake, raw
from bench.everybody import figure, timed
from bench.server import Cost, Server, serve, signed_in
from bench.table import Figure
from complaints.filters import CaseFilter
from complaints.lifecycle import OWNER_KIND
from complaints.models import Complaint, ComplaintMove, Escalation, EscalationTold, Seat
from complaints.queries import VIEW_WORDS, counts_of, first_lines, view_of
from complaints.views.queue import PAGE
from complaints.watching import sweeping
from foundation.calendars.models import ClockMark
from foundation.common.ids import to_text
from outreach.models import Notification
from staff.models import User

WRITTEN: tuple[type[models.Model], ...] = (Escalation, EscalationTold, Seat, Notification, ComplaintMove)
ROUNDS, BOARD_ROUNDS, MONTH_ROUNDS = 300, 60, 6
HANDLER, LEAD, DIRECTOR, EVERYTHING = "desk0-0", "desk_lead0", "desk_boss0", "gm"
SEARCHERS = (HANDLER, EVERYTHING)  # a branch, and all of it
MINE = ["view=mine", "view=pool", "view=breached", "view=today", "view=callback", "view=mine&state=INVESTIGATING"]
# What may be asked of a list of open cases; each alone, as the one that is rarest among the rows.
FILTERS = [
    "state=SOLUTION_PROPOSED", "grade=MAJOR", "topic=POINTS", "topic=BILLING", "channel=PARTNER", "late=now",
    "late=service", "late=statutory", "area=Pudong", "brand=none", "number=7000",
]  # fmt: skip
BOARDS = ["/complaints/board/", "/complaints/board/wall/"]
MONTH = "/complaints/analysis/"
OPEN = ["view=all", "view=breached", "view=today", "view=waiting", "view=callback"]


@dataclass(frozen=True)
class Pages:
    """What the pages of complaints cost with a number of cases."""

    mine: Cost
    branch: Cost
    all: Cost
    filtered: Cost
    case: Cost
    desk_board: Cost
    branch_board: Cost
    board: Cost


def measure(many: int = 1_000_000) -> list[Figure]:
    """Load few cases and measure the pages, load the rest and measure again, then sweep the open ones once."""
    few = min(cases.FEW, many)
    cases.organisation()
    cases.load_cases(0, few, _quiet)
    complaint_library.fill()
    with serve() as server:
        before, searched = _pages(server), complaint_library.cost(server, SEARCHERS)
    if many > few:
        cases.load_cases(few, many, _quiet)
        complaint_library.fill()
    with serve() as server:
        bare = server.measure(_get(["/bench/bare-page/"]), signed_in(HANDLER))
        now = _pages(server)
        figures = [*_costs(now, bare), *_growth(before, now, few, many)]
        figures += [*_months(server), *_taken(server, many)]
        figures += complaint_library.figures(server, searched, few, many)
        figures += _history(server)
    return [*figures, *_plans(), _sweep(many)]


def _costs(now: Pages, bare: Cost) -> list[Figure]:
    asked, times = "queue of cases, filtered", f"{now.filtered.p95:.1f} ms, bare {bare.p95:.1f}"
    whole, case = "queue of cases, whole page", "page of a case"
    figures = [
        Figure(asked, "CPU a request", now.filtered.cpu, 5, "ms", note=f"bare {bare.cpu:.1f} ms"),
        Figure(asked, "p95 to bare page", now.filtered.p95 / bare.p95, 3, "x", note=times),
        Figure(whole, "CPU a request", now.mine.cpu, 15, "ms", note="a handler's own"),
        Figure(whole, "p95", max(now.mine.p95, now.branch.p95, now.all.p95), 200, "ms"),
        Figure(case, "CPU a request", now.case.cpu, 15, "ms"),
        Figure(case, "p95", now.case.p95, 200, "ms"),
    ]
    for whose, cost in (("desk", now.desk_board), ("branch", now.branch_board), ("everything", now.board)):
        name, note = f"supervisor board, {whose}", f"p50 {cost.p50:.0f}, {cost.cpu:.0f} ms CPU"
        figures.append(Figure(name, "p95", cost.p95, 200 if whose == "everything" else 150, "ms", note=note))
    return figures


def _growth(before: Pages, after: Pages, few: int, many: int) -> list[Figure]:
    """What grew, by the 95th of a hundred."""
    return [
        Figure(
            name,
            f"p95 at {many:,} to {few:,}",
            now.p95 / then.p95,
            1.3,
            "x",
            note=f"{then.p95:.1f} -> {now.p95:.1f} ms, CPU {then.cpu:.1f} -> {now.cpu:.1f}",
        )
        for name, then, now in (
            ("queue of cases, a handler's", before.mine, after.mine),
            ("queue of cases, a branch's", before.branch, after.branch),
            ("queue of cases, everything", before.all, after.all),
            ("queue of cases, filtered", before.filtered, after.filtered),
            ("page of a case", before.case, after.case),
        )
    ]


def _months(server: Server) -> list[Figure]:
    """The figures of the running month, for who sees a branch and who sees everything."""
    figures = []
    for name in (DIRECTOR, EVERYTHING):
        cost = server.measure(_get([MONTH], MONTH_ROUNDS), signed_in(name), warm=1)
        note = f"p50 {cost.p50:.0f}, {cost.cpu:.0f} ms CPU"
        figures.append(Figure(f"figures of the month as {name}", "p95", cost.p95, 1_000, "ms", note=note))
    return figures


def _taken(server: Server, many: int) -> list[Figure]:
    return [replace(one, work=f"{one.work}, {many:,} there") for one in intake.measure(server)]


def _pages(server: Server) -> Pages:
    handler, director = signed_in(HANDLER), signed_in(DIRECTOR)
    fragment = {"HX-Request": "true", "HX-Target": "results"}
    asked = [f"view=all&{one}" for one in FILTERS] + [f"view=closed&{one}" for one in FILTERS] + OPEN
    mine = Complaint.objects.open().filter(handler__username=HANDLER).order_by("pk")[:PAGE]
    return Pages(
        server.measure(_get(_queue(MINE)), handler),
        server.measure(_get(_queue(OPEN)), director),
        server.measure(_get(_queue(OPEN)), signed_in(EVERYTHING)),
        server.measure(_get(_queue(asked)), director | fragment),
        server.measure(_get([f"/complaints/{to_text(case.pk)}/" for case in mine]), handler),
        *(server.measure(_get(BOARDS, BOARD_ROUNDS), signed_in(who), warm=4) for who in (LEAD, DIRECTOR, EVERYTHING)),
    )


def _queue(asked: Iterable[str]) -> list[str]:
    return [f"/complaints/?{query}" for query in asked]


def _get(paths: list[str], rounds: int = ROUNDS) -> list[tuple[str, str, str]]:
    return [("GET", paths[n % len(paths)], "") for n in range(rounds)]


def _history(server: Server) -> list[Figure]:
    """The page of one case before and after ten thousand lines were added to its history."""
    case = Complaint.objects.open().filter(handler__username=HANDLER).order_by("pk").first()
    assert case is not None
    path, handler = [f"/complaints/{to_text(case.pk)}/"], signed_in(HANDLER)
    short = server.measure(_get(path), handler)
    cases.long_history(case, 10_000)
    _run("ANALYZE complaints_entry", "ANALYZE complaints_complaintmove")
    long = server.measure(_get(path), handler)
    note = f"{short.cpu:.1f} -> {long.cpu:.1f} ms"
    return [
        Figure("page of a case", "CPU with 10,000 lines of history to few", long.cpu / short.cpu, 1.5, "x", note=note)
    ]


def _plans() -> list[Figure]:
    """Each view and filter of the queue explained, for who sees a branch and who sees everything."""
    figures = []
    for name in (HANDLER, DIRECTOR, EVERYTHING):
        user = User.objects.get(username=name)
        faults = [f"{asked}: {fault}" for asked in _asked_all() for fault in _faults(user, asked)]
        faults += [f"counts: {fault}" for fault in _faults_of(lambda user=user: _count(user))]
        figures.append(
            Figure(f"queue of cases as {name}", "plan faults", len(faults), 0, "", note="; ".join(faults)[:120])
        )
    return figures


def _asked_all() -> list[str]:
    views = [f"view={key}" for key in VIEW_WORDS]
    return views + [f"{view}&{one}" for view in ("view=all", "view=closed") for one in FILTERS]


def _faults(user: User, asked: str) -> list[str]:
    def read() -> int:
        query = QueryDict(asked)
        view = view_of(user, query["view"])
        found = CaseFilter(query, view.rows)
        return len(first_lines(user, query["view"], found.qs, PAGE + 1))

    return _faults_of(read)


def _count(user: User) -> None:
    counts_of(user, [key for key in VIEW_WORDS if key != "closed"])


def _faults_of(read: Callable[[], Any]) -> list[str]:
    seen: list[tuple[str, tuple[object, ...]]] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append((sql, tuple(params or ())))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        read()
    asked = [one for one in seen if "complaints_complaint" in one[0]]
    # A stream passes by what others may not see, ten rows for each of its own at the width of a branch.
    return [fault for sql, params in asked for fault in raw.plan_faults(sql, params, 10 * PAGE)]


def _sweep(many: int) -> Figure:
    now = cases.begun()
    before = {model: _last(model) for model in WRITTEN}
    due = ClockMark.objects.filter(owner_kind=OWNER_KIND, passed_at=None, due_at__lte=now).count()
    done: list[int] = []
    ours = timed(lambda: done.extend(iter(lambda: sweeping.sweep(now), 0)))
    if sum(done) != due or Escalation.objects.filter(pk__gt=before[Escalation]).count() != due:
        raise SystemExit("the sweep did not act on every mark once")
    return figure("complaints sweep", ours, _bare(before, now), f"{due:,} marks of {cases.open_cases(many):,} open, ")


def _last(model: type[models.Model]) -> int:
    return model.objects.order_by("-pk").values_list("pk", flat=True).first() or 0  # type: ignore[attr-defined]  # every model has it


def _bare(before: dict[type[models.Model], int], now: datetime) -> float:
    """Seconds the same rows take when nothing is worked out."""
    tables = {model._meta.db_table: last for model, last in before.items()}
    for table, last in tables.items():
        _run(f"CREATE TEMP TABLE bench_{table} AS SELECT * FROM {table} WHERE id > {last}")
    for table, last in reversed(tables.items()):
        _run(f"DELETE FROM {table} WHERE id > {last}")
    seconds = sum(timed(lambda name=table: _run(f"INSERT INTO {name} SELECT * FROM bench_{name}")) for table in tables)
    # What the sweep changed is put back as it was, so that the same columns and indexes are written once more.
    at = now.isoformat()
    _run(f"CREATE TEMP TABLE bench_mark AS SELECT id FROM clock_mark WHERE passed_at = '{at}'", "ANALYZE bench_mark")
    _run("CREATE TEMP TABLE bench_raised AS SELECT id, escalated_to_id FROM complaints_complaint WHERE level = 1")
    _run("UPDATE clock_mark SET passed_at = NULL WHERE id IN (SELECT id FROM bench_mark)")
    _run("UPDATE complaints_complaint SET level = 0, escalated_to_id = NULL WHERE level = 1", "ANALYZE bench_raised")
    _run("VACUUM clock_mark, complaints_complaint")
    marks = f"UPDATE clock_mark m SET passed_at = '{at}' FROM bench_mark b WHERE m.id = b.id"
    seconds += timed(lambda: _run(marks))
    raised = "version = version + 1, level = 1, escalated_to_id = b.escalated_to_id"
    cases_raised = f"UPDATE complaints_complaint c SET {raised} FROM bench_raised b WHERE c.id = b.id"
    return seconds + timed(lambda: _run(cases_raised))


def _quiet(_words: str) -> None:
    pass


def _run(*statements: str) -> None:
    with connection.cursor() as cursor:
        for sql in statements:
            cursor.execute(sql)
