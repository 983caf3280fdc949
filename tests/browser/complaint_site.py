"""Cases of a hall with something in each part of their page, and who opens them."""

from __future__ import annotations

from datetime import timedelta

from django.urls import reverse

from complaints.library.words import read_cases
from complaints.lifecycle import State
from complaints.models import Callback, Complaint, Entry, GroupSuggestion, MediationCase, Promise
from complaints.public.status_page import token_for
from complaints.services.bulk import aim_bulk, begin_bulk
from complaints.services.outside import link_appeal, open_appeal
from complaints.services.parts import give_part
from complaints.services.screens import make_screen
from complaints.services.shifting import make_sheet
from complaints.services.solving import propose_solution
from complaints.services.working import note_contact
from customers.models import Customer
from foundation.common import clock
from interactions.models import Topic
from staff.models import User
from tests.browser.keeping_site import pages_kept
from tests.complaints.making import case_in

SUBJECTS = (
    "\u5c0f\u533a\u5185 5G \u4fe1\u53f7\u5f31\uff0c\u901a\u8bdd\u9891\u7e41\u65ad\u7ebf",
    "\u4e0a\u6708\u8d26\u5355\u591a\u51fa 30 \u5143\u56fd\u9645\u6f2b\u6e38\u8d39\uff0c"
    "\u8981\u6c42\u6838\u5b9e\u9000\u8d39",
    "\u5bbd\u5e26\u88c5\u673a\u9884\u7ea6\u4e09\u6b21\u6539\u671f\uff0c\u8981\u6c42\u8d54\u507f",
    "\u591c\u95f4\u591a\u6b21\u63a5\u5230\u63a8\u9500\u7535\u8bdd",
)


def cases_of(handler: User, lead: User) -> list[Complaint]:
    """Cases of every colour, the first with a conversation, a promise and a solution that waits for approval."""
    now = clock.now()
    people = list(Customer.objects.filter(unit_no=handler.unit.no).order_by("pk")[:4]) or [None] * 4
    topics = list(Topic.objects.filter(code__in=["NETWORK.COVERAGE", "BILLING.AMOUNT", "INSTALL.DELAY"]).order_by("pk"))
    made = []
    for place, minutes in enumerate((-126, -42, 18, 37, 95, 600, 1_500, 4_000)):
        made.append(
            case_in(
                State.PAUSED if place == 5 else State.ASSIGNED if place in (3, 6) else State.INVESTIGATING,
                handler=None if place in (3, 6) else handler,
                owner=handler,
                work_unit=handler.unit,
                customer=people[place % len(people)],
                subject=SUBJECTS[place % len(SUBJECTS)],
                topic=topics[place % len(topics)],
                grade=("MAJOR", "ORDINARY", "UPGRADED", "GROUP")[place % 4],
                grade_reason="SAFETY" if place % 4 == 0 else "",
                channel=("HOTLINE", "HALL_OWN", "EMAIL", "APP")[place % 4],
                area="\u6e29\u5dde",
                urges=1 if place == 1 else 0,
                next_due_at=now + timedelta(minutes=minutes),
            )
        )
    first = made[0]
    note_contact(first.pk, actor=handler, channel="HOTLINE", text="\u5df2\u7535\u8bdd\u5b89\u629a\u5ba2\u6237\u3002")
    Entry.objects.create(complaint=first, kind="INBOUND", channel="APP", text="\u8fd8\u8981\u591a\u4e45\uff1f", at=now)
    Entry.objects.create(
        complaint=first, kind="NOTE", text="\u5df2\u8054\u7cfb\u7f51\u7ba1\u786e\u8ba4\u62a2\u4fee\u4e2d\u3002", by=lead
    )
    Entry.objects.create(
        complaint=first,
        kind="REPLY",
        channel="SMS",
        text="\u9884\u8ba1\u4eca\u5929\u6062\u590d\u3002",
        by=handler,
        leaves_at=now,
        left_at=now,
    )
    Promise.objects.create(
        complaint=first, text="\u4eca\u5929\u56de\u7535", owner=handler, due_at=now + timedelta(hours=3)
    )
    propose_solution(
        made[1].pk,
        actor=handler,
        finding="\u8d26\u5355\u591a\u8ba1 30 \u5143\u3002",
        measures=[
            {
                "kind": "COMPENSATION",
                "text": "\u8d60\u9001\u8bdd\u8d39",
                "amount": 300,
                "owner": handler,
                "due_at": now + timedelta(days=1),
            }
        ],
    )
    return made


