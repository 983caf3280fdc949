"""Which case a mail is about: by the number in its subject, by the mails it answers; and whether its writer may speak
in it. Somebody else's words become a note, and nothing of the case goes to them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from complaints.mail.reading import Mail
from complaints.models import Complaint, InMail
from customers.merging.reading import standing
from customers.models import ContactPoint, Customer
from foundation.common import clock
from foundation.policies.reading import policy
from outreach.delivery import message_of
from outreach.models import MessageKey, OutMessage
from outreach.services.messages import message_key

MOST_MERGES = 10
AGAIN_WITHIN = timedelta(days=1)
AT_ONCE = timedelta(minutes=10)  # a poll of either mailbox may lie between
MOST_AGAIN = 30
# Numbers change from one letter of a machine to the next; a telephone number is what a complaint is about.
_NUMBERS = re.compile(r"(?<![0-9])(?!1[3-9][0-9]{9}(?![0-9]))(?!0[0-9]{9,11}(?![0-9]))[0-9]+")


@dataclass(frozen=True)
class Thread:
    """The case a mail is about. `is_theirs`: its writer is the complainant; `over`: it ended so long ago that what is
    said now is a new complaint (D§10.8)."""

    case: Complaint
    is_theirs: bool
    over: bool


def thread_of(mail: Mail, sender: str) -> Thread | None:
    """The case of a mail from `sender`; of several the first one they may speak in. None for a new matter."""
    found = [Thread(case, belongs(case, sender, mail), _is_over(case)) for case in _named(mail)]
    return next((one for one in found if one.is_theirs), found[0] if found else None)


def said_before(mail: Mail, sender: str, row: InMail, text: str) -> Thread | None:
    """The open case this address began with the same words within a day. Who differs in numbers alone, each time at
    once after a letter of ours, is a machine that answers it: its third mail is about the second."""
    recent = InMail.objects.filter(sender=row.sender, at__gt=clock.now() - AGAIN_WITHIN, state=InMail.State.CASE)
    begun = recent.filter(complaint__closed_at=None).select_related("complaint").order_by("-at", "-pk")[:MOST_AGAIN]
    now = (mail.heading[:120].strip(), text)
    alike = [(one, case) for one in begun if (case := one.complaint) and _bare(case.subject, case.text) == _bare(*now)]
    found = next((case for _one, case in alike if (case.subject, case.text) == now), None)
    if found is None and len(alike) > 1:
        (newest, second), (_older, first) = alike[:2]
        if _follows(row, second) and _follows(newest, first):
            found = second
    case = _master(found) if found else None
    return Thread(case, True, _is_over(case)) if case is not None and belongs(case, sender, mail) else None


def _bare(*words: str) -> list[list[str]]:
    return [_NUMBERS.sub("", one).split() for one in words]


def _follows(mail: InMail, case: Complaint) -> bool:
    """Whether a mail came at once after our letter that the case is taken."""
    key = MessageKey.objects.filter(key=message_key(f"complaint_received-{case.ref}-1")).first()
    left = OutMessage.objects.recent().filter(pk=key.message_id).first() if key else None
    return bool(left and left.sent_at and left.sent_at <= mail.received_at <= left.sent_at + AT_ONCE)


def belongs(case: Complaint, sender: str, mail: Mail) -> bool:
    """Whether the address is the complainant's: given with the case, or on file for its customer. Not when our own mail
    server says that the writer is somebody else."""
    if mail.unproven:
        return False
    if sender == case.contact_email:
        return True
    if case.customer_id is None:
        return False
    points = ContactPoint.objects.filter(customer=case.customer_id, kind=ContactPoint.Kind.EMAIL, value=sender)
    return points.filter(valid_to__isnull=True).exists()


def customer_writing(sender: str, mail: Mail) -> Customer | None:
    """Whose verified e-mail address it is; None when it is nobody's, several people's, or not proven to be theirs."""
    if mail.unproven:
        return None
    points = ContactPoint.objects.filter(kind=ContactPoint.Kind.EMAIL, value=sender, verified_at__isnull=False)
    current = points.filter(valid_to__isnull=True, do_not_use="").exclude(
        customer__status__in=[Customer.Status.ANONYMISED, Customer.Status.DECEASED]
    )
    people = {standing(point.customer) for point in current.select_related("customer").order_by("pk")[:5]}
    return people.pop() if len(people) == 1 else None


def _named(mail: Mail) -> Iterator[Complaint]:
    """The cases a mail names, once each, merged ones as their master; records of the past are none."""
    numbers = [*mail.numbers, *_numbers_of_ours(mail.references)]
    cases = {case.number: case for case in Complaint.objects.filter(number__in=numbers)}
    ordered = [cases[number] for number in numbers if number in cases]
    if mail.references:
        earlier = InMail.objects.filter(message_id__in=mail.references, complaint__isnull=False)
        ordered += [row.complaint for row in earlier.select_related("complaint").order_by("pk") if row.complaint]
    seen: set[int] = set()
    for case in ordered:
        case = _master(case)
        if case.pk not in seen and not case.is_imported:
            seen.add(case.pk)
            yield case


def _master(case: Complaint) -> Complaint:
    for _merge in range(MOST_MERGES):
        if case.merged_into is None:
            break
        case = case.merged_into
    return case


def _numbers_of_ours(references: tuple[str, ...]) -> list[str]:
    """The case numbers of those messages of ours a mail answers."""
    ids = []
    for reference in references:
        try:
            ids.append(message_of(reference))
        except ValueError:
            continue
    if not ids:
        return []
    sent = OutMessage.objects.filter(pk__in=ids, template__startswith="complaint_")
    told = {row.pk: str(row.params.get("number", "")) for row in sent}
    return [told[key] for key in ids if told.get(key)]


def _is_over(case: Complaint) -> bool:
    if case.closed_at is None:
        return False
    return case.closed_at + policy("complaints.reopen.window", unit=case.work_unit) < clock.now()
