"""Bringing files in as tests need it: the service, then the job, in this process."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile

from customers.imports import services
from customers.imports.models import Import
from foundation.jobs.running import claim_and_run

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
AS_OF = date(2026, 10, 31)


def shared(name: str) -> Path:
    """A file of the shared data. It is part of what is tested: absent, the test fails and says so."""
    path = SHARED / name
    assert path.is_file(), f"{path} is absent: the import is tested on real data, put it beside the repository"
    return path


def work(imported: Import) -> Import:
    """Do the import's latest job; returns it as it is afterwards."""
    assert imported.last_run_id is not None
    assert claim_and_run(imported.last_run_id)
    return services.settle(Import.objects.select_related("last_run", "file_run").get(pk=imported.pk))


def bring(
    content: bytes, mapping: str = "careline", *, name: str = "file.csv", check: bool = False, **more: Any
) -> Import:
    """Start and work a file."""
    return work(
        services.start_import(
            ContentFile(content, name=name),
            mapping=mapping,
            actor=more.pop("actor", None),
            as_of=more.pop("as_of", AS_OF),
            check_only=check,
            **more,
        )
    )


def take_back(imported: Import) -> Import:
    return work(services.revert_import(imported.pk, actor=None))


def table(header: Sequence[str], *rows: Sequence[Any], encoding: str = "utf-8") -> bytes:
    """A CSV file."""
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    return text.getvalue().encode(encoding)


def errors_of(imported: Import) -> list[list[str]]:
    """The rows of the error list, without its head."""
    assert imported.last_run is not None and imported.last_run.errors_file
    with imported.last_run.errors_file.open("rb") as file:
        return list(csv.reader(io.StringIO(file.read().decode("utf-8-sig"))))[1:]


def words_of_failure(imported: Import) -> str:
    assert imported.state == Import.State.FAILED
    assert imported.last_run is not None
    return imported.last_run.error_text


def packed(content: bytes) -> bytes:
    return gzip.compress(content)
