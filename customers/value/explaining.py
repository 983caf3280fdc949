"""Why a value came out so, and what would change it: in words, from the kept row and the rules of its run alone."""

from __future__ import annotations

from decimal import Decimal

from django.utils.translation import gettext_noop as _

from customers.models.subscriptions import ProductLine
from customers.models.value import Persona, ValueCell, ValueClass, ValueMonth
from customers.value import engine
from customers.value.engine import Inputs, Judgement
from customers.value.rules import LINE_BITS, LINES_OF, Rules
from customers.value.service import inputs_in, judged_again
from foundation.calendars.working_time import add_months
from foundation.common.explain import Explanation, register_codes

register_codes("value.class", "value_class", dict(ValueClass.choices))
register_codes("value.cell", "cell", dict(ValueCell.choices))
register_codes("value.persona", "persona", dict(Persona.choices))


def why(row: ValueMonth, rules: Rules) -> Explanation:
    """The steps from the inputs to class, potential, cell, lifetime value and personas."""
    given, found, told = inputs_in(row), judged_again(row, rules), Explanation()
    _value(given, found, rules, told)
    _potential(given, found, rules, told)
    told.add(
        "cell",
        found.cell,
        "value.cell",
        _("Cell %(value)s: valuable from class %(value_class)s, promising from potential %(potential)s."),
        "D§6.3",
        value_class=rules.matrix["value_class"],
        potential=rules.matrix["potential"],
    )
    _lifetime(given, found, rules, told)
    _personas(given, found, rules, told)
    return told


def what_would_change(row: ValueMonth, rules: Rules) -> Explanation:
    """Single changes that would make another class, cell or persona of it."""
    given, found, told = inputs_in(row), judged_again(row, rules), Explanation()
    whole = rules.wholes[given.kind]
    if given.value is not None:
        higher = [(code, whole.bounds.get(code)) for code in ("2", "3", "4", "5")]
        next_up = next(((code, bound) for code, bound in higher if bound is not None and bound > given.value), None)
        if next_up is not None:
            told.add(
                "value",
                f"{next_up[1] - given.value:.2f}",
                "value.class",
                _("%(value)s CNY more a month would make class %(higher)s (from %(bound)s CNY on)."),
                "D§6.1",
                higher=next_up[0],
                bound=f"{next_up[1]:.2f}",
            )
        own = whole.bounds.get(found.value_class)
        if own is not None:
            told.add(
                "value",
                f"{own:.2f}",
                "value.class",
                _("Below %(value)s CNY a month the class would be lower."),
                "D§6.1",
            )
    short = rules.matrix["potential"] - found.potential
    if short > 0:
        told.add(
            "potential",
            short,
            "value.cell",
            _("%(value)s points of potential are missing to count as promising."),
            "D§6.3",
        )
        _open_terms(given, found, rules, told)
    else:
        told.add(
            "potential",
            -short + 1,
            "value.cell",
            _("%(value)s points of potential less, and it would no longer count as promising."),
            "D§6.3",
        )
    return told


def _value(given: Inputs, found: Judgement, rules: Rules, told: Explanation) -> None:
    if given.value is None:
        told.add(
            "value_class",
            found.value_class,
            "value.class",
            _("%(value)s: there is no bill within a year; counted like class %(like)s."),
            "D§6.1",
            like=engine.COUNTS_AS["NEW"],
        )
        return
    told.add(
        "value",
        f"{given.value:.2f}",
        "value.mean",
        _("Current value %(value)s CNY: the mean of the last %(bills)s monthly bills of all own lines."),
        "D§6.1",
        bills=given.bills,
    )
    whole = rules.wholes[given.kind]
    bounds = [f"{code} ≥ {bound:.2f}" for code in ("5", "4", "3", "2") if (bound := whole.bounds.get(code)) is not None]
    told.add(
        "value_class",
        found.value_class,
        "value.class",
        _("Class %(value)s among %(customers)s customers of this kind: %(bounds)s CNY."),
        "D§6.1",
        customers=whole.customers,
        bounds=bounds,
    )


