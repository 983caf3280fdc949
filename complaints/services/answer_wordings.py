"""Keeping the wordings of answers: both languages, only the places there are to fill, offered or not."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from complaints.answer_templates import PLACES, unknown_places
from complaints.models import AnswerTemplate
from complaints.services.list_names import check_keeps
from foundation.audit.services import record
from foundation.common.errors import RuleBroken
from foundation.common.kept_lists import changes_of, check_stamp, checked_words, new_code
from foundation.ui.wording import join_words
from interactions.models import Topic
from staff.models import User

LONGEST_NAME, LONGEST_TEXT = 60, 4_000


@transaction.atomic
def add_wording(
    *, actor: User, name_zh: str, name_en: str, text_zh: str, text_en: str, topic: Topic | None = None
) -> AnswerTemplate:
    """A wording a reply may begin with. `topic`: offered in cases of it and below it alone.

    Raises NotAllowed "lists.may_not_change"; RuleBroken those of `kept_lists.checked_words`, "wordings.place" (a place
    to fill that there is not, or an open brace), "wordings.name_taken", "wordings.topic_retired".
    """
    check_keeps(actor)
    given = _checked(name_zh, name_en, text_zh, text_en, topic)
    _check_free(given)
    last = AnswerTemplate.objects.aggregate(last=Max("order"))["last"]
    made = AnswerTemplate.objects.create(
        code=new_code(given["name_en"], AnswerTemplate.objects.all()), order=0 if last is None else last + 1, **given
    )
    _remember("wording.added", made, actor)
    return made


@transaction.atomic
def change_wording(
    wording_id: int,
    *,
    actor: User,
    name_zh: str,
    name_en: str,
    text_zh: str,
    text_en: str,
    topic: Topic | None = None,
    stamp: str = "",
) -> AnswerTemplate:
    """Other words from now on; replies written with the old ones keep them. Raises as `add_wording`, RuleBroken
    "lists.stale"; AnswerTemplate.DoesNotExist."""
    check_keeps(actor)
    row = AnswerTemplate.objects.select_for_update().get(pk=wording_id)
    check_stamp(row, stamp)
    given = _checked(name_zh, name_en, text_zh, text_en, topic, before=row)
    changed = changes_of(row, given)
    if not changed:
        return row
    _check_free(given, but=row)
    for name, value in given.items():
        setattr(row, name, value)
    row.save(update_fields=list(given))
    _remember("wording.changed", row, actor, fields=sorted(changed))
    return row


@transaction.atomic
def retire_wording(wording_id: int, *, actor: User) -> AnswerTemplate:
    """Offer it no more. Raises NotAllowed "lists.may_not_change"."""
    return _switch(wording_id, actor, active=False)


@transaction.atomic
def restore_wording(wording_id: int, *, actor: User) -> AnswerTemplate:
    """Offer it again. Raises as `add_wording`."""
    return _switch(wording_id, actor, active=True)


def _switch(wording_id: int, actor: User, *, active: bool) -> AnswerTemplate:
    check_keeps(actor)
    row = AnswerTemplate.objects.select_for_update().get(pk=wording_id)
    if row.active == active:
        return row
    if active:
        _check_free({"name_zh": row.name_zh, "name_en": row.name_en}, but=row)
    row.active = active
    row.save(update_fields=["active"])
    _remember("wording.restored" if active else "wording.retired", row, actor)
    return row


def _checked(
    name_zh: str, name_en: str, text_zh: str, text_en: str, topic: Topic | None, before: AnswerTemplate | None = None
) -> dict[str, Any]:
    given = {
        "name_zh": checked_words(name_zh, LONGEST_NAME),
        "name_en": checked_words(name_en, LONGEST_NAME),
        "text_zh": checked_words(text_zh, LONGEST_TEXT, lines=True),
        "text_en": checked_words(text_en, LONGEST_TEXT, lines=True),
    }
    for name in ("text_zh", "text_en"):
        if wrong := unknown_places(given[name]):
            words = _("“%(wrong)s” cannot be filled in. There are: %(places)s.")
            raise RuleBroken("wordings.place", words % {"wrong": wrong[0][:40], "places": join_words(PLACES)})
    if topic is not None and not topic.is_offered and (before is None or before.topic_id != topic.pk):
        raise RuleBroken("wordings.topic_retired", _("This topic is retired. Choose another one."))
    return {**given, "topic": topic}


def _check_free(given: dict[str, Any], but: AnswerTemplate | None = None) -> None:
    others = AnswerTemplate.objects.select_for_update().filter(active=True)
    for other in others.exclude(pk=but.pk) if but is not None else others:
        if given["name_zh"] == other.name_zh or given["name_en"].lower() == other.name_en.lower():
            raise RuleBroken("wordings.name_taken", _("Another wording has this name."))


def _remember(verb: str, row: AnswerTemplate, actor: User, **detail: Any) -> None:
    record(verb, target=row, actor=actor, detail={"code": row.code, **detail})
