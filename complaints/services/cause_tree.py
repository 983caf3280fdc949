"""Keeping the tree of causes: adding, renaming, retiring, bringing back, deleting what nobody used (D§10.2, 10.16)."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from complaints.models import Cause, Complaint
from complaints.services.list_names import check_keeps
from foundation.audit.services import record
from foundation.common.errors import RuleBroken
from foundation.common.kept_lists import changes_of, check_stamp, checked_words, new_code
from staff.models import User

LONGEST_NAME = 60
MOST_COUNTED = 10_000


def cases_with(cause: Cause) -> int:
    """How many cases have the cause or one below it, at most 10,000 counted."""
    rows = Complaint.objects.filter(cause__in=Cause.objects.filter(pk=cause.pk) | Cause.objects.filter(parent=cause))
    return rows[:MOST_COUNTED].count()


@transaction.atomic
def add_cause(*, actor: User, name_zh: str, name_en: str, parent_id: int | None = None, network: bool = False) -> Cause:
    """A new cause at the end of its level; without `parent_id` one of the first level. `network`: such a case is not
    charged to a person; one below another has what the other has.

    Raises NotAllowed "lists.may_not_change"; RuleBroken those of `kept_lists.checked_words`, "causes.name_taken",
    "causes.no_parent" (none, of the second level itself, or retired).
    """
    check_keeps(actor)
    names = _names(name_zh, name_en)
    parent = None
    if parent_id is not None:
        parent = Cause.objects.select_for_update().filter(pk=parent_id, parent__isnull=True, active=True).first()
        if parent is None:
            raise RuleBroken("causes.no_parent", _("Choose a cause of the first level that is in use."))
    _check_free(names, parent)
    last = Cause.objects.filter(parent=parent).aggregate(last=Max("order"))["last"]
    cause = Cause.objects.create(
        parent=parent,
        code=new_code(names["name_en"], Cause.objects.all(), stem=parent.code if parent else ""),
        network=parent.network if parent else network,
        order=0 if last is None else last + 1,
        **names,
    )
    _remember("cause.added", cause, actor, **names)
    return cause


@transaction.atomic
def change_cause(
    cause_id: int, *, actor: User, name_zh: str, name_en: str, network: bool | None = None, stamp: str = ""
) -> Cause:
    """Other names for the same cause, on old cases too; on the first level also whether it is the network's, for those
    below it as well. Raises as `add_cause`, RuleBroken "lists.stale"; Cause.DoesNotExist."""
    check_keeps(actor)
    names = _names(name_zh, name_en)
    cause = Cause.objects.select_for_update().get(pk=cause_id)
    check_stamp(cause, stamp)
    wanted: dict[str, Any] = dict(names)
    if network is not None and cause.parent_id is None:
        wanted["network"] = network
    changed = changes_of(cause, wanted)
    if not changed:
        return cause
    _check_free(names, cause.parent, but=cause)
    for name, value in wanted.items():
        setattr(cause, name, value)
    cause.save(update_fields=list(wanted))
    if "network" in changed:
        Cause.objects.filter(parent=cause).update(network=cause.network)
    _remember("cause.changed", cause, actor, **changed)
    return cause


@transaction.atomic
def retire_cause(cause_id: int, *, actor: User) -> Cause:
    """Offer the cause, and what lies below it, for no other case. Retired twice is retired.

    Raises NotAllowed "lists.may_not_change"; RuleBroken "causes.last" (something must be left to close with);
    Cause.DoesNotExist.
    """
    check_keeps(actor)
    # All of the first level, so that two who retire one each do not leave none.
    tops = {top.pk: top for top in Cause.objects.select_for_update().filter(parent__isnull=True).order_by("pk")}
    cause = tops.get(cause_id) or Cause.objects.select_for_update().get(pk=cause_id)
    if not cause.active:
        return cause
    if cause.pk in tops and not any(top.active for top in tops.values() if top.pk != cause.pk):
        raise RuleBroken("causes.last", _("This is the last cause in use: add another one first."))
    cause.active = False
    cause.save(update_fields=["active"])
    _remember("cause.retired", cause, actor)
    return cause


@transaction.atomic
def restore_cause(cause_id: int, *, actor: User) -> Cause:
    """Offer a retired cause again. Raises as `add_cause` (its name may be another's now); Cause.DoesNotExist."""
    check_keeps(actor)
    cause = Cause.objects.select_for_update().get(pk=cause_id)
    if cause.active:
        return cause
    _check_free({"name_zh": cause.name_zh, "name_en": cause.name_en}, cause.parent, but=cause)
    cause.active = True
    cause.save(update_fields=["active"])
    _remember("cause.restored", cause, actor)
    return cause


@transaction.atomic
def delete_cause(cause_id: int, *, actor: User) -> None:
    """Remove a cause no case ever had and nothing lies below.

    Raises NotAllowed "lists.may_not_change"; RuleBroken "causes.in_use", "causes.has_below"; Cause.DoesNotExist.
    """
    check_keeps(actor)
    cause = Cause.objects.select_for_update().get(pk=cause_id)
    if used := cases_with(cause):
        words = ngettext(
            "%(count)s complaint has this cause and keeps it: retire it, then it is not offered any more.",
            "%(count)s complaints have this cause and keep it: retire it, then it is not offered any more.",
            used,
        )
        raise RuleBroken("causes.in_use", words % {"count": said_count(used)})
    if Cause.objects.filter(parent=cause).exists():
        raise RuleBroken("causes.has_below", _("Other causes lie below this one: delete those first."))
    _remember("cause.deleted", cause, actor, name_zh=cause.name_zh, name_en=cause.name_en)
    cause.delete()


def said_count(number: int) -> str:
    """A count as people read it: capped ones with a plus."""
    return f"{number}+" if number >= MOST_COUNTED else str(number)


def _names(name_zh: str, name_en: str) -> dict[str, str]:
    return {"name_zh": checked_words(name_zh, LONGEST_NAME), "name_en": checked_words(name_en, LONGEST_NAME)}


def _check_free(names: dict[str, str], parent: Cause | None, but: Cause | None = None) -> None:
    """Two of one name beside each other could not be told apart when one is chosen."""
    beside = Cause.objects.select_for_update().filter(parent=parent, active=True)
    others = beside.exclude(pk=but.pk) if but is not None else beside
    for other in others:
        if names["name_zh"] == other.name_zh or names["name_en"].lower() == other.name_en.lower():
            raise RuleBroken("causes.name_taken", _("Another cause beside it has this name."))


def _remember(verb: str, cause: Cause, actor: User, **detail: Any) -> None:
    # Names of causes are the operator's own words, never a person's.
    record(verb, target=cause, actor=actor, detail={"code": cause.code, **detail})
