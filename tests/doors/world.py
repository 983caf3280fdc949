"""One person of a role, what is near to them (own, in the own team and unit), and the same things far away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from billing.credit.running import judge_everybody, month_of
from billing.models import BilledProduct, BillingAccount, BillingEvent, Command, CreditScore, DunningCase
from complaints.models import (
    AnswerTemplate,
    AppealCase,
    Cause,
    Complaint,
    GroupSuggestion,
    InMail,
    KeptFile,
    KeptMail,
    MediationCase,
    Part,
    Rehearsal,
    RequiredFact,
)
from complaints.rehearsing.running import rehearse
from customers.imports.models import Import
from customers.models import Customer, Merge, Segment, Subscription
from foundation.calendars.clock_queries import open_clock
from foundation.calendars.clocks import start_clock
from foundation.calendars.limits import Runs, Target
from foundation.common import clock
from foundation.jobs.models import JobRun
from foundation.policies.drafting import draft_policy
from foundation.policies.models import Draft
from interactions.models import ContactPlace, Interaction, Matter, RightsRequest, Suggestion, Topic
from interactions.rights.services import raise_request
from interactions.services import NextAction, offer_matter, quick_log, start_contact
from outreach.models import FollowUp, ManagerTransfer, Notification, OutMessage, SmsReply
from outreach.services import notify, owe_followup, queue_message
from staff.exports.models import Export
from staff.models import Absence, RoleAssignment, Shift, Team, TeamMember, User
from tests.complaints.making import case_in
from tests.factories import (
    ContactPointFactory,
    CustomerFactory,
    SubscriptionFactory,
    TeamFactory,
    TeamMemberFactory,
    UnitFactory,
    UserFactory,
)

NOBODY = 999_999_999


@dataclass
class Place:
    """The same set of things, near or far."""

    customer: Customer
    line: Subscription
    mate: User
    team: Team
    member: TeamMember
    shift: Shift
    absence: Absence
    run: JobRun
    follow_up: FollowUp
    message: OutMessage | None
    contact: Interaction
    matter: Matter
    suggestion: Suggestion
    contact_place: ContactPlace
    notice: Notification | None
    complaint: Complaint
    imported: Import
    merge: Merge
    segment: Segment
    export: Export
    transfer: ManagerTransfer
    asked: RightsRequest
    part: Part
    appeal: AppealCase
    mediation: MediationCase
    suggested: GroupSuggestion


def _unknown_reply() -> SmsReply:
    said = {"text": "Who are you?", "state": "UNKNOWN"}
    return SmsReply.objects.get_or_create(number="13800000001", defaults=said)[0]


def _mail_aside() -> InMail:
    mail, made = InMail.objects.get_or_create(digest="0" * 64, defaults={"received_at": clock.now(), "reason": "crowd"})
    if made:
        kept = KeptMail.objects.create(
            mail=mail, address="who@doors.example", subject="Help", text="No signal", size=99
        )
        KeptFile.objects.create(kept=kept, name="bill.pdf", path="complaints/none", size=2_000)
        KeptFile.objects.create(kept=kept, name="photo.jpg", size=40_000, refused="complaint.file_program")
    return mail


def _unmatched() -> BillingAccount:
    account, made = BillingAccount.objects.get_or_create(external_id="A-DOORS", defaults={"party": "EXT-77001234"})
    if made:
        line = BilledProduct.objects.create(
            external_id="L-DOORS", account=account, service_no="13800007700", status="active", stated_at=clock.now()
        )
        Command.objects.create(account=account, product=line, kind="RESTORE", natural_key="doors", batch="doors")
    return account


def _judged(place: Place) -> int:
    """A customer whose credit was judged."""
    customer = place.customer
    if not CreditScore.objects.filter(customer_id=customer.pk).exists():
        BillingAccount.objects.create(customer=customer, unit_no=customer.unit_no, external_id=f"A-{customer.ref}")
        judge_everybody(month_of(clock.now()))
    return customer.pk


def _in_arrears(place: Place) -> int:
    """A case of arrears of the customer."""
    customer = place.customer
    account, _made = BillingAccount.objects.get_or_create(
        external_id=f"D-{customer.ref}", defaults={"customer": customer, "unit_no": customer.unit_no}
    )
    case, _new = DunningCase.objects.get_or_create(account=account, defaults={"grade": "C"})
    return case.pk


def _told_by_billing() -> BillingEvent:
    body = {"event": {"product": {"id": "L-DOORS", "productSerialNumber": "13800007700", "status": "asleep"}}}
    event, _made = BillingEvent.objects.get_or_create(
        event_id="E-DOORS",
        defaults={
            "kind": "ProductStateChangeEvent",
            "event_time": clock.now(),
            "resource_id": "L-DOORS",
            "account_ref": _unmatched().external_id,
            "body": body,
            "state": "FAILED",
            "why": "body",
            "faults": [{"field": "status", "code": "code", "value": "asleep"}],
        },
    )
    return event


def make_place(owner: User) -> Place:
    """What `owner` owns, in the owner's unit: the owner leads the team, `mate` works in it."""
    unit = owner.unit
    mate = UserFactory(role="AGENT", unit=unit)
    team = TeamFactory(lead=owner, unit=unit)
    member = TeamMemberFactory(team=team, user=mate)
    if not RoleAssignment.objects.filter(role="DPO").exists():
        UserFactory(role="DPO")
    customer = CustomerFactory(unit=unit, manager=owner)
    ContactPointFactory(customer=customer)
    soon = clock.now() + timedelta(days=3)
    follow_up = owe_followup(
        customer=customer, kind="CALLBACK", owner=mate, due_at=soon, subject="Ring back", actor=mate
    )
    FollowUp.objects.filter(pk=follow_up.pk).update(owner=owner)
    message = queue_message(
        customer=customer,
        message_class="SERVICE",
        template="callback_promised",
        params={"number": "CB1", "due_at": soon.isoformat()},
        dedupe_key=f"doors-{customer.pk}",
        actor=owner,
    )
    contact = start_contact(actor=mate, customer=customer, channel="HOTLINE")
    Interaction.objects.filter(pk=contact.pk).update(staff=owner)
    left = quick_log(
        actor=mate,
        customer=customer,
        summary="Asks about a fee",
        result="FOLLOW_UP",
        next_action=NextAction("CALLBACK", mate, soon),
    )
    matter = Matter.objects.get(contact=left)
    if owner.has_perm("interactions.take"):
        offer_matter(matter.pk, actor=mate, to=owner)
    elif owner.has_perm("interactions.handle"):
        Matter.objects.filter(pk=matter.pk).update(handler=owner)
    suggested = quick_log(actor=mate, customer=customer, summary="Open earlier", kind="SUGGESTION")
    run = JobRun.objects.create(job="jobs.drop_old_files", actor_id=owner.pk)
    imported = Import.objects.create(
        number=f"IM{customer.pk}"[-20:],
        mapping="careline",
        source="doors",
        file_name="x.csv",
        digest="0" * 64,
        size=1,
        as_of=clock.today(),
        unit=unit,
        state=Import.State.FAILED,
        file_run=run,
        last_run=run,
        actor_id=owner.pk,
    )
    return Place(
        customer=customer,
        line=SubscriptionFactory(customer=customer),
        mate=mate,
        team=team,
        member=member,
        shift=Shift.objects.create(user=mate, starts_at=soon, ends_at=soon + timedelta(hours=8)),
        absence=Absence.objects.create(user=mate, reason="LEAVE", starts_at=soon, ends_at=soon + timedelta(days=1)),
        run=run,
        follow_up=follow_up,
        message=message,
        contact=contact,
        matter=matter,
        suggestion=Suggestion.objects.get(contact=suggested),
        contact_place=ContactPlace.objects.create(
            channel="HOTLINE", unit=unit, name_zh="Hotline", name_en="Hotline", calendar_code="ROUND_THE_CLOCK"
        ),
        notice=notify(owner, "followup.due", subject_ref=follow_up, params={}, dedupe_key=f"doors-{customer.pk}"),
        complaint=case_in(owner=owner, handler=mate, customer=customer),
        imported=imported,
        merge=Merge.objects.create(
            number=f"MG{customer.pk}"[-20:],
            survivor=customer,
            absorbed=CustomerFactory(unit=unit, manager=owner),
            reason="same person",
            proposed_by=mate,
        ),
        segment=Segment.objects.create(
            owner=owner,
            name="Managed",
            rule={"version": 1, "rule": {"all": [{"column": "managed", "op": "is", "value": True}]}},
        ),
        transfer=ManagerTransfer.objects.create(customer=customer, kind="OFFER", to_manager=mate, asked_by=owner),
        export=Export.objects.create(
            number=f"EX{customer.pk}"[-20:],
            list_name="customers",
            requester=owner,
            unit_no=unit.no,
            columns=["number"],
            purpose="Doors",
            expected=1,
            token=str(customer.pk),
            approval=Export.Approval.ASKED,
            expires_at=soon,
        ),
        asked=raise_request(customer, actor=mate, kind="DELETE"),
        part=(part := _part(customer, owner, soon)),
        appeal=AppealCase.objects.create(
            complaint=part.complaint,
            body="12300",
            reference=f"R{customer.pk}",
            text="Waits for a refund.",
            state="LINKED",
            received_at=clock.now(),
            due_on=soon.date(),
            internal_due_at=soon,
        ),
        mediation=MediationCase.objects.create(complaint=part.complaint, body="Consumer council"),
        suggested=GroupSuggestion.objects.create(
            topic=Topic.objects.get(code="NETWORK.COVERAGE"), area=f"A{unit.no}", since=clock.now(), customers=5
        ),
    )


