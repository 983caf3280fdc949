"""By when the law wants an answer (D§1.3, 10.4): rules of countries in dated versions, one of them in use."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _

from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.policies.reading import policy

SHIPPED: list[dict[str, Any]] = [
    {"rule": "CN", "use": True, "from": "2000-01-01", "days": 15},
    {"rule": "GB", "use": False, "from": "2000-01-01", "weeks": 8},
    {"rule": "GB", "use": False, "from": "2026-04-08", "weeks": 6},
    {"rule": "US", "use": False, "from": "2000-01-01", "days": 30},
]
LONGEST_DAYS = 366


def check_rules(table: Any) -> None:
    """Refuse (RuleBroken "complaints.statutory") what is no list of {rule, use, from, days or weeks}: one rule in use,
    and each with versions of different days."""
    if not isinstance(table, list) or not table or not all(isinstance(row, dict) for row in table):
        raise _wrong(_("The statutory rules are a list of rows."))
    seen = set()
    for row in table:
        rule = row.get("rule")
        if not isinstance(rule, str) or not rule.strip() or len(rule) > 12 or not isinstance(row.get("use"), bool):
            raise _wrong(_("Each row names its rule and says whether it is in use."))
        try:
            since = date.fromisoformat(str(row.get("from")))
        except ValueError:
            raise _wrong(_("Each row says from which day it holds (2026-04-08).")) from None
        if len({"days", "weeks"} & row.keys()) != 1 or not 1 <= _days(row) <= LONGEST_DAYS:
            raise _wrong(_("Each row gives its limit in days or in weeks, at most a year."))
        if (rule, since) in seen:
            raise _wrong(_("A rule has one version from a day on."))
        seen.add((rule, since))
    used = {row["rule"] for row in table if row["use"]}
    if len(used) != 1 or any(not row["use"] for row in table if row["rule"] in used):
        raise _wrong(_("One rule is in use, with all its versions."))


def statutory_days(received_at: datetime) -> int:
    """The days the law gives for an answer to what was received at that moment: those of the version of the rule in use
    that held on the day of receipt (before the first one, the first)."""
    rows = sorted((row for row in policy("complaints.statutory") if row["use"]), key=lambda row: str(row["from"]))
    day = clock.today(received_at).isoformat()
    held = [row for row in rows if str(row["from"]) <= day]
    return _days((held or rows[:1])[-1])


def _days(row: dict[str, Any]) -> int:
    value, factor = (row["days"], 1) if "days" in row else (row.get("weeks"), 7)
    return value * factor if type(value) is int else 0


def _wrong(why: str) -> RuleBroken:
    return RuleBroken("complaints.statutory", why)
