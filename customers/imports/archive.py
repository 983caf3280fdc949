"""Files of customers: the content every installation knows."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy

from customers.imports.contents import Content, Progress, mapping_of, register_content
from customers.imports.mapping import Mapping, parse
from customers.imports.models import Import, ImportRow, StagedRow
from customers.imports.problems import ErrorList, Problem
from customers.imports.reading import Table
from customers.imports.records import Record, RowReader
from customers.imports.reverting import revert_all
from customers.imports.staging import forget, staff_codes, stage, staged_end
from customers.imports.writing import Written, counts_of, write_all
from customers.models import Customer, Subscription
from customers.models.subscriptions import ProductLine
from foundation.common import clock
from staff.masking import mask_phone, masked_name

COUNT_WORDS = {
    "rows": gettext_lazy("Rows read"),
    "errors": gettext_lazy("Wrong rows"),
    "inserted": gettext_lazy("Customers added"),
    "updated": gettext_lazy("Customers changed"),
    "unchanged": gettext_lazy("Customers as they were"),
    "reverted": gettext_lazy("Customers put back"),
    "kept": gettext_lazy("Customers kept"),
    "imports": gettext_lazy("Imports whose old values were dropped"),
}


def bring_in(
    imported: Import, file: IO[bytes], errors: ErrorList, rehearse: bool, progress: Progress
) -> dict[str, int]:
    """Read, check and write customers (`contents.Content`)."""
    # Reading is one half of the way, writing the other.
    rows, imported.notes = stage(
        imported, file, errors, lambda done, total: progress(done, total and total * 2, rows=done)
    )
    imported.rows = rows

    def report(line: int, _so_far: Written) -> None:
        progress(rows + min(line, rows), rows * 2, errors=errors.rows)

    def refuse(problems: list[Problem]) -> None:
        errors.add(problems)

    written = write_all(imported, last_line=staged_end(imported), rehearse=rehearse, report=report, refuse=refuse)
    counts = {"rows": rows, "errors": errors.rows}
    if rehearse:
        counts |= {"inserted": written.inserted, "updated": written.updated}
    else:
        counts |= counts_of(imported)
    good = StagedRow.objects.filter(import_id=imported.pk, problem=None).values("source_no").distinct().count()
    counts["unchanged"] = max(0, good - counts["inserted"] - counts["updated"])
    forget(imported)
    return counts


def revert(imported: Import, report: Callable[[int], None]) -> tuple[int, int]:
    """Put customers back."""
    return revert_all(imported, report=report)


def to_revert(imported: Import) -> int:
    """How many customers a revert looks at."""
    return ImportRow.objects.filter(import_id=imported.pk, reverted=False).count()


def kept(imported: Import, limit: int) -> list[tuple[str, int, str]]:
    """Customers a revert kept, with their numbers."""
    rows = list(ImportRow.objects.filter(import_id=imported.pk).exclude(kept="").order_by("line")[:limit])
    numbers = dict(Customer.objects.filter(pk__in=[row.customer_id for row in rows]).values_list("pk", "number"))
    return [(numbers.get(row.customer_id, ""), row.line, row.get_kept_display()) for row in rows]


def written_for(ids: list[int]) -> QuerySet[Any]:
    """Imports that wrote one of these customers."""
    return ImportRow.objects.filter(customer_id__in=ids).values("import_id")


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


def preview(imported: Import, table: Table, most: int) -> list[PreviewRow]:
    """The first rows as the archive would hold them."""
    mapping = cast(Mapping, mapping_of(imported.mapping))
    reader = RowReader(mapping, table.header, as_of=imported.as_of, today=clock.today(), staff=staff_codes())
    return [
        _preview_row(line, [row] if isinstance(row, Problem) else reader.read(line, row))
        for line, row in itertools.islice(table.rows, most)
    ]


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


def register() -> None:
    """Make customers known as a content."""
    register_content(
        Content(
            key="customers",
            folder=Path(__file__).resolve().parent.parent / "mappings",
            parse=parse,
            bring_in=bring_in,
            revert=revert,
            to_revert=to_revert,
            preview=preview,
            template="imports/_customers.html",
            kept=kept,
            written_for=written_for,
            words=COUNT_WORDS,
            kept_words=gettext_lazy("Customers that were kept"),
            sure_words=gettext_lazy(
                "Customers this import added are deleted, those it changed get their old values. Customers somebody"
                " has worked with since are kept."
            ),
            jobs=("imports.check", "imports.run", "imports.revert"),
        )
    )
