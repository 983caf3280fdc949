"""What coordinators keep: lists, mails and replies put aside, records of the past."""

from __future__ import annotations

from django.urls import reverse

from complaints.mail.receiving import receive_mail
from complaints.models import AnswerTemplate, Cause, Complaint, RequiredFact
from foundation.common import clock
from interactions.models import Topic
from outreach.models import SmsReply
from staff.models import User
from tests.imports.bringing import bring, table

LONG = "\u624b\u673a\u5728\u5bb6\u6ca1\u6709\u4fe1\u53f7 " * 30


def pages_kept() -> list[tuple[str, str, User]]:
    """Name, address and reader of each page."""
    coordinator, admin = (User.objects.get(username=name) for name in ("coordinator", "sys_admin"))
    fact = RequiredFact.objects.order_by("pk")[0]
    pages = [
        ("causes", reverse("workspace:cause-list")),
        ("cause", reverse("workspace:cause-detail", args=[Cause.objects.exclude(parent=None).order_by("pk")[0].pk])),
        ("questions", reverse("workspace:question-list")),
        ("topic-questions", reverse("workspace:topic-questions", args=[Topic.objects.get(code="BILLING").pk])),
        ("question", reverse("workspace:question-detail", args=[fact.pk])),
        ("wordings", reverse("workspace:wording-list")),
        ("wording-new", reverse("workspace:wording-new")),
        ("wording", reverse("workspace:wording-detail", args=[AnswerTemplate.objects.order_by("pk")[0].pk])),
    ]
    pages += _aside() + _recorded(coordinator)
    imported = _file(admin)
    return [*((name, path, coordinator) for name, path in pages), ("import-complaints", imported, admin)]


def _aside() -> list[tuple[str, str]]:
    rows = [
        receive_mail(f"Subject: {LONG[:60]}{n}\r\nMessage-ID: <{n}@x>\r\n\r\n{LONG}".encode(), received_at=clock.now())
        for n in range(3)
    ]
    reply = SmsReply.objects.create(number="13712345678", text=LONG[:140], state="UNKNOWN")
    return [
        ("mails-aside", reverse("complaints:mail-list")),
        ("mail-aside", reverse("complaints:mail", args=[rows[0].pk])),
        ("replies-unknown", reverse("outreach:reply-list")),
        ("reply-unknown", reverse("outreach:reply", args=[reply.pk])),
    ]


def _recorded(coordinator: User) -> list[tuple[str, str]]:
    header = ["case_no", "received_at", "channel", "state", "text", "area", "city", "for_somebody_else"]
    row = ["OLD-1", "2020-05-06 10:00", "LETTER", "ACKNOWLEDGED", LONG[:300], "Fujian", "Xiamen", "yes"]
    bring(table(header, row), "complaints", as_of=clock.today(), unit=coordinator.unit)
    case = Complaint.objects.get(source_no="OLD-1")
    return [("case-recorded", reverse("complaints:case", args=[case.pk]))]


def _file(admin: User) -> str:
    header = ["case_no", "received_at", "channel", "text", "topic"]
    rows = [[f"NEW-{n}", "2020-05-06 10:00", "WEB" if n else "PIGEON", LONG[:50], ""] for n in range(5)]
    imported = bring(table(header, *rows), "complaints", as_of=clock.today(), check=True, actor=admin, unit=admin.unit)
    return reverse("imports:import-detail", args=[imported.pk])
