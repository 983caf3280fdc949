"""Files of a case: checked by content, kept outside the web root, fetched by who may see the case (D§10.2)."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.utils.translation import gettext as _

from complaints.intake.files import media_type_of, safe_name
from complaints.models import Attachment, Complaint, Entry, KeptFile
from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.policies.reading import policy
from staff.models import User

FOLDER = "complaints"
MB = 1024 * 1024


@dataclass(frozen=True)
class CheckedFile:
    """A file that may be kept: its name, type and content."""

    name: str
    media_type: str
    data: bytes


def check_files(files: Iterable[UploadedFile]) -> list[CheckedFile]:
    """What was uploaded, if all of it may be kept. Raises RuleBroken as `check_file`, naming the file, and
    "complaint.files_many"."""
    given = list(files)
    most = policy("complaints.files_most")
    if len(given) > most:
        words = _("At most %(most)s files at once: send the others afterwards.")
        raise RuleBroken("complaint.files_many", words % {"most": most})
    return [check_file(file.name or "", file.read(limit_of_file() + 1)) for file in given]


def limit_of_file() -> int:
    """The largest size of one file, in bytes."""
    return int(policy("complaints.file_megabytes")) * MB


def check_file(name: str, data: bytes) -> CheckedFile:
    """One file by name and content. Raises RuleBroken "complaint.file_large", "complaint.file_program",
    "complaint.file_type", "complaint.file_empty"; each says which file and what to do."""
    try:
        if len(data) > limit_of_file():
            words = _("It is larger than %(most)s MB. Send a smaller picture, or the parts that matter.")
            raise RuleBroken("complaint.file_large", words % {"most": policy("complaints.file_megabytes")})
        kind = media_type_of(data)
    except RuleBroken as no:
        shown = safe_name(name, "text/plain").removesuffix(".txt") or _("File")
        raise RuleBroken(no.code, _("%(file)s: %(why)s") % {"file": shown[:60], "why": no.message}) from no
    return CheckedFile(safe_name(name, kind), kind, data)


def attach_files(
    case: Complaint, files: Sequence[CheckedFile], *, actor: User | None, entry: Entry | None = None
) -> list[Attachment]:
    """Keep checked files with a case, in the caller's transaction."""
    with stored(files) as places:
        rows = [Attachment(complaint=case, entry=entry, by=actor, at=clock.now(), **place) for place in places]
        note_attached(case, rows, actor=actor)
    return rows


@contextmanager
def stored(files: Sequence[CheckedFile]) -> Iterator[list[dict[str, Any]]]:
    """Checked files written into the store, as the columns of their rows: name, path, type, size, digest. What was
    written is removed again when what is done with it fails; what a killed process leaves, the nightly sweep takes."""
    places: list[dict[str, Any]] = []
    try:
        for file in files:
            path = default_storage.save(f"{FOLDER}/{clock.today()}/{secrets.token_hex(16)}", ContentFile(file.data))
            digest = hashlib.sha256(file.data).hexdigest()
            places.append({"name": file.name, "path": path, "media_type": file.media_type})
            places[-1] |= {"size": len(file.data), "sha256": digest}
        yield places
    except BaseException:
        for place in places:
            default_storage.delete(place["path"])
        raise


def note_attached(case: Complaint, rows: Sequence[Attachment], *, actor: User | None) -> None:
    """Write the rows of files that lie in the store, and say so in the log; nothing for none."""
    if not rows:
        return
    with transaction.atomic():
        Attachment.objects.bulk_create(rows)
        record(
            "complaint.attached",
            target=case,
            actor=actor,
            customer_id=case.customer_id,
            unit_id=case.owner.unit_id,
            detail={"files": len(rows), "types": sorted({row.media_type for row in rows})},
        )


def fetch_file(attachment: Attachment, *, actor: User) -> object:
    """The open file of an attachment of a case the actor sees; recorded. Raises RuleBroken "complaint.file_gone"."""
    if not default_storage.exists(attachment.path):
        raise RuleBroken("complaint.file_gone", _("This file is no longer kept."))
    record(
        "complaint.file_fetched",
        target=attachment.complaint,
        actor=actor,
        customer_id=attachment.complaint.customer_id,
        detail={"file": str(attachment.pk)},
    )
    return default_storage.open(attachment.path, "rb")


def drop_stray_files() -> int:
    """Delete files no row knows: what a process left that was killed before its commit. Days that are over only."""
    if not default_storage.exists(FOLDER):
        return 0
    # A transaction of the last minutes of a day may still come through.
    limit, dropped = str(clock.today(clock.now() - timedelta(days=1))), 0
    for day in sorted(default_storage.listdir(FOLDER)[0]):
        if day >= limit:
            continue
        names = [f"{FOLDER}/{day}/{name}" for name in default_storage.listdir(f"{FOLDER}/{day}")[1]]
        # In this order: a file goes from a mail to a case, never back.
        known = set(KeptFile.objects.filter(path__in=names).values_list("path", flat=True))
        known |= set(Attachment.objects.filter(path__in=names).values_list("path", flat=True))
        for name in names:
            if name not in known:
                default_storage.delete(name)
                dropped += 1
        if not known:
            default_storage.delete(f"{FOLDER}/{day}")
    return dropped
