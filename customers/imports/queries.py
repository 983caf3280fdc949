"""What the pages about imports show."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from customers.imports.mapping import mapping_of
from customers.imports.models import Import, ImportRow
from customers.imports.problems import Problem
from customers.imports.reading import open_table
from customers.imports.records import Record, RowReader
from customers.imports.staging import staff_codes
from customers.models import Customer, Subscription
from customers.models.subscriptions import ProductLine
from foundation.common import clock
from foundation.common.errors import RuleBroken
from staff.masking import mask_phone, masked_name
from staff.models import User

PREVIEWED = 8


@dataclass(frozen=True)
class PreviewRow:
    """One of the first rows as the archive would hold it, or what is wrong with it."""

    line: int
    source_no: str
    name: str
    phones: tuple[str, ...]
    city: str
    lines: tuple[dict[str, Any], ...]
    problems: tuple[Problem, ...]


def import_list(user: User) -> QuerySet[Import]:
    """The imports the user may see, the newest first."""
    return Import.objects.visible_to(user).select_related("last_run", "unit").order_by("-id")


def preview(imported: Import) -> list[PreviewRow]:
    """The first rows of the file; none when the file is gone or is no table."""
    run = imported.file_run
    if run is None or not run.input_file:
        return []
    mapping = mapping_of(imported.mapping)
    found = []
    try:
        with run.input_file.open("rb") as file, open_table(file.file, mapping) as table:
            reader = RowReader(mapping, table.header, as_of=imported.as_of, today=clock.today(), staff=staff_codes())
            for line, row in itertools.islice(table.rows, PREVIEWED):
                found.append(_preview_row(line, [row] if isinstance(row, Problem) else reader.read(line, row)))
    except RuleBroken:
        return []
    return found


def _preview_row(line: int, record: Record | list[Problem]) -> PreviewRow:
    if not isinstance(record, Record):
        return PreviewRow(line, "", "", (), "", (), tuple(record))
    return PreviewRow(
        line,
        record.source_no,
        _masked_name(record),
        tuple(mask_phone(point["value"]) for point in record.points if point["kind"] in {"MOBILE", "PHONE"}),
        record.data.get("home_city", ""),
        tuple(_preview_line(one) for one in record.lines),
        (),
    )


def _masked_name(record: Record) -> str:
    """Masked like everywhere (D§3.1): who imports has no right to the customers. A made-up name shows the id anyway."""
    if "name" not in record.data:
        return str(record.defaults.get("name", ""))
    return masked_name(record.data["name"], record.data.get("customer_type"))


def _preview_line(one: dict[str, Any]) -> dict[str, Any]:
    data, plan = one["data"], one.get("plan")
    return {
        "product": ProductLine(one["product_line"]).label,
        "plan": plan["name"] if plan else "",
        "status": Subscription.Status(data["status"]).label if "status" in data else "",
        "activated_on": data.get("activated_on"),
    }


def kept_rows(imported: Import, *, limit: int) -> list[tuple[ImportRow, str]]:
    """Customers a revert kept, with their numbers."""
    rows = list(ImportRow.objects.filter(import_id=imported.pk).exclude(kept="").order_by("line")[:limit])
    numbers = dict(Customer.objects.filter(pk__in=[row.customer_id for row in rows]).values_list("pk", "number"))
    return [(row, numbers.get(row.customer_id, "")) for row in rows]
