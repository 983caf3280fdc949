"""Confirming the topics that were suggested for many cases by their words, and taking that back: the same as choosing
each by hand (`changing.change_case`), in a fixed number of statements."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from complaints.models import BulkLine, Complaint
from complaints.services.giving_many import locked_cases
from complaints.services.ground import check_right, check_sees
from foundation.audit.services import entry_of, record_many
from foundation.common.errors import RuleBroken
from staff.models import User

RIGHT = "complaints.assess"
S = BulkLine.State


def refusal(case: Complaint) -> tuple[str, str]:
    """What stands against confirming the topic of a case: code and words, ("", "") for nothing."""
    if case.topic_id is None or not case.topic_suggested:
        return "complaint.nothing_suggested", _("No topic was suggested here, or somebody chose one already.")
    return "", ""


@transaction.atomic
def confirm_batch(line_ids: Sequence[int], *, actor: User, undoing: bool) -> set[int]:
    """Confirm the topics of the cases of the lines, or (`undoing`) call them suggested again where nothing was changed
    since; the keys of the lines that are done with."""
    waiting = BulkLine.objects.select_for_update().filter(pk__in=line_ids, state=S.DONE if undoing else S.WAITING)
    lines = list(waiting.order_by("pk"))
    cases = locked_cases([line.complaint_id for line in lines])
    good: list[BulkLine] = []
    for line in lines:
        case = cases[line.complaint_id]
        try:
            check_sees(case, actor)
            check_right(case, actor, RIGHT)
            if undoing and case.version != line.version:
                raise RuleBroken("complaint.changed_since", _("It was changed since."))
            code, said = ("", "") if undoing else refusal(case)
            if code:
                raise RuleBroken(code, said)
        except RuleBroken as no:
            line.state, line.code, line.said = S.KEPT if undoing else S.REFUSED, no.code[:48], str(no.message)[:300]
        else:
            line.state, line.code, line.said = S.UNDONE if undoing else S.DONE, "", ""
            line.version = case.version + 1
            good.append(line)
    found = Complaint.objects.filter(pk__in=[line.complaint_id for line in good])
    found.update(topic_suggested=undoing, version=F("version") + 1)
    record_many(
        [
            entry_of(
                "complaint.changed",
                target=cases[line.complaint_id],
                actor=actor,
                customer_id=cases[line.complaint_id].customer_id,
                unit_id=cases[line.complaint_id].owner.unit_id,
                detail={"fields": ["topic_id"]},
            )
            for line in good
        ]
    )
    BulkLine.objects.bulk_update(lines, ["state", "code", "said", "version"], batch_size=1_000)
    return {line.pk for line in lines}
