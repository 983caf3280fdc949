"""How we stand with a customer, once a quarter: six simple terms, weighted (CLS-21). Pure; the twin of the SQL.

Terms: recency of contact, trend of use, complaints, consents, tenure, live lines. Whatever is not known counts half.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_noop as _

from customers.models.value import RelationshipBand, RelationshipReview
from customers.value.rules import rounded
from foundation.calendars.working_time import add_months
from foundation.common.explain import Explanation, register_codes
from foundation.policies.reading import policy

QUARTER = 3
RECENT_DAYS, LATE_DAYS = 90, 180
WORST_CHANGE = Decimal("-0.5")
MANY_COMPLAINTS, MANY_LINES = 2, 2
TENURE_STEPS = ((36, 3), (12, 2), (6, 1))  # months -> thirds of the points
HALF, NONE = Decimal("0.5"), Decimal(0)

register_codes("relationship", "band", dict(RelationshipBand.choices))


@dataclass(frozen=True)
class RelationshipRules:
    """Weights of the terms and the bands, smallest score each."""

    weights: Mapping[str, int]
    bands: Mapping[str, int]

    def as_json(self) -> dict[str, Any]:
        """As it is kept with a run."""
        return {"weights": dict(self.weights), "bands": dict(self.bands)}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> RelationshipRules:
        """The same again."""
        return cls(kept["weights"], kept["bands"])

    @classmethod
    def at(cls, moment: Any) -> RelationshipRules:
        """The policies in force at a moment."""
        return cls(
            policy("customers.relationship_weights", at=moment), policy("customers.relationship_bands", at=moment)
        )


def as_of(row: RelationshipReview) -> date:
    """The day after the quarter."""
    return add_months(row.month, QUARTER)


def points_of(row: RelationshipReview, rules: RelationshipRules) -> dict[str, Decimal]:
    """The points of each term, to two places, from the inputs of a row."""
    shares = {
        "contact": _contact(row),
        "usage": _usage(row),
        "complaints": _steps(row.complaints, MANY_COMPLAINTS, falling=True),
        "consents": Decimal(1 if row.consents else 0),
        "tenure": _tenure(row),
        "lines": _steps(row.live_lines, MANY_LINES),
    }
    return {term: rounded(share * rules.weights[term], 2) for term, share in shares.items()}


def judge(row: RelationshipReview, rules: RelationshipRules) -> RelationshipReview:
    """The row with its score (0-100, half up) and band."""
    row.score = int(rounded(sum(points_of(row, rules).values(), NONE), 0))
    row.band = band_of(row.score, rules)
    return row


def band_of(score: int, rules: RelationshipRules) -> str:
    """The band of a score."""
    for band in (RelationshipBand.STRONG, RelationshipBand.STEADY, RelationshipBand.WEAK):
        if score >= rules.bands[band.value]:
            return band.value
    return RelationshipBand.AT_RISK.value


def _contact(row: RelationshipReview) -> Decimal:
    if row.last_contact is None:
        return NONE
    days = (as_of(row) - row.last_contact).days
    return Decimal(1) if days <= RECENT_DAYS else HALF if days <= LATE_DAYS else NONE


def _usage(row: RelationshipReview) -> Decimal:
    if row.usage_change is None:
        return HALF
    lost = max(WORST_CHANGE, min(NONE, row.usage_change))
    return rounded(1 - lost / WORST_CHANGE, 6)


def _steps(count: int, many: int, *, falling: bool = False) -> Decimal:
    share = Decimal(min(count, many)) / many
    return 1 - share if falling else share


def _tenure(row: RelationshipReview) -> Decimal:
    if row.since is None:
        return NONE
    for months, thirds in TENURE_STEPS:
        if row.since <= add_months(as_of(row), -months):
            return rounded(Decimal(thirds) / 3, 6)
    return NONE


def tenure_points(thirds: int, rules: RelationshipRules) -> Decimal:
    """The points of a step of the tenure, to two places."""
    return rounded(rounded(Decimal(thirds) / 3, 6) * rules.weights["tenure"], 2)


def why(row: RelationshipReview, rules: RelationshipRules) -> Explanation:
    """The six terms and the band in words."""
    told, points = Explanation(), {term: f"{value:.0f}" for term, value in points_of(row, rules).items()}
    most = rules.weights
    told.add(
        "band", row.band, "relationship", _("Relationship: %(value)s, %(score)s of 100 points."), "D", score=row.score
    )
    last = row.last_contact.isoformat() if row.last_contact else "–"
    told.add(
        "contact",
        points["contact"],
        "relationship",
        _("%(value)s of %(most)s points: last contact %(last)s (90 days count in full, 180 half)."),
        "D",
        most=most["contact"],
        last=last,
    )
    if row.usage_change is None:
        told.add(
            "usage",
            points["usage"],
            "relationship",
            _("%(value)s of %(most)s points: the trend of use is not known."),
            "D",
            most=most["usage"],
        )
    else:
        told.add(
            "usage",
            points["usage"],
            "relationship",
            _("%(value)s of %(most)s points: use changed by %(change)s%% in three months (half of it lost: none)."),
            "D",
            most=most["usage"],
            change=f"{row.usage_change * 100:+.1f}",
        )
    told.add(
        "complaints",
        points["complaints"],
        "relationship",
        _("%(value)s of %(most)s points: %(count)s contacts about complaints in the quarter."),
        "D",
        most=most["complaints"],
        count=row.complaints,
    )
    told.add(
        "consents",
        points["consents"],
        "relationship",
        _("%(value)s of %(most)s points: %(count)s consents to be contacted."),
        "D",
        most=most["consents"],
        count=row.consents,
    )
    told.add(
        "tenure",
        points["tenure"],
        "relationship",
        _("%(value)s of %(most)s points: with us since %(since)s (6, 12 and 36 months count a third each)."),
        "D",
        most=most["tenure"],
        since=row.since.isoformat() if row.since else "–",
    )
    told.add(
        "lines",
        points["lines"],
        "relationship",
        _("%(value)s of %(most)s points: %(count)s live lines (two count in full)."),
        "D",
        most=most["lines"],
        count=row.live_lines,
    )
    return told


def what_would_change(row: RelationshipReview, rules: RelationshipRules) -> Explanation:
    """What each term could still bring, and how far the next band is."""
    told = Explanation()
    higher = [(band, rules.bands[band]) for band in ("WEAK", "STEADY", "STRONG") if rules.bands[band] > row.score]
    if higher:
        told.add(
            "band",
            higher[0][0],
            "relationship",
            _("%(points)s points more would make it: %(value)s."),
            "D",
            points=higher[0][1] - row.score,
        )
    effects = {
        "contact": _("Up to +%(value)s with a contact within 90 days."),
        "usage": _("Up to +%(value)s when use no longer falls."),
        "complaints": _("Up to +%(value)s with a quarter without complaints."),
        "consents": _("Up to +%(value)s with one consent to be contacted."),
        "lines": _("Up to +%(value)s with a second live line."),
    }
    for term, points in points_of(row, rules).items():
        left = Decimal(rules.weights[term]) - points
        if left > 0 and term in effects:
            told.add(term, f"{left:.0f}", "relationship", effects[term], "D")
    return told
