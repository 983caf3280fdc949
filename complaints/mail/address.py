"""Where mails come in, from `CARELINE_MAIL_IN_URL`."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urlsplit

from foundation.common.errors import BadSetting

_SHAPE = "CARELINE_MAIL_IN_URL must look like imaps://user:password@host/INBOX or imap://…"


@dataclass(frozen=True)
class MailIn:
    """One mailbox; `done`, `refused`: the folders mails are moved to when they are taken, or kept aside."""

    host: str
    port: int
    tls: bool
    user: str
    password: str
    folder: str
    done: str
    refused: str

    @property
    def name(self) -> str:
        """How rows call it: no name and no password in it, no more than 40 letters."""
        return hashlib.sha256(f"{self.user}@{self.host}:{self.port}/{self.folder}".encode()).hexdigest()[:40]

    @property
    def is_near(self) -> bool:
        """Whether the server is on this machine, where a password may travel unencrypted."""
        return self.host in {"localhost", "127.0.0.1", "::1"}


def read_mail_in(url: str) -> MailIn:
    """The mailbox a URL describes: `imaps://user:password@host:993/INBOX?done=Done&refused=Refused`; with `imap` the
    connection is encrypted by STARTTLS before the password is said. Raises BadSetting for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port or (993 if parts.scheme == "imaps" else 143)
        given = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        raise BadSetting(_SHAPE) from None
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    folder = unquote(parts.path.strip("/")) or "INBOX"
    done, refused = given.pop("done", "Done"), given.pop("refused", "Refused")
    if parts.scheme not in {"imaps", "imap"} or not parts.hostname or not user or given:
        raise BadSetting(_SHAPE)
    for name in (folder, done, refused):
        if not name or not name.isascii() or not name.isprintable() or set('"\\*%') & set(name):
            raise BadSetting("CARELINE_MAIL_IN_URL: folders have plain Latin names")
    if len({folder, done, refused}) < 3:
        raise BadSetting("CARELINE_MAIL_IN_URL: the three folders must differ")
    return MailIn(parts.hostname, port, parts.scheme == "imaps", user, password, folder, done, refused)
