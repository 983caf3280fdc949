"""The wordings of answers an installation begins with."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

SEED_FILE = Path(__file__).with_name("answer_templates.toml")


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
