"""Letters by SMTP: one connection for a run, and an exact answer to "was it taken?"."""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Sequence
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from django.conf import settings

from foundation.common import clock
from foundation.common.errors import BadSetting
from outreach.channels.letters import Fate, Letter, Outcome

# Enhanced status codes of addresses nobody is reached at; 5.2.2 is a full mailbox, 5.7.x are policies.
NOBODY = frozenset({b"1.0", b"1.1", b"1.2", b"1.3", b"1.6", b"1.10", b"2.0", b"2.1"})
ENHANCED = re.compile(rb"5\.([0-9]{1,3}\.[0-9]{1,3})\b")
# The same in servers that give the plain code alone.
NO_MAILBOX = frozenset({521, 550, 551, 553, 556})
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{3,250}>")
TIMEOUT_SECONDS = 10  # mail, rcpt, data and its answer: 40 s at worst, inside the lease of an attempt in flight


class SmtpCarrier:
    """`smtp://[user:password@]host[:port]` (STARTTLS when offered, demanded when signing in) or `smtps://…`."""

    batch = 1

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"smtp", "smtps"} or not parts.hostname:
            raise BadSetting("CARELINE_SMTP_URL must look like smtp://user:password@host:port or smtps://…")
        self._tls = parts.scheme == "smtps"
        self._host, self._port = parts.hostname, parts.port or (465 if self._tls else 25)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._smtp: smtplib.SMTP | None = None

    def open(self) -> Outcome | None:
        """Connect, or make sure the kept connection still lives."""
        try:
            if self._smtp is not None and self._smtp.noop()[0] == 250:
                return None
        except (smtplib.SMTPException, OSError):
            pass
        self._drop()
        try:
            self._smtp = self._connect()
        except (smtplib.SMTPException, OSError) as error:
            return Outcome(Fate.UNREACHED, type(error).__name__)
        return None

    def send(self, letters: Sequence[Letter]) -> list[Outcome]:
        return [self._send(letter) for letter in letters]

    def close(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            try:
                smtp.quit()
            except (smtplib.SMTPException, OSError):
                smtp.close()

    def _connect(self) -> smtplib.SMTP:
        context = ssl.create_default_context()
        smtp: smtplib.SMTP
        if self._tls:
            smtp = smtplib.SMTP_SSL(self._host, self._port, timeout=TIMEOUT_SECONDS, context=context)
        else:
            smtp = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_SECONDS)
        try:
            smtp.ehlo_or_helo_if_needed()
            if not self._tls and smtp.has_extn("starttls"):
                smtp.starttls(context=context)
                smtp.ehlo()
            elif self._user and not self._tls:
                raise smtplib.SMTPNotSupportedError("the server offers no encryption for signing in")
            if self._user:
                smtp.login(self._user, self._password)
        except (smtplib.SMTPException, OSError):
            smtp.close()
            raise
        return smtp

    def _send(self, letter: Letter) -> Outcome:
        smtp = self._smtp
        if smtp is None:
            return Outcome(Fate.UNREACHED, "not connected")
        try:
            content = _as_email(letter)
        except (ValueError, IndexError):  # a header the standard forbids: no repeat will help
            return Outcome(Fate.REFUSED, "the address cannot stand in a header")
        try:
            code, _said = smtp.mail(settings.DEFAULT_FROM_EMAIL)
            if not 200 <= code < 300:
                return self._refused(smtp, code)
            code, said = smtp.rcpt(letter.address)
            if not 200 <= code < 300:
                return self._refused(smtp, code, nobody=says_nobody(code, said))
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            return Outcome(Fate.LATER, type(error).__name__)
        except ValueError:  # letters no mail server takes in an address
            return self._refused(smtp, 553, nobody=True)
        try:
            code = smtp.data(content)[0]
        except smtplib.SMTPDataError as error:  # DATA itself was refused: nothing was handed over
            return self._refused(smtp, error.smtp_code)
        except (smtplib.SMTPException, OSError) as error:
            self._drop()
            return Outcome(Fate.UNSURE, type(error).__name__)
        return Outcome(Fate.TAKEN, str(code)) if 200 <= code < 300 else self._refused(smtp, code)

    def _refused(self, smtp: smtplib.SMTP, code: int, *, nobody: bool = False) -> Outcome:
        try:
            smtp.rset()
        except (smtplib.SMTPException, OSError):
            self._drop()
        return Outcome(Fate.REFUSED if code >= 500 else Fate.LATER, str(code), nobody)

    def _drop(self) -> None:
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            smtp.close()


def says_nobody(code: int, said: bytes) -> bool:
    """Whether the answer to RCPT TO means that nobody is reached at the address, now or later (RFC 3463): a bad
    mailbox, a closed one, a domain that takes no mail. A full mailbox, a policy, a refused sender are no such thing."""
    enhanced = ENHANCED.match(said)
    if enhanced:
        return enhanced[1] in NOBODY
    return code in NO_MAILBOX


def _as_email(letter: Letter) -> bytes:
    mail = EmailMessage()
    mail["From"] = settings.DEFAULT_FROM_EMAIL
    mail["To"] = letter.address
    mail["Subject"] = letter.subject
    mail["Date"] = format_datetime(clock.now())
    mail["Message-ID"] = letter.reference
    if _MESSAGE_ID.fullmatch(letter.answers):
        mail["In-Reply-To"] = mail["References"] = letter.answers
    if not letter.by_hand:  # so that no machine answers it (RFC 3834)
        mail["Auto-Submitted"] = "auto-replied" if letter.answers else "auto-generated"
        mail["X-Auto-Response-Suppress"] = "OOF, AutoReply"
    mail.set_content(letter.body, cte="base64")
    return mail.as_bytes(policy=policy.SMTP)
