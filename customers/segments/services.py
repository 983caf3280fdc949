"""Saving, changing and deleting segments. A stale copy and a name twice are refused, and nothing is lost."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from customers.models import Segment
from customers.segments.rules import checked
from customers.segments.uses import is_used
from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from staff.models import User


def save_segment(
    *,
    actor: User,
    name: str,
    rule: Any,
    shared: bool = False,
    note: str = "",
    segment: Segment | None = None,
    version: int = 0,
) -> Segment:
    """Keep a new segment, or change the actor's own one (`version`: the edit the change is based on).

    Raises NotAllowed segments.not_yours; RuleBroken segments.bad_rule, segments.no_name, segments.name_taken,
    segments.stale.
    """
    _may(actor)
    name = " ".join(name.split())
    if not name:
        raise RuleBroken("segments.no_name", _("Give the segment a name."))
    rule = checked(rule)
    try:
        with transaction.atomic():
            if segment is None:
                made = Segment.objects.create(owner=actor, name=name, note=note.strip(), shared=shared, rule=rule)
                record("segment.created", target=made, actor=actor, detail={"shared": shared, "version": made.version})
                return made
            kept = _own(segment.pk, actor)
            if kept.version != version:
                raise RuleBroken("segments.stale", _("The segment was changed meanwhile; look at it again."))
            kept.name, kept.note, kept.shared, kept.rule = name, note.strip(), shared, rule
            kept.version, kept.updated_at = kept.version + 1, clock.now()
            kept.save(update_fields=["name", "note", "shared", "rule", "version", "updated_at"])
            record("segment.changed", target=kept, actor=actor, detail={"shared": shared, "version": kept.version})
            return kept
    except IntegrityError as twice:
        raise RuleBroken("segments.name_taken", _("You have a segment of this name already.")) from twice


@transaction.atomic
def delete_segment(segment_id: int, *, actor: User) -> None:
    """Delete the actor's own segment. Raises NotAllowed segments.not_yours; RuleBroken segments.in_use."""
    _may(actor)
    segment = _own(segment_id, actor)
    if is_used(segment):
        raise RuleBroken("segments.in_use", _("Something still uses this segment; it cannot be deleted."))
    record("segment.deleted", target=segment, actor=actor, detail={"version": segment.version})
    segment.delete()


def _own(segment_id: int, actor: User) -> Segment:
    segment = Segment.objects.select_for_update().get(pk=segment_id)
    if segment.owner_id != actor.pk:
        raise NotAllowed("segments.not_yours", _("Only the owner may change this segment."))
    return segment


def _may(actor: User) -> None:
    if not actor.has_perm("customers.segments"):
        raise NotAllowed("segments.not_allowed", _("You may not keep segments."))
