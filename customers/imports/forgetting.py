"""What erasure takes of imports besides the rows they touched: the names of uploads, and which runs hold the files."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet, TextField
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from customers.imports.contents import contents
from customers.imports.models import Import
from foundation.common.personal import Step, register_step
from foundation.jobs.models import JobRun


def imports_of(ids: list[int]) -> QuerySet[Import]:
    """Imports whose file may hold one of the customers: they were written by it, or it has rows that changed nothing
    or were refused, of which nobody noted whose they were."""
    touched = Q(pk__in=[])
    for content in contents():
        touched |= Q(pk__in=content.written_for(ids))
    unknown = Q(counts__errors__gt=0) | Q(counts__unchanged__gt=0) | ~Q(state=Import.State.DONE)
    return Import.objects.filter(touched | (unknown & Q(file_run__files_until__isnull=False)))


def files_of(ids: list[int]) -> list[int]:
    """The runs of these imports: the upload hangs on the first, refused rows on any."""
    wanted = imports_of(ids).values_list(Cast("pk", TextField()))
    told = JobRun.objects.filter(job__startswith="imports.").annotate(about=KeyTextTransform("import", "params"))
    return list(told.filter(about__in=wanted).values_list("pk", flat=True))


def _named(ids: list[int]) -> QuerySet[Import]:
    return imports_of(ids).exclude(file_name="", notes=[])


def find(ids: list[int]) -> dict[str, QuerySet[Import]]:
    """The imports that would lose the name of their file and their notes."""
    return {"import": _named(ids)}


def erase(ids: list[int], at: datetime) -> dict[str, int]:
    """Forget the names of the uploads, which people choose freely, and the notes about single rows."""
    return {"import": _named(ids).update(file_name="", notes=[])}


def register() -> None:
    """Make the step known."""
    register_step(Step("imports.names", find, erase))
