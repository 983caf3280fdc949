"""Requests of two archives that become one: of two open ones of a kind the one due first is answered."""

from __future__ import annotations

from django.utils.translation import gettext as _

from customers.merging.moving import Work
from customers.merging.rules import register_clash
from foundation.common import clock
from foundation.common.merging import CustomerKey
from interactions.models import RightsMove, RightsRequest
from interactions.rights.lifecycle import RightsAct, RightsState


def first_due(work: Work, key: CustomerKey) -> None:
    """The request due later closes and names the other one; an undo opens it again. No clock is lost (D§5.11)."""
    rows = RightsRequest.objects.open().filter(customer__in=[work.survivor.pk, work.absorbed.pk])
    kept: dict[str, RightsRequest] = {}
    for row in rows.order_by("due_at", "pk"):
        first = kept.setdefault(row.kind, row)
        if first is row:
            continue
        words = _("%(other)s asks for the same and is due sooner; the archives are one since %(merge)s.")
        work.change(
            RightsRequest,
            row.pk,
            state=RightsState.WITHDRAWN,
            reason=words % {"other": first.number, "merge": work.merge.number},
            closed_at=clock.now(),
            closed_by_id=work.merge.decided_by_id,
            next_notice_at=None,
        )
        by = work.merge.decided_by
        RightsMove.objects.create(request=row, act=RightsAct.WITHDRAWN, actor=by, due_at=row.due_at)
        work.note_closed(row.number)


def register() -> None:
    """Make the rule known."""
    register_clash("rights_one_open_of_a_kind", first_due)
