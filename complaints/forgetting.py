"""Files of complaints go with the customer (D§5.12): the file first, then its row. And what no row knows any more."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.files.storage import default_storage
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from complaints.models import Attachment, Complaint
from complaints.services.attaching import drop_stray_files
from complaints.services.ground import OUTSIDERS
from foundation.common.personal import Step, register_step
from foundation.jobs.kinds import NO_CUSTOMERS, JobKind, register_job
from foundation.jobs.running import RunningJob
from outreach.lifecycle import MessageState
from outreach.models import OutMessage
from outreach.outsiders import reference
from outreach.services.outsiders import forget_outsiders

SWEEP = "complaints.drop_stray_files"


def files_of(ids: list[int]) -> QuerySet[Attachment]:
    """The files of these customers' cases."""
    return Attachment.objects.filter(complaint__customer__in=ids)


def find(ids: list[int]) -> dict[str, QuerySet[Any]]:
    """What would go."""
    return {"complaints_attachment": files_of(ids)}


def erase(ids: list[int], at: datetime) -> dict[str, int]:
    """Delete the files, then their rows."""
    rows = list(files_of(ids))
    for row in rows:
        default_storage.delete(row.path)
    files_of(ids).filter(pk__in=[row.pk for row in rows]).delete()
    return {"complaints_attachment": len(rows)}


def read(ids: list[int]) -> dict[str, list[dict[str, Any]]]:
    """The files for an access request: what there is, not the content."""
    rows = files_of(ids).order_by("pk").values("name", "media_type", "size", "at")
    return {"complaints.Attachment": [{**row, "at": row["at"].isoformat()} for row in rows]}


def outside_messages(ids: list[int]) -> QuerySet[OutMessage]:
    """What was written about these customers' cases to who complained for them, or to themselves before anybody knew
    who they were."""
    return OutMessage.objects.filter(outsider__in=[reference(OUTSIDERS, key) for key, _customer in _cases(ids)])


def _cases(ids: list[int]) -> list[tuple[int, int]]:
    rows = Complaint.objects.filter(customer__in=ids).values_list("pk", "customer_id")
    return [(key, customer) for key, customer in rows if customer is not None]


def leaving_outside(ids: list[int]) -> set[int]:
    """Customers to whose spokesmen a message is under way now."""
    cases = {reference(OUTSIDERS, key): customer for key, customer in _cases(ids)}
    leaving = outside_messages(ids).filter(state=MessageState.SENDING).values_list("outsider", flat=True)
    return {cases[one] for one in leaving if one is not None}


def find_outside(ids: list[int]) -> dict[str, QuerySet[Any]]:
    """What would lose its words."""
    return {"outreach_message": outside_messages(ids).exclude(params={}, explanation=[])}


def erase_outside(ids: list[int], at: datetime) -> dict[str, int]:
    """Take addresses and words out of these messages."""
    named = [one for one in outside_messages(ids).values_list("outsider", flat=True).distinct() if one]
    return {"outreach_message": forget_outsiders(named) if named else 0}


def sweep(job: RunningJob) -> None:
    """Delete the files no case knows."""
    dropped = drop_stray_files()
    job.progress(dropped, dropped, dropped=dropped)


def register() -> None:
    """Make the step and the job known."""
    register_step(Step("complaints.files", find, erase, read=read))
    register_step(Step("complaints.outside", find_outside, erase_outside, leaving_outside))
    register_job(
        JobKind(
            SWEEP,
            _("Delete files no complaint knows"),
            sweep,
            "jobs.control",
            counts={"dropped": _("files deleted")},
            files_of=NO_CUSTOMERS,
        )
    )
