"""All work of one person given to another in one act."""

from __future__ import annotations

from django.db import transaction
from django.utils.translation import gettext as _

from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from staff.absence import absence_of
from staff.handover import work_kinds
from staff.models import User
from staff.rights import sight_of

REASSIGN = "staff.reassign"


@transaction.atomic
def reassign_all(owner_id: int, *, actor: User, to: User) -> dict[str, int]:
    """Give everything `owner` still owns to `to`, all or nothing; returns how much of each kind moved.

    Refuses NotAllowed("handover.not_yours") people outside the actor's "staff.reassign"; RuleBroken: the same
    person (`handover.same`), a closed account or program (`handover.closed`), somebody absent now
    (`handover.absent`), somebody without the right a kind needs (`handover.rights`).
    """
    owner = User.objects.select_for_update(no_key=True, of=("self",)).select_related("unit").get(pk=owner_id)
    sight = sight_of(actor, REASSIGN)
    for person in (owner, to):
        if not sight.covers(unit_no=person.unit.no, owner_id=person.pk):
            raise NotAllowed("handover.not_yours", _("You may hand over work among your own people only."))
    if owner.pk == to.pk:
        raise RuleBroken("handover.same", _("The work has this owner already."))
    if not to.is_active or to.kind != User.Kind.HUMAN:
        raise RuleBroken("handover.closed", _("%(name)s cannot take work: the account is closed.") % {"name": to.name})
    if absence_of(to, clock.now()) is not None:
        raise RuleBroken("handover.absent", _("%(name)s is absent too.") % {"name": to.name})
    moved: dict[str, int] = {}
    for kind in work_kinds():
        if not kind.count(owner):
            continue
        if not to.has_perm(kind.right):
            raise RuleBroken(
                "handover.rights",
                _("%(name)s may not do this kind of work: %(kind)s.") % {"name": to.name, "kind": kind.label},
            )
        moved[kind.kind] = kind.move(owner, to, actor)
    record(
        "user.work_reassigned",
        target=owner,
        actor=actor,
        unit_id=owner.unit_id,
        detail={"to": to.pk, "moved": moved},
    )
    return moved
