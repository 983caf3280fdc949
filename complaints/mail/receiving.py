"""What a mail causes, in one transaction with its row: a new case, words to one, a note, or nothing (D§9.2, 10.3)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _

from complaints.lifecycle import Deed, EntryKind, LinkKind
from complaints.mail.guard import Returned, Why
from complaints.mail.reading import Mail, Part, read_mail
from complaints.mail.threading import Thread, customer_writing, said_before, thread_of
from complaints.models import Complaint, Entry, InMail, KeptMail, Link
from complaints.public.codes import said_code
from complaints.services.attaching import attach_files
from complaints.services.ground import locked_case, remember, ring, tell_customer
from complaints.services.intake import LONGEST_TEXT, register_complaint
from complaints.services.kept_files import keep_files, sort_files, tell_refused
from complaints.services.talking import receive_words
from customers import normal
from foundation.common import clock
from foundation.common.crypto import blind_index
from foundation.common.errors import RuleBroken
from foundation.policies.reading import policy
from interactions.lifecycle import Channel
from outreach.bounces import report_undelivered
from outreach.delivery import message_of
from outreach.models import OutMessage

HAN = re.compile("[\u4e00-\u9fff]")
HOUR = timedelta(hours=1)
ROOM = 4_000  # letters beside the words, for the names of files that are not kept
S = InMail.State


@dataclass(frozen=True)
class Place:
    """Where a mail lay: mailbox, UIDVALIDITY, UID."""

    mailbox: str = ""
    validity: int = 0
    uid: int = 0


def own_host() -> str:
    """The domain in the Message-IDs of what we send."""
    return settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("<> ") or "localhost"


@transaction.atomic
def receive_mail(
    raw: bytes, *, received_at: datetime, place: Place | None = None, cut: bool = False, keep_crowds: bool = True
) -> InMail:
    """Take one mail: its row and all it causes. The same mail again, by whatever way, changes nothing and gives the row
    of the first time.

    `raw`: the mail as it came; `cut`: only its beginning, for the rest is more than is taken. `received_at`: when our
    mail server took it. Who writes too often is kept aside; with `keep_crowds` false that raises instead. Raises
    RuleBroken "complaint.nobody" (nobody is there to answer for it: try again later), "complaint.mail_crowd".
    """
    mail = read_mail(raw, own_host=own_host(), cut=cut)
    where = place or Place()
    row = InMail(
        digest=mail.digest,
        mailbox=where.mailbox,
        validity=where.validity,
        uid=where.uid,
        message_id=mail.message_id,
        sender=blind_index(f"mail:{mail.sender}").hex() if mail.sender else "",
        received_at=received_at,
    )
    InMail.objects.bulk_create([row], ignore_conflicts=True)
    known = InMail.objects.get(digest=mail.digest)
    if known.pk != row.pk:
        return known
    _act(row, mail, cut=cut, keep_crowds=keep_crowds)
    row.save()
    if row.state == S.ASIDE:
        keep(row, mail, len(raw), cut=cut)
    return row


def keep(row: InMail, mail: Mail, size: int, *, cut: bool) -> None:
    """Keep what a mail says for the person who decides about it: its words and its files, in the caller's transaction.
    `cut` as in `receive_mail`."""
    text = mail.whole or mail.text
    kept = KeptMail.objects.create(
        mail=row,
        address=mail.sender[:254],
        name=mail.name[:80],
        subject=mail.subject[:200],
        text=text[:LONGEST_TEXT],
        size=size,
    )
    rest = [("mail.txt", text.encode())] if len(text) > LONGEST_TEXT - ROOM else []
    keep_files(kept, [*rest, *((file.name, file.data) for file in mail.files)], cut=cut)


def _act(row: InMail, mail: Mail, *, cut: bool, keep_crowds: bool) -> None:
    sender = _address(mail.sender)
    if mail.automatic or mail.returned is not None or sender == _address(settings.DEFAULT_FROM_EMAIL):
        row.state, row.reason = S.IGNORED, mail.automatic or (Why.RETURNED if mail.returned else Why.OWN)
        _note_return(mail.returned)
        return
    if not sender:
        row.reason = "no_sender"
        return
    before = InMail.objects.filter(sender=row.sender, at__gt=clock.now() - HOUR).exclude(pk=row.pk).count()
    if before >= policy("complaints.mails_per_hour"):
        if not keep_crowds:
            raise RuleBroken("complaint.mail_crowd", _("Too many mails from one address within an hour."))
        row.reason = "crowd"
        return
    thread = thread_of(mail, sender) or said_before(mail, sender, row, _text(mail)[0])
    if thread is None or thread.over:
        _new_case(row, mail, sender, thread, cut=cut)
    elif thread.is_theirs:
        _words(row, mail, thread, cut=cut)
    else:
        _note(row, mail, sender, thread)


def _new_case(row: InMail, mail: Mail, sender: str, before: Thread | None, *, cut: bool) -> None:
    text, rest = _text(mail)
    customer = customer_writing(sender, mail)
    now = clock.now()
    case = register_complaint(
        actor=None,
        channel=Channel.EMAIL,
        text=text,
        subject=mail.heading[:120].strip(),
        customer=customer,
        contact_email=sender,
        contact_name="" if customer else mail.name,
        language="" if customer else "zh-hans" if HAN.search(text) or not re.search("[a-zA-Z]", text) else "en",
        received_at=max(min(row.received_at, now), now - policy("complaints.received_before") + HOUR),
        key=f"mail-{mail.digest}",
    )
    row.state, row.complaint, row.is_theirs = S.CASE, case, True
    row.save()  # what is told now answers this mail
    if before is not None and before.is_theirs:
        Link.objects.create(complaint=case, other=before.case, kind=LinkKind.REPEAT)
        remember(case, Deed.LINKED, actor=None, detail={"other": before.case.pk})
    tell_customer(case, "complaint_received", key="1", actor=None, code=said_code(case.public_code))
    _keep_files(case, [*rest, *mail.files], row, None, cut=cut, tell=True)


def _words(row: InMail, mail: Mail, thread: Thread, *, cut: bool) -> None:
    """The complainant goes on: also after the end of the case, when a person decides whether to take it up again."""
    text, rest = _text(mail)
    entry = receive_words(thread.case.pk, channel=Channel.EMAIL, text=text, key=f"mail-{mail.digest}")
    row.state, row.complaint, row.entry, row.is_theirs = S.WORDS, thread.case, entry, True
    row.save()
    _keep_files(locked_case(thread.case.pk), [*rest, *mail.files], row, entry, cut=cut, tell=True)


def _note(row: InMail, mail: Mail, sender: str, thread: Thread) -> None:
    case = locked_case(thread.case.pk)
    text, rest = _text(mail)
    with translation.override(case.owner.language):
        said = _("From another address (%(address)s), not answered:") % {"address": sender}
    entry = Entry.objects.create(
        complaint=case,
        kind=EntryKind.NOTE,
        channel=Channel.EMAIL,
        text=f"{said}\n\n{text}",
        at=clock.now(),
        key=f"mail-{mail.digest}",
    )
    remember(case, Deed.NOTED, actor=None)
    for person in {person.pk: person for person in (case.handler, case.owner) if person is not None}.values():
        ring(case, person, "wrote_otherwise", entry.ref)
    row.state, row.complaint, row.entry = S.NOTE, case, entry
    _keep_files(case, [*rest, *mail.files], row, entry, cut=False, tell=False)


def _keep_files(
    case: Complaint, files: Sequence[Part], row: InMail, entry: Entry | None, *, cut: bool, tell: bool
) -> None:
    """Keep what may be kept; tell the complainant, once for the mail, why the rest was not."""
    kept, refused = sort_files(((file.name, file.data) for file in files), cut=cut)
    attach_files(case, kept, actor=None, entry=entry)
    if tell:
        tell_refused(case, [code for _name, _size, code in refused], key=row.digest[:16], actor=None)


def _text(mail: Mail) -> tuple[str, list[Part]]:
    """The words, and what is too long of them as a file."""
    text = (mail.text or mail.heading).strip()
    if not text:
        return _("(A mail without words.)"), []
    if len(text) < LONGEST_TEXT:
        return text, []
    return text[: LONGEST_TEXT - 1] + "…", [Part("mail.txt", mail.whole.encode())]


def _address(text: str) -> str:
    try:
        return normal.email(text.rpartition("<")[2].rstrip("> ")) if text else ""
    except RuleBroken:
        return ""


def _note_return(returned: Returned | None) -> None:
    """A message of ours came back: say so where it is kept. About no message that left it changes nothing."""
    if returned is None or not returned.failed:
        return
    try:
        with transaction.atomic():
            report_undelivered(message_of(returned.message_id), detail=returned.status, for_good=returned.nobody)
    except (ValueError, RuleBroken, OutMessage.DoesNotExist):
        return
