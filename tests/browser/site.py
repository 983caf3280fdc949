"""Every page of the site with something to show, and who opens it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Model
from django.urls import resolve, reverse

from customers.merging.services import approve_merge, propose_merge
from customers.models import Customer, DuplicatePair, SearchLink, Segment, TimelineLine
from customers.services import add_need
from foundation.common import clock
from interactions.models import ContactPlace, RightsRequest, Topic
from interactions.services import NextAction, offer_matter, quick_log, start_contact
from outreach.models import FollowUp
from outreach.services import notify, offer_customer, queue_message
from staff.exports.services import request_export
from staff.models import Absence, Team, User
from tests.browser.billing_site import billing_pages, engineer_pages
from tests.browser.complaint_site import complaint_pages
from tests.browser.rehearsal_site import rehearsal_pages
from tests.factories import PASSWORD
from tests.imports.bringing import bring, table
from workspace.sample import make_sample_operator

YEAR = 2026


@dataclass(frozen=True)
class Opening:
    """One page to look at: a name for its picture, its address, who opens it (nobody: None), the answer's status."""

    name: str
    path: str
    user: User | None = None
    status: int = 200

    @property
    def url_name(self) -> str:
        """The name of the address as `tests/doors/doors.tsv` writes it."""
        return resolve(self.path.partition("?")[0]).view_name


def make_site() -> list[Opening]:
    """The sample operator, and rows it has not by itself, so that no page is empty."""
    make_sample_operator(PASSWORD)
    agent, lead, admin, officer = (
        User.objects.get(username=name) for name in ("agent", "team_lead", "sys_admin", "dpo")
    )
    customer = rich_customer(agent)
    return [
        Opening("sign-in", reverse("account_login")),
        Opening("locked-out", reverse("account_inactive")),
        *(Opening(name, path, agent) for name, path in _of_agent(agent, customer)),
        *(Opening(name, path, lead) for name, path in billing_pages(customer)),
        *(Opening(name, path, admin) for name, path in engineer_pages()),
        *_of_first_ask(agent, lead, customer),
        Opening("search-too-late", reverse("workspace:search-results", args=["none"]), agent, 404),
        Opening("not-found", "/customers/1/", agent, 404),
        *(Opening(name, path, lead) for name, path in _of_lead(lead)),
        Opening("forbidden", reverse("workspace:policy-list"), agent, 403),
        *(Opening(name, path, admin) for name, path in _of_admin(admin, agent)),
        Opening("rights-new", f"{reverse('interactions:rights-new')}?customer={customer.ref}", agent),
        *(Opening(name, path, officer) for name, path in _of_officer()),
        *_of_manager(),
        *_of_merging(),
        *(Opening(*one) for one in complaint_pages(User.objects.get(username="complaint_handler"), lead)),
        *(Opening(*one) for one in rehearsal_pages()),
    ]


def _of_merging() -> list[Opening]:
    """Pairs, two side by side, a proposal, and a merge with something that came since."""
    gm, coordinator = (User.objects.get(username=name) for name in ("gm", "coordinator"))
    done, asked, pair = DuplicatePair.objects.open().order_by("pk")[:3]
    merge = propose_merge(done.low_id, done.high_id, actor=coordinator, reason="One person")
    approve_merge(merge.pk, actor=gm)
    add_need(done.low_id, actor=gm, text="Came since")
    proposal = propose_merge(asked.low_id, asked.high_id, actor=coordinator, reason="One person")
    return [
        Opening("pairs", reverse("customers:pair-list"), gm),
        Opening("merges", reverse("customers:merge-list"), gm),
        Opening("merge-start", reverse("customers:merge-start", args=[pair.low_id]), gm),
        Opening("merge-compare", reverse("customers:merge-compare", args=[pair.low_id, pair.high_id]), gm),
        Opening("merge-decide", _of(proposal, "customers:merge-detail"), gm),
        Opening("merge-undo", _of(merge, "customers:merge-detail"), gm),
    ]


