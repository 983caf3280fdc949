"""Export of a list as a file, row by row with rights, masks and words, beside COPY TO of the same columns."""

from __future__ import annotations

import io
import time
from typing import Any

from django.db import connection

from bench.table import Figure
from foundation.jobs.models import JobRun
from foundation.jobs.running import claim_and_run
from foundation.policies.services import set_policy
from staff.exports.models import Export
from staff.exports.services import request_export
from staff.models import OrgUnit, User

ROWS = 100_000
COLUMNS = ["number", "name", "segment", "status", "city", "phone", "last_contact", "contract_end"]
_SAME = """COPY (
  SELECT c.number, c.name, c.segment, c.status, c.home_city, f.last_contact_at, f.contract_end,
    (SELECT p.value FROM customers_contactpoint p WHERE p.customer_id = c.id AND p.kind IN ('MOBILE', 'PHONE')
       AND p.valid_to IS NULL ORDER BY p.is_primary DESC, p.id LIMIT 1)
  FROM customers_customer c LEFT JOIN customers_facts f ON f.customer_id = c.id
  WHERE c.unit_no BETWEEN %s AND %s ORDER BY c.id DESC) TO STDOUT WITH (FORMAT csv)"""


class _Counting(io.TextIOBase):
    """Takes the rows of a COPY and forgets them."""

    def __init__(self) -> None:
        self.rows = 0

    def write(self, text: Any) -> int:
        self.rows += text.count("\n") if isinstance(text, str) else text.count(b"\n")
        return len(text)


def measure() -> list[Figure]:
    """Rows a second of both formats and of COPY, for one branch's head."""
    set_policy("exports.rows_alone", ROWS * 10, actor=None)
    branch = OrgUnit.objects.get(code="B0")
    head = User.objects.create_user("exporter", name="exporter", staff_no="exporter", unit=branch)
    head.role_assignments.create(role="DEPT_HEAD", unit=branch)
    plain = _copied(branch)
    return [_figure(head, file_format, plain, limit) for file_format, limit in (("CSV", 0.1), ("XLSX", 0.03))]


def _copied(branch: OrgUnit) -> float:
    taker, begin = _Counting(), time.perf_counter()
    with connection.cursor() as cursor:
        cursor.copy_expert(cursor.mogrify(_SAME, [branch.no, branch.last_no]).decode(), taker)
    return taker.rows / (time.perf_counter() - begin)


def _figure(head: User, file_format: str, plain: float, limit: float) -> Figure:
    export = request_export(
        "customers",
        actor=head,
        query={},
        columns=COLUMNS,
        file_format=file_format,
        purpose="Benchmark",
        token=f"bench-{file_format}",
    )
    begin = time.perf_counter()
    claim_and_run(export.run_id or 0)
    seconds = time.perf_counter() - begin
    run = JobRun.objects.get(pk=export.run_id or 0)
    rows = Export.objects.values_list("rows", flat=True).get(pk=export.pk) or 0
    if run.state != JobRun.State.DONE:
        raise SystemExit(f"the export ended {run.state}: {run.error_text}")
    ours = rows / seconds
    return Figure(
        f"export of {rows:,} rows",
        f"{file_format}, rate to COPY TO",
        ours / plain,
        limit,
        "x",
        at_least=True,
        note=f"{ours:,.0f} against {plain:,.0f} rows/s",
    )
