"""What mails kept aside say: erased with a customer whose address wrote them, and forgotten after some time."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from complaints.models import InMail, KeptMail
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


def find(ids: list[int]) -> dict[str, QuerySet[Any]]:
    """What would go."""
    return {"complaints_keptmail": kept_of(ids)}


def erase(ids: list[int], at: datetime) -> dict[str, int]:
    """Delete what they say; that they came stays."""
    gone, _by_model = kept_of(ids).delete()
    return {"complaints_keptmail": gone}


def read(ids: list[int]) -> dict[str, list[dict[str, Any]]]:
    """What they say, for an access request."""
    rows = kept_of(ids).order_by("pk").values("subject", "text", "mail__received_at")
    return {
        "complaints.KeptMail": [
            {"subject": row["subject"], "text": row["text"], "at": row["mail__received_at"].isoformat()} for row in rows
        ]
    }


def forget_old() -> int:
    """Forget those nobody decided about for the time of the policy; how many."""
    before = clock.now() - policy("complaints.kept_mails")
    done = 0
    while keys := list(KeptMail.objects.filter(mail__at__lt=before).values_list("pk", flat=True)[:AT_ONCE]):
        with transaction.atomic():
            InMail.objects.filter(pk__in=keys).update(state=InMail.State.IGNORED, reason=EXPIRED)
            KeptMail.objects.filter(pk__in=keys).delete()
        done += len(keys)
    return done


def register() -> None:
    """Make the step known."""
    register_step(Step("complaints.kept_mails", find, erase, read=read))
