"""A customer whose data were entered through every door there is, each datum with a mark of its own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from django.test import Client
from django.urls import reverse

from customers import services as archive
from customers.models import Customer, Subscription
from foundation.common import clock
from foundation.jobs.running import claim_and_run
from interactions import services as contacts
from interactions.models import RightsRequest
from interactions.rights.export import start_export
from interactions.rights.services import raise_request
from interactions.services import CallReport, NextAction, take_call_event
from outreach.delivery import deliver_due
from outreach.services import attempt_and_complete, cancel_followup, owe_followup, queue_message, reschedule_followup
from outreach.sms.replies import Came, take_reply
from staff.drafts import Place, save_draft
from staff.exports.services import decide_export
from staff.models import User
from staff.reveals import reveal
from tests.exports.making import ask, work
from tests.factories import UserFactory
from tests.imports.bringing import bring, table
from tests.interactions.erasing_billing import WORDS as BILLING_WORDS
from tests.interactions.erasing_billing import billing_doors
from tests.interactions.erasing_complaints import WORDS as COMPLAINT_WORDS
from tests.interactions.erasing_complaints import complaint_doors
from tests.interactions.erasing_doors import (
    archive_doors,
    contact_doors,
    merge_doors,
    message_doors,
    page_doors,
    rights_doors,
)

# Words that stand nowhere else. Numbers keep their check digits.
NAME, SHORT, FORMER_NAME = "欧阳焚琴", "焚琴煮鹤行", "Zzyzx Formername"
ID_NUMBER, MOBILE, EMAIL, STREET = "11010519491231002X", "13977775551", "zqxname@qqzz.example", "Quaggaweg 771"
LINE, IMPORTED_NO = "13977775552", "EXTQZ7719"
MARKS = {
    "name": NAME,
    "part of the name": NAME[2:],
    "short name": SHORT,
    "former name": FORMER_NAME,
    "document": ID_NUMBER,
    "mobile": MOBILE,
    "mobile from its end": MOBILE[::-1],
    "e-mail": EMAIL,
    "street": STREET,
    "line": LINE,
    "number of the source": IMPORTED_NO,
    "phone of a relative": "13977775553",
    "phone of a merged archive": "13977775554",
    **{
        words: f"qzmark{number:02d}x"
        for number, words in enumerate(
            (
                "profile fact",
                "need",
                "consent evidence",
                "evidence of the fact",
                "follow-up subject",
                "attempt note",
                "follow-up result",
                "reason of a move",
                "cancelled because",
                "contact note",
                "draft",
                "words of the request",
                "reason of a reveal",
                "wrong cell of the import",
                "user of the line",
                "reason not to use",
                "raw call event",
                "file name",
                "relative",
                "note on the relative",
                "suggestion",
                "why a document was refused",
                "evidence of a death",
                "who told of a death",
                "why no death",
                "province of an address",
                "town of an address",
                "district of an address",
                "office of an address",
                "postcode of an address",
                "messenger",
                "label of a number",
                "why a need was declined",
                "evidence of a relative's consent",
                "note of a hold",
                "why a hold ended",
                "who asked for a change",
                "wanted name",
                "why a change was refused",
                "who acted for them",
                "source of the fact",
                "purpose of the fact",
                "name of a merged archive",
                "reply by text message",
                "piece of a reply",
                "why merge",
                "why not merge",
                "why set apart",
                "why a merge was undone",
                "account of a caller",
                "note of an unknown caller",
                "whom we named",
                "answer to a matter",
                "referral of a matter",
                "note with an offer",
                "why an offer was refused",
                "why a matter was ordered",
                "wish of a suggestion",
                "why not adopted",
                "answer to a suggestion",
                "what a carrier said",
                "why another manager",
                "why no other manager",
                "answer to a request",
                "why a request was refused",
                "draft in another window",
                "column of the file",
                "street of the file",
                "typed at every page",
                "short name of a merged archive",
                *COMPLAINT_WORDS,
                *BILLING_WORDS,
            ),
            start=1,
        )
    },
}
KEPT_BY_LAW = {"consent evidence"}  # the law wants it stored some time longer (D§5.6)
# Papers of the real-name register; the last typed as the reason of a re-check.
OF_THE_IDENTITY = {
    "why a document was refused",
    "who acted for them",
    "name of a merged archive",
    "typed at every page",
    "number on a bill",
    "number billing bills",
}


def grown(agent: User, officer: User, client_for: Callable[[User], Client]) -> Customer:
    """The customer, brought in from a file and worked on at every door since."""
    header = ("customer_no", "name", "mobile", "id_number", "birth_date", "street")
    good = (IMPORTED_NO, FORMER_NAME, MOBILE, "", "1949-12-31", MARKS["street of the file"])
    bad = ("EXTBAD", "X", "12", MARKS["wrong cell of the import"], "", "")
    imported = bring(table(header, good, bad), name=f"{MARKS['file name']}.csv", actor=None, unit=agent.unit)
    assert imported.state == "DONE", imported.state
    # Once more: what the file overwrites is kept for taking it back; a column nobody knows is noted.
    header = ("customer_no", "name", "street", MARKS["column of the file"])
    again = bring(table(header, (IMPORTED_NO, "Second Formername", "Second street", "x")), unit=agent.unit)
    assert again.state == "DONE", again.state
    customer = Customer.objects.get(source_no=IMPORTED_NO)
    archive.change_customer(
        customer.pk,
        actor=agent,
        version=customer.version,
        changes={
            "name": NAME,
            "short_name": SHORT,
            "home_city": "Xian",
            "gender": "F",
            "birthday_kind": "LUNAR",
            "lunar_month": 11,
            "lunar_day": 12,
        },
        id_number=ID_NUMBER,
    )
    lead = UserFactory(role="TEAM_LEAD", unit=agent.unit)
    merge_doors(customer, agent, lead, MARKS)
    archive_doors(customer, agent, lead, MARKS)
    _archive(customer, agent)
    _contacts(customer, agent)
    contact_doors(customer, agent, lead, MARKS)
    message_doors(customer, agent, UserFactory(role="DEPT_HEAD", unit=agent.unit), MARKS)
    complaint_doors(customer, agent, lead, MARKS)
    billing_doors(customer, MARKS)
    _pages(customer, agent, officer, client_for)
    rights_doors(customer, agent, officer, MARKS)
    return customer


def _archive(customer: Customer, agent: User) -> None:
    pk = customer.pk
    archive.add_contact_point(pk, actor=agent, kind="EMAIL", value=EMAIL)
    point = archive.add_contact_point(pk, actor=agent, kind="PHONE", value="02988887777")
    archive.mark_unusable(point.pk, actor=agent, reason=MARKS["reason not to use"])
    archive.set_address(pk, actor=agent, kind="HOME", parts={"city": "Xian", "street": STREET})
    archive.record_profile_field(
        pk,
        actor=agent,
        key="INTERESTS",
        value=MARKS["profile fact"],
        source=MARKS["source of the fact"],
        purpose=MARKS["purpose of the fact"],
        consent_evidence=MARKS["evidence of the fact"],
    )
    archive.add_need(pk, actor=agent, text=MARKS["need"])
    relative = {"other_name": MARKS["relative"], "other_phone": "02966665555", "note": MARKS["note on the relative"]}
    archive.add_relation(pk, actor=agent, kind="FAMILY", **relative)
    archive.reject_identity(pk, actor=agent, how="IN_PERSON", reason=MARKS["why a document was refused"])
    archive.give_consent(
        pk,
        actor=agent,
        purpose="MARKETING",
        channel="SMS",
        evidence_kind="FORM",
        evidence=MARKS["consent evidence"],
    )
    other = archive.ActingPerson("AGENT", MARKS["who acted for them"], "ID_CARD", "110101199003077432")
    archive.verify_identity(pk, actor=agent, how="IN_PERSON", acting=other)
    line = archive.open_subscription(
        pk, actor=agent, service_no=LINE, product_line="MOBILE", user_name=MARKS["user of the line"]
    )
    Subscription.objects.filter(pk=line.pk).update(activated_on=date(2020, 1, 1))
    archive.record_usage(line.pk, month=date(2026, 9, 1), totals={"net_revenue": "59.00", "data_mb": 512})
    archive.end_subscription(line.pk, actor=agent)


def _contacts(customer: Customer, agent: User) -> None:
    now = clock.now()
    raw = {"number": MOBILE, "agent": "3307", "note": MARKS["raw call event"]}
    take_call_event(CallReport("e-1", "call-qz", "RINGING", MOBILE, "3307", now, raw))
    contact = contacts.start_contact(actor=agent, customer=customer, channel="HOTLINE", call_ref="call-qz")
    contacts.log_contact(
        contact.pk,
        actor=agent,
        summary=MARKS["contact note"],
        result="FOLLOW_UP",
        next_action=NextAction(
            "CALLBACK", agent, now + timedelta(hours=5), MARKS["follow-up subject"], tell_customer=True
        ),
    )
    contacts.quick_log(actor=agent, customer=customer, summary=MARKS["suggestion"], kind="SUGGESTION")
    soon = now + timedelta(days=1)
    done, dropped = (
        owe_followup(customer=customer, kind="TASK", owner=agent, due_at=soon, subject=f"Task {n}", actor=agent)
        for n in range(2)
    )
    reschedule_followup(done.pk, actor=agent, due_at=now + timedelta(days=2), reason=MARKS["reason of a move"])
    both = MARKS["attempt note"] + MARKS["follow-up result"]
    attempt_and_complete(done.pk, actor=agent, outcome="REACHED", note=both)
    cancel_followup(dropped.pk, actor=agent, reason=MARKS["cancelled because"])
    assert deliver_due() >= 1  # into the file for another carrier
    take_reply(Came(MOBILE, MARKS["reply by text message"]))
    take_reply(Came(MOBILE, MARKS["piece of a reply"], reference=7, piece=1, pieces=2))
    queue_message(
        customer=customer,
        message_class="SERVICE",
        template="callback_promised",
        params={"number": "CB1", "due_at": now.isoformat()},
        dedupe_key="waits",
        not_before=now + timedelta(days=3),
    )


def _pages(customer: Customer, agent: User, officer: User, client_for: Callable[[User], Client]) -> None:
    desk = client_for(agent)
    for text in (NAME, MOBILE):
        assert desk.post(reverse("workspace:search"), {"q": text}).status_code in (200, 302)
    assert desk.get(reverse("customers:customer-detail", args=[customer.pk])).status_code == 200
    assert page_doors(customer, desk, MARKS["typed at every page"]) > 30
    save_draft(agent, Place("note", customer.pk), MARKS["draft"])
    reveal(agent, customer.pk, "id_number", MARKS["reason of a reveal"])
    lead = UserFactory(role="TEAM_LEAD", unit=agent.unit)
    listed = ask(lead, clear=["name"])  # in clear: the officer decides
    decide_export(listed.pk, actor=officer, approve=True)
    assert NAME in work(listed).file.read().decode("utf-8-sig")
    request = raise_request(
        customer, actor=agent, kind="ACCESS", identity_how="ID_DOCUMENT", details=MARKS["words of the request"]
    )
    assert claim_and_run(start_export(request.pk, actor=officer).pk)
    assert RightsRequest.objects.get(pk=request.pk).export_run.result_file  # type: ignore[union-attr]
