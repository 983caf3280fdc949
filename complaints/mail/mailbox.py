"""Taking what lies in the mailbox: each mail once, wherever the process dies.

A mail is taken in one transaction with its row; only after that commit it is moved out of the folder. One that died in
between is found again by its row and moved without being taken a second time. What nobody could take now stays.
"""

from __future__ import annotations

import imaplib
import re
import ssl
import time
from contextlib import suppress
from datetime import UTC, datetime

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, transaction

from complaints.mail.address import MailIn, read_mail_in
from complaints.mail.reading import read_mail
from complaints.mail.receiving import Place, keep, own_host, receive_mail
from complaints.models import InMail
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.policies.reading import policy

log = structlog.get_logger(__name__)
TIMEOUT_SECONDS = 30
MB = 1024 * 1024
BEGINNING = 256 * 1024  # of a mail too large to be taken: head and words stand there
MOST_SECONDS = 45.0
LOCK = 0x4D41494C  # one poller at a time
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
_DATE = re.compile(rb'INTERNALDATE "([^"]+)"')


class MailboxTrouble(Exception):
    """The mail server said no to something we cannot do without."""


def poll_mailbox(*, seconds: float = MOST_SECONDS) -> int:
    """Take the mails of the configured mailbox, the oldest first, until none is left or `seconds` passed; returns how
    many were looked at. 0 without a mailbox, and where another process is at it. Never raises for a server that is away
    or says no: that is logged, and tried again at the next tick."""
    if not settings.MAIL_IN_URL:
        return 0
    where = read_mail_in(settings.MAIL_IN_URL)
    try:
        box = Mailbox(where)
    except (OSError, imaplib.IMAP4.error, MailboxTrouble) as error:
        log.warning("mailbox_not_reached", error=type(error).__name__)
        return 0
    try:
        return _take_all(box, time.monotonic() + seconds)
    except (OSError, imaplib.IMAP4.error, MailboxTrouble) as error:
        log.warning("mailbox_lost", error=type(error).__name__)
        return 0
    finally:
        box.close()


def _take_all(box: Mailbox, until: float) -> int:
    looked_at = 0
    uids = box.uids()
    for start in range(0, len(uids), 500):
        part = uids[start : start + 500]
        rows = InMail.objects.filter(mailbox=box.where.name, validity=box.validity, uid__in=part)
        known = dict(rows.values_list("uid", "state"))
        for uid in part:
            if time.monotonic() > until:
                return looked_at
            state = known.get(uid) or _take(box, uid)
            if state is None:
                return looked_at
            looked_at += 1
            if state:
                box.put_away(uid, refused=state == InMail.State.ASIDE)
    return looked_at


def _take(box: Mailbox, uid: int) -> str | None:
    """Take one mail; its state, "" when it stays where it is for another time, None when another process is at it."""
    limit = int(policy("complaints.mail_megabytes")) * MB
    got = box.fetch(uid, limit)
    if got is None:
        return ""
    raw, received_at, cut = got
    place = Place(box.where.name, box.validity, uid)
    try:
        with transaction.atomic():
            if not _lock():
                return None
            return receive_mail(raw, received_at=received_at, place=place, cut=cut).state
    except (DatabaseError, InterfaceError, OSError):  # ours, not the mail's: it is there at the next tick
        raise
    except RuleBroken as no:  # nobody is there to answer for it: it waits
        log.warning("mail_waits", code=no.code)
        return ""
    except Exception:  # one mail we stumble over must not hold up those behind it
        log.exception("mail_not_taken", uid=uid)
        return _aside(raw, received_at, place, cut)


def _lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        return bool(cursor.fetchone()[0])


def _aside(raw: bytes, received_at: datetime, place: Place, cut: bool) -> str:
    """Remember a mail that could not be taken, so that it goes to those a person looks into."""
    mail = read_mail(raw, own_host=own_host(), cut=cut)
    row = InMail(
        digest=mail.digest,
        mailbox=place.mailbox,
        validity=place.validity,
        uid=place.uid,
        received_at=received_at,
        reason="error",
    )
    with transaction.atomic():
        InMail.objects.bulk_create([row], ignore_conflicts=True)
        known = InMail.objects.get(digest=mail.digest)
        if known.pk == row.pk:
            keep(row, mail, len(raw), cut=cut)
    return known.state


