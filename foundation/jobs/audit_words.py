"""What the log calls background work."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from foundation.audit.words import Detail, name_acts, name_kinds
from foundation.jobs.kinds import job_kinds
from foundation.jobs.queries import counts_of


def _title(value: str, _detail: dict[str, Any]) -> Any:
    kind = job_kinds().get(value)
    return kind.title if kind else value


def _count(value: str, detail: dict[str, Any]) -> str:
    return counts_of(detail.get("job", ""), {value: 0})[0][0]


name_kinds({"jobs.jobrun": _("Run"), "jobs.jobchunk": _("Piece of a run")})
name_acts(
    "job",
    title=_("Background work"),
    acts={
        "started": _("Run started by hand"),
        "retried": _("Run started again"),
        "cancelled": _("Run cancelled"),
        "done": _("Run done"),
        "failed": _("Run failed"),
        "made_again": _("Run begun again: somebody in its file was erased"),
        "file_downloaded": _("File of a run downloaded"),
    },
    details={
        "job": Detail(_("Work"), words=_title),
        "counts": Detail(_("Counts"), words=_count),
        "code": Detail(_("Error code")),
        "at_once": Detail(_("Ended at once")),
        "file": Detail(
            _("File"),
            words=lambda value, _detail: {"errors": _("Refused rows"), "result": _("Result")}.get(value, value),
        ),
    },
)
