"""Mails kept aside: a person takes one as a complaint, adds it to one, or drops it with a reason. Once, whoever comes
second."""

from __future__ import annotations

from typing import Any

from django.db import models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.lifecycle import Deed, EntryKind
from complaints.models import Complaint, Entry, InMail, KeptFile, KeptMail
from complaints.public.codes import said_code
from complaints.queries import case_numbered
from complaints.services.ground import check_no_record, check_sees, locked_case, remember, ring, tell_customer
from complaints.services.intake import LONGEST_TEXT, register_complaint
from complaints.services.kept_files import WHY_NOT, adopt_files, let_go, tell_refused
from complaints.services.talking import receive_words
from customers import normal
from customers.models import ContactPoint, Customer
from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.policies.reading import policy
from interactions.lifecycle import Channel
from interactions.models import Topic
from staff.models import User

RIGHT = "complaints.coordinate"
MOST_NAMED = 20  # files that were not kept, in the words of a case
WHY: dict[str, Any] = {
    "no_sender": gettext_lazy("No address to answer"),
    "crowd": gettext_lazy("Too many from one address within an hour"),
    "error": gettext_lazy("Could not be read to the end"),
}


class Dropped(models.TextChoices):
    """Why a mail kept aside becomes nothing."""

    SPAM = "dropped_spam", gettext_lazy("Unwanted or dangerous")
    MACHINE = "dropped_machine", gettext_lazy("No person wrote it")
    TWICE = "dropped_twice", gettext_lazy("Taken another way already")
    OTHER = "dropped_other", gettext_lazy("Not a complaint, answered otherwise")


@transaction.atomic
def take_kept_mail(
    mail_id: int, *, actor: User, topic: Topic | None = None, customer: Customer | None = None
) -> Complaint:
    """A complaint of what the mail says, received when the mail was; its writer is told the number, where the address
    is one. Its files are the case's. `customer`: whose it is, if somebody knows.

    Raises NotAllowed "complaint.may_not_decide"; RuleBroken "complaint.mail_decided", "complaint.no_text", and those of
    `intake.register_complaint`.
    """
    row, kept = _held(mail_id, actor)
    now = clock.now()
    oldest = now - policy("complaints.received_before")
    case = register_complaint(
        actor=actor,
        channel=Channel.EMAIL,
        text=said_in(kept),
        subject=kept.subject[:120].strip(),
        customer=customer,
        contact_email=_address(kept),
        contact_name="" if customer else kept.name,
        topic=topic,
        received_at=max(min(row.received_at, now), oldest),
        key=f"mail-{row.digest}",
    )
    row.is_theirs = bool(case.contact_email)
    refused = adopt_files(kept, case, actor=actor)
    _decide(row, actor, state=InMail.State.CASE, case=case)
    tell_customer(case, "complaint_received", key="1", actor=actor, code=said_code(case.public_code))
    tell_refused(case, refused, key=row.digest[:16], actor=actor)
    return case


@transaction.atomic
def add_kept_mail(mail_id: int, *, actor: User, number: str) -> Entry:
    """Add the mail with its files to a case the actor sees: as words of the complainant when the address is theirs,
    else as a note.

    Raises NotAllowed "complaint.may_not_decide", those of `ground.check_sees`; RuleBroken "complaint.mail_decided",
    "complaint.no_case", "complaint.record".
    """
    row, kept = _held(mail_id, actor)
    found = case_numbered(number)
    if found is None:
        raise RuleBroken("complaint.no_case", _("There is no complaint of this number: check it."))
    case = locked_case(found.pk)
    check_sees(case, actor)
    check_no_record(case)
    row.is_theirs = _is_of(case, _address(kept))
    key = f"mail-{row.digest}"
    if row.is_theirs:
        entry = receive_words(case.pk, channel=Channel.EMAIL, text=said_in(kept), key=key, actor=actor)
    else:
        said = _("From another address (%(address)s), not answered:") % {"address": kept.address or "–"}
        entry = Entry.objects.create(
            complaint=case,
            kind=EntryKind.NOTE,
            channel=Channel.EMAIL,
            text=f"{said}\n\n{said_in(kept)}",
            by=actor,
            at=clock.now(),
            key=key,
        )
        remember(case, Deed.NOTED, actor=actor)
        for person in {case.owner, case.handler or case.owner} - {actor}:
            ring(case, person, "wrote_otherwise", entry.ref)
    row.entry = entry
    state = InMail.State.WORDS if row.is_theirs else InMail.State.NOTE
    refused = adopt_files(kept, case, actor=actor, entry=entry)
    _decide(row, actor, state=state, case=case)
    if row.is_theirs:
        tell_refused(case, refused, key=row.digest[:16], actor=actor)
    return entry


