"""What a complaint is about, from its words: without a history, with one, and with anything a person may type."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import example, given, settings, strategies

from complaints.intake.classify import LONGEST_READ, phrases_in, plain, rank, suggest_topics, words_of
from complaints.intake.learning import LEARN, count_cases, keep, learned_words
from complaints.models import TopicWord
from foundation.jobs.models import JobRun
from foundation.jobs.running import claim_and_run
from foundation.jobs.services import start_job
from interactions.models import Topic
from interactions.queries import topic_tree
from tests.complaints.cases import case, office
from tests.factories import CustomerFactory

SAID = [
    ("家里宽带网速很慢，测速只有5兆", "NETWORK.SPEED", {"网速", "测速", "很慢"}),
    ("我没同意就给我开了，未经同意开通业务", "CHANNEL.SALE_WITHOUT_CONSENT", {"未经同意"}),
    ("每个月扣彩铃包月费", "BILLING.VAS_FEE", {"彩铃", "包月"}),
    ("出国用了国际漫游，账单吓人", "ROAMING", {"国际漫游"}),
    ("营业员态度恶劣，还骂人", "SERVICE.ATTITUDE", {"态度", "恶劣", "骂人"}),
    ("宽带装机预约三次改期", "INSTALL.DELAY", {"改期", "预约"}),
    ("说好48小时回电，一直没回电", "SERVICE.PROMISE_BROKEN", {"没回电", "说好"}),
    ("My internet is very slow, 5 instead of 100 Mbps", "NETWORK.SPEED", {"slow", "mbps"}),
    ("The technician never showed up for the appointment", "INSTALL.DELAY", {"never showed", "appointment"}),
    ("They hung up on me, so RUDE!", "SERVICE.ATTITUDE", {"hung up", "rude"}),
]


@pytest.mark.covers("CMP-01")
@pytest.mark.django_db
def test_a_topic_is_suggested_with_the_words_that_led_there_and_needs_no_history() -> None:
    topic_tree()
    for text, code, why in SAID:
        first = suggest_topics(text)[0]
        assert first.topic.code == code and why <= set(first.why), text
    with CaptureQueriesContext(connection) as asked:
        suggest_topics(SAID[0][0] * 3_000)
    assert len(asked) == 2
    for nothing in ("", "  \n", "😀😀😀", "12345 67", "今天天气很好", "<script>alert(1)</script>", "\0"):
        assert suggest_topics(nothing) == []
    # Marks are characters like others: they neither hide the words nor become any.
    assert suggest_topics("<b>信号弱</b><script>x</script>")[0].why == suggest_topics("信号弱")[0].why
    # A topic is no longer offered: neither it nor anything below it is suggested.
    Topic.objects.filter(code="NETWORK").update(active=False)
    assert not any(guess.topic.code.startswith("NETWORK") for guess in suggest_topics("信号弱 网速很慢"))
    # A topic added on the page is known by its name.
    Topic.objects.create(code="SATELLITE", name_zh="卫星电话", name_en="Satellite phone", order=99)
    assert suggest_topics("我的卫星电话打不通")[0].topic.code in {"SATELLITE", "NETWORK.CALL_QUALITY"}
    assert "SATELLITE" in {guess.topic.code for guess in suggest_topics("我的卫星电话坏了")}


@pytest.fixture(scope="module")
def tree(django_db_setup: None, django_db_blocker: Any) -> list[Topic]:
    with django_db_blocker.unblock():
        return topic_tree()


@settings(deadline=None, max_examples=25)
@given(
    strategies.lists(strategies.sampled_from([text for text, _code, _why in SAID]) | strategies.text(max_size=80)).map(
        " ".join
    )
)
@example("信号" * 20_000)
def test_any_text_gives_the_same_answer_twice_with_reasons_from_the_text(tree: list[Topic], text: str) -> None:
    words = [*words_of(text), *phrases_in(text)]
    found = rank(text, words, tree, {})
    assert found == rank(text, words, list(reversed(tree)), {})
    assert len(found) <= 3 and all(0 < guess.share <= 1 for guess in found)
    assert sum(guess.share for guess in found) <= 1.000001
    assert [guess.share for guess in found] == sorted((guess.share for guess in found), reverse=True)
    read = plain(text)
    for guess in found:
        # An English word may stand in the plural.
        assert guess.why and all(word in read or word in {w.rstrip("s") for w in read.split()} for word in guess.why)
    assert len(words_of(text)) <= 400 and len(read) <= LONGEST_READ * 18


@pytest.mark.django_db
def test_what_the_operator_closed_itself_is_learned_and_names_are_not() -> None:
    at = office()
    coverage, waiting = Topic.objects.get(code="NETWORK.COVERAGE"), Topic.objects.get(code="SERVICE.WAITING")
    customers = [CustomerFactory(unit=at.unit) for _ in range(6)]
    for number, customer in enumerate(customers):
        case(at, "CLOSED", customer=customer, topic=coverage, text=f"水管旁边手机总转圈，张师傅来过{number}次")
        case(at, "CLOSED", customer=customer, topic=waiting, text="柜台前面挤得很，柜台关了一半")
    for _again in range(9):  # one customer's own words, however often
        case(at, "CLOSED", customer=customers[0], topic=waiting, text="孔雀胡同的王小娟又来了")
    case(at, topic=coverage, text="水管 open cases teach nothing")
    assert suggest_topics("水管") == [] and suggest_topics("柜台") == []

    start_job(LEARN, actor=None)
    assert claim_and_run(JobRun.objects.get(job=LEARN).pk)
    assert JobRun.objects.get(job=LEARN).state == "DONE"
    learned = dict(TopicWord.objects.filter(topic=coverage).values_list("word", "cases"))
    assert learned[""] == 6 and learned["水管"] == 6
    assert TopicWord.objects.get(topic=waiting, word="").cases == 15
    every = set(TopicWord.objects.values_list("word", flat=True))
    assert not every & {"张师傅", "王小娟", "孔雀", "胡同", "孔雀胡同"}
    assert [suggest_topics(text)[0].topic.code for text in ("水管", "柜台")] == ["NETWORK.COVERAGE", "SERVICE.WAITING"]

    # Counted by hand, for a few cases, gives the same; a second run changes nothing; fewer cases are the newest.
    by_hand = sum("水管" in learned_words(f"水管旁边手机总转圈，张师傅来过{number}次") for number in range(6))
    before = list(TopicWord.objects.order_by("topic", "word").values_list("topic", "word", "cases"))
    *_rest, (read, counts, behind) = count_cases(1_000)
    keep(counts, behind)
    assert read == 21 and counts[coverage.pk, "水管"] == by_hand
    assert list(TopicWord.objects.order_by("topic", "word").values_list("topic", "word", "cases")) == before
    *_rest, (read, counts, behind) = count_cases(9)
    assert read == 9 and counts[waiting.pk, ""] == 9 and (coverage.pk, "") not in counts
