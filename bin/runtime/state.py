"""The state directory: everything an installation keeps between runs, and who is using it."""

import base64
import fcntl
import hashlib
import json
import os
import pwd
import re
import secrets
import stat
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from runtime.words import Trouble

VERSION = 1  # raise when the layout below changes; a state with a higher number is refused
SOCKET_PATH_LIMIT = 80  # socket paths end at 104 to 108 bytes; the server adds its own file name
PLAIN_PATH = re.compile(r"[A-Za-z0-9_./-]+")

KEYS: dict[str, tuple[str, Callable[[], str]]] = {
    "CARELINE_SECRET_KEY": ("secret_key", lambda: secrets.token_urlsafe(48)),
    "CARELINE_ID_KEYS": ("id_keys", lambda: "k1:" + _key()),
    "CARELINE_INDEX_KEY": ("index_key", lambda: _key()),
    "CARELINE_AUDIT_KEY": ("audit_key", lambda: _key()),
    "CARELINE_DEMO_PASSWORD": ("demo_password", lambda: "-".join(_word() for _ in range(3))),
}


def _key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _word() -> str:
    # Letters and digits nobody mixes up when reading a password from a screen.
    return "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(5))


@dataclass
class State:
    """One state directory, opened. `open_state` makes it."""

    root: Path
    facts: dict[str, Any] = field(default_factory=dict)
    _lock_fd: int = -1

    @property
    def logs(self) -> Path:
        return self.root / "log"

    @property
    def status_file(self) -> Path:
        return self.root / "status.json"

    def save(self) -> None:
        """Write the facts (layout version, where the database files are) back."""
        write_whole(self.root / "state.json", json.dumps(self.facts, indent=1) + "\n")

    # Who uses it

    def take(self) -> bool:
        """Become the one user of this state until `release` or the end of this process, however it ends."""
        if self._lock_fd < 0:
            self._lock_fd = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        for patience in (0.1, 0.2, 0.2, 0):  # `status` holds it for a moment when it looks
            try:
                fcntl.flock(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(patience)
            else:
                return True
        self.release()
        return False

    def release(self) -> None:
        """Let others use the state."""
        if self._lock_fd >= 0:
            os.close(self._lock_fd)
            self._lock_fd = -1

    def in_use(self) -> bool:
        """Whether another process holds the state now."""
        if self._lock_fd >= 0:
            return False
        try:
            fd = os.open(self.root / "lock", os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False

    def status(self) -> dict[str, Any]:
        """What the supervisor wrote last; empty when nothing was ever written."""
        try:
            found = json.loads(self.status_file.read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}

    # Keys

    def keys(self, env: dict[str, str]) -> dict[str, str]:
        """The keys of this installation by variable name; those in `env` win, the rest are made once.

        Refuses when a key file that was made earlier is gone: a new one could not read the old data.
        """
        folder = self.root / "secrets"
        folder.mkdir(mode=0o700, exist_ok=True)
        found: dict[str, str] = {}
        for name, (file_name, make) in KEYS.items():
            path = folder / file_name
            if env.get(name):
                found[name] = env[name]
                continue
            if not path.exists():
                if self.facts.get("keys") and file_name in self.facts["keys"]:
                    raise Trouble(
                        f"The key file {path} is gone; what was encrypted with it cannot be read without it.",
                        f"Put it back from your backup, or start with an empty state: remove {self.root}",
                    )
                write_whole(path, make() + "\n")
            found[name] = path.read_text().strip()
            if not found[name]:
                raise Trouble(f"The key file {path} is empty.", "Put it back from your backup.")
            if file_name not in self.facts.setdefault("keys", []):
                self.facts["keys"].append(file_name)
                self.save()
        return found

    # Work that need not be repeated

    def is_stamped(self, work: str, stamp: str) -> bool:
        """Whether `work` was done for exactly this stamp."""
        path = self.root / "stamps" / work
        return path.exists() and path.read_text() == stamp

    def put_stamp(self, work: str, stamp: str) -> None:
        """Remember that `work` was done for this stamp."""
        (self.root / "stamps").mkdir(exist_ok=True)
        write_whole(self.root / "stamps" / work, stamp)


def open_state(root: Path, *, make: bool = True) -> State:
    """Open the state directory `root`, making it when `make`; brings no server up.

    Refuses a state of another user, and one whose layout is newer than this program knows.
    """
    root = root.absolute()
    if not root.exists():
        if not make:
            return State(root)
        root.mkdir(parents=True, mode=0o700)
    if not root.is_dir():
        raise Trouble(f"{root} is not a directory.", "Choose another: --state DIR")
    owner = root.stat().st_uid
    if owner != os.geteuid() and (make or os.geteuid() != 0):  # root may look and stop
        raise Trouble(
            f"The state in {root} belongs to {_name_of(owner)}; you are {_name_of(os.geteuid())}.",
            f"Run as {_name_of(owner)}, or keep a state of your own: --state DIR",
        )
    file = root / "state.json"
    facts: dict[str, Any] = {"version": VERSION}
    if file.exists():
        try:
            facts = json.loads(file.read_text())
            version = int(facts["version"])
        except (ValueError, KeyError, TypeError):
            raise Trouble(f"{file} cannot be read.", "Put it back from your backup.") from None
        if version > VERSION:
            raise Trouble(
                f"The state in {root} was made by a newer Careline (layout {version}; this one knows {VERSION}).",
                "Use that newer version, or another state: --state DIR",
            )
    state = State(root, facts)
    if make:
        # Root's database runs under another account, which must be able to pass through here.
        root.chmod(0o711 if os.geteuid() == 0 else 0o700)
        state.logs.mkdir(mode=0o700, exist_ok=True)
        if not file.exists():
            state.save()
    return state


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def write_whole(path: Path, text: str) -> None:
    """Write a 0600 file so that a kill or a full disk leaves the old one or the new one, never half."""
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(fd, "w") as f:
            f.write(text)
            f.flush()
            os.fsync(f.fileno())
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise


def socket_dir(wanted: Path, *, owner: tuple[int, int] | None = None) -> Path:
    """A 0700 directory for sockets: `wanted`, or a hashed one below /tmp when its path is too long or odd.

    `owner` (uid, gid) gives it to another account. Refuses a hashed directory somebody else made first.
    """
    path = wanted
    if len(os.fsencode(wanted)) > SOCKET_PATH_LIMIT or not PLAIN_PATH.fullmatch(str(wanted)):
        path = Path("/tmp") / f"careline-{hashlib.sha256(os.fsencode(wanted)).hexdigest()[:20]}"  # noqa: S108  0700, its owner checked below
    path.mkdir(parents=True, mode=0o700, exist_ok=True)
    found = path.lstat()
    allowed = {os.geteuid(), owner[0]} if owner else {os.geteuid()}
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in allowed:
        raise Trouble(f"{path} is not ours: somebody else made it.", "Remove it, or use another state: --state DIR")
    if owner:
        os.chown(path, *owner)
    path.chmod(0o700)
    return path


def stamp_of(files: Iterable[Path], *more: str) -> str:
    """A stamp over names, sizes and times of files: changes when any of them does."""
    digest = hashlib.sha256()
    for path in sorted(files):
        try:
            found = path.stat()
        except FileNotFoundError:
            continue
        digest.update(f"{path}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    for word in more:
        digest.update(word.encode())
    return digest.hexdigest()


def wait_released(state: State, seconds: float) -> bool:
    """Wait until nobody uses the state; False when `seconds` pass first."""
    until = time.monotonic() + seconds
    while state.in_use():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True