class Mailbox:
    """A connection to the mailbox, its folder open."""

    def __init__(self, where: MailIn) -> None:
        self.where = where
        self._imap = _connect(where)
        try:
            self._imap.login(where.user, where.password)
            self._can = set(self._imap.capability()[1][0].decode().upper().split())
            for folder in (where.done, where.refused):
                with suppress(imaplib.IMAP4.error):  # it is there already
                    self._imap.create(_quoted(folder))
            if self._imap.select(_quoted(where.folder))[0] != "OK":
                raise MailboxTrouble("no such folder")
            told = self._imap.response("UIDVALIDITY")[1]
            self.validity = int(told[0]) if told and told[0] else 0
        except BaseException:
            self.close()
            raise

    def uids(self) -> list[int]:
        """Of all mails in the folder, oldest first."""
        said, found = self._imap.uid("SEARCH", "UNDELETED")
        if said != "OK":
            raise MailboxTrouble("no search")
        return sorted(int(uid) for line in found if line for uid in line.split())

    def fetch(self, uid: int, limit: int) -> tuple[bytes, datetime, bool] | None:
        """The mail, when the server took it, and whether it is only its beginning; None when it is gone."""
        said, told = self._imap.uid("FETCH", str(uid), "(RFC822.SIZE INTERNALDATE)")
        head = b" ".join(part if isinstance(part, bytes) else part[0] for part in told if part)
        size = _SIZE.search(head)
        if said != "OK" or size is None:
            return None
        cut = int(size[1]) > limit
        said, told = self._imap.uid("FETCH", str(uid), f"(BODY.PEEK[]<0.{BEGINNING}>)" if cut else "(BODY.PEEK[])")
        body = next((part[1] for part in told if isinstance(part, tuple)), None)
        if said != "OK" or body is None:
            return None
        dated = _DATE.search(head)
        return body, _moment(dated[1].decode("ascii", "replace") if dated else ""), cut

    def put_away(self, uid: int, *, refused: bool) -> None:
        """Move a mail out of the folder; read, unless a person has to look at it."""
        folder = _quoted(self.where.refused if refused else self.where.done)
        if not refused:
            self._imap.uid("STORE", str(uid), "+FLAGS.SILENT", r"(\Seen)")
        if "MOVE" in self._can:
            if self._imap.uid("MOVE", str(uid), folder)[0] == "OK":
                return
        elif self._imap.uid("COPY", str(uid), folder)[0] == "OK":
            self._imap.uid("STORE", str(uid), "+FLAGS.SILENT", r"(\Deleted)")
            if "UIDPLUS" in self._can:
                self._imap.uid("EXPUNGE", str(uid))
            else:
                self._imap.expunge()
            return
        log.warning("mail_not_moved", uid=uid)

    def close(self) -> None:
        with suppress(OSError, imaplib.IMAP4.error):
            self._imap.logout()


def _connect(where: MailIn) -> imaplib.IMAP4:
    context = ssl.create_default_context()
    if where.tls:
        return imaplib.IMAP4_SSL(where.host, where.port, ssl_context=context, timeout=TIMEOUT_SECONDS)
    imap = imaplib.IMAP4(where.host, where.port, timeout=TIMEOUT_SECONDS)
    if "STARTTLS" in imap.capabilities and not where.is_near:
        imap.starttls(context)
    elif not where.is_near:
        imap.shutdown()
        raise MailboxTrouble("the server offers no encryption")
    return imap


def _quoted(folder: str) -> str:
    return f'"{folder}"'


def _moment(text: str) -> datetime:
    """A moment as IMAP writes it ("17-Jul-1996 02:44:25 -0700"); now for anything else."""
    try:
        return datetime.strptime(text.strip(), "%d-%b-%Y %H:%M:%S %z").astimezone(UTC)
    except ValueError:
        return clock.now()
