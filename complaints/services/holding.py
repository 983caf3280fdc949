"""What every hand-over stands on: its row, and who has a case afterwards."""

from __future__ import annotations

from django.db.models import Max
from django.utils.translation import gettext as _

from complaints.lifecycle import HandoverRole, HandoverState
from complaints.models import Complaint, Handover
from complaints.services.ground import save_case
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.policies.reading import policy
from staff.models import OrgUnit, User


def new_handover(case: Complaint, role: str, **fields: object) -> Handover:
    """The next hand-over of a locked case."""
    last = case.handovers.filter(role=role).aggregate(last=Max("number"))["last"] or 0
    old = case.owner if role == HandoverRole.OWNER else case.handler
    note = str(fields.pop("note", "")).strip()[:400]
    return Handover.objects.create(complaint=case, role=role, number=last + 1, old=old, note=note, **fields)


def settle(offer: Handover, state: HandoverState, **fields: object) -> None:
    """Answer an offer; the caller holds the lock of the case."""
    offer.state, offer.decided_at = state, clock.now()
    for name, value in fields.items():
        setattr(offer, name, str(value).strip()[:400] if name == "reason" else value)
    offer.save(update_fields=["state", "decided_at", "to_unit", "until", *fields])


def give_owner(case: Complaint, person: User) -> None:
    """The person answers for the locked case from now on."""
    case.owner, case.unit_no = person, person.unit.no
    save_case(case, "owner", "unit_no")


def give_handler(case: Complaint, person: User, unit: OrgUnit | None = None) -> None:
    """The person works on the locked case from now on, in `unit` or their own; passes between units are counted."""
    unit = unit or person.unit
    if unit.no != case.work_unit_no:
        case.passes += 1
    case.handler, case.work_unit, case.work_unit_no = person, unit, unit.no
    save_case(case, "handler", "work_unit", "work_unit_no", "passes")


def open_offer(handover_id: int) -> Handover:
    """The offer, if it waits for an answer. Raises RuleBroken "complaint.not_offered"."""
    offer = (
        Handover.objects.open()
        .filter(pk=handover_id)
        .select_related("to__unit", "to_unit", "by__unit", "complaint")
        .first()
    )
    if offer is None:
        raise RuleBroken("complaint.not_offered", _("This offer was answered already."))
    return offer


def case_of(handover_id: int) -> int:
    """The case of a hand-over. Raises Handover.DoesNotExist."""
    return int(Handover.objects.values_list("complaint_id", flat=True).get(pk=handover_id))


def most_passes() -> int:
    """After how many hand-overs between units the coordinator decides (D§10.10)."""
    return int(policy("complaints.handing.most_passes"))


def whom(offer: Handover) -> dict[str, object]:
    """Of whom and to whom, for the log."""
    return {
        "role": offer.role,
        "old": offer.old_id,
        **({"to": offer.to_id} if offer.to_id else {}),
        **({"unit": offer.to_unit_id} if offer.to_unit_id else {}),
    }