def _part(customer: Customer, handler: User, soon: datetime) -> Part:
    """A part of a complaint, given to the unit of `handler`."""
    unit = handler.unit
    complaint = Complaint.objects.create(
        number=f"CP{customer.pk}"[-20:],
        customer=customer,
        channel="HOTLINE",
        received_at=clock.now(),
        subject="Charged twice",
        text="Charged twice for February.",
        state="INVESTIGATING",
        owner=handler,
        handler=handler,
        work_unit=unit,
        unit_no=unit.no,
        work_unit_no=unit.no,
        public_code="doors",
    )
    return Part.objects.create(
        complaint=complaint, unit=unit, unit_no=unit.no, ask="Measure the line", due_at=soon, budget_minutes=60
    )


def make_world(role: str) -> tuple[User, dict[str, Place]]:
    """A person who holds `role` in a unit of their own, with what is near and what is far."""
    kind = User.Kind.SERVICE if role == "PROGRAM" else User.Kind.HUMAN
    person = UserFactory(role=role, kind=kind, unit=UnitFactory(no=10, last_no=19))
    stranger = UserFactory(role="TEAM_LEAD", unit=UnitFactory(no=50, last_no=59))
    return person, {"near": make_place(person), "far": make_place(stranger)}


def _held(place: Place) -> int:
    return RoleAssignment.objects.get(user=place.mate).pk


