"""The system account that runs PostgreSQL when we are root: PostgreSQL refuses user id 0."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from runtime.words import Trouble

NAME = "careline"
NO_LOGIN = ("nologin", "false")


@dataclass(frozen=True)
class Account:
    """A system account: name and numeric ids."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """The account PostgreSQL must run as: None (ourselves) unless we are root.

    Makes a system account without home and log-in the first time; falls back to `nobody`.
    """
    if os.geteuid() != 0:
        return None
    account = _existing(NAME)
    if account is None:
        _make(NAME)
        account = _existing(NAME) or _existing("nobody", any_shell=True)
    if account is None:
        raise Trouble(
            "PostgreSQL refuses to run as root, and no system account could be made for it.",
            f"Make one: useradd --system --no-create-home --shell /usr/sbin/nologin {NAME}",
            "Or run ./careline as an ordinary user.",
        )
    return account


def _existing(name: str, *, any_shell: bool = False) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    # A person who happens to be called like our account must not own the database files.
    if entry.pw_uid == 0 or not (any_shell or Path(entry.pw_shell).name in NO_LOGIN):
        return None
    return Account(name, entry.pw_uid, entry.pw_gid)


def _make(name: str) -> None:
    argv = ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent"]
    try:
        subprocess.run([*argv, "--shell", "/usr/sbin/nologin", name], capture_output=True, check=False)
    except FileNotFoundError:
        return


def can_use(account: Account | None, *, program: Path, folder: Path | None = None) -> bool:
    """Whether the account itself can run `program` and, if given, write into `folder`.

    Asked by trying as that account: modes of parent directories, ACLs and mounts all count.
    """
    script = 'cd / && "$1" --version >/dev/null 2>&1 && { [ -z "$2" ] || { [ -w "$2" ] && [ -x "$2" ]; }; }'
    who: dict[str, object] = {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}
    done = subprocess.run(
        ["/bin/sh", "-c", script, "sh", str(program), str(folder or "")],
        cwd="/",
        capture_output=True,
        check=False,
        **who,  # type: ignore[call-overload]  # the overloads know no dict of options
    )
    return bool(done.returncode == 0)
