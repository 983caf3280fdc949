"""The checklist after a contact (INT-17, CON-16)."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import transaction
from django.utils.translation import gettext as _

from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from interactions.models import Interaction, QualityMark
from interactions.quality_items import quality_items
from staff.models import User
from staff.rights import sight_of


@transaction.atomic
def mark_quality(contact_id: int, *, actor: User, marks: Mapping[str, bool]) -> list[QualityMark]:
    """Note which items of the checklist a logged contact met; by its taker, or a lead for it. Again: the last holds.

    Raises NotAllowed "quality.not_yours"; RuleBroken "quality.not_logged", "quality.unknown_item".
    """
    contact = Interaction.objects.select_for_update(no_key=True).get(pk=contact_id)
    leads = sight_of(actor, "interactions.assign").covers(unit_no=contact.unit_no, owner_id=contact.staff_id)
    if contact.staff_id != actor.pk and not leads:
        raise NotAllowed("quality.not_yours", _("This is somebody else's contact."))
    if contact.logged_at is None:
        raise RuleBroken("quality.not_logged", _("Write the contact up first."))
    if not marks or not marks.keys() <= {item.code for item in quality_items(contact.channel)}:
        raise RuleBroken("quality.unknown_item", _("Choose one of the values offered."))
    now = clock.now()
    rows = [QualityMark(contact=contact, item=item, met=met, by=actor, at=now) for item, met in marks.items()]
    QualityMark.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["contact", "item"], update_fields=["met", "by", "at"]
    )
    record(
        "contact.quality_marked",
        target=contact,
        actor=actor,
        customer_id=contact.customer_id,
        detail={"items": len(rows), "met": sum(row.met for row in rows)},
    )
    return rows
