"""Keeping the topic tree: adding, renaming, retiring and bringing back (two levels, both languages; D§10.2).

A topic in use is never deleted: old contacts keep theirs. Codes are made once and stay, for reports and other systems.
"""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, models, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from foundation.audit.services import record
from foundation.audit.words import say_kind
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.kept_lists import changes_of, checked_words, new_code
from foundation.ui.wording import join_words
from interactions.models import Topic
from staff.models import User

CHANGE_RIGHT = "topics.change"
LONGEST_NAME = 60
MOST_COUNTED = 10_000
NAMED_ONCE = ("topic_name_zh_once", "topic_name_en_once")


@transaction.atomic
def add_topic(*, actor: User, name_zh: str, name_en: str, parent_id: int | None = None) -> Topic:
    """A new topic at the end of its level; without `parent_id` one of the first level.

    Raises NotAllowed (topics.may_not_change); RuleBroken those of `kept_lists.checked_words`, topics.name_taken,
    topics.no_parent (none, of the second level itself, or retired).
    """
    _check_may_change(actor)
    names = _checked_names(name_zh, name_en)
    parent = None
    if parent_id is not None:
        parent = Topic.objects.select_for_update().filter(pk=parent_id, parent__isnull=True, active=True).first()
        if parent is None:
            raise RuleBroken("topics.no_parent", _("Choose a topic of the first level that is in use."))
    last = Topic.objects.filter(parent=parent).aggregate(last=Max("order"))["last"]
    stem = parent.code if parent else ""
    code = new_code(names["name_en"], Topic.objects.all(), stem=stem, nameless="TOPIC")
    topic = Topic(parent=parent, code=code, order=0 if last is None else last + 1, **names)
    _save(topic)
    _remember("topic.added", topic, actor, **names)
    return topic


@transaction.atomic
def rename_topic(topic_id: int, *, actor: User, name_zh: str, name_en: str) -> Topic:
    """Other names for the same topic, on old contacts too. Raises as `add_topic`; Topic.DoesNotExist."""
    _check_may_change(actor)
    names = _checked_names(name_zh, name_en)
    topic = Topic.objects.select_for_update().get(pk=topic_id)
    changed = changes_of(topic, names)
    if not changed:
        return topic
    topic.name_zh, topic.name_en = names["name_zh"], names["name_en"]
    _save(topic)
    _remember("topic.renamed", topic, actor, **changed)
    return topic


@transaction.atomic
def retire_topic(topic_id: int, *, actor: User) -> Topic:
    """Offer the topic, and what lies below it, for nothing new. Retired twice is retired.

    Raises NotAllowed (topics.may_not_change); RuleBroken topics.last (something must be left to choose);
    Topic.DoesNotExist.
    """
    _check_may_change(actor)
    # All of the first level, so that two who retire one each do not leave none.
    tops = {top.pk: top for top in Topic.objects.select_for_update().filter(parent__isnull=True).order_by("pk")}
    topic = tops.get(topic_id) or Topic.objects.select_for_update().get(pk=topic_id)
    if not topic.active:
        return topic
    if topic.pk in tops and not any(top.active for top in tops.values() if top.pk != topic.pk):
        raise RuleBroken("topics.last", _("This is the last topic in use: add another one first."))
    topic.active = False
    topic.save(update_fields=["active"])
    _remember("topic.retired", topic, actor)
    return topic


@transaction.atomic
def restore_topic(topic_id: int, *, actor: User) -> Topic:
    """Offer a retired topic again. Raises as `add_topic` (its name may be another's now); Topic.DoesNotExist."""
    _check_may_change(actor)
    topic = Topic.objects.select_for_update().get(pk=topic_id)
    if topic.active:
        return topic
    topic.active = True
    _save(topic)
    _remember("topic.restored", topic, actor)
    return topic


@transaction.atomic
def delete_topic(topic_id: int, *, actor: User) -> None:
    """Remove a topic nothing was ever given: one added by mistake.

    Raises NotAllowed (topics.may_not_change); RuleBroken topics.in_use (with what has it, and how many),
    topics.has_below; Topic.DoesNotExist.
    """
    _check_may_change(actor)
    topic = Topic.objects.select_for_update().get(pk=topic_id)
    if Topic.objects.filter(parent=topic).exists():
        raise RuleBroken("topics.has_below", _("Other topics lie below this one: delete those first."))
    if uses := uses_of(topic):
        told = join_words(f"{kind} {count}" for kind, count in uses)
        words = _("It is in use and stays for what has it (%(uses)s). Retire it: then it is not offered any more.")
        raise RuleBroken("topics.in_use", words % {"uses": told})
    _remember("topic.deleted", topic, actor, name_zh=topic.name_zh, name_en=topic.name_en)
    topic.delete()


def uses_of(topic: Topic) -> list[tuple[str, str]]:
    """What has the topic and keeps it from being deleted: the kind in words and how many, at most 10,000 counted."""
    found = []
    for relation in Topic._meta.get_fields(include_hidden=True):
        if not isinstance(relation, models.ManyToOneRel) or relation.on_delete is models.CASCADE:
            continue
        model: Any = relation.related_model
        if model is Topic:
            continue
        rows = model._base_manager.filter(**{relation.field.name: topic})[:MOST_COUNTED]
        if count := rows.count():
            found.append((say_kind(model._meta.label_lower), f"{count}+" if count == MOST_COUNTED else str(count)))
    return found


def _check_may_change(actor: User) -> None:
    if not actor.has_perm(CHANGE_RIGHT):
        raise NotAllowed("topics.may_not_change", _("Your role does not change topics."))


def _checked_names(name_zh: str, name_en: str) -> dict[str, str]:
    return {"name_zh": checked_words(name_zh, LONGEST_NAME), "name_en": checked_words(name_en, LONGEST_NAME)}


def _save(topic: Topic) -> None:
    try:
        with transaction.atomic():
            topic.save()
    except IntegrityError as error:
        if not any(name in str(error) for name in NAMED_ONCE):
            raise
        raise RuleBroken("topics.name_taken", _("Another topic beside it has this name.")) from error


def _remember(verb: str, topic: Topic, actor: User, **detail: Any) -> None:
    # Names of topics are the operator's own words, never a person's.
    record(verb, target=topic, actor=actor, detail={"code": topic.code, **detail})
