"""`manage import_customers FILE --mapping NAME`: the import of the page, from the command line."""

from __future__ import annotations

import time
from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.files import File
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from customers.imports import services
from customers.imports.contents import content_of, mapping_keys
from customers.imports.models import Import
from customers.imports.reading import MB
from foundation.common.errors import RuleBroken
from foundation.common.ids import from_text
from foundation.jobs.models import JobRun
from foundation.jobs.running import claim_and_run
from foundation.policies.reading import policy
from staff.models import OrgUnit

WATCH_SECONDS = 0.5


class Command(BaseCommand):
    help = (
        "Import customers from a CSV or XLSX file (gzip too) by a mapping; --dry-run checks only, --revert NUMBER "
        "takes an import back."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", type=Path, metavar="FILE")
        parser.add_argument("--mapping", metavar="NAME", help=", ".join(mapping_keys()))
        parser.add_argument(
            "--as-of", type=date.fromisoformat, metavar="DATE", help="the day the file describes; today"
        )
        parser.add_argument("--unit", metavar="CODE", help="unit of new customers that name none; the root of the tree")
        parser.add_argument("--dry-run", action="store_true", help="check and rehearse; write nothing")
        parser.add_argument("--revert", metavar="NUMBER", help="number (IM…) of an import to take back")
        parser.add_argument("--errors", type=Path, metavar="FILE", help="where the list of wrong rows goes")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            imported = self._revert(options) if options["revert"] else self._import(options)
        except RuleBroken as no:
            raise CommandError(str(no.message)) from no
        self._finish(imported, options["errors"])

    def _import(self, options: dict[str, Any]) -> Import:
        path: Path | None = options["file"]
        if path is None or not options["mapping"]:
            raise CommandError(_("Give a file and --mapping, or --revert with the number of an import."))
        try:
            size = path.stat().st_size
        except OSError as error:
            raise CommandError(
                _("%(path)s cannot be read: %(why)s.") % {"path": path, "why": error.strerror}
            ) from error
        if size > (limit := policy("imports.max_file_mb")) * MB:
            raise services.too_large(limit)
        with path.open("rb") as opened:
            return services.start_import(
                File(opened, name=path.name),
                mapping=options["mapping"],
                actor=None,
                as_of=options["as_of"],
                unit=self._unit(options["unit"]),
                check_only=options["dry_run"],
            )

    def _unit(self, code: str | None) -> OrgUnit | None:
        if code is None:
            return None
        unit = OrgUnit.objects.filter(code=code).first()
        if unit is None:
            raise CommandError(_("There is no unit with the code %(code)s.") % {"code": code})
        return unit

    def _revert(self, options: dict[str, Any]) -> Import:
        imported = Import.objects.filter(number=options["revert"]).first()
        if imported is None:
            try:
                imported = Import.objects.filter(pk=from_text(options["revert"])).first()
            except ValueError:
                imported = None
        if imported is None:
            raise CommandError(_("There is no import %(number)s.") % {"number": options["revert"]})
        return services.revert_import(imported.pk, actor=None)

    def _finish(self, imported: Import, errors: Path | None) -> None:
        """Do the run here, or watch the worker that was faster; then say how it ended."""
        run = imported.last_run
        assert run is not None
        while True:
            claim_and_run(run.pk)
            run.refresh_from_db()
            if run.ended:
                break
            time.sleep(WATCH_SECONDS)
        imported = services.settle(Import.objects.select_related("last_run").get(pk=imported.pk))
        if run.state != JobRun.State.DONE:
            raise CommandError(run.error_text or run.get_state_display())
        content = content_of(imported.mapping)
        self.stdout.write(f"{imported.number}: {imported.get_state_display()}")
        for name, words in content.words.items():
            if name in imported.counts:
                self.stdout.write(f"  {words}: {imported.counts[name]}")
        for note in imported.notes:
            self.stdout.write(f"  {note}")
        for number, _line, why in content.kept(imported, 20):
            self.stdout.write(f"  {number}: {why}")
        if run.errors_file:
            target = errors or Path(f"{imported.number}-errors.csv")
            with run.errors_file.open("rb") as source, target.open("wb") as copy:
                copy.writelines(source.chunks())
            self.stdout.write(_("Wrong rows are listed in %(path)s") % {"path": target})
