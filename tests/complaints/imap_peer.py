"""A real IMAP server (pymap) in a process of its own, mails put into it, and what lies in its folders."""

from __future__ import annotations

import imaplib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from pathlib import Path
from typing import Any

from tests.outreach.peer import free_port

USER, PASSWORD = "service", "secret-1"
PATIENCE = 20.0


class Peer:
    """A mailbox at `url`."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"imap://{USER}:{PASSWORD}@127.0.0.1:{port}/INBOX"

    def _open(self) -> imaplib.IMAP4:
        imap = imaplib.IMAP4("127.0.0.1", self.port, timeout=PATIENCE)
        imap.login(USER, PASSWORD)
        return imap

    def put(self, *mails: EmailMessage | bytes) -> None:
        """Lay mails into INBOX, as a mail server delivers them."""
        imap = self._open()
        for mail in mails:
            said, told = imap.append("INBOX", "", "", mail if isinstance(mail, bytes) else mail.as_bytes())
            assert said == "OK", told
        imap.logout()

    def subjects(self, folder: str = "INBOX") -> list[str]:
        """Of the mails in a folder, in their order."""
        imap = self._open()
        try:
            if imap.select(folder, readonly=True)[0] != "OK":
                return []
            _said, found = imap.uid("SEARCH", "ALL")
            uids = [uid for line in found if line for uid in line.split()]
            heads: list[Any] = [imap.uid("FETCH", uid.decode(), "(BODY.PEEK[HEADER])")[1][0] for uid in uids]
            return [str(BytesHeaderParser().parsebytes(head[1])["Subject"]) for head in heads]
        finally:
            imap.logout()


@contextmanager
def imap_peer(folder: Path) -> Iterator[Peer]:
    """A listening server; its output goes into `folder`."""
    peer = Peer(free_port())
    argv = [
        sys.executable,
        "-c",
        "from pymap.main import main; main()",
        "--host",
        "127.0.0.1",
        "--port",
        str(peer.port),
    ]
    argv += ["--no-tls", "dict", "--demo-user", USER, "--demo-password", PASSWORD]
    with (folder / "imap.log").open("wb") as out:
        server = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
    try:
        until = time.monotonic() + PATIENCE
        while True:
            try:
                peer.subjects()
                break
            except OSError:
                assert server.poll() is None and time.monotonic() < until, (folder / "imap.log").read_text()
                time.sleep(0.05)
        yield peer
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait(PATIENCE)
