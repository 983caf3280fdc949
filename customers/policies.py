"""What the operator may tune about the archive."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

import customers.segments.policies
import customers.value.policies  # noqa: F401  defines keys, as this module does
from foundation.common.errors import RuleBroken
from foundation.policies.registry import define
from foundation.ui.wording import join_words

# D§5.4: name, ID, verified contact 50; address, birthday, channel preference 20; interests, spending habit, needs 30.
WEIGHTS = {
    "name": 10,
    "id": 20,
    "contact": 20,
    "address": 8,
    "birthday": 6,
    "channel": 6,
    "interests": 10,
    "spending": 10,
    "needs": 10,
}
TARGETS = {"ORDINARY": 50, "SILVER": 70, "GOLD": 70, "PLATINUM": 85, "DIAMOND": 85, "ENTERPRISE": 85}

DUPLICATE_WEIGHTS = {
    "id": 100,
    "other_id": -60,
    "phone_verified": 60,
    "name": 40,
    "phone": 35,
    "email": 30,
    "address": 25,
    "pinyin": 20,
    "birthday": 20,
}


def _check_duplicate_weights(table: Any) -> None:
    if not isinstance(table, dict) or set(table) != set(DUPLICATE_WEIGHTS):
        raise RuleBroken(
            "policies.value", _("The parts must be: %(parts)s.") % {"parts": join_words(DUPLICATE_WEIGHTS)}
        )
    if any(type(points) is not int or abs(points) > 1_000 for points in table.values()):
        raise RuleBroken("policies.value", _("Points are whole numbers up to 1000."))
    if table["other_id"] > 0 or any(points < 0 for code, points in table.items() if code != "other_id"):
        raise RuleBroken("policies.value", _("Only different documents (other_id) take points away."))


def _check_bands(table: Any) -> None:
    if not isinstance(table, dict) or set(table) != {"auto", "review"}:
        raise RuleBroken(
            "policies.value", _("The parts must be: %(parts)s.") % {"parts": join_words(["auto", "review"])}
        )
    if any(type(points) is not int for points in table.values()) or not 0 < table["review"] <= table["auto"]:
        raise RuleBroken("policies.value", _("Both are whole numbers above 0, and auto is not below review."))


def _check_weights(table: Any) -> None:
    if not isinstance(table, dict) or set(table) != set(WEIGHTS):
        raise RuleBroken("policies.value", _("The parts must be: %(parts)s.") % {"parts": join_words(WEIGHTS)})
    if any(type(weight) is not int or weight < 0 for weight in table.values()) or not sum(table.values()):
        raise RuleBroken("policies.value", _("Weights are whole numbers, not negative, not all zero."))


def _check_targets(table: Any) -> None:
    if not isinstance(table, dict) or set(table) != set(TARGETS):
        raise RuleBroken("policies.value", _("The parts must be: %(parts)s.") % {"parts": join_words(TARGETS)})
    if any(type(target) is not int or not 0 <= target <= 100 for target in table.values()):
        raise RuleBroken("policies.value", _("Targets are whole numbers from 0 to 100."))


define(
    "customers.mobiles_per_id",
    type="int",
    default=5,
    low=1,
    high=1_000,
    unit="numbers",
    source="P19",
    title=gettext_lazy("Mobile numbers per document"),
    help=gettext_lazy("Most mobile numbers one document may hold with us."),
)
define(
    "customers.own_number_age",
    type="int",
    default=10,
    low=0,
    high=18,
    unit="years",
    source="P19",
    title=gettext_lazy("Youngest age of a line of one's own"),
    help=gettext_lazy("Age from which a child may have a line of its own."),
)
define(
    "customers.guardian_until_age",
    type="int",
    default=16,
    low=0,
    high=18,
    unit="years",
    source="P19",
    title=gettext_lazy("Guardian needed below"),
    help=gettext_lazy("Age below which a guardian must be present when a line is opened."),
)
define(
    "customers.number_freeze",
    type="duration",
    unit="days",
    default=timedelta(days=90),
    low=timedelta(days=90),
    high=timedelta(days=3_650),
    source="R13",
    title=gettext_lazy("Rest of a number after its end"),
    help=gettext_lazy("How long a number rests after its end before another customer may have it."),
)
define(
    "customers.completeness_weights",
    type="table",
    default=WEIGHTS,
    source="D",
    check=_check_weights,
    title=gettext_lazy("Weights of completeness"),
    help=gettext_lazy("What each part of the archive weighs in its completeness."),
)
define(
    "customers.completeness_targets",
    type="table",
    default=TARGETS,
    source="D",
    unit="%",
    check=_check_targets,
    title=gettext_lazy("Targets of completeness"),
    help=gettext_lazy("Completeness below which an archive goes on the list of data to improve, by tier."),
)
define(
    "customers.duplicate_weights",
    type="table",
    default=DUPLICATE_WEIGHTS,
    unit="points",
    source="D",
    check=_check_duplicate_weights,
    title=gettext_lazy("Points of what two archives share"),
    help=gettext_lazy(
        "What each thing two archives have in common speaks for one person; different documents against."
    ),
)
define(
    "customers.duplicate_bands",
    type="table",
    default={"auto": 100, "review": 50},
    unit="points",
    source="D",
    check=_check_bands,
    title=gettext_lazy("Points from which two are one person"),
    help=gettext_lazy("Points from which two archives are the same person (auto) or worth a look (review)."),
)
define(
    "customers.duplicate_block",
    type="int",
    default=20,
    low=2,
    high=200,
    unit="archives",
    source="D",
    title=gettext_lazy("Most archives that share one thing"),
    help=gettext_lazy(
        "A number or document more archives have says nothing about persons; the nightly run leaves it out."
    ),
)
define(
    "customers.merge_undo",
    type="duration",
    unit="days",
    default=timedelta(days=30),
    low=timedelta(days=1),
    high=timedelta(days=365),
    source="D",
    title=gettext_lazy("Time to undo a merge"),
    help=gettext_lazy("How long two merged archives can be taken apart again."),
)
define(
    "customers.search_link_life",
    type="duration",
    unit="minutes",
    default=timedelta(hours=1),
    source="D",
    title=gettext_lazy("Life of a search result"),
    help=gettext_lazy("How long the address of a search result can be opened."),
)
define(
    "customers.identity_kept",
    type="int",
    unit="months",
    default=24,
    low=24,
    high=240,
    source="R6",
    title=gettext_lazy("Identity kept after the end"),
    help=gettext_lazy("How long name, document and service numbers are kept after the last line ended."),
)
define(
    "customers.former_kept",
    type="int",
    unit="months",
    default=24,
    low=0,
    high=240,
    source="G",
    title=gettext_lazy("Data of former customers kept"),
    help=gettext_lazy("How long the other personal data of a former customer are kept, when nobody asks for deletion."),
)
define(
    "customers.consent_evidence_kept",
    type="int",
    unit="months",
    default=24,
    low=5,
    high=240,
    source="R4",
    title=gettext_lazy("Evidence of consent kept"),
    help=gettext_lazy("How long the evidence of consent is kept after the end, stored only."),
)
define(
    "customers.access_logs_kept",
    type="int",
    unit="months",
    default=36,
    low=6,
    high=240,
    source="G",
    title=gettext_lazy("Personal parts of the log kept"),
    help=gettext_lazy("How long reasons and values stay beside the entries of the log; the entries stay."),
)
define(
    "customers.facts_kept_after_withdrawal",
    type="duration",
    unit="days",
    default=timedelta(days=30),
    low=timedelta(0),
    high=timedelta(days=365),
    source="D",
    title=gettext_lazy("Optional facts after a withdrawal"),
    help=gettext_lazy("How long optional facts stay, hidden, after the customer has refused or withdrawn the profile."),
)
define(
    "customers.stale_after",
    type="duration",
    unit="days",
    default=timedelta(days=365),
    low=timedelta(days=30),
    high=timedelta(days=3_650),
    source="D",
    title=gettext_lazy("Data not confirmed for long"),
    help=gettext_lazy("How long after its last change an archive goes on the list of data to confirm."),
)
define(
    "customers.change_request_answer",
    type="duration",
    unit="hours",
    default=timedelta(hours=48),
    low=timedelta(hours=1),
    high=timedelta(days=30),
    source="D",
    title=gettext_lazy("Answer to a request to change data"),
    help=gettext_lazy("By when a request to change data is applied or refused."),
)
define(
    "customers.change_request_tell",
    type="duration",
    unit="hours",
    default=timedelta(hours=24),
    low=timedelta(hours=1),
    high=timedelta(days=10),
    source="D",
    title=gettext_lazy("Time to tell what came of a request"),
    help=gettext_lazy("By when whoever took a request has told the customer what was decided."),
)
