"""What a complaint is about, from its words: a suggestion that says which words led to it (D§10.2).

Naive Bayes over the segments of the text. Each topic begins with a handful of imagined cases that hold its own words
(its names, and topic_words.toml), so that it works without history; the operator's own closed cases (`learning.py`)
are added to them and soon outweigh them. Nothing is drawn by chance: the same text gives the same answer.
"""

from __future__ import annotations

import math
import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from complaints.models import TopicWord
from interactions.models import Topic
from interactions.queries import topic_tree

WORDS_FILE = Path(__file__).with_name("topic_words.toml")
LONGEST_READ = 10_000
MOST_WORDS = 400
MOST_SHOWN = 5
# Imagined cases a topic begins with; of them all hold its own words, one those of the topic above.
IMAGINED, IMAGINED_ABOVE = 4, 1
# How strongly what was seen seldom is drawn towards how often the word is seen at all, in cases.
SMOOTHING = 2.0
# One word neither proves nor excludes a topic.
MOST_FOR, MOST_AGAINST = 5.0, -2.0
LEAST_SHARE = 0.02
LEADS = 0.7  # the weight from which a word counts as a reason
CASES = ""  # stands for the number of cases among the counts of a topic

_LATIN = re.compile(r"[a-z][a-z'-]{2,29}")
_HAN = re.compile(r"[\u3400-\u9fff]")
_HAN_WORD = re.compile(r"[\u3400-\u9fff]{2,}")


@dataclass(frozen=True)
class TopicGuess:
    """A topic, how likely it is among all (0-1), and the words of the text that led to it, strongest first."""

    topic: Topic
    share: float
    why: tuple[str, ...]

    @property
    def per_cent(self) -> int:
        return min(99, round(self.share * 100))


@dataclass
class Known:
    """What is known of a topic: of `cases` cases, how many hold a word. `phrases`: its own words as they may stand in a
    text."""

    topic: Topic
    cases: float = 0.0
    words: dict[str, float] = field(default_factory=dict)

    def add(self, words: Iterable[str], cases: float) -> None:
        for word in words:
            self.words[word] = max(self.words.get(word, 0.0), cases)


def plain(text: str) -> str:
    """The text as it is compared: one width of letters, small, its first 10,000 characters. Marks of HTML are
    characters like others."""
    return unicodedata.normalize("NFKC", text[:LONGEST_READ]).lower()


def words_of(text: str) -> list[str]:
    """The distinct segments of a text that may carry meaning: two Chinese characters or more, three Latin letters or
    more, no numbers; in the order they come, at most 400."""
    import rjieba  # its dictionary is read when the first complaint is taken, not at every start of a process

    found: dict[str, None] = {}
    for segment in rjieba.cut(plain(text)):
        word = segment.strip()
        if _HAN_WORD.fullmatch(word):
            found[word] = None
        elif _LATIN.fullmatch(word):
            found[singular(word)] = None
        if len(found) == MOST_WORDS:
            break
    return list(found)


def singular(word: str) -> str:
    """An English word without the ending of its plural, as near as one rule gets."""
    return word[:-1] if len(word) > 4 and word.endswith("s") and not word.endswith("ss") else word


def suggest_topics(text: str, topics: Sequence[Topic] | None = None, *, most: int = 3) -> list[TopicGuess]:
    """The `most` likeliest topics that may be chosen now, likeliest first; none for a text without a telling word. Two
    queries, one where `topics` (`topic_tree`) were read already."""
    if not text.strip():
        return []
    words = [*words_of(text), *phrases_in(text)]
    return rank(text, words, topics if topics is not None else topic_tree(), _counted(words), most=most)


def suggest_for_many(texts: Sequence[str]) -> list[TopicGuess | None]:
    """The likeliest topic of each text, as `suggest_topics` finds it: two queries for all."""
    if not texts:
        return []
    words = [[*words_of(text), *phrases_in(text)] for text in texts]
    topics, counted = topic_tree(), _counted(sorted({word for some in words for word in some}))
    found: list[TopicGuess | None] = []
    for text, mine in zip(texts, words, strict=True):
        known = {CASES, *mine}
        learned = {
            topic: {word: cases for word, cases in counts.items() if word in known}
            for topic, counts in counted.items()
            if any(word in known for word in counts)
        }
        found.append(next(iter(rank(text, mine, topics, learned, most=1)), None) if text.strip() else None)
    return found


