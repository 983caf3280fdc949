"""Looking for the marks of `erasing.py`: in the database, in files, in the broker; and which columns have none."""

from __future__ import annotations

import base64
import json
import re
import zipfile
from pathlib import Path

import redis
from django.core.cache import cache
from django.db import connection, models

from crm import backup
from foundation.common.personal import TEXT_LIKE, of_customers
from tests.interactions.erasing import MARKS

BINARY = models.BinaryField


def dumped() -> str:
    """Every row of every table as text, partitions too; what lies in bytes besides as it reads."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'public' AND c.relkind = 'r' ORDER BY c.relname"
        )
        parts = []
        for (table_name,) in cursor.fetchall():
            cursor.execute(f'SELECT t::text FROM "{table_name}" AS t')
            parts += [f"{table_name}: {row}" for (row,) in cursor.fetchall()]
    text = "\n".join(parts)
    return text + "\n" + _readable(text)


def really_dumped(folder: Path) -> str:
    """The database as `pg_dump` of its own version writes it out, with what lies in bytes as it reads."""
    place = folder / "dumped.sql"
    backup._run([backup.postgres_program("pg_dump"), "--data-only", f"--file={place}"])
    text = place.read_text()
    place.unlink()
    return text + "\n" + _readable(text)


def _readable(text: str) -> str:
    """What stands in a dump as bytes, as far as it reads."""
    found = re.findall(r"\\x((?:[0-9a-f]{2})+)", text)
    return "\n".join(bytes.fromhex(one).decode("utf-8", "replace") for one in found)


def brokered(url: str) -> str:
    """Every key of every database of a Valkey, whatever its type, and what messages carry packed inside."""
    found = []
    for number in range(16):
        with redis.Redis(unix_socket_path=url, db=number) as client:
            for key in client.scan_iter():
                read = {
                    b"string": lambda key, client=client: client.get(key),
                    b"list": lambda key, client=client: client.lrange(key, 0, -1),
                    b"hash": lambda key, client=client: client.hgetall(key),
                    b"set": lambda key, client=client: client.smembers(key),
                    b"zset": lambda key, client=client: client.zrange(key, 0, -1),
                }[client.type(key)]
                found.append(f"{number} {key!r}: {read(key)!r}")
    return _unpacked("\n".join(found))


def _unpacked(text: str) -> str:
    """With the bodies of messages, which lie in base 64, and the escapes of bytes, as they read."""
    read = text.encode("latin-1", "backslashreplace").decode("unicode_escape", "replace")
    return "\n".join([text, *_bodies(text), read, read.encode("latin-1", "replace").decode("utf-8", "replace")])


def _bodies(text: str) -> list[str]:
    found = re.findall(r'"body": \\?"([A-Za-z0-9+/=]+)\\?"', text)
    return [base64.b64decode(packed).decode("utf-8", "replace") for packed in found]


def lying(*folders: Path) -> str:
    """Every file below the folders as text, packed ones unpacked; and what the cache holds."""
    found = []
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if not path.is_file():
                continue
            text = path.read_bytes().decode("utf-8", "replace")
            found.append(f"{path.name}: {text}")
            found += _bodies(text)  # the broker writes each message into its file
            if zipfile.is_zipfile(path):
                with zipfile.ZipFile(path) as pack:
                    found += [pack.read(name).decode("utf-8", "replace") for name in pack.namelist()]
    client = cache._cache.get_client()  # type: ignore[attr-defined]  # of the Redis backend
    for key in client.scan_iter():
        found.append(f"cache {key!r}: {client.dump(key)!r}")
    return "\n".join(found)


def marks_in(text: str) -> set[str]:
    """Which of the marks stand in a text, plainly or as JSON writes them."""
    return {words for words, mark in MARKS.items() if mark in text or json.dumps(mark)[1:-1] in text}


def where(text: str) -> dict[str, list[str]]:
    """The first places each mark stands in, for the message of a failing test."""
    found = marks_in(text)
    return {words: [line[:300] for line in text.splitlines() if MARKS[words] in line][:3] for words in sorted(found)}


# Personal columns into which no mark can be put, and why.
UNMARKED = {
    "pieces, digests and ends of what stands elsewhere with its mark": (
        "customers.Customer.id_last4",
        "customers.FindName.id_last4",
        "customers.FindName.initials",
        "customers.FindName.pinyin",
        "customers.FindName.short_initials",
        "customers.FindName.short_pinyin",
        "customers.IdentityCheck.acting_last4",
        "customers.IdentityCheck.document_last4",
        "customers.MergeMove.digest",
        "customers.SearchLink.token",
    ),
    "codes, numbers and paths of ours": (
        "complaints.Complaint.public_code",
        "customers.ChangeRequest.number",
        "customers.Customer.quality_marks",
        "customers.CustomerFacts.personas",
        "customers.FieldChange.entity",
        "customers.FieldChange.field",
        "customers.MergeMove.column",
        "customers.MergeMove.row",
        "customers.MergeMove.table",
        "customers.ValueMonth.age",
        "customers.ValueMonth.personas",
        "jobs.JobRun.errors_file",
        "jobs.JobRun.errors_name",
        "jobs.JobRun.input_file",
        "jobs.JobRun.result_file",
        "jobs.JobRun.result_name",
        "outreach.MessageText.language",
        "staff.Draft.place",
    ),
    "words of ours about codes": (
        "customers.DuplicatePair.reasons",
        "jobs.JobRun.error_text",
        "outreach.MessageText.subject",
        "outreach.OutMessage.explanation",
    ),
    "rows of work that is under way, nothing after": (
        "customers.ValueDraft.category",
        "customers.ValueDraft.kind",
        "billing.StagedBill.lines",
        "imports.StagedRow.addresses",
        "imports.StagedRow.consents",
        "imports.StagedRow.data",
        "imports.StagedRow.defaults",
        "imports.StagedRow.lines",
        "imports.StagedRow.points",
        "imports.StagedRow.problem",
        "imports.StagedRow.source_no",
    ),
}


def unvisited() -> set[str]:
    """Personal columns of the register into which no door has put a mark; what is no text only needs a value."""
    missing = set()
    for model, said in of_customers():
        for column in model._meta.concrete_fields:
            text = isinstance(column, TEXT_LIKE)
            if not said.is_personal(column.name) or column.choices or (said.delete and not text):
                continue
            values = [str(value) for value in model._default_manager.values_list(column.name, flat=True) if value]
            seen = marks_in("\n".join(values)) if text and not isinstance(column, BINARY) else values
            if not seen:
                missing.add(f"{model._meta.label}.{column.name}")
    return missing
