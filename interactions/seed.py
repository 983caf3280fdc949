"""The topics an installation begins with."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

SEED_FILE = Path(__file__).with_name("topics.toml")


def seed_topics(topic_model: Any) -> None:
    """Write the topics of topics.toml that are not there yet; edited ones stay as they are.

    Takes the model class, so that a migration can pass its own state of it.
    """
    for place, top in enumerate(tomllib.loads(SEED_FILE.read_text(encoding="utf-8"))["topic"]):
        parent, _made = topic_model.objects.get_or_create(
            code=top["code"], defaults={"name_zh": top["zh"], "name_en": top["en"], "order": place}
        )
        for below, child in enumerate(top.get("below", [])):
            topic_model.objects.get_or_create(
                code=f"{top['code']}.{child['code']}",
                defaults={"parent": parent, "name_zh": child["zh"], "name_en": child["en"], "order": below},
            )