def _potential(given: Inputs, found: Judgement, rules: Rules, told: Explanation) -> None:
    points = {term: _short(value) for term, value in found.points.items()}
    most = dict(rules.weights)
    lacking = [ProductLine(line).label for line in LINES_OF[given.kind] if not given.lines_held & LINE_BITS[line]]
    told.add(
        "potential",
        found.potential,
        "value.potential",
        _("Potential %(value)s of 100, the sum of the six terms that follow."),
        "D§6.2",
    )
    told.add(
        "gap",
        points["gap"],
        "value.potential",
        _("%(value)s of %(most)s points: %(missing)s of %(all)s product lines are not held yet."),
        "D§6.2",
        most=most["gap"],
        missing=len(lacking),
        all=len(LINES_OF[given.kind]),
    )
    if found.growth is None:
        told.add(
            "trend",
            points["trend"],
            "value.potential",
            _("%(value)s points for the trend of use: too little is known."),
            "D§6.2",
        )
    else:
        told.add(
            "trend",
            points["trend"],
            "value.potential",
            _("%(value)s of %(most)s points: use in the last three months against the three before: %(growth)s%%."),
            "D§6.2",
            most=most["trend"],
            growth=f"{found.growth * 100:+.1f}",
        )
    told.add(
        "pressure",
        points["pressure"],
        "value.potential",
        _("%(value)s of %(most)s points: over 90%% of the plan was used in %(months)s of 3 months (2 count)."),
        "D§6.2",
        most=most["pressure"],
        months=given.full_months,
    )
    if given.kind == "ENTERPRISE":
        effect = _("%(value)s of %(most)s points: a firm that has been with us for less than three years counts.")
    else:
        effect = _("%(value)s of %(most)s points: a student or a new graduate (by age, %(from)s to %(to)s) counts.")
    graduate = {"from": rules.graduate["age_from"], "to": rules.graduate["age_to"]}
    told.add("age", points["age"], "value.potential", effect, "D§6.2", most=most["age"], **graduate)
    told.add(
        "commitment",
        points["commitment"],
        "value.potential",
        _(
            "%(value)s of %(most)s points: contract until %(until)s, with us since %(since)s "
            "(6 months more, or over 3 years, count)."
        ),
        "D§6.2",
        most=most["commitment"],
        until=given.contract_end.isoformat() if given.contract_end else "–",
        since=given.since.isoformat() if given.since else "–",
    )
    told.add(
        "engagement",
        points["engagement"],
        "value.potential",
        _("%(value)s of %(most)s points: %(contacts)s answered contacts within 90 days."),
        "D§6.0",
        most=most["engagement"],
        contacts=given.contacts,
    )


def _lifetime(given: Inputs, found: Judgement, rules: Rules, told: Explanation) -> None:
    if found.clv is None:
        told.add("clv", "", "value.clv", _("No lifetime value without a bill."), "D§6.4")
        return
    told.add(
        "clv",
        f"{found.clv:.2f}",
        "value.clv",
        _("Lifetime value %(value)s CNY = %(v)s × margin %(margin)s%% × %(life)s months."),
        "D§6.4",
        v=f"{given.value:.2f}",
        margin=_short(rules.margin * 100),
        life=_short(rules.life),
    )
    told.add(
        "churn",
        _short(rules.churn),
        "value.clv",
        _("No band of churn risk is known: %(value)s%% a month is assumed to leave."),
        "D§6.0",
    )


def _personas(given: Inputs, found: Judgement, rules: Rules, told: Explanation) -> None:
    if given.no_profile:
        told.add("persona", "", "value.persona", _("No persona: the customer refused a personal profile."), "D§5.5")
    for persona in found.personas:
        if persona == Persona.TRAVELLER:
            told.add(
                "persona",
                persona,
                "value.persona",
                _("%(value)s: %(days)s days of roaming in three months (from %(from)s) and %(voice)s minutes a month."),
                "CLS-17",
                days=given.roaming_days,
                voice=given.voice_now,
                **{"from": rules.traveller["roaming_days"]},
            )
        else:
            told.add(
                "persona",
                persona,
                "value.persona",
                _("%(value)s: %(data)s MB a month (from %(from)s) at an age of %(low)s to %(high)s."),
                "CLS-18",
                data=given.data_now,
                low=rules.young_data["age_from"],
                high=rules.young_data["age_to"],
                **{"from": rules.young_data["data_mb"]},
            )


def _open_terms(given: Inputs, found: Judgement, rules: Rules, told: Explanation) -> None:
    """What could still be earned, term by term."""
    weights = rules.weights
    if not found.points["engagement"]:
        told.add(
            "engagement",
            weights["engagement"],
            "value.potential",
            _("+%(value)s with an answered contact within 90 days."),
            "D§6.0",
        )
    if not found.points["commitment"]:
        told.add(
            "commitment",
            weights["commitment"],
            "value.potential",
            _("+%(value)s with a contract that ends after %(after)s."),
            "D§6.2",
            after=add_months(given.as_of, engine.COMMITTED_MONTHS).isoformat(),
        )
    if not found.points["pressure"]:
        told.add(
            "pressure",
            weights["pressure"],
            "value.potential",
            _("+%(value)s when over 90%% of a plan is used in two of three months."),
            "D§6.2",
        )
    if found.points["trend"] < weights["trend"]:
        left = Decimal(weights["trend"]) - found.points["trend"]
        told.add(
            "trend",
            _short(left),
            "value.potential",
            _("Up to +%(value)s when use grows by half in three months."),
            "D§6.2",
        )


def _short(value: Decimal) -> str:
    """A number without trailing zeros."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