def rank(
    text: str, words: Sequence[str], topics: Sequence[Topic], counted: Mapping[int, Mapping[str, int]], *, most: int = 3
) -> list[TopicGuess]:
    """The same without the database. `words`: those of the text. `topics`: the tree, parents loaded. `counted`: by
    topic, of how many learned cases (`""`) how many hold a word."""
    known = _known(topics, counted)
    if not known:
        return []
    told = {word for one in known for word in one.words}
    # Longest first: of two reasons that overlap the longer one is shown.
    present = sorted(told & {*words, *_present(told, text)}, key=lambda word: (-len(word), word))
    # Sums that do not depend on the order of the topics.
    total = math.fsum(one.cases for one in known)
    often = {word: math.fsum(one.words.get(word, 0.0) for one in known) / total for word in present}
    scored = [(_score(one, present, often, total), one) for one in known]
    top = max(score for (score, _why), _one in scored)
    sum_of_all = math.fsum(math.exp(score - top) for (score, _why), _one in scored)
    led = [TopicGuess(one.topic, math.exp(score - top) / sum_of_all, why) for (score, why), one in scored if why]
    likely = [guess for guess in led if guess.share >= LEAST_SHARE]
    return sorted(likely, key=lambda guess: (-guess.share, guess.topic.order, guess.topic.pk))[:most]


def _score(
    one: Known, present: Sequence[str], often: Mapping[str, float], total: float
) -> tuple[float, tuple[str, ...]]:
    """The logarithm of how likely the topic is, and the words that speak for it."""
    score, reasons = math.log(one.cases / total), []
    for word in present:
        likely = (one.words.get(word, 0.0) + SMOOTHING * often[word]) / (one.cases + SMOOTHING)
        weight = max(MOST_AGAINST, min(MOST_FOR, math.log(likely / often[word])))
        score += weight
        if weight >= LEADS:
            reasons.append((weight, word))
    shown: list[str] = []
    for _weight, word in sorted(reasons, key=lambda reason: (-reason[0], -len(reason[1]), reason[1])):
        if not any(word in longer or longer in word for longer in shown):
            shown.append(word)
    return score, tuple(shown[:MOST_SHOWN])


def _known(topics: Sequence[Topic], counted: Mapping[int, Mapping[str, int]]) -> list[Known]:
    """What may be suggested, with all that is known of it: the topics nothing lies below, and those of the first level
    cases were given to all the same."""
    above = {topic.parent_id for topic in topics if topic.is_offered and topic.parent_id is not None}
    found = []
    for topic in topics:
        learned = counted.get(topic.pk, {})
        if not topic.is_offered or (topic.pk in above and not learned):
            continue
        one = Known(topic)
        if topic.pk not in above and (mine := _own_words(topic)):
            one.cases = IMAGINED
            if topic.parent is not None:
                one.add(_names(topic.parent), IMAGINED_ABOVE)
                one.add(_seed().get(topic.parent.code, ()), IMAGINED_ABOVE)
            one.add(mine, IMAGINED)
        one.cases += learned.get(CASES, 0)
        for word, cases in learned.items():
            if word != CASES:
                one.words[word] = one.words.get(word, 0.0) + cases
        if one.cases:
            found.append(one)
    return found


def _own_words(topic: Topic) -> list[str]:
    return [*_names(topic), *_seed().get(topic.code, ())]


def _names(topic: Topic) -> list[str]:
    """The names of a topic as words; the one that stands for what fits nowhere has none."""
    if topic.code == "OTHER":
        return []
    names = (plain(topic.name_zh), plain(topic.name_en))
    return [name for name in names if _HAN.search(name) or len(name) > 2]


@cache
def _seed() -> dict[str, tuple[str, ...]]:
    """The words of topic_words.toml by the code of their topic."""
    found: dict[str, tuple[str, ...]] = {}
    for top, below in tomllib.loads(WORDS_FILE.read_text(encoding="utf-8")).items():
        for code, words in below.items():
            found[top if code == "above" else f"{top}.{code}"] = tuple(dict.fromkeys(plain(word) for word in words))
    return found


def phrases_in(text: str) -> list[str]:
    """The words of topic_words.toml that stand in the text."""
    return _present({word for words in _seed().values() for word in words}, text)


def _present(phrases: Iterable[str], text: str) -> list[str]:
    """Those of `phrases` that stand in the text: Chinese ones anywhere, Latin ones as whole words."""
    read = plain(text)
    latin = " ".join(re.findall(r"[a-z0-9'-]+", read))
    padded = f" {latin} " if not latin else f" {latin}  {' '.join(singular(word) for word in latin.split())} "
    return [phrase for phrase in phrases if (phrase in read if _HAN.search(phrase) else f" {phrase} " in padded)]


def _counted(words: Sequence[str]) -> dict[int, dict[str, int]]:
    """By topic the learned counts of these words and, where there are any, of all its cases."""
    found: dict[int, dict[str, int]] = {}
    rows = TopicWord.objects.filter(word__in=[CASES, *words]).values_list("topic_id", "word", "cases")
    for topic_id, word, cases in rows:
        found.setdefault(topic_id, {})[word] = cases
    return found