def _of_manager() -> list[Opening]:
    """What account managers, their leads and the officer open: lists of customers, transfers, exports."""
    manager, officer = (User.objects.get(username=name) for name in ("account_manager", "dpo"))
    head = User.objects.get(username="gm")
    customer = Customer.objects.filter(manager=manager).order_by("pk").first()
    assert customer is not None
    other = User.objects.get(username="project_manager")
    segment = Segment.objects.order_by("pk")[0]
    offer_customer(customer.pk, actor=manager, to=other, reason="Looks after the parent company")
    asked = [
        request_export(
            "my-customers",
            actor=manager,
            query={"quiet": "90"},
            columns=["number", "name", "phone", "last_contact"],
            clear=clear,
            purpose="Calls of the coming quarter",
            token=f"site-{len(clear)}",
        )
        for clear in ([], ["name", "phone"])
    ]
    new = f"{reverse('outreach:transfer-new')}?customer={customer.ref}"
    return [
        Opening("my-customers", reverse("workspace:book"), manager),
        Opening("customers-of-a-manager", f"{reverse('workspace:book')}?manager={manager.pk}", head),
        Opening("managers", reverse("workspace:book-managers"), head),
        Opening("transfers", reverse("outreach:transfer-list"), other),
        Opening("transfer-new", new, manager),
        Opening("segments", reverse("segments:segment-list"), manager),
        Opening("segment-new", reverse("segments:segment-new"), manager),
        Opening("segment", _of(segment, "segments:segment-detail"), segment.owner),
        Opening("segment-edit", _of(segment, "segments:segment-edit"), segment.owner),
        Opening("value-matrix", reverse("value:board"), manager),
        Opening("exports", reverse("exports:export-list"), manager),
        Opening("export-new", reverse("exports:export-new", args=["my-customers"]), manager),
        Opening("export", _of(asked[0], "exports:export-detail"), manager),
        Opening("approvals", reverse("exports:approval-list"), officer),
        Opening("approval", _of(asked[1], "exports:export-detail"), officer),
    ]


def rich_customer(agent: User) -> Customer:
    """The customer with the longest history of those the agent may see."""
    seen = Customer.objects.visible_to(agent).filter(customer_type="PERSON").values_list("pk", flat=True)[:300]
    return max(
        Customer.objects.filter(pk__in=list(seen)),
        key=lambda row: (row.subscriptions.count(), TimelineLine.objects.filter(customer_id=row.pk).count()),
    )


def _of(row: Model, name: str) -> str:
    return reverse(name, args=[row.pk])


def _searched(user: User, text: str) -> str:
    """The address of what a search for `text` found."""
    token = f"{user.username}-{len(text)}-search"
    SearchLink.objects.create(token=token, user_id=user.pk, query=text)
    return reverse("workspace:search-results", args=[token])


def _of_agent(agent: User, customer: Customer) -> list[tuple[str, str]]:
    line = customer.subscriptions.first()
    assert line is not None
    contact = start_contact(actor=agent, customer=customer, channel="HOTLINE")
    due = clock.now() + timedelta(days=1)
    message = queue_message(
        customer=customer,
        message_class="SERVICE",
        template="callback_promised",
        params={"number": "CB20261123000001", "due_at": due.isoformat()},
        dedupe_key="site",
        actor=agent,
    )
    assert message is not None
    follow_up = FollowUp.objects.filter(owner=agent).latest("pk")
    notify(agent, "followup.due", subject_ref=follow_up, params={}, dedupe_key="site")
    return [
        ("home", reverse("workspace:home")),
        ("work", reverse("workspace:work")),
        ("search-many", _searched(agent, "zhang")),
        ("search-none", _searched(agent, "nobody has this name")),
        ("customers", reverse("customers:customer-list")),
        ("customer-new", reverse("customers:customer-new")),
        ("customer", _of(customer, "customers:customer-detail")),
        ("customer-profile", _of(customer, "customers:customer-profile")),
        ("customer-consent", _of(customer, "customers:customer-consent")),
        ("customer-wishes", _of(customer, "customers:customer-wishes")),
        ("customer-history", _of(customer, "customers:customer-history")),
        ("customer-edit", _of(customer, "customers:customer-edit")),
        ("identity", _of(customer, "customers:identity")),
        ("relations", _of(customer, "customers:relation-list")),
        ("change-request-new", _of(customer, "customers:change-request-new")),
        ("change-requests", reverse("customers:request-list")),
        ("needs", reverse("customers:need-list")),
        ("data-to-mend", reverse("customers:quality-list")),
        ("value", _of(customer, "value:customer-value")),
        ("line", reverse("customers:line-detail", args=[customer.pk, line.pk])),
        ("line-new", _of(customer, "customers:line-new")),
        ("follow-ups", reverse("outreach:followup-list")),
        ("follow-up", _of(follow_up, "outreach:followup-detail")),
        ("follow-up-new", reverse("outreach:followup-new")),
        ("contacts", reverse("interactions:contact-list")),
        ("contact", _of(contact, "interactions:contact-detail")),
        ("contact-start", reverse("interactions:contact-start")),
        ("messages", reverse("outreach:message-list")),
        ("message", _of(message, "outreach:message-detail")),
        ("bell", reverse("outreach:bell")),
        ("me", reverse("staff:me")),
        ("sessions", reverse("usersessions_list")),
        ("password", reverse("account_change_password")),
        ("reauthenticate", reverse("account_reauthenticate")),
        ("second-factor", reverse("mfa_index")),
        ("keys", reverse("mfa_list_webauthn")),
        ("key-new", reverse("mfa_add_webauthn")),
        ("authenticator", reverse("mfa_activate_totp")),
    ]


