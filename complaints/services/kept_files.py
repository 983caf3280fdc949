"""Files of mails: which may be kept, those of a mail kept aside, and how they go to a case or go away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from django.core.files.storage import default_storage
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.models import Attachment, Complaint, Entry, InMail, KeptFile, KeptMail
from complaints.services.attaching import CheckedFile, check_file, note_attached, stored
from complaints.services.ground import tell_customer
from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.policies.reading import policy
from staff.models import User

LARGE = "complaint.file_large"
WHY_NOT: dict[str, Any] = {
    LARGE: gettext_lazy("too large"),
    "complaint.file_program": gettext_lazy("a program"),
    "complaint.file_type": gettext_lazy("of a kind that is not taken"),
    "complaint.file_empty": gettext_lazy("empty"),
    "complaint.files_many": gettext_lazy("one too many"),
}
Refusal = tuple[str, int, str]  # name, size in bytes, code of the reason


def sort_files(files: Iterable[tuple[str, bytes]], *, cut: bool) -> tuple[list[CheckedFile], list[Refusal]]:
    """Which files of a mail (name and content) may be kept, by the rules of files of cases, and which not. `cut`: the
    mail was too large to be read to its end: that is a refusal without a name."""
    kept: list[CheckedFile] = []
    refused: list[Refusal] = [("", 0, LARGE)] if cut else []
    most = policy("complaints.files_most")
    for name, data in files:
        try:
            if len(kept) >= most:
                raise RuleBroken("complaint.files_many", "")
            kept.append(check_file(name, data))
        except RuleBroken as no:
            refused.append((name, len(data), no.code))
    return kept, refused


def tell_refused(case: Complaint, codes: Sequence[str], *, key: str, actor: User | None) -> None:
    """Tell the complainant, once for the mail (`key`), that files were not kept and why; nothing for none."""
    if not codes:
        return
    refused = Counter(codes)
    tell_customer(
        case,
        "complaint_files_refused",
        key=key,
        actor=actor,
        refused=len(codes),
        large=refused[LARGE],
        program=refused["complaint.file_program"],
        many=refused["complaint.files_many"],
        kind=refused["complaint.file_type"] + refused["complaint.file_empty"],
        megabytes=policy("complaints.file_megabytes"),
        most=policy("complaints.files_most"),
    )


def keep_files(kept: KeptMail, files: Iterable[tuple[str, bytes]], *, cut: bool) -> None:
    """Store the files of a mail kept aside, in the caller's transaction; those that may not be kept are named with the
    reason."""
    checked, refused = sort_files(files, cut=cut)
    with stored(checked) as places:
        rows = [KeptFile(kept=kept, **place) for place in places]
        rows += [KeptFile(kept=kept, name=name[:120], size=size, refused=code) for name, size, code in refused]
        KeptFile.objects.bulk_create(rows)


def adopt_files(kept: KeptMail, case: Complaint, *, actor: User, entry: Entry | None = None) -> list[str]:
    """Give the stored files of a mail to a case, in the transaction that deletes the mail; the content stays where it
    lies. Returns the codes of those that were refused."""
    rows = list(kept.stored.order_by("pk"))
    told = {"complaint": case, "entry": entry, "by": actor, "at": clock.now()}
    columns = ("name", "path", "media_type", "size", "sha256")
    files = [Attachment(**told, **{name: getattr(row, name) for name in columns}) for row in rows if row.path]
    note_attached(case, files, actor=actor)
    return [row.refused for row in rows if row.refused]


def let_go(keys: Sequence[int]) -> dict[str, int]:
    """Delete what these mails kept aside say, locked by the caller in a transaction, and their files when it came
    through; what a killed process leaves, the nightly sweep takes. How many rows, by table."""
    files = KeptFile.objects.filter(kept__in=keys)
    for path in files.exclude(path="").values_list("path", flat=True):
        transaction.on_commit(lambda path=path: default_storage.delete(path), robust=True)  # type: ignore[misc]  # bound
    gone, _by_model = files.delete()
    mails, _by_model = KeptMail.objects.filter(pk__in=keys).delete()
    return {"complaints_keptmail": mails, "complaints_keptfile": gone}


def fetch_kept_file(mail: InMail, file: KeptFile, *, actor: User) -> object:
    """The open file of a mail kept aside; recorded. Raises RuleBroken "complaint.file_gone"."""
    if not file.path or not default_storage.exists(file.path):
        raise RuleBroken("complaint.file_gone", _("This file is no longer kept."))
    record("mail.file_fetched", target=mail, actor=actor, detail={"file": str(file.pk)})
    return default_storage.open(file.path, "rb")
