"""A batch of an act on many cases that gives them away: those in work by order, those nobody has accepted yet as a step
of the table."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from complaints.models import BulkLine
from complaints.services.assigning_many import Assignment, assign_many, takes
from complaints.services.giving_many import Gift, fits, give_many, locked_cases
from foundation.calendars.clock_engine import UNREACHABLE
from foundation.common import clock
from foundation.common.errors import RuleBroken
from staff.absence import now_absent
from staff.models import Absence, User

S = BulkLine.State
UNDONE = gettext_lazy("taken back")


@transaction.atomic
def give_batch(line_ids: Sequence[int], *, actor: User, undoing: bool) -> set[int]:
    """Give the cases of the lines to another one, by order or (nobody has accepted them yet) as a step of the table, or
    back to who had them, in a fixed number of statements; what is neither is left to `do_line` and `undo_line`."""
    state = S.DONE if undoing else S.WAITING
    ids = BulkLine.objects.select_for_update().filter(pk__in=line_ids, state=state).order_by("pk")
    rows = BulkLine.objects.filter(pk__in=list(ids.values_list("pk", flat=True)))
    lines = list(rows.select_related("bulk__unit", "old_handler__unit", "old_unit", "new_handler__unit").order_by("pk"))
    cases = locked_cases([line.complaint_id for line in lines])
    people = {person.pk: person for line in lines for person in (line.old_handler, line.new_handler) if person}
    absent = set(Absence.objects.filter(now_absent(clock.now()), user__in=people).values_list("user", flat=True))
    gifts: dict[int, Gift] = {}
    assigned: dict[int, Assignment] = {}
    mine: list[BulkLine] = []
    for line in lines:
        case, to = cases[line.complaint_id], line.old_handler if undoing else line.new_handler
        ordered = fits(case, to)
        if not case.is_open or not (ordered or takes(case)):
            continue
        mine.append(line)
        if undoing and case.version != line.version:
            line.state, line.code, line.said = S.KEPT, "complaint.changed_since", _("It was changed since.")
            continue
        note = str(UNDONE) if undoing else line.bulk.note
        if ordered and to is not None:
            gifts[case.pk] = Gift(case, people[to.pk], note)
        else:
            unit = line.old_unit if undoing else line.bulk.unit
            assigned[case.pk] = Assignment(case, people[to.pk] if to is not None else None, unit, note)
    # Back to who had it even when they are away: it was theirs, and who acts for them has it with them.
    spread = bool(lines) and lines[0].bulk.spread
    away = absent if spread and not undoing else set()
    refused = give_many(list(gifts.values()), actor=actor, absent=away)
    try:
        with transaction.atomic():
            refused |= assign_many(list(assigned.values()), actor=actor, absent=away)
    except RuleBroken as never:
        if never.code not in UNREACHABLE:
            raise
        mine = [line for line in mine if line.complaint_id not in assigned]  # hours that never open: one by one
        assigned = {}
    for line in mine:
        if line.complaint_id not in gifts and line.complaint_id not in assigned:
            continue
        no = refused.get(line.complaint_id)
        line.state = (S.KEPT if undoing else S.REFUSED) if no else (S.UNDONE if undoing else S.DONE)
        line.code, line.said = (no.code[:48], str(no.message)[:300]) if no else ("", "")
        if no is None and not undoing:
            line.version = cases[line.complaint_id].version
    BulkLine.objects.bulk_update(mine, ["state", "code", "said", "version"], batch_size=1_000)
    return {line.pk for line in mine}
