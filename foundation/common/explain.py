"""Why something came out as it did: a typed list of steps, stored with the result, rendered in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from django.utils.translation import gettext

from foundation.common.sentences import join_words

_labels: dict[tuple[str, str], Mapping[str, Any]] = {}


def register_codes(rule: str, input: str, labels: Mapping[str, Any]) -> None:
    """Say codes in words: `labels` (code -> what says itself in the reader's language) of the values that steps of
    (`rule`, `input`) carry, or steps of `rule` in their parameter of that name. Read when an explanation is shown.

    Raises ValueError when the pair has other labels already.
    """
    known = _labels.setdefault((rule, input), labels)
    if known is not labels and known != labels:  # some labels are asked of the database: not while starting
        raise ValueError(f"the codes of {input} in {rule} are named twice")


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what went in, its value, the rule that used it, what it did, and where the rule comes from.

    `effect` is a message id (English, with %(value)s placeholders) translated when it is shown, so that a stored
    explanation reads in the reader's language; `value` and `params` fill it. A value that is a code is said by the
    label registered for (`rule`, `input`), a parameter by that for (`rule`, its name), a list as a list of words.
    """

    input: str
    value: Any
    rule: str
    effect: str
    source: str = ""
    params: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Explanation:
    """The steps behind one result, in the order they were taken."""

    steps: list[Step] = field(default_factory=list)

    def add(self, input: str, value: Any, rule: str, effect: str, source: str = "", **params: Any) -> None:
        self.steps.append(Step(input, value, rule, effect, source, params))

    def as_json(self) -> list[dict[str, Any]]:
        return [asdict(step) for step in self.steps]

    @classmethod
    def from_json(cls, stored: list[dict[str, Any]]) -> Explanation:
        return cls([Step(**step) for step in stored])

    def in_words(self) -> list[str]:
        """One sentence a step, in the active language."""
        return [gettext(step.effect) % _in_words(step) for step in self.steps]


def _in_words(step: Step) -> dict[str, Any]:
    said = {"value": _said(step.rule, step.input, step.value)}
    said |= {name: _said(step.rule, name, given) for name, given in step.params.items()}
    return said


def _said(rule: str, input: str, given: Any) -> Any:
    if isinstance(given, list):
        return join_words(given)
    return _labels.get((rule, input), {}).get(given, given) if isinstance(given, str) else given
