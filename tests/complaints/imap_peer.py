"""A real IMAP server in processes of its own, mails put into it, and what lies in its folders: pymap in every run, the
distribution's Dovecot where the peers are the machine's (`.ci/run`)."""

from __future__ import annotations

import grp
import imaplib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
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
# Every process as one account, nothing outside its folder; any user with the password has the one mailbox.
DOVECOT = """
base_dir = {home}/run
state_dir = {home}/state
log_path = /dev/stderr
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
mail_location = maildir:{home}/mail
first_valid_uid = 1
first_valid_gid = 1
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""


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
    """A listening server; pymap's output goes into `folder`."""
    peer = Peer(free_port())
    server = _dovecot(peer.port) if os.environ.get("CARELINE_PEERS") else _pymap(peer.port, folder)
    with server as (process, log):
        until = time.monotonic() + PATIENCE
        while True:
            try:
                peer.subjects()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < until, log.read_text()
                time.sleep(0.05)
        yield peer


@contextmanager
def _pymap(port: int, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    argv = [sys.executable, "-c", "from pymap.main import main; main()", "--host", "127.0.0.1", "--port", str(port)]
    argv += ["--no-tls", "dict", "--demo-user", USER, "--demo-password", PASSWORD]
    with (folder / "imap.log").open("wb") as out:
        server = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True)
    try:
        yield server, folder / "imap.log"
    finally:
        os.killpg(server.pid, signal.SIGKILL)
        server.wait(PATIENCE)


@contextmanager
def _dovecot(port: int) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
    """As a plain account: Dovecot serves no mail of root. Its folder lies where that account may go."""
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    home = Path(tempfile.mkdtemp(prefix="careline-imap-"))
    conf = home / "dovecot.conf"
    names = {"user": account.pw_name, "group": grp.getgrgid(account.pw_gid).gr_name, "password": PASSWORD}
    conf.write_text(DOVECOT.format(home=home, uid=account.pw_uid, gid=account.pw_gid, port=port, **names))
    drop: dict[str, Any] = {}
    if os.geteuid() == 0:
        os.chown(home, account.pw_uid, account.pw_gid)
        drop = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    argv = [shutil.which("dovecot", path="/usr/sbin:/usr/bin") or "dovecot", "-F", "-c", str(conf)]
    with (home / "log").open("wb") as out:
        server = subprocess.Popen(
            argv, cwd=home, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, **drop
        )
    try:
        yield server, home / "log"
    finally:
        server.terminate()  # the master takes its processes along
        server.wait(PATIENCE)
        shutil.rmtree(home)
