"""Drafts and rehearsals of the sample operator's year, and who opens them."""

from __future__ import annotations

from datetime import timedelta

from django.urls import reverse

from complaints.models import Complaint
from complaints.rehearsing.running import rehearse, start_rehearsal
from complaints.rehearsing.staff import Shift, draft_staffing
from foundation.calendars.queries import STANDARD
from foundation.calendars.windows import read_windows
from foundation.common import clock
from foundation.policies.drafting import draft_calendar, draft_policy, week_edit
from staff.models import User


def rehearsal_pages() -> list[tuple[str, str, User]]:
    """Pages with the name of their picture, their address and who looks at them."""
    coordinator, policies = (User.objects.get(username=name) for name in ("coordinator", "policy_admin"))
    case = Complaint.objects.filter(source="").order_by("pk").first()
    assert case is not None
    day = draft_policy(
        "complaints.limit.simple", timedelta(hours=24), actor=policies, note="\u4e00\u5929\u5185\u7b54\u590d"
    )
    week = draft_calendar(
        STANDARD,
        week_edit([read_windows("09:00-12:00, 13:30-17:00")] * 5 + [(), ()]),
        actor=policies,
        note="\u5348\u4f11",
    )
    staff = draft_staffing(
        case.work_unit, minutes=240, shifts=[Shift(1, (0, 1, 2, 3, 4), ((540, 720),))], actor=coordinator
    )
    today = clock.today()
    year = start_rehearsal(
        actor=coordinator,
        title="\u4e00\u5929\u5185\u7b54\u590d",
        from_day=today - timedelta(days=365),
        to_day=today,
        left=[],
        right=[day.pk, staff.pk],
    )
    rehearse(year.pk)
    waiting = start_rehearsal(actor=coordinator, title="\u4eca\u5929", from_day=today, to_day=today, left=[], right=[])
    page, cases = (reverse(f"complaints:{name}", args=[year.pk]) for name in ("rehearsal", "rehearsal-cases"))
    month = f"{today:%Y-%m}"
    return [
        ("rehearsals", reverse("complaints:rehearsal-list"), coordinator),
        ("rehearsal-new", f"{reverse('complaints:rehearsal-new')}?right={day.ref}", coordinator),
        ("rehearsal", f"{page}?month={month}", coordinator),
        ("rehearsal-hours", f"{page}?by=hour&unit={case.work_unit_id}", coordinator),
        ("rehearsal-day", f"{page}?day={today.isoformat()}", coordinator),
        ("rehearsal-waiting", reverse("complaints:rehearsal", args=[waiting.pk]), coordinator),
        ("rehearsal-cases", f"{cases}?kind=service&what=changed", coordinator),
        ("staffing-new", reverse("complaints:staffing-new"), coordinator),
        ("drafts", reverse("workspace:draft-list"), policies),
        ("draft", reverse("workspace:draft-detail", args=[day.pk]), policies),
        ("draft-calendar", reverse("workspace:draft-detail", args=[week.pk]), policies),
        ("policy-limit", reverse("workspace:policy-detail", args=["complaints.limit.simple"]), policies),
        ("clock-try", reverse("workspace:clock-try"), policies),
        ("arrears-try", reverse("workspace:dunning-try"), policies),
    ]
