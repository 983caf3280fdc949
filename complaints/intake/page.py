"""What the intake page shows while a complaint is typed: suggested topics, questions, cases alike, times promised."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection
from django.http import QueryDict
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from complaints.intake.classify import TopicGuess, suggest_topics
from complaints.intake.forms import OTHER_TOPIC, facts_for, typed_amount
from complaints.intake.places import unit_for
from complaints.intake.promised import PromisedTime, promised_times
from complaints.intake.providers import Asked, KnownTrouble, known_troubles
from complaints.intake.similar import Similar, similar_cases
from complaints.lifecycle import Grade, GradeReason
from complaints.models import RequiredFact
from customers.lines import masked_number
from customers.models import Customer, Subscription
from foundation.common import clock
from foundation.common.prepared import prepared
from foundation.policies.reading import policy
from interactions.lifecycle import Channel
from interactions.models import Interaction, Topic
from interactions.queries import topic_coded, topic_tree
from staff.models import User

MOST_LINES = 40
_RUNNING = (
    "SELECT id FROM interactions_interaction WHERE staff_id = %s AND customer_id = %s AND logged_at IS NULL"
    " ORDER BY id DESC LIMIT 1"
)


@dataclass
class Look:
    """What the page says of what stands in it. `topics`: all there are; `chosen`: the code of the topic that holds,
    `by_hand` when somebody chose it; `other`: it stands in the list of all. `repeats`: the case it was said to
    repeat."""

    topics: list[Topic] = field(default_factory=list)
    guesses: list[TopicGuess] = field(default_factory=list)
    topic: Topic | None = None
    by_hand: bool = False
    facts: list[RequiredFact] = field(default_factory=list)
    similar: Similar = field(default_factory=Similar)
    troubles: list[KnownTrouble] = field(default_factory=list)
    promised: list[PromisedTime] = field(default_factory=list)
    hint: str = ""
    repeats: str = ""

    @property
    def chosen(self) -> str:
        return self.topic.code if self.topic is not None else ""

    @property
    def other(self) -> bool:
        return self.topic is not None and self.topic.code not in {guess.topic.code for guess in self.guesses}

    @property
    def guessed(self) -> str:
        """The code the page chose by itself, "" when somebody did."""
        return "" if self.by_hand else self.chosen


def chosen_topic(
    data: Mapping[str, Any], guesses: list[TopicGuess], topics: Collection[Topic] | None = None
) -> tuple[Topic | None, bool]:
    """The topic that holds, and whether it was chosen by hand: a suggestion picked, one from the list of all (`topics`,
    when they were read already), else the likeliest suggestion."""
    picked, listed, guessed = (str(data.get(name) or "")[:40] for name in ("topic", "topic_other", "guessed"))
    code = listed if picked in ("", OTHER_TOPIC) else picked
    if code and code != guessed:
        known = topics if topics is not None else [topic_coded(code)]
        topic = next((one for one in known if one is not None and one.code == code), None)
        if topic is not None and topic.is_offered:
            return topic, True
    return (guesses[0].topic if guesses else None), False


def look_at(data: Mapping[str, Any] | None, *, user: User, customer: Customer | None) -> Look:
    """Everything the page says, from what is typed so far (`data`; None: an empty form). Nothing typed is refused here:
    what cannot be read counts as not there."""
    data = data if data is not None else {}
    text = str(data.get("text") or "")
    topics = topic_tree()
    guesses = suggest_topics(text, topics)
    topic, by_hand = chosen_topic(data, guesses, topics)
    lines = _ids(data)
    grade = str(data.get("grade") or "")
    asked = Asked(customer, topic, tuple(lines), str(data.get("area") or "")[:40])
    amount = typed_amount(data)
    major = amount is not None and amount >= policy("complaints.major_amount") and grade in ("", Grade.ORDINARY)
    return Look(
        topics=topics,
        guesses=guesses,
        topic=topic,
        by_hand=by_hand,
        facts=facts_for(topic),
        similar=similar_cases(customer, topic, lines, text, user),
        troubles=known_troubles(asked),
        promised=promised_times(
            channel=str(data.get("channel") or Channel.HOTLINE),
            unit=unit_for(user),
            now=clock.now(),
            received_at=_moment(data),
            grade=grade if grade in Grade.values else Grade.ORDINARY,
        ),
        hint=str(GradeReason.AMOUNT.label) if major else "",
        repeats=str(data.get("repeats") or "")[:13],
    )


def topics_grouped(tree: Iterable[Topic]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The topics of the tree that may be chosen, those of the second level under the first."""
    groups: dict[int, tuple[str, list[tuple[str, str]]]] = {}
    for topic in tree:
        if topic.active and topic.parent_id is None:
            groups[topic.pk] = (str(topic), [(topic.code, str(topic))])
        elif topic.active and topic.parent_id in groups:
            groups[topic.parent_id][1].append((topic.code, str(topic)))
    return list(groups.values())


def lines_of(customer: Customer | None) -> list[tuple[int, str]]:
    """The customer's lines for choosing, those that live first: kind, masked number, status."""
    if customer is None:
        return []
    rows = Subscription.objects.filter(customer=customer).order_by("terminated_on", "pk").select_related("plan")
    living = sorted(rows[:MOST_LINES], key=lambda line: line.terminated_on is not None)
    return [
        (line.pk, f"{line.get_product_line_display()} {masked_number(line)} · {line.get_status_display()}")
        for line in living
    ]


def running_contact(user: User, customer: Customer | None, asked: int | None) -> Interaction | None:
    """The user's contact the complaint is told in: the one named, else the last with this customer not written up."""
    rows = Interaction.objects.filter(staff=user, logged_at__isnull=True, customer=customer).select_related(
        "staff__unit"
    )
    if asked is not None:
        return rows.filter(pk=asked).first()
    if customer is None:
        return None
    with connection.cursor() as cursor:  # most have none: nothing more is asked for them
        cursor.execute(*prepared(_RUNNING, [user.pk, customer.pk]))
        found = cursor.fetchone()
    return rows.filter(pk=found[0]).first() if found else None


def _ids(data: Mapping[str, Any]) -> list[int]:
    given = data.getlist("lines") if isinstance(data, QueryDict) else data.get("lines") or []
    return [int(text) for text in given if str(text).isdecimal() and len(str(text)) < 19][:MOST_LINES]


def _moment(data: Mapping[str, Any]) -> datetime | None:
    try:
        found = parse_datetime(str(data.get("received_at") or "").replace(" ", "T", 1))
    except ValueError:
        return None
    if found is None:
        return None
    return found if timezone.is_aware(found) else timezone.make_aware(found, timezone.get_current_timezone())
