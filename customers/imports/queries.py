"""What the pages about imports show."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from customers.imports.contents import content_of, mapping_of
from customers.imports.models import Import
from customers.imports.reading import open_table
from foundation.common.errors import RuleBroken
from staff.models import User

PREVIEWED = 8


def import_list(user: User) -> QuerySet[Import]:
    """The imports the user may see, the newest first."""
    return Import.objects.visible_to(user).select_related("last_run", "unit").order_by("-id")


def preview(imported: Import) -> list[Any]:
    """The first rows of the file; none when the file is gone or is no table."""
    run = imported.file_run
    if run is None or not run.input_file:
        return []
    try:
        with run.input_file.open("rb") as file, open_table(file.file, mapping_of(imported.mapping)) as table:
            return content_of(imported.mapping).preview(imported, table, PREVIEWED)
    except RuleBroken:
        return []
