"""Exports as tests need them: the service, then the job, in this process; and what stands in the file."""

from __future__ import annotations

import csv
import io
import itertools
from typing import Any

from openpyxl import load_workbook

from foundation.jobs.running import claim_and_run
from staff.exports.models import Export
from staff.exports.services import request_export
from staff.models import User

_tokens = itertools.count()
COLUMNS = ["number", "name", "phone", "city"]


def ask(actor: User, list_name: str = "customers", **more: Any) -> Export:
    """Ask for a file."""
    given = {
        "query": {},
        "columns": COLUMNS,
        "file_format": "CSV",
        "purpose": "Monthly review",
        "token": f"t{next(_tokens)}",
    }
    return request_export(list_name, actor=actor, **(given | more))


def work(export: Export) -> Export:
    """Write the file; the export as it is afterwards."""
    export.refresh_from_db()
    assert export.run_id is not None
    assert claim_and_run(export.run_id)
    return Export.objects.select_related("run", "requester").get(pk=export.pk)


def rows_of(export: Export) -> list[list[Any]]:
    """The rows of a CSV file or workbook, without the headings."""
    return table_of(export)[1:]


def table_of(export: Export) -> list[list[Any]]:
    with export.file.open("rb") as file:
        content = file.read()
    if export.file_format == "CSV":
        return list(csv.reader(io.StringIO(content.decode("utf-8-sig"))))
    book = load_workbook(io.BytesIO(content))
    return [list(row) for sheet in book.worksheets for row in sheet.iter_rows(values_only=True)]


def failure_of(export: Export) -> str:
    """The code the run failed with."""
    assert export.run is not None and export.run.state == "FAILED", export.run and export.run.state
    return export.run.error_code
