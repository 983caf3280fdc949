"""What is said in a case: replies that wait a moment before they leave, internal notes, and words that come in
(ui-guide §5 Case, D§26)."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from complaints.lifecycle import Deed, EntryKind
from complaints.models import Entry
from complaints.services import ground
from complaints.services.pausing import end_pause
from complaints.services.working import spoken
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from interactions.lifecycle import Channel
from outreach.lifecycle import Channel as Carrier
from staff.models import User

TAKE_RIGHT = "complaints.take"
VIEW_RIGHT = "complaints.view"
REPLY_WAITS = timedelta(seconds=8)  # ui-guide §5 Case
REPLY_LIVES = timedelta(days=3)  # undelivered by then, it is no answer to anything any more
LONGEST_REPLY, LONGEST_NOTE = 2_000, 4_000
# By which channels a reply is written, and what carries each.
WRITTEN: dict[str, str] = {Channel.SMS: Carrier.SMS, Channel.EMAIL: Carrier.EMAIL}


@transaction.atomic
def send_reply(case_id: int, *, actor: User, text: str, channel: str) -> Entry:
    """Write to the complainant by SMS or e-mail. It leaves in 8 seconds unless `take_back_reply` is asked before; then
    it counts as contact with them (D§10.3).

    Raises NotAllowed (complaints.take over the case), RuleBroken "complaint.ended", "complaint.no_text",
    "complaint.too_long", "complaint.not_written" (a channel nothing is written by), "complaint.past" (a record of the
    past), "complaint.no_way" (nothing says how to reach them).
    """
    case = ground.case_for(case_id, actor, TAKE_RIGHT)
    ground.check_open(case)
    words = _checked(text, LONGEST_REPLY)
    if channel not in WRITTEN:
        raise RuleBroken("complaint.not_written", _("Choose SMS or e-mail for a written reply."))
    if case.is_imported:
        raise RuleBroken("complaint.past", _("This is a record of the past; nothing is sent from it."))
    if case.customer is None and not (case.contact_email if channel == Channel.EMAIL else case.contact_phone):
        raise RuleBroken(
            "complaint.no_way", _("No number or address says how to reach who complained: add one to the case first.")
        )
    now = clock.now()
    return Entry.objects.create(
        complaint=case,
        kind=EntryKind.REPLY,
        channel=channel,
        text=words,
        by=actor,
        at=now,
        leaves_at=now + REPLY_WAITS,
    )


@transaction.atomic
def take_back_reply(entry_id: int, *, actor: User) -> Entry:
    """Take one's own reply back before it has left; its words stay with who wrote it.

    Raises NotAllowed "complaint.not_your_reply", RuleBroken "complaint.reply_left", "complaint.reply_taken_back".
    """
    entry = Entry.objects.select_for_update(no_key=True).get(pk=entry_id, kind=EntryKind.REPLY)
    if entry.by_id != actor.pk:
        raise NotAllowed("complaint.not_your_reply", _("Only who wrote a reply takes it back."))
    if entry.taken_back_at is not None:
        raise RuleBroken("complaint.reply_taken_back", _("This reply was taken back already."))
    if entry.left_at is not None or entry.leaves_at is None:
        raise RuleBroken("complaint.reply_left", _("This reply has left; it cannot be taken back any more."))
    entry.taken_back_at = clock.now()
    entry.save(update_fields=["taken_back_at"])
    return entry


def due_replies(limit: int = 200) -> list[int]:
    """Ids of replies whose moment to leave has come, the oldest first."""
    rows = Entry.objects.filter(leaves_at__lte=clock.now(), left_at=None, taken_back_at=None)
    return list(rows.order_by("leaves_at", "pk").values_list("pk", flat=True)[:limit])


@transaction.atomic
def let_reply_go(entry_id: int) -> bool:
    """Put a due reply into the outbox, once, and count it as contact with the complainant. False when another worker
    was first, or when it was taken back meanwhile."""
    case_id = Entry.objects.values_list("complaint_id", flat=True).get(pk=entry_id)
    case = ground.locked_case(case_id)
    entry = (
        Entry.objects.select_for_update(no_key=True, skip_locked=True, of=("self",))
        .select_related("by")
        .filter(pk=entry_id, leaves_at__lte=clock.now(), left_at=None, taken_back_at=None)
        .first()
    )
    if entry is None or entry.by is None:
        return False
    carrier = WRITTEN[entry.channel]
    message = ground.tell_customer(
        case,
        "complaint_reply",
        key=f"entry-{entry.ref}",
        actor=entry.by,
        channel=carrier,
        words=entry.text,
        # The words of a colleague are true without the deadline other messages name.
        expires_at=clock.now() + REPLY_LIVES,
    )
    entry.left_at = clock.now()
    entry.message_id = message.pk if message is not None else None
    entry.save(update_fields=["left_at", "message_id"])
    spoken(case, entry.by)
    ground.remember(case, Deed.REPLIED, actor=entry.by)
    return True


@transaction.atomic
def add_note(case_id: int, *, actor: User, text: str) -> Entry:
    """A note that never leaves the house, in open and in ended cases.

    Raises NotAllowed (complaints.view over the case), RuleBroken "complaint.no_text", "complaint.too_long".
    """
    case = ground.case_for(case_id, actor, VIEW_RIGHT)
    entry = Entry.objects.create(
        complaint=case, kind=EntryKind.NOTE, text=_checked(text, LONGEST_NOTE), by=actor, at=clock.now()
    )
    ground.remember(case, Deed.NOTED, actor=actor)
    return entry


@transaction.atomic
def receive_words(case_id: int, *, channel: str, text: str, key: str | None = None, actor: User | None = None) -> Entry:
    """Words of the complainant about an open case: they stand in the conversation, the one who works on it hears of
    them, and a pause that waited for the customer ends (D§26). `key`: the same words twice are once. `actor`: who wrote
    them down; None for what came in by itself.

    In an ended case they are kept and the owner hears of them; whether to reopen is a person's decision (D§10.8).
    """
    case = ground.locked_case(case_id)
    if key is not None and (there := Entry.objects.filter(key=key).first()):
        return there
    now = clock.now()
    entry = Entry.objects.create(
        complaint=case, kind=EntryKind.INBOUND, channel=channel, text=text.strip(), by=actor, at=now, key=key
    )
    ground.remember(case, Deed.HEARD, actor=actor)
    for person in {case.handler or case.owner, case.owner}:
        if actor is None or person.pk != actor.pk:
            ground.ring(case, person, "heard", entry.ref)
    end_pause(case)
    return entry


def _checked(text: str, longest: int) -> str:
    words = text.strip()
    if not words:
        raise RuleBroken("complaint.no_text", _("Write something first."))
    if len(words) > longest:
        said = _("At most %(longest)s characters fit, these are %(length)s.")
        raise RuleBroken("complaint.too_long", said % {"longest": longest, "length": len(words)})
    return words