def complaint_pages(handler: User, lead: User) -> list[tuple[str, str, User | None]]:
    """Name, address and reader of each page of the desk."""
    made = cases_of(handler, lead)
    first, second = made[:2]
    bulk = begin_bulk([one.pk for one in made], actor=lead, act="ASSIGN")
    aim_bulk(bulk.pk, actor=lead, people=[handler, lead])
    address = reverse("complaints:case", args=[first.pk])
    sheet = make_sheet(handler.pk, actor=handler)
    make_screen(actor=lead, name="Hall")
    return [
        ("queue", reverse("complaints:queue"), handler),
        ("queue-lead", f"{reverse('complaints:queue')}?view=all", lead),
        ("queue-nothing", f"{reverse('complaints:queue')}?view=all&grade=SKIP_LEVEL", lead),
        ("case", f"{address}?view=mine", handler),
        ("case-propose", f"{address}?do=propose", handler),
        ("case-approval", reverse("complaints:case", args=[second.pk]), handler),
        ("case-edit", reverse("complaints:edit", args=[first.pk]), handler),
        ("case-bulk", reverse("complaints:bulk-detail", args=[bulk.pk]), lead),
        ("intake", reverse("complaints:intake"), handler),
        ("complaint-board", reverse("complaints:board"), lead),
        ("complaint-wall", reverse("complaints:wall"), lead),
        ("complaint-screens", reverse("complaints:screen-list"), lead),
        ("complaint-load", reverse("complaints:load"), lead),
        ("complaint-behind", reverse("complaints:behind"), lead),
        ("complaint-shift", reverse("complaints:shift"), handler),
        ("complaint-shift-lead", reverse("complaints:shift"), lead),
        ("complaint-shift-sheet", reverse("complaints:shift-sheet", args=[sheet.pk]), lead),
        ("case-hand", reverse("complaints:hand", args=[first.pk]), handler),
        *_with_others(first, handler),
        *_for_everybody(made[2]),
        *_of_the_library(first, second),
        *pages_kept(),
    ]


def _with_others(case: Complaint, handler: User) -> list[tuple[str, str, User]]:
    """What other units, authorities and mediators have to do with a case."""
    unit_handler, coordinator = (User.objects.get(username=name) for name in ("unit_handler", "coordinator"))
    part = give_part(case.pk, actor=coordinator, unit=unit_handler.unit, ask="\u6838\u5bf9\u8ba2\u8d2d\u8bb0\u5f55")
    appeal = open_appeal(actor=coordinator, body="12300", reference="A-1", text="\u8bf7\u7b54\u590d")
    link_appeal(appeal.pk, actor=coordinator, case_id=case.pk)
    mediation = MediationCase.objects.create(complaint=case, body="\u6d88\u534f", created_by=handler)
    return [
        ("parts", reverse("complaints:part-list"), unit_handler),
        ("part", reverse("complaints:part-detail", args=[part.pk]), unit_handler),
        ("appeals", reverse("complaints:appeal-list"), coordinator),
        ("appeal-new", reverse("complaints:appeal-new"), coordinator),
        ("appeal", reverse("complaints:appeal", args=[appeal.pk]), coordinator),
        ("mediation", reverse("complaints:mediation", args=[mediation.pk]), coordinator),
    ]


def _for_everybody(case: Complaint) -> list[tuple[str, str, None]]:
    """What who complained sees without signing in."""
    token = token_for(case)
    return [
        ("complain", reverse("public:complain"), None),
        ("complained", reverse("public:complained", args=[token]), None),
        ("status", reverse("public:status"), None),
        ("screen", reverse("public:screen"), None),
        ("status-case", reverse("public:status-case", args=[token]), None),
    ]


def _of_the_library(first: Complaint, second: Complaint) -> list[tuple[str, str, User]]:
    """What is learned from many: the library, the figures of a month and their rows, reports, suggested groups."""
    gm, coordinator = (User.objects.get(username=name) for name in ("gm", "coordinator"))
    topic = Topic.objects.get(code="NETWORK.COVERAGE")
    since = clock.now() - timedelta(hours=20)
    Complaint.objects.filter(pk__in=[first.pk, second.pk]).update(topic=topic, received_at=since)
    group = GroupSuggestion.objects.create(topic=topic, area="", since=since, customers=5)
    Complaint.objects.filter(state="CLOSED").update(closed_at=since)  # so that the running month has all of it
    read_cases(Complaint.objects.filter(state="CLOSED").values_list("pk", flat=True))
    calls = list(Callback.objects.order_by("pk").values_list("pk", flat=True)[:1])
    Callback.objects.filter(pk__in=calls).update(done_at=since, reached_at=since, solved="YES", satisfaction=4)
    pages = [
        ("library", reverse("complaints:library")),
        ("library-alike", f"{reverse('complaints:library')}?like={first.ref}"),
        ("analysis", reverse("complaints:analysis")),
        ("figure", f"{reverse('complaints:figure', args=['escalation'])}?by=topic"),
        ("figure-rows", reverse("complaints:figure-rows")),
        ("callbacks", reverse("complaints:callbacks")),
        ("callback-rows", reverse("complaints:callback-rows")),
        ("support", reverse("complaints:support")),
        ("support-rows", reverse("complaints:support-rows")),
        ("times", reverse("complaints:times")),
        ("time-rows", f"{reverse('complaints:time-rows')}?by=unit"),
        ("experience", reverse("complaints:voices")),
        ("experience-suggestions", reverse("complaints:voice-suggestions")),
    ]
    return [
        *((f"complaint-{name}", path, gm) for name, path in pages),
        ("complaint-groups", reverse("complaints:group-list"), coordinator),
        ("complaint-group", reverse("complaints:group-detail", args=[group.pk]), coordinator),
    ]
