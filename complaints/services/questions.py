"""Keeping what is asked when a complaint of a topic is taken (D§10.2). A question is never deleted: the answers given
to it keep its words."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from complaints.models import RequiredFact
from complaints.services.list_names import check_keeps
from foundation.audit.services import record
from foundation.common.errors import RuleBroken
from foundation.common.kept_lists import changes_of, check_stamp, checked_words, new_code
from interactions.models import Topic
from staff.models import User

LONGEST_QUESTION = 120
MOST_QUESTIONS = 12  # of one topic: more nobody asks while a customer waits


@transaction.atomic
def add_question(topic_id: int, *, actor: User, ask_zh: str, ask_en: str, required: bool = True) -> RequiredFact:
    """Another question of a topic, after those it has.

    Raises NotAllowed "lists.may_not_change"; RuleBroken those of `kept_lists.checked_words`, "questions.topic_retired",
    "questions.asked_already", "questions.too_many"; Topic.DoesNotExist.
    """
    check_keeps(actor)
    words = _words(ask_zh, ask_en)
    topic = Topic.objects.select_for_update(of=("self",)).select_related("parent").get(pk=topic_id)
    if not topic.is_offered:
        raise RuleBroken("questions.topic_retired", _("This topic is retired: nothing is asked for it."))
    mine = RequiredFact.objects.filter(topic=topic)
    _check_new(words, topic)
    if mine.filter(active=True).count() >= MOST_QUESTIONS:
        raise RuleBroken("questions.too_many", _("At most 12 questions are asked for a topic. Retire one first."))
    last = mine.aggregate(last=Max("order"))["last"]
    fact = RequiredFact.objects.create(
        topic=topic,
        code=new_code(words["ask_en"], RequiredFact.objects.filter(topic__in=[topic, topic.parent_id]), small=True),
        required=required,
        order=0 if last is None else last + 1,
        **words,
    )
    _remember("question.added", fact, actor, **words, required=required)
    return fact


@transaction.atomic
def change_question(
    fact_id: int, *, actor: User, ask_zh: str, ask_en: str, required: bool, stamp: str = ""
) -> RequiredFact:
    """Other words for the same question; answers given to it show them as well. Raises as `add_question`, RuleBroken
    "lists.stale"; RequiredFact.DoesNotExist."""
    check_keeps(actor)
    words = _words(ask_zh, ask_en)
    fact = _locked(fact_id)
    check_stamp(fact, stamp)
    changed = changes_of(fact, {**words, "required": required})
    if not changed:
        return fact
    _check_new(words, fact.topic, but=fact)
    fact.ask_zh, fact.ask_en, fact.required = words["ask_zh"], words["ask_en"], required
    fact.save(update_fields=["ask_zh", "ask_en", "required"])
    _remember("question.changed", fact, actor, **changed)
    return fact


@transaction.atomic
def move_question(fact_id: int, *, actor: User, up: bool) -> RequiredFact:
    """Ask it one place earlier or later; at the end it stays. Raises NotAllowed "lists.may_not_change"."""
    check_keeps(actor)
    fact = _locked(fact_id)
    rows = list(RequiredFact.objects.select_for_update().filter(topic=fact.topic, active=True).order_by("order", "pk"))
    place = next((number for number, row in enumerate(rows) if row.pk == fact.pk), None)
    other = None if place is None else place - 1 if up else place + 1
    if place is None or other is None or not 0 <= other < len(rows):
        return fact
    rows[place], rows[other] = rows[other], rows[place]
    for number, row in enumerate(rows):
        row.order = number
    RequiredFact.objects.bulk_update(rows, ["order"])
    _remember("question.moved", fact, actor)
    return fact


@transaction.atomic
def retire_question(fact_id: int, *, actor: User) -> RequiredFact:
    """Ask it no more; answers given to it stay. Raises NotAllowed "lists.may_not_change"."""
    return _switch(fact_id, actor, active=False)


@transaction.atomic
def restore_question(fact_id: int, *, actor: User) -> RequiredFact:
    """Ask it again. Raises as `add_question`."""
    return _switch(fact_id, actor, active=True)


def _switch(fact_id: int, actor: User, *, active: bool) -> RequiredFact:
    check_keeps(actor)
    fact = _locked(fact_id)
    if fact.active == active:
        return fact
    if active:
        _check_new({"ask_zh": fact.ask_zh, "ask_en": fact.ask_en}, fact.topic, but=fact)
    fact.active = active
    fact.save(update_fields=["active"])
    _remember("question.restored" if active else "question.retired", fact, actor)
    return fact


def _locked(fact_id: int) -> RequiredFact:
    return RequiredFact.objects.select_for_update(of=("self",)).select_related("topic__parent").get(pk=fact_id)


def _words(ask_zh: str, ask_en: str) -> dict[str, str]:
    return {"ask_zh": checked_words(ask_zh, LONGEST_QUESTION), "ask_en": checked_words(ask_en, LONGEST_QUESTION)}


def _check_new(words: dict[str, str], topic: Topic, but: RequiredFact | None = None) -> None:
    """The same question twice, also of the topic above, is asked once."""
    asked = RequiredFact.objects.filter(topic__in=[topic.pk, topic.parent_id or topic.pk], active=True)
    for other in asked.exclude(pk=but.pk) if but is not None else asked:
        if words["ask_zh"] == other.ask_zh or words["ask_en"].lower() == other.ask_en.lower():
            raise RuleBroken("questions.asked_already", _("This is asked already, for this topic or the one above."))


def _remember(verb: str, fact: RequiredFact, actor: User, **detail: Any) -> None:
    record(verb, target=fact, actor=actor, detail={"code": fact.code, "topic": fact.topic.code, **detail})