def _of_first_ask(agent: User, lead: User, customer: Customer) -> list[Opening]:
    due = NextAction("CALLBACK", agent, clock.now() + timedelta(hours=3), "Roaming fee")
    left = quick_log(
        actor=agent, customer=customer, summary="Asks about a roaming fee", result="FOLLOW_UP", next_action=due
    )
    quick_log(actor=agent, customer=customer, summary="The fee is too high", kind="COMPLAINT", result="RESOLVED")
    suggested = quick_log(actor=agent, customer=customer, summary="Open the hall at eight", kind="SUGGESTION")
    offer_matter(left.matter.pk, actor=agent, to=lead)
    keeper, place = User.objects.get(username="policy_admin"), ContactPlace.objects.order_by("pk").first()
    assert place is not None
    by_agent = [
        ("matters", reverse("interactions:matter-list")),
        ("matter", _of(left.matter, "interactions:matter-detail")),
        ("suggestions", reverse("interactions:suggestion-list")),
        ("contact-logged", _of(left, "interactions:contact-detail")),
        ("complaints", _of(customer, "interactions:customer-complaints")),
        ("places", reverse("interactions:place-list")),
    ]
    by_lead = [
        ("matter-offered", _of(left.matter, "interactions:matter-detail")),
        ("suggestion", _of(suggested.suggestion, "interactions:suggestion-detail")),
        ("figures", f"{reverse('interactions:figure-list')}?by=person"),
        ("figure-rows", reverse("interactions:figure-rows")),
        ("figure-late", reverse("interactions:figure-late")),
    ]
    by_keeper = [
        ("place-new", reverse("interactions:place-new")),
        ("place", reverse("interactions:place-edit", args=[place.pk])),
    ]
    return [
        Opening(name, path, user)
        for user, pages in ((agent, by_agent), (lead, by_lead), (keeper, by_keeper))
        for name, path in pages
    ]


def _of_lead(lead: User) -> list[tuple[str, str]]:
    now = clock.now()
    mate = User.objects.get(username="agent")
    absence = Absence.objects.create(
        user=mate, reason="LEAVE", starts_at=now + timedelta(days=3), ends_at=now + timedelta(days=5)
    )
    return [
        ("board", reverse("workspace:board")),
        ("handover", _of(mate, "staff:user-handover")),
        ("absences", reverse("staff:absence-list")),
        ("absence", _of(absence, "staff:absence-detail")),
        ("absence-new", reverse("staff:absence-new")),
        ("shifts", reverse("staff:shift-list")),
        ("shift-new", reverse("staff:shift-new")),
    ]


def _of_officer() -> list[tuple[str, str]]:
    access, deletion = (RightsRequest.objects.get(kind=kind) for kind in ("ACCESS", "DELETE"))
    return [
        ("rights", reverse("interactions:rights-list")),
        ("rights-access", _of(access, "interactions:rights-detail")),
        ("rights-deletion", _of(deletion, "interactions:rights-detail")),
        ("rights-erasure", _of(deletion, "interactions:rights-erasure")),
        ("rights-nightly", reverse("interactions:rights-retention")),
    ]


def _of_admin(admin: User, agent: User) -> list[tuple[str, str]]:
    team = Team.objects.order_by("pk").first()
    assert team is not None and agent.unit is not None
    imported = bring(
        table(
            ["customer_no", "name", "mobile", "city"],
            *([f"SITE-{n}", f"Brought {n}", f"139{n:08}", "Haikou"] for n in range(1, 31)),
            *([f"WRONG-{n}", "Wrong", str(n), "Haikou"] for n in range(1, 4)),
        ),
        name="customers-of-the-old-system-2026-10-31.csv",
        actor=admin,
        unit=agent.unit,
    )
    assert imported.last_run is not None
    return [
        ("imports", reverse("imports:import-list")),
        ("import-new", reverse("imports:import-new")),
        ("import", _of(imported, "imports:import-detail")),
        ("jobs", reverse("workspace:run-list")),
        ("job", _of(imported.last_run, "workspace:run-detail")),
        ("policies", reverse("workspace:policy-list")),
        ("policy", reverse("workspace:policy-detail", args=["outreach.hours.marketing"])),
        ("calendars", reverse("workspace:calendar-list")),
        ("calendar", reverse("workspace:calendar-year", args=["STANDARD", YEAR])),
        ("audit", reverse("workspace:audit-list")),
        ("people", reverse("staff:user-list")),
        ("person", _of(agent, "staff:user-detail")),
        ("person-edit", _of(agent, "staff:user-edit")),
        ("person-new", reverse("staff:user-new")),
        ("units", reverse("staff:unit-list")),
        ("unit", _of(agent.unit, "staff:unit-detail")),
        ("unit-new", reverse("staff:unit-new")),
        ("teams", reverse("staff:team-list")),
        ("team", _of(team, "staff:team-detail")),
        ("team-new", reverse("staff:team-new")),
        ("topics", reverse("workspace:topic-list")),
        ("topic", _of(Topic.objects.get(code="BILLING"), "workspace:topic-detail")),
    ]
