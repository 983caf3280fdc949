"""Value and why in short, for the customer's page: from what the page has read, and the rules of the run."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.core.cache import cache

from customers.models import Persona, RelationshipBand, ValueCell, ValueClass, ValueRun
from customers.queries import CustomerPage
from customers.value import explaining
from customers.value.rules import Rules

CELL_TONES = {"STAR": "ok", "CORE": "info", "GROWTH": "violet", "BASIC": ""}
BAND_TONES = {"STRONG": "ok", "STEADY": "info", "WEAK": "warn", "AT_RISK": "danger"}
SHORT = frozenset({"value", "value_class", "cell"})
KEPT = timedelta(minutes=5)


def said(codes: Any, code: str) -> str:
    """The words of a code of `codes`; the code itself when it is none of them."""
    return str(codes(code).label) if code in codes.values else code


def value_card(page: CustomerPage) -> dict[str, Any] | None:
    """What the card shows, None before the first run. No query, but for the rules once in five minutes."""
    facts = page.facts
    if facts is None or facts.value_month is None:
        return None
    reasons: list[str] = []
    if page.judged is not None and (rules := rules_of(page.judged.month)) is not None:
        told = explaining.why(page.judged, rules)
        words = told.in_words()
        reasons = [words[n] for n, step in enumerate(told.steps) if step.input in SHORT]
    return {
        "month": facts.value_month,
        "value_class": said(ValueClass, facts.value_class),
        "cell": said(ValueCell, facts.value_cell),
        "cell_tone": CELL_TONES.get(facts.value_cell, ""),
        "personas": [said(Persona, code) for code in facts.personas],
        "band": said(RelationshipBand, facts.relationship_band),
        "band_tone": BAND_TONES.get(facts.relationship_band, ""),
        "reasons": reasons,
    }


def rules_of(month: date) -> Rules | None:
    """The rules a month was judged by, None for a month nobody judged."""
    key = f"value-rules-{month:%Y-%m}"
    kept = cache.get(key)
    if kept is None:
        kept = ValueRun.objects.filter(pk=month).values_list("rules", flat=True).first()
        if kept is None:
            return None
        cache.set(key, kept, KEPT.total_seconds())
    return Rules.from_json(kept)