@transaction.atomic
def drop_kept_mail(mail_id: int, *, actor: User, why: str) -> None:
    """Nothing becomes of it; what it says and its files are deleted.

    Raises NotAllowed "complaint.may_not_decide"; RuleBroken "complaint.mail_decided", "complaint.unknown_code".
    """
    row, _kept = _held(mail_id, actor)
    if why not in Dropped.values:
        raise RuleBroken("complaint.unknown_code", _("Choose one of the values offered."))
    row.reason = why
    _decide(row, actor, state=InMail.State.IGNORED, case=None)


def said_in(kept: KeptMail) -> str:
    """Its words, with the names of the files that go to no case: those that lie in the mailbox, and the refused."""
    text = (kept.text or kept.subject).strip() or _("(A mail without words.)")
    refused = [f"{row.name or _('File')}: {WHY_NOT[row.refused]}" for row in refused_of(kept)]
    blocks = [
        "\n".join([words, *names[:MOST_NAMED], *["…"][: len(names) > MOST_NAMED]])
        for words, names in (
            (_("Files, in the mailbox among the mails kept aside:"), [str(name) for name in kept.files]),
            (_("Files that were not kept:"), refused),
        )
        if names
    ]
    more = "".join(f"\n\n{block}" for block in blocks)
    return text[: LONGEST_TEXT - len(more)] + more


def refused_of(kept: KeptMail) -> list[KeptFile]:
    """The files of the mail that were not kept."""
    return list(kept.stored.exclude(refused="").order_by("pk"))


def _held(mail_id: int, actor: User) -> tuple[InMail, KeptMail]:
    """The mail, locked, nobody having decided about it."""
    if not actor.has_perm(RIGHT):
        raise NotAllowed("complaint.may_not_decide", _("Coordinators decide about mails kept aside."))
    row = InMail.objects.select_for_update(no_key=True).get(pk=mail_id)
    kept = KeptMail.objects.filter(mail=row).first()
    if row.state != InMail.State.ASIDE or kept is None:
        raise RuleBroken("complaint.mail_decided", _("Somebody has decided about this mail already."))
    return row, kept


def _decide(row: InMail, actor: User, *, state: str, case: Complaint | None) -> None:
    row.state, row.complaint = state, case
    row.save()
    if case is None:
        let_go([row.pk])
    else:  # its files lie with the case
        KeptMail.objects.filter(pk=row.pk).delete()
    detail: dict[str, Any] = {"decided": state, "why": row.reason}
    record("mail.decided", target=row, actor=actor, customer_id=case.customer_id if case else None, detail=detail)


def _address(kept: KeptMail) -> str:
    try:
        return normal.email(kept.address) if kept.address else ""
    except RuleBroken:
        return ""


def _is_of(case: Complaint, address: str) -> bool:
    if not address:
        return False
    if address == case.contact_email:
        return True
    mine = ContactPoint.objects.filter(customer=case.customer_id, kind=ContactPoint.Kind.EMAIL, value=address)
    return case.customer_id is not None and mine.filter(valid_to__isnull=True).exists()
