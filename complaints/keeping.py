"""What mails kept aside say, with their files: erased with a customer whose address wrote them, and forgotten after
some time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from complaints.models import InMail, KeptFile, KeptMail
from complaints.services.kept_files import let_go
from customers.models import ContactPoint
from foundation.common import clock
from foundation.common.personal import Step, register_step
from foundation.policies.reading import policy

EXPIRED = "expired"
AT_ONCE = 500


def kept_of(ids: list[int]) -> QuerySet[KeptMail]:
    """Those from an address of these customers."""
    points = ContactPoint.objects.filter(customer__in=ids, kind=ContactPoint.Kind.EMAIL).values("value")
    return KeptMail.objects.filter(address__in=points)


def files_of(ids: list[int]) -> QuerySet[KeptFile]:
    """The files of those."""
    return KeptFile.objects.filter(kept__in=kept_of(ids))


def find(ids: list[int]) -> dict[str, QuerySet[Any]]:
    """What would go."""
    return {"complaints_keptmail": kept_of(ids), "complaints_keptfile": files_of(ids)}


def erase(ids: list[int], at: datetime) -> dict[str, int]:
    """Delete what they say and their files; that they came stays."""
    with transaction.atomic():
        held = InMail.objects.filter(kept__in=kept_of(ids)).select_for_update(no_key=True, of=("self",))
        return let_go(list(held.order_by("pk").values_list("pk", flat=True)))


def read(ids: list[int]) -> dict[str, list[dict[str, Any]]]:
    """What they say, for an access request."""
    rows = kept_of(ids).order_by("pk").values("subject", "text", "mail__received_at")
    return {
        "complaints.KeptMail": [
            {"subject": row["subject"], "text": row["text"], "at": row["mail__received_at"].isoformat()} for row in rows
        ],
        "complaints.KeptFile": [dict(row) for row in files_of(ids).order_by("pk").values("name", "media_type", "size")],
    }


def forget_old() -> int:
    """Forget those nobody decided about for the time of the policy; how many."""
    before = clock.now() - policy("complaints.kept_mails")
    done = 0
    old = InMail.objects.filter(state=InMail.State.ASIDE, kept__isnull=False, at__lt=before).order_by("pk")
    while keys := list(old.values_list("pk", flat=True)[:AT_ONCE]):
        with transaction.atomic():
            # Somebody may decide about one of them meanwhile.
            waiting = InMail.objects.filter(state=InMail.State.ASIDE, pk__in=keys).order_by("pk")
            held = list(waiting.select_for_update(no_key=True).values_list("pk", flat=True))
            InMail.objects.filter(pk__in=held).update(state=InMail.State.IGNORED, reason=EXPIRED)
            let_go(held)
        done += len(held)
    return done


def register() -> None:
    """Make the step known."""
    register_step(Step("complaints.kept_mails", find, erase, read=read))
