"""The doors fewer people use, each datum with a mark of its own: what is refused, corrected, taken back, handed on."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from django.test import Client
from django.urls import NoReverseMatch, reverse

from customers import services as archive
from customers.merging.services import approve_merge, propose_merge, refuse_merge, set_apart
from customers.merging.undoing import undo_merge
from customers.models import Customer
from foundation.common import clock
from interactions import services as contacts
from interactions.models import Matter, Suggestion
from interactions.rights import services as rights
from outreach.bounces import report_undelivered
from outreach.delivery import deliver_due
from outreach.models import OutMessage
from outreach.services import queue_message
from outreach.services.transfers import offer_customer, refuse_transfer
from staff.drafts import Place, draft_of, save_draft
from staff.models import User
from tests.factories import ContactPointFactory, CustomerFactory, UserFactory

ASKED = {"channel": "HOTLINE", "verified": "CODE"}


def archive_doors(customer: Customer, agent: User, lead: User, mark: dict[str, str]) -> None:
    """Deaths noted by mistake, holds, documents of others, needs, requests to change, relations."""
    pk = customer.pk
    archive.note_death(
        pk,
        actor=agent,
        evidence=mark["evidence of a death"],
        relative_name=mark["who told of a death"],
        relative_phone=mark["phone of a relative"],
    )
    archive.take_back_death(pk, actor=agent, because=mark["why no death"])
    parts = {"province": "province", "city": "town", "district": "district", "street": "office", "postcode": "postcode"}
    archive.set_address(
        pk, actor=agent, kind="OFFICE", parts={part: mark[f"{words} of an address"] for part, words in parts.items()}
    )
    archive.add_contact_point(pk, actor=agent, kind="IM", value=mark["messenger"], label=mark["label of a number"])
    need = archive.add_need(pk, actor=agent, text="A need")
    archive.change_need(need.pk, actor=agent, state="DECLINED", reason=mark["why a need was declined"])
    archive.add_relation(
        pk, actor=agent, kind="FAMILY", other_name="Somebody", consent_evidence=mark["evidence of a relative's consent"]
    )
    head = CustomerFactory(unit=agent.unit, name="Head of the house")
    archive.join_household(pk, actor=agent, head_id=head.pk)
    hold = archive.put_hold(pk, actor=lead, reason="REPORTED", note=mark["note of a hold"])
    archive.lift_hold(hold.pk, actor=lead, because=mark["why a hold ended"])
    name, number = (
        archive.request_change(pk, actor=agent, asked_by=mark["who asked for a change"], **ASKED, field=field, new=new)
        for field, new in (("name", mark["wanted name"]), ("id_number", "33010619900307017X"))
    )
    archive.refuse_request(name.pk, actor=lead, reason=mark["why a change was refused"])
    assert number.new_sealed is not None  # still open, sealed


def merge_doors(customer: Customer, agent: User, lead: User, mark: dict[str, str]) -> None:
    """One proposal refused, one pair set apart, one merge undone, one that stays."""
    refused, apart, undone, stays = (
        CustomerFactory(unit=agent.unit, name=name)
        for name in ("Refused", "Set apart", "Undone", mark["name of a merged archive"])
    )
    Customer.objects.filter(pk=stays.pk).update(short_name=mark["short name of a merged archive"])
    ContactPointFactory(customer=stays, value=mark["phone of a merged archive"])
    merge = propose_merge(customer.pk, refused.pk, actor=agent, reason=mark["why merge"])
    refuse_merge(merge.pk, actor=lead, reason=mark["why not merge"])
    set_apart(customer.pk, apart.pk, actor=agent, why=mark["why set apart"])
    merge = propose_merge(customer.pk, undone.pk, actor=agent, reason="the same", choices=["name"])
    approve_merge(merge.pk, actor=lead)
    undo_merge(merge.pk, actor=lead, reason=mark["why a merge was undone"])
    customer.refresh_from_db()
    own = {"name": customer.name, "short_name": customer.short_name}
    merge = propose_merge(customer.pk, stays.pk, actor=agent, reason="the same", choices=["name"])
    approve_merge(merge.pk, actor=lead)
    customer.refresh_from_db()
    archive.change_customer(customer.pk, actor=agent, version=customer.version, changes=own)
    customer.refresh_from_db()


def contact_doors(customer: Customer, agent: User, lead: User, mark: dict[str, str]) -> None:
    """A caller nobody knew, matters answered, referred and handed on, suggestions decided and answered."""
    soon = clock.now() + timedelta(hours=6)
    unknown = contacts.start_contact(
        actor=agent, customer=None, channel="SOCIAL", caller="UNKNOWN", handle=mark["account of a caller"]
    )
    contacts.log_contact(unknown.pk, actor=agent, summary=mark["note of an unknown caller"])
    contacts.attach_customer(unknown.pk, actor=agent, customer=customer)
    contacts.quick_log(
        actor=agent, customer=customer, summary="Theirs", result="REFERRED", referral=mark["whom we named"]
    )

    def matter(words: str) -> Matter:
        left = contacts.quick_log(
            actor=agent,
            customer=customer,
            summary=words,
            result="FOLLOW_UP",
            next_action=contacts.NextAction("CALLBACK", agent, soon),
        )
        return Matter.objects.get(contact=left)

    contacts.answer_matter(matter("To answer").pk, actor=agent, answer=mark["answer to a matter"], told_how="CALL")
    contacts.refer_matter(matter("To refer").pk, actor=agent, referral=mark["referral of a matter"])
    colleague = UserFactory(role="AGENT", unit=agent.unit)
    handed = matter("To hand on")
    contacts.offer_matter(handed.pk, actor=agent, to=colleague, note=mark["note with an offer"])
    contacts.refuse_matter(handed.pk, actor=colleague, reason=mark["why an offer was refused"])
    contacts.order_matter(handed.pk, actor=lead, to=colleague, reason=mark["why a matter was ordered"])
    for verdict, more in (
        ("ADOPTED", {"wish": mark["wish of a suggestion"]}),
        ("NOT_ADOPTED", {"why_not": "OTHER", "reason": mark["why not adopted"]}),
    ):
        left = contacts.quick_log(actor=agent, customer=customer, summary="Suggests", kind="SUGGESTION")
        suggestion = Suggestion.objects.get(contact=left)
        contacts.review_suggestion(suggestion.pk, actor=lead)
        contacts.decide_suggestion(suggestion.pk, actor=lead, verdict=verdict, **more)
        contacts.answer_suggestion(suggestion.pk, actor=lead, told_how="CALL", answer=mark["answer to a suggestion"])


def message_doors(customer: Customer, agent: User, lead: User, mark: dict[str, str]) -> None:
    """What a carrier said about a letter, and a customer handed from one manager to another."""
    queue_message(
        customer=customer,
        message_class="SERVICE",
        template="callback_promised",
        params={"number": "CB2", "due_at": clock.now().isoformat()},
        dedupe_key="comes-back",
    )
    assert deliver_due() >= 1
    sent = OutMessage.objects.filter(customer=customer, state="sent").order_by("-pk").first()
    assert sent is not None
    report_undelivered(sent.pk, detail=mark["what a carrier said"], for_good=False)
    manager = UserFactory(role="ACCOUNT_MANAGER", unit=agent.unit)
    transfer = offer_customer(customer.pk, actor=lead, to=manager, reason=mark["why another manager"])
    refuse_transfer(transfer.pk, actor=manager, answer=mark["why no other manager"])


def rights_doors(customer: Customer, agent: User, officer: User, mark: dict[str, str]) -> None:
    """One request answered in words, one refused; a text typed in two windows."""
    for kind in ("EXPLAIN", "COPY"):
        request = rights.raise_request(customer, actor=agent, kind=kind, identity_how="ID_DOCUMENT")
        if kind == "EXPLAIN":
            rights.answer_request(request.pk, actor=officer, answer=mark["answer to a request"])
        else:
            rights.refuse_request(
                request.pk, actor=officer, refusal="REPEATED", reason=mark["why a request was refused"]
            )
    place = Place("note", customer.pk)
    for text in (mark["draft in another window"], mark["draft"]):
        save_draft(agent, place, text)
    assert draft_of(agent, place) is not None


# Named by the house for itself: a list of the queue, of no customer. What is searched for in it is not kept with it.
_NAMED = {"complaints:view-save": {"name": "Those of the week", "query": "view=mine&q={}"}}
# Left out: what ends the session, and a death, which would be believed.
_NOT_POSTED = {"account_logout", "usersessions_end_others", "customers:death-note"}
_TYPED = """name short_name mobile phone number value label street city text note reason subject summary details answer
 purpose evidence q new asked_by other_name other_phone because told handle referral identifier title source""".split()  # noqa: SIM905 (reads better than thirty strings)


def page_doors(customer: Customer, desk: Client, mark: str) -> int:
    """Type the mark into every page that takes something, of the house and of the customer: most refuse it, for the
    rest of the form is missing; what is refused must lie nowhere afterwards either. How many took or refused it."""
    table = (Path(__file__).parents[1] / "doors" / "doors.tsv").read_text().splitlines()
    names = {row.split("\t")[0] for row in table if row.split("\t")[1] == "POST"} - _NOT_POSTED
    typed = dict.fromkeys(_TYPED, mark) | {"customer": customer.ref, "email": f"{mark}@qz.example"}
    posted = 0
    for name in sorted(names):
        for args in ([], [customer.pk]):
            try:
                url = reverse(name, args=args)
            except NoReverseMatch:
                continue
            own = {field: words.format(mark) for field, words in _NAMED.get(name, {}).items()}
            status = desk.post(url, typed | own).status_code
            assert status < 500, (name, status)
            posted += status not in (403, 404)
    return posted
