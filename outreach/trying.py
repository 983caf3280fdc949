"""Rehearsing the gate: one case in, one answer with its explanation out (design §4). Nothing is written."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from customers.models import ContactTime
from customers.models.wishes import minute_of
from foundation.calendars.windows import read_windows
from foundation.common.clock import BUSINESS_ZONE
from foundation.common.errors import RuleBroken
from foundation.common.trying import BadCase
from outreach import policies
from outreach.gate import Block, Decision, GateInput, Unwanted, decide
from outreach.lifecycle import MessageClass

KNOWN = frozenset(
    {
        "class", "at", "expires_at", "to_staff", "recipient_exists", "status", "minor", "consent", "blocks",
        "has_address", "urgent", "legal", "windows", "zones", "holidays", "unwanted", "barred", "note",
    }
)  # fmt: skip


def try_gate(case: Any) -> dict[str, Any]:
    """The answer to one case (format: docs/try.md). Hours and holidays come from the policies and the calendar in force
    unless the case names its own. Raises BadCase."""
    given = _read(case)
    return _answer(decide(given))


def _answer(decision: Decision) -> dict[str, Any]:
    return {
        "verdict": decision.verdict.value,
        "until": decision.until.astimezone(BUSINESS_ZONE).isoformat() if decision.until else None,
        "reason": decision.reason or None,
        "why": [
            {"input": step.input, "value": step.value, "rule": step.rule, "source": step.source, "words": words}
            for step, words in zip(decision.why.steps, decision.why.in_words(), strict=True)
        ],
    }


def _read(case: Any) -> GateInput:
    if not isinstance(case, dict):
        raise BadCase("a case is an object")
    unknown = sorted(set(case) - KNOWN)
    if unknown:
        raise BadCase(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(KNOWN))}")
    kind = case.get("class")
    if kind not in MessageClass.values:
        raise BadCase(f"class must be one of {', '.join(MessageClass.values)}")
    at = _moment(case, "at")
    if at is None:
        raise BadCase("at is missing")
    rules = policies.gate_rules(at)
    try:
        windows = {**rules.windows, **{key: read_windows(text) for key, text in case.get("windows", {}).items()}}
        zones = (BUSINESS_ZONE, *(ZoneInfo(name) for name in case.get("zones", [])))
        holidays = (
            frozenset(date.fromisoformat(day) for day in case["holidays"]) if "holidays" in case else rules.holidays
        )
        blocks = tuple(Block(str(b["reason"]), frozenset(b["classes"])) for b in case.get("blocks", []))
        unwanted = tuple(_unwanted(one) for one in case.get("unwanted", []))
    except (RuleBroken, ValueError, KeyError, TypeError, AttributeError, ZoneInfoNotFoundError) as error:
        raise BadCase(f"windows, zones, holidays, unwanted or blocks cannot be read: {error}") from error
    return GateInput(
        message_class=str(kind),
        at=at,
        to_staff=_flag(case, "to_staff", False),
        recipient_exists=_flag(case, "recipient_exists", True),
        status=str(case.get("status", "ACTIVE")),
        minor=_flag(case, "minor", False),
        consent=str(case.get("consent", "UNKNOWN")),
        blocks=blocks,
        has_address=_flag(case, "has_address", True),
        barred=_flag(case, "barred", False),
        urgent=_flag(case, "urgent", False),
        legal=_flag(case, "legal", False),
        expires_at=_moment(case, "expires_at"),
        windows=windows,
        zones=zones,
        holidays=holidays,
        unwanted=unwanted,
    )


def _unwanted(given: dict[str, str]) -> Unwanted:
    starts, ends = (minute_of(time.fromisoformat(given[name])) for name in ("from", "to"))
    return Unwanted(ContactTime.WEEKDAYS[given.get("days", ContactTime.Days.EVERY)], starts, ends)


def _moment(case: dict[str, Any], name: str) -> datetime | None:
    text = case.get(name)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise BadCase(f"{name} must be a moment as 2026-11-22T21:00 or 2026-11-22T21:00+08:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=BUSINESS_ZONE)


def _flag(case: dict[str, Any], name: str, default: bool) -> bool:
    value = case.get(name, default)
    if not isinstance(value, bool):
        raise BadCase(f"{name} must be true or false")
    return value
