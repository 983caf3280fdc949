"""Drafts: what would change, what becomes of every clock that runs, and the buttons that take or drop the decision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from complaints.lifecycle import OWNER_KIND, PART_KIND, ClockKind, label_of
from complaints.models import Complaint, Part
from complaints.rehearsing.words import say_drafts
from foundation.calendars.moving import Shift, Shifts, way_of
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.ids import from_text, to_text
from foundation.common.paging import keyset_page
from foundation.jobs.models import JobRun
from foundation.policies.drafting import activate_draft, drop_draft, frozen, untick
from foundation.policies.models import Draft
from foundation.policies.moving import ShiftPage, all_shifts, holds, shifts_of
from foundation.ui.htmx import wants_fragment
from staff.models import User
from staff.requests import StaffRequest
from workspace.admin.draft_jobs import COUNTED_AT_ONCE, start_moving

SHOWN = 50
RIGHTS = {Draft.Kind.POLICY: "policies.change", Draft.Kind.CALENDAR: "calendars.change"}
# Which clocks a figure counts; the list below it shows them.
WAYS: dict[str, Callable[[Shift], bool]] = {
    "all": lambda _shift: True,
    "sooner": lambda shift: way_of(shift) == "sooner",
    "later": lambda shift: way_of(shift) == "later",
    "refused": lambda shift: way_of(shift) == "refused",
    "late": lambda shift: shift.late_at_once,
}


@dataclass(frozen=True)
class ClockRow:
    """A clock before and after. `address`: of the case it belongs to, for those who may see it."""

    shift: Shift
    ref: str
    label: str
    number: str
    address: str
    kept: bool


@require_GET
@requires("policies.view")
def draft_list(request: StaffRequest) -> HttpResponse:
    """All drafts, the newest first."""
    rows = Draft.objects.order_by("-pk")
    if request.GET.get("state") != "all":
        rows = rows.filter(state=Draft.State.OPEN)
    try:
        page = keyset_page(rows, after=request.GET.get("after"), size=SHOWN)
    except RuleBroken:
        return redirect("workspace:draft-list")
    people = User.objects.in_bulk({row.created_by_id for row in page.items if row.created_by_id})
    said = say_drafts(frozen(row) for row in page.items)
    found = [(row, words, people.get(row.created_by_id or 0)) for row, words in zip(page.items, said, strict=True)]
    template = "workspace/draft_list.html" + ("#results" if wants_fragment(request) else "")
    context = {"page": page, "rows": found, "every": request.GET.get("state") == "all"}
    return render(request, template, context)


@require_GET
@requires("policies.view")
def draft_detail(request: StaffRequest, pk: int) -> HttpResponse:
    """One draft with every open clock it changes, before and after."""
    return _page(request, get_object_or_404(Draft, pk=pk))


def _page(request: StaffRequest, draft: Draft, refused: str = "") -> HttpResponse:
    now, is_open = clock.now(), draft.state == Draft.State.OPEN
    try:
        after = from_text(request.GET.get("after", "0")[:13])
    except ValueError:
        after = 0
    way = request.GET.get("way", "")
    page, counts = _looked_at(draft, now, after, way) if is_open else (ShiftPage([], None), None)
    run = JobRun.objects.filter(pk=draft.run_id).first() if draft.run_id else None
    context = {
        "draft": draft,
        "said": say_drafts([frozen(draft)])[0],
        "who": User.objects.in_bulk({draft.created_by_id or 0, draft.decided_by_id or 0}),
        "is_open": is_open,
        "rows": _rows(draft, page.shifts, request.user),
        "next": to_text(page.after) if page.after is not None else "",
        "first": not after,
        "counts": counts,
        "way": way if way in WAYS else "",
        "kept": len(draft.kept),
        "run": run if run is not None and not run.ended else None,
        "waits": draft.move and draft.moved_at is None and not holds(draft, now),
        "may_change": is_open and draft.kind in RIGHTS and request.user.has_perm(RIGHTS[Draft.Kind(draft.kind)]),
        "may_rehearse": request.user.has_perm("complaints.rehearse"),
        "refused": refused,
    }
    part = "#clocks" if wants_fragment(request) and not refused else ""
    return render(request, f"workspace/draft_detail.html{part}", context, status=422 if refused else 200)


def _looked_at(draft: Draft, now: datetime, after: int, way: str) -> tuple[ShiftPage, dict[str, int] | None]:
    """A page of the clocks a draft changes in a way, and how many change in all; None while those are being
    counted."""
    wanted = WAYS.get(way, WAYS["all"])
    shifts = all_shifts(draft, now=now, most=COUNTED_AT_ONCE)
    if shifts is None:
        return shifts_of(draft, now=now, after=after, size=SHOWN, wanted=wanted), draft.counts
    counts = Shifts()
    for shift in shifts:
        counts.add(shift)
    behind = [shift for shift in shifts if shift.clock.pk > after and wanted(shift)]
    more = behind[SHOWN - 1].clock.pk if len(behind) > SHOWN else None
    return ShiftPage(behind[:SHOWN], more), asdict(counts)


def _rows(draft: Draft, shifts: list[Shift], user: User) -> list[ClockRow]:
    """The clocks with the numbers of the cases the user sees; three queries at most."""
    cases = {one.clock.owner_id for one in shifts if one.clock.owner_kind == OWNER_KIND}
    parts = {one.clock.owner_id for one in shifts if one.clock.owner_kind == PART_KIND}
    of_part = dict(Part.objects.filter(pk__in=parts).values_list("pk", "complaint_id")) if parts else {}
    wanted = cases | set(of_part.values())
    seen: dict[int, str] = {}
    if wanted and user.has_perm("complaints.view"):
        seen = dict(Complaint.objects.visible_to(user).filter(pk__in=wanted).values_list("pk", "number"))
    kept = set(draft.kept)
    rows = []
    for shift in shifts:
        one = shift.clock
        case = one.owner_id if one.owner_kind == OWNER_KIND else of_part.get(one.owner_id, 0)
        label = label_of(ClockKind, one.kind) if one.owner_kind == OWNER_KIND else _("Part of another unit")
        address = reverse("complaints:case", args=[case]) if case in seen else ""
        rows.append(ClockRow(shift, one.ref, label, seen.get(case, ""), address, one.pk in kept))
    return rows


@require_POST
@requires("policies.view")
def draft_act(request: StaffRequest, pk: int, what: str) -> HttpResponseBase:
    """Untick clocks, take the decision, or drop it."""
    draft = get_object_or_404(Draft, pk=pk)
    right = RIGHTS.get(Draft.Kind(draft.kind), "complaints.rehearse")
    if not request.user.has_perm(right):
        raise PermissionDenied(right)
    try:
        if what == "keep":
            _keep(request, pk)
            return redirect(f"{reverse('workspace:draft-detail', args=[pk])}?after={_next_of(request)}")
        if what == "drop":
            drop_draft(pk, actor=request.user)
            messages.success(request, _("The draft was dropped."))
        elif what == "activate":
            activate_draft(pk, actor=request.user, move=bool(request.POST.get("move")))
            messages.success(request, _("It holds."))
            start_moving(Draft.objects.get(pk=pk), actor=request.user)
        else:
            raise Http404
    except RuleBroken as no:
        return _page(request, draft, str(no.message))
    return redirect("workspace:draft-detail", pk=pk)


def _keep(request: StaffRequest, pk: int) -> None:
    """The clocks of a page: those ticked move, the others keep their limits."""
    shown, ticked = (_ids(request.POST.getlist(name)) for name in ("shown", "move"))
    untick(pk, shown - ticked, keep=True)
    untick(pk, shown & ticked, keep=False)
    messages.success(request, _("Noted: the clocks without a tick keep their limits."))


def _next_of(request: StaffRequest) -> str:
    """The page the ticks were made on."""
    text = request.POST.get("after", "0")[:13]
    return text if text.isalnum() else "0"


def _ids(texts: list[str]) -> set[int]:
    found = set()
    for text in texts[: 2 * SHOWN]:
        try:
            found.add(from_text(text[:13]))
        except ValueError:
            continue
    return found
