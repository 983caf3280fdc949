"""Import of a file with validation and duplicate check, beside COPY of finished rows into the same tables."""

from __future__ import annotations

import csv
import tempfile
import time
from pathlib import Path

from django.core.management import call_command

from bench import world
from bench.table import Figure
from foundation.common import clock

ROWS = 50_000
OFFSET = 500_000_000  # indexes nobody else uses


def measure() -> list[Figure]:
    """Rows a second of both, on the loaded database."""
    begin = time.perf_counter()
    world.copy_archive(OFFSET, OFFSET + ROWS)
    plain = ROWS / (time.perf_counter() - begin)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.csv"
        _write(path)
        begin = time.perf_counter()
        call_command("import_customers", str(path), mapping="careline", as_of=clock.today(), verbosity=0)
        ours = ROWS / (time.perf_counter() - begin)
    return [
        Figure(
            "import",
            "rate to COPY",
            ours / plain,
            0.25,
            "x",
            at_least=True,
            note=f"{ours:,.0f} against {plain:,.0f} rows/s",
        )
    ]


def _write(path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["customer_no", "name", "mobile", "city", "service_no", "product_line", "activated_on", "unit"])
        for i in range(ROWS):
            mobile = f"170{i:08d}"
            rows.writerow([f"B{i:08d}", world.name_of(i), mobile, world.CITY, mobile, "MOBILE", "2024-05-01", "B1H5"])
