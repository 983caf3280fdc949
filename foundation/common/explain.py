"""Why something came out as it did: a typed list of steps, stored with the result, rendered in words."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what went in, its value, the rule that used it, what it did, and where the rule comes from.

    `effect` is a message id (English, with %(value)s placeholders) translated when it is shown, so that a stored
    explanation reads in the reader's language; `params` fills it.
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
        from django.utils.translation import gettext

        return [gettext(step.effect) % {"value": step.value, **step.params} for step in self.steps]
