"""What the log calls imports."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from foundation.audit.words import Detail, Shape, codes, name_acts, name_kinds

COUNTS = {
    "rows": _("Rows read"),
    "errors": _("Wrong rows"),
    "inserted": _("Added"),
    "updated": _("Changed"),
    "unchanged": _("As they were"),
    "reverted": _("Put back"),
    "kept": _("Not put back"),
}
name_kinds({"imports.import": _("Import")})
name_acts(
    "import",
    title=_("Imports"),
    acts={
        "started": _("File of an import uploaded"),
        "checked": _("File of an import checked"),
        "run_started": _("Import started"),
        "done": _("Import done"),
        "failed": _("Import failed"),
        "revert_started": _("Revert of an import started"),
        "reverted": _("Import reverted"),
        "errors_downloaded": _("Wrong rows downloaded"),
    },
    details={
        "mapping": Detail(_("Mapping")),
        "as_of": Detail(_("As of"), Shape.MOMENT),
        "check_only": Detail(_("Check only")),
        "size": Detail(_("Bytes")),
        "counts": Detail(_("Counts"), words=codes(COUNTS)),
    },
)
