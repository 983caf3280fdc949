"""What an installation begins with: the questions asked when a complaint of a topic is taken, and the causes chosen at
closing."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

FACTS_FILE = Path(__file__).with_name("required_facts.toml")
CAUSES_FILE = Path(__file__).with_name("causes.toml")


def seed_required_facts(fact_model: Any, topic_model: Any) -> None:
    """Write the questions of required_facts.toml that are not there yet; edited ones stay as they are.

    Takes the model classes, so that a migration can pass its own state of them. A question of a topic that does not
    exist is left out.
    """
    topics = dict(topic_model.objects.values_list("code", "pk"))
    for place, fact in enumerate(tomllib.loads(FACTS_FILE.read_text(encoding="utf-8"))["fact"]):
        if fact["topic"] not in topics:
            continue
        fact_model.objects.get_or_create(
            topic_id=topics[fact["topic"]],
            code=fact["code"],
            defaults={
                "ask_zh": fact["zh"],
                "ask_en": fact["en"],
                "required": fact.get("required", True),
                "order": place,
            },
        )


def seed_causes(cause_model: Any) -> None:
    """Write the causes of causes.toml that are not there yet; edited ones stay as they are.

    Takes the model class, so that a migration can pass its own state of it.
    """
    for place, top in enumerate(tomllib.loads(CAUSES_FILE.read_text(encoding="utf-8"))["cause"]):
        network = top.get("network", False)
        parent, _made = cause_model.objects.get_or_create(
            code=top["code"], defaults={"name_zh": top["zh"], "name_en": top["en"], "network": network, "order": place}
        )
        for below, child in enumerate(top["below"]):
            words = {"name_zh": child["zh"], "name_en": child["en"]}
            cause_model.objects.get_or_create(
                code=f"{top['code']}.{child['code']}",
                defaults={"parent": parent, "network": network, "order": below, **words},
            )