def _rehearsal(place: Place) -> int:
    """A rehearsal somebody did, of anybody's cases."""
    day = clock.today()
    found = Rehearsal.objects.first() or Rehearsal.objects.create(
        title="Doors", from_day=day, to_day=day, as_of=clock.now(), made_by=place.mate
    )
    return rehearse(found.pk).pk


def _clock(place: Place) -> int:
    """A clock of the complaint."""
    found = open_clock("CASE", place.complaint.pk, "service") or start_clock(
        "CASE", place.complaint.pk, "service", target=Target.hours(48), runs=Runs.CALENDAR, at=clock.now(), actor=None
    )
    return found.pk


def _draft() -> int:
    """A draft of a policy, made once."""
    found = Draft.objects.first() or draft_policy("staff.reveals_per_hour", 7, actor=None)
    return found.pk


# How the address of a URL name is filled from a place; names not listed need nothing.
ARGUMENTS: dict[str, Callable[[Place], dict[str, Any]]] = {
    "workspace:search-results": lambda _p: {"token": "none"},
    "workspace:run-file": lambda p: {"pk": p.run.pk, "what": "result"},
    "workspace:policy-detail": lambda _p: {"key": "staff.reveals_per_hour"},
    "api:complaint-clock": lambda p: {"pk": p.complaint.pk, "number": _clock(p)},
    "api:complaint-clocks": lambda p: {"pk": p.complaint.pk},
    "tmf:troubleTicket-hub-end": lambda _p: {"ref": "none"},
    "workspace:hub-replay": lambda _p: {"pk": NOBODY},
    "tmf:troubleTicket-detail": lambda p: {"ref": p.complaint.ref},
    "tmf:customer-detail": lambda p: {"ref": p.customer.ref},
    "tmf:individual-detail": lambda p: {"ref": p.customer.ref},
    "tmf:organization-detail": lambda p: {"ref": p.customer.ref},
    "tmf:communicationMessage-detail": lambda p: {"ref": p.message.ref if p.message else "none"},
    "tmf:partyInteraction-hub-end": lambda _p: {"ref": "none"},
    "tmf:partyInteraction-detail": lambda p: {"ref": p.contact.ref},
    "workspace:draft-detail": lambda _p: {"pk": _draft()},
    "workspace:draft-act": lambda _p: {"pk": _draft(), "what": "keep"},
    "workspace:calendar-year": lambda _p: {"code": "STANDARD", "year": 2026},
    "workspace:topic-detail": lambda _p: {"pk": Topic.objects.get(code="BILLING").pk},
    "workspace:cause-detail": lambda _p: {"pk": Cause.objects.order_by("pk").values_list("pk", flat=True)[0]},
    "workspace:topic-questions": lambda _p: {"pk": Topic.objects.get(code="BILLING").pk},
    "workspace:question-detail": lambda _p: {"pk": RequiredFact.objects.order_by("pk").values_list("pk", flat=True)[0]},
    "workspace:wording-detail": lambda _p: {"pk": AnswerTemplate.objects.values_list("pk", flat=True)[0]},
    "staff:role-end": lambda p: {"pk": p.mate.pk, "held": _held(p)},
    "staff:user-act": lambda p: {"pk": p.mate.pk, "what": "unlock"},
    "staff:unit-act": lambda p: {"pk": p.mate.unit_id, "what": "close"},
    "staff:unit-detail": lambda p: {"pk": p.mate.unit_id},
    "staff:team-act": lambda p: {"pk": p.team.pk, "what": "join"},
    "staff:team-detail": lambda p: {"pk": p.team.pk},
    "staff:team-leave": lambda p: {"pk": p.team.pk, "member": p.member.pk},
    "staff:shift-remove": lambda p: {"pk": p.shift.pk},
    "staff:absence-detail": lambda p: {"pk": p.absence.pk},
    "staff:absence-act": lambda p: {"pk": p.absence.pk, "what": "delegate"},
    "usersessions_end": lambda _p: {"pk": NOBODY},
    "mfa_remove_webauthn": lambda _p: {"pk": NOBODY},
    "mfa_edit_webauthn": lambda _p: {"pk": NOBODY},
    "outreach:message-detail": lambda p: {"pk": p.message.pk if p.message else 0},
    "outreach:message-retry": lambda p: {"pk": p.message.pk if p.message else 0},
    "outreach:reply": lambda _p: {"pk": _unknown_reply().pk},
    "billing:listener": lambda _p: {"event": "customerBillCreateEvent"},
    "billing:import-state": lambda _p: {"ref": "none"},
    "billing:event": lambda _p: {"pk": _told_by_billing().pk},
    "billing:arrears": lambda p: {"pk": _in_arrears(p)},
    "billing:account-commands": lambda _p: {"pk": _unmatched().pk},
    "complaints:mail": lambda _p: {"pk": _mail_aside().pk},
    "complaints:mail-file": lambda _p: {"pk": _mail_aside().pk, "file_pk": NOBODY},
    "outreach:bell-open": lambda p: {"pk": p.notice.pk if p.notice else 0},
    "interactions:call-open": lambda _p: {"pk": NOBODY},
    "interactions:contact-quick-log": lambda p: {"pk": p.customer.pk},
    "outreach:transfer-list": lambda _p: {},
    "outreach:transfer-new": lambda _p: {},
    "outreach:transfer-answer": lambda p: {"pk": p.transfer.pk, "what": "withdraw"},
    "exports:export-new": lambda _p: {"name": "customers"},
    "complaints:intake": lambda _p: {},
    "complaints:intake-look": lambda _p: {},
    "complaints:staffing-drop": lambda _p: {"pk": NOBODY},
    "complaints:rehearsal": lambda p: {"pk": _rehearsal(p)},
    "complaints:rehearsal-cases": lambda p: {"pk": _rehearsal(p)},
    "complaints:file": lambda p: {"pk": p.part.complaint_id, "file_pk": NOBODY},
    "complaints:act-urge": lambda p: {"pk": p.part.complaint_id},
    "complaints:intake-reopen": lambda p: {"pk": p.part.complaint_id},
    "public:complain": lambda _p: {},
    "public:screen": lambda _p: {},
    "public:status": lambda _p: {},
    "public:complained": lambda _p: {"token": "none"},
    "public:status-case": lambda _p: {"token": "none"},
    "public:status-urge": lambda _p: {"token": "none"},
    "public:status-object": lambda _p: {"token": "none"},
    "customers:customer-reveal": lambda p: {"pk": p.customer.pk, "field": "phone"},
    "customers:inline-edit": lambda p: {"pk": p.customer.pk, "field": "home_city"},
    "customers:inline-undo": lambda p: {"pk": p.customer.pk, "change": NOBODY},
    "customers:merge-start": lambda p: {"pk": p.customer.pk},
    "customers:merge-compare": lambda p: {"pk": p.customer.pk, "other": p.merge.absorbed_id},
    "customers:merge-apart": lambda p: {"pk": p.customer.pk, "other": p.merge.absorbed_id},
    "customers:contact-act": lambda p: {"pk": p.customer.pk, "point": NOBODY},
    "customers:fact-remove": lambda p: {"pk": p.customer.pk, "row": NOBODY},
    "customers:fact-confirm": lambda p: {"pk": p.customer.pk, "row": NOBODY},
    "customers:address-end": lambda p: {"pk": p.customer.pk, "row": NOBODY},
    "customers:time-drop": lambda p: {"pk": p.customer.pk, "row": NOBODY},
    "customers:request-detail": lambda _p: {"pk": NOBODY},
    "customers:request-apply": lambda _p: {"pk": NOBODY},
    "customers:request-refuse": lambda _p: {"pk": NOBODY},
    "customers:request-reveal": lambda _p: {"pk": NOBODY},
    "customers:relation-end": lambda p: {"pk": p.customer.pk, "row": NOBODY},
    "customers:need-change": lambda p: {"pk": p.customer.pk, "need": NOBODY},
}
BY_PREFIX: dict[str, Callable[[Place], dict[str, Any]]] = {
    "customers:merge-": lambda p: {"merge": p.merge.pk},
    "exports:": lambda p: {"pk": p.export.pk},
    "customers:line-new": lambda p: {"pk": p.customer.pk},
    "customers:line-": lambda p: {"pk": p.customer.pk, "line": p.line.pk},
    "workspace:run-": lambda p: {"pk": p.run.pk},
    "staff:user-": lambda p: {"pk": p.mate.pk},
    "staff:role-": lambda p: {"pk": p.mate.pk},
    "outreach:followup-": lambda p: {"pk": p.follow_up.pk},
    "interactions:rights-": lambda p: {"pk": p.asked.pk},
    "interactions:contact-": lambda p: {"pk": p.contact.pk},
    "complaints:part-": lambda p: {"pk": p.part.pk},
    "complaints:hand-act": lambda p: {"pk": p.part.complaint_id, "verb": "promise"},
    "complaints:hand": lambda p: {"pk": p.part.complaint_id},
    "complaints:appeal-act": lambda p: {"pk": p.appeal.pk, "verb": "draft"},
    "complaints:appeal": lambda p: {"pk": p.appeal.pk},
    "complaints:mediation": lambda p: {"pk": p.mediation.pk},
    "interactions:matter-": lambda p: {"pk": p.matter.pk},
    "interactions:suggestion-": lambda p: {"pk": p.suggestion.pk},
    "interactions:place-edit": lambda p: {"number": p.contact_place.pk},
    "interactions:customer-complaints": lambda p: {"pk": p.customer.pk},
    "complaints:inline": lambda p: {"pk": p.complaint.pk, "field": "brand"},
    "complaints:bulk-": lambda _p: {"pk": NOBODY},
    "complaints:shift-make": lambda _p: {},
    "complaints:screen-list": lambda _p: {},
    "complaints:screen-make": lambda _p: {},
    "complaints:screen-revoke": lambda _p: {"pk": NOBODY},
    "complaints:shift-s": lambda _p: {"pk": NOBODY},
    "complaints:change-undo": lambda _p: {"pk": NOBODY},
    "complaints:reply-undo": lambda _p: {"pk": NOBODY},
    "complaints:rehearsal": lambda _p: {},
    "complaints:staffing": lambda _p: {},
    "complaints:library": lambda _p: {},
    "complaints:voice": lambda _p: {},
    "complaints:time": lambda _p: {},
    "complaints:support": lambda _p: {},
    "complaints:callback": lambda _p: {},
    "complaints:analysis": lambda _p: {},
    "complaints:figure-rows": lambda _p: {},
    "complaints:figure": lambda _p: {"code": "complaints"},
    "complaints:group-list": lambda _p: {},
    "complaints:group-": lambda p: {"pk": p.suggested.pk},
    "complaints:": lambda p: {"pk": p.complaint.pk},
    "imports:import-": lambda p: {"pk": p.imported.pk},
    "segments:segment-": lambda p: {"pk": p.segment.pk},
    "billing:customer-": lambda p: {"pk": _judged(p)},
    "value:customer-value": lambda p: {"pk": p.customer.pk},
    "customers:": lambda p: {"pk": p.customer.pk},
}


def arguments(name: str, place: Place | None) -> dict[str, Any]:
    """The arguments of URL `name` for a place; without one those that need no object."""
    if name in ARGUMENTS:
        return ARGUMENTS[name](place)  # type: ignore[arg-type]  # the fixed ones do not look at it
    if place is None:
        return {}
    return next(make for prefix, make in BY_PREFIX.items() if name.startswith(prefix))(place)
