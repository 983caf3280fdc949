"""The checklist noted after a contact: its items as the policy holds them, and which a contact is asked about."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from foundation.common.errors import RuleBroken
from foundation.common.sentences import join_words
from foundation.policies.reading import policy
from interactions.lifecycle import Channel

SHIPPED = Path(__file__).with_name("quality_items.toml")
MOST_ITEMS = 20


class Way(StrEnum):
    """How people met: on the telephone, face to face, in writing."""

    PHONE = "PHONE"
    FACE = "FACE"
    WRITTEN = "WRITTEN"


_FACE = frozenset({Channel.HALL_OWN, Channel.HALL_PARTNER, Channel.AGENT_SHOP, Channel.VISIT, Channel.PARTNER})


@dataclass(frozen=True)
class QualityItem:
    """One item with both names and the ways of contact it is asked for."""

    code: str
    zh: str
    en: str
    ways: tuple[str, ...]

    @property
    def name(self) -> str:
        """In the active language."""
        return self.en if (get_language() or "").startswith("en") else self.zh


def way_of(channel: str) -> Way:
    """How the people of a contact on `channel` met."""
    if channel == Channel.HOTLINE:
        return Way.PHONE
    return Way.FACE if channel in _FACE else Way.WRITTEN


def shipped_items() -> list[dict[str, Any]]:
    """The items an installation begins with."""
    return list(tomllib.loads(SHIPPED.read_text(encoding="utf-8"))["item"])


def check_items(value: Any) -> None:
    """Refuses (RuleBroken `policies.value`) what is no list of items: code, zh, en, ways; each code once."""
    rows = value if isinstance(value, list) else []
    good = 0 < len(rows) <= MOST_ITEMS and all(_is_item(row) for row in rows)
    if not good or len({row["code"] for row in rows}) != len(rows):
        raise RuleBroken(
            "policies.value",
            _("A list of at most %(most)s items is wanted, each with code, zh, en and ways (%(ways)s).")
            % {"most": MOST_ITEMS, "ways": join_words(Way)},
        )


def _is_item(row: Any) -> bool:
    if not isinstance(row, dict) or row.keys() != {"code", "zh", "en", "ways"}:
        return False
    texts = [row["code"], row["zh"], row["en"]]
    if not all(isinstance(text, str) and 0 < len(text.strip()) <= 60 for text in texts) or len(row["code"]) > 24:
        return False
    ways = row["ways"]
    return isinstance(ways, list) and bool(ways) and all(way in set(Way) for way in ways)


def quality_items(channel: str | None = None) -> list[QualityItem]:
    """The items in force, of one channel or all."""
    items = [
        QualityItem(row["code"], row["zh"], row["en"], tuple(row["ways"]))
        for row in policy("interactions.quality_items")
    ]
    return [item for item in items if channel is None or way_of(channel) in item.ways]
