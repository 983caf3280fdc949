"""The wordings of answers: the places to fill in them, and those an installation begins with."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SEED_FILE = Path(__file__).with_name("answer_templates.toml")
# What of a case a wording may name: its number, the day it is to be answered by.
PLACES = ("{number}", "{due}")
_BRACES = re.compile(r"\{[^{}]*\}|[{}]")


def unknown_places(text: str) -> list[str]:
    """What stands in braces and is no place to fill; a brace that stands alone too."""
    return [found for found in _BRACES.findall(text) if found not in PLACES]


def filled(text: str, told: Mapping[str, str]) -> str:
    """The text with its places filled, once each: what is filled in is not filled again. `told`: by place."""
    return _BRACES.sub(lambda found: told.get(found[0], found[0]), text)


def seed_answer_templates(template_model: Any, topic_model: Any) -> None:
    """Write the wordings of answer_templates.toml that are not there yet; edited ones stay as they are.

    Takes the model classes, so that a migration can pass its own state of them.
    """
    topics = dict(topic_model.objects.values_list("code", "pk"))
    for place, one in enumerate(tomllib.loads(SEED_FILE.read_text(encoding="utf-8"))["template"]):
        template_model.objects.get_or_create(
            code=one["code"],
            defaults={
                "topic_id": topics.get(one.get("topic")),
                "name_zh": one["zh"],
                "name_en": one["en"],
                "text_zh": one["text_zh"],
                "text_en": one["text_en"],
                "order": place,
            },
        )
