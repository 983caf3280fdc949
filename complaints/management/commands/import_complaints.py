"""`manage import_complaints FILE --mapping NAME`: the import of recorded complaints, from the command line."""

from __future__ import annotations

from customers.imports.management.commands.import_customers import Command as ImportCommand


class Command(ImportCommand):
    help = (
        "Import complaints of the past from a CSV or XLSX file (gzip too) by a mapping; --dry-run checks only, "
        "--revert NUMBER takes an import back. No clock starts, nobody is told."
    )
