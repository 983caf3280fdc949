"""Unfinished work on two archives: requests to change the same field, and texts people typed and have not saved."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from django.utils.translation import gettext as _

from customers.merging.moving import Work
from customers.models import ChangeRequest
from foundation.common import clock
from foundation.common.ids import new_id
from foundation.common.merging import CustomerKey
from staff.models import Draft


def newest_request(work: Work, key: CustomerKey) -> None:
    """Of open requests to change one field the newest stays open; the others close and say why. A line that was to go
    from one of the two to the other has arrived."""
    both = [work.survivor.pk, work.absorbed.pk]
    rows = ChangeRequest.objects.open().filter(customer__in=both).order_by("taken_at", "pk")
    groups: dict[tuple[str, int | None], list[ChangeRequest]] = defaultdict(list)
    for row in rows:
        if row.new_owner_id in both:
            _close(work, row, _("The two customers are one since %(merge)s.") % {"merge": work.merge.number})
        else:
            groups[row.field, row.subscription_id].append(row)
    for *older, newest in groups.values():
        for row in older:
            words = _("%(other)s asks for the same field and is newer; the archives are one since %(merge)s.")
            _close(work, row, words % {"other": newest.number, "merge": work.merge.number})


def _close(work: Work, request: ChangeRequest, why: str) -> None:
    """As by a refusal, but noted, so that an undo opens it again; the sealed number goes into the note as it is.
    Whoever owes the decision keeps that duty: it leads to the closed request, and to telling the customer."""
    state, at, by = ChangeRequest.State.REFUSED, clock.now(), work.merge.decided_by_id
    work.change(ChangeRequest, request.pk, state=state, closed_at=at, closed_by_id=by, reason=why, new_sealed=None)
    work.note_closed(request.number)


def one_draft(work: Work, key: CustomerKey) -> None:
    """Texts of one person in the same place of both: the newer one stands in the field, the other one beside it, as
    when two windows wrote there. The absorbed customer keeps its own as it was."""
    own = {(row.user_id, row.place): row for row in Draft.objects.filter(customer_id=work.survivor.pk)}
    for row in Draft.objects.filter(customer_id=work.absorbed.pk).order_by("pk"):
        mine = own.get((row.user_id, row.place))
        if mine is None:
            continue
        work.keep(key.table, [row.pk])
        older, newer = sorted((mine, row), key=_written)
        others = dict.fromkeys((older.text, mine.replaced, row.replaced))
        beside = "\n\n".join(text for text in others if text and text != newer.text)
        work.change(Draft, mine.pk, text=newer.text, replaced=beside, stamp=new_id(), saved_at=newer.saved_at)


def _written(draft: Draft) -> tuple[datetime, int]:
    return draft.saved_at, draft.pk
