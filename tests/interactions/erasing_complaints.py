"""A complaint that went all its ways, each free text of it with a mark of its own."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from complaints.library.words import read_cases
from complaints.mail.receiving import receive_mail
from complaints.models import (
    AppealCase,
    Attachment,
    CaseChange,
    Complaint,
    Entry,
    Handover,
    InMail,
    KeptFile,
    KeptMail,
    MediationCase,
    Order,
    Part,
    Promise,
    RecordedCase,
    Rejection,
    TicketTold,
)
from complaints.services import answering, assessing, callbacks, closing, solving, working
from complaints.services.approving import deny_approval
from complaints.services.intake import register_complaint
from customers.models import Customer
from foundation.common import clock
from foundation.common.crypto import encrypt
from foundation.rest.clients import make_client
from foundation.rest.models import KeptAnswer
from interactions.models import Topic
from outreach.delivery import deliver_due
from staff.models import RoleAssignment, User
from tests.complaints.cases import cause
from tests.factories import UserFactory

WORDS = (
    "subject of a complaint",
    "text of a complaint",
    "wish of a complainant",
    "answer to a question",
    "who complained for them",
    "phone of who complained",
    "mail of who complained",
    "key of a form",
    "number in another system",
    "why somebody got it",
    "finding",
    "where a proof lies",
    "reason of a solution",
    "measure",
    "what came of a measure",
    "why no money",
    "answer of a case",
    "said in a callback",
    "lesson",
    "ask of a part",
    "answer of a part",
    "why a part came back",
    "note of a hand-over",
    "why no hand-over",
    "promise",
    "order",
    "reply to an order",
    "name of a file",
    "old field",
    "new field",
    "reference of the authority",
    "letter of the authority",
    "response to the authority",
    "why no response",
    "agreement in mediation",
    "why not ours",
    "right contact",
    "why ours after all",
    "why withdrawn",
    "number of a mail",
    "old value of a record",
    "subject of a mail kept aside",
    "mail kept aside",
    "file of a mail kept aside",
    "name in a mail kept aside",
    "stored file of a mail kept aside",
    "case at another system",
    "party named by a program",
)


def complaint_doors(customer: Customer, agent: User, lead: User, mark: dict[str, str]) -> None:
    """One case walked to its end by the services; what others do beside it as rows."""
    now, soon = clock.now(), clock.now() + timedelta(days=1)
    RoleAssignment.objects.create(user=lead, role="DEPT_HEAD", unit=lead.unit)
    lead = User.objects.get(pk=lead.pk)
    handler = UserFactory(role="COMPLAINT_HANDLER", unit=agent.unit)
    topic = Topic.objects.get(code="BILLING.AMOUNT")
    one = register_complaint(
        actor=agent,
        channel="HOTLINE",
        customer=customer,
        text=mark["text of a complaint"],
        subject=mark["subject of a complaint"],
        demand=mark["wish of a complainant"],
        contact_name=mark["who complained for them"],
        key=mark["key of a form"],
        topic=topic,
    )
    # What the checks of the desk would refuse or turn into another form.
    Complaint.objects.filter(pk=one.pk).update(
        contact_phone=mark["phone of who complained"],
        contact_email=mark["mail of who complained"],
        facts_given={"month": mark["answer to a question"]},
        source_no=mark["number in another system"],
    )
    told = {"relatedParty": [{"name": mark["party named by a program"]}]}
    TicketTold.objects.create(complaint=one, external_id=mark["case at another system"], told=told)
    program = make_client(actor=None, user_id=agent.pk, name="doors", scopes=["personal:read"]).client
    kept = KeptAnswer(client=program, key="1", request=b"1", status=201, customer_id=customer.pk)
    kept.body = encrypt(mark["text of a complaint"], row_id=kept.pk)
    kept.save()
    assessing.assess_complaint(one.pk, actor=lead, topic=topic, grade="ORDINARY")
    working.assign_complaint(one.pk, actor=lead, to=handler, note=mark["why somebody got it"])
    working.accept_work(one.pk, actor=handler)
    _beside(one, agent, handler, mark)
    read_cases([one.pk])
    pay: dict[str, Any] = {"kind": "COMPENSATION", "amount": "10", "owner": handler, "due_at": soon}
    package = [{**pay, "text": mark["measure"]}]
    said = {"finding": mark["finding"], "reason": mark["reason of a solution"]}
    said |= {"proof": "SMS", "proof_note": mark["where a proof lies"]}
    first = solving.propose_solution(one.pk, actor=handler, measures=package, **said)
    deny_approval(first.approvals.get().pk, actor=lead, reason=mark["why no money"])
    solving.rework_complaint(one.pk, actor=handler, reason="less")
    package = [{"kind": "EXPLAIN", "text": mark["measure"], "owner": handler, "due_at": soon}]
    second = solving.propose_solution(one.pk, actor=handler, measures=package, **said)
    answering.decide_complaint(one.pk, actor=handler, words=mark["answer of a case"])
    solving.complete_measure(second.measures.get().pk, actor=handler, result=mark["what came of a measure"])
    callbacks.record_callback(
        one.pk, actor=agent, solved="YES", told_of_progress=True, satisfaction=5, said=mark["said in a callback"]
    )
    closing.close_complaint(one.pk, actor=handler, cause=cause(), responsible_unit=agent.unit, lesson=mark["lesson"])
    other = register_complaint(actor=agent, channel="HOTLINE", customer=customer, text="Another matter", topic=topic)
    _mail(other, mark)
    closing.withdraw_complaint(other.pk, actor=agent, reason=mark["why withdrawn"])
    assert deliver_due() >= 1
    Rejection.objects.create(
        complaint=other,
        reason=mark["why not ours"],
        referral=mark["right contact"],
        denied_for=mark["why ours after all"],
        asked_by=handler,
        state="DENIED",
    )
    # Over: what others still decide on is not erased.
    over = {"state": "CLOSED", "closed_at": now}
    MediationCase.objects.create(complaint=other, body="ASSOCIATION", agreement=mark["agreement in mediation"], **over)
    AppealCase.objects.create(
        complaint=other,
        body="BUREAU",
        reference=mark["reference of the authority"],
        text=mark["letter of the authority"],
        response=mark["response to the authority"],
        denied_for=mark["why no response"],
        received_at=now,
        due_on=soon.date(),
        internal_due_at=soon,
        **over,
    )


def _mail(case: Complaint, mark: dict[str, str]) -> None:
    """The customer writes about a case from the address on file."""
    heads = (
        f"From: {mark['who complained for them']} <{mark['e-mail']}>",
        f"Message-ID: <{mark['number of a mail']}@qz.example>",
        f"Subject: Re: {case.number}",
    )
    mail = "\r\n".join((*heads, "", mark["text of a complaint"]))
    row = receive_mail(mail.encode(), received_at=clock.now())
    assert (row.state, row.complaint) == (InMail.State.WORDS, case), (row.state, row.reason)


def _beside(one: Complaint, agent: User, handler: User, mark: dict[str, str]) -> None:
    now = clock.now()
    Part.objects.create(
        complaint=one,
        unit=agent.unit,
        unit_no=agent.unit.no,
        ask=mark["ask of a part"],
        answer=mark["answer of a part"],
        returned_for=mark["why a part came back"],
        state="RETURNED",
        done_at=now,
        budget_minutes=60,
    )
    Handover.objects.create(
        complaint=one,
        role="HANDLER",
        number=9,
        to=agent,
        until=now,
        state="REFUSED",
        note=mark["note of a hand-over"],
        reason=mark["why no hand-over"],
    )
    Promise.objects.create(complaint=one, text=mark["promise"], owner=agent, due_at=now, kept_at=now)
    Order.objects.create(
        complaint=one, by=agent, to=handler, text=mark["order"], due_at=now, reply=mark["reply to an order"]
    )
    Attachment.objects.create(
        complaint=one, name=mark["name of a file"], path="complaints/none", media_type="text/plain", size=1, sha256="0"
    )
    CaseChange.objects.create(
        complaint=one, field="demand", old=mark["old field"], new=mark["new field"], actor=handler
    )
    written = {"received_at": clock.now(), "reason": "crowd"}
    aside = InMail.objects.create(digest="of a crowd", **written)
    said = {"subject": mark["subject of a mail kept aside"], "text": mark["mail kept aside"]}
    files = [mark["file of a mail kept aside"]]
    kept = KeptMail.objects.create(
        mail=aside, address=mark["e-mail"], name=mark["name in a mail kept aside"], files=files, **said
    )
    KeptFile.objects.create(kept=kept, name=mark["stored file of a mail kept aside"], path="complaints/kept", size=1)
    RecordedCase.objects.create(
        complaint=one, import_id=1, line=1, key="0", version=1, before={"text": mark["old value of a record"]}
    )
    Entry.objects.create(complaint=one, kind="INBOUND", text="words", key=f"{mark['key of a form']}-entry")
