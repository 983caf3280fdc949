"""Pages of value: why a customer is valued so, month by month, and the matrix over everybody one may count."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from customers.models import (
    Customer,
    Location,
    Persona,
    RelationshipBand,
    RelationshipReview,
    RelationshipRun,
    ValueCell,
    ValueClass,
    ValueMonth,
    ValueRun,
)
from customers.segments.known import AGE_BANDS, CATEGORIES, age_band_of, category_of, spend_band_of
from customers.value import explaining, relationship
from customers.value.board import ROWS, matrix_for
from customers.value.card import BAND_TONES, CELL_TONES, said
from customers.value.relationship import RelationshipRules
from customers.value.rules import Rules
from customers.value.running import latest_value_run
from customers.views.showing import View
from foundation.calendars.working_time import add_months
from foundation.common import clock
from foundation.common.doors import requires
from foundation.policies.reading import policy
from foundation.ui.wording import join_words

MONTHS_SHOWN, QUARTERS_SHOWN = 24, 8
CLASSES = ("5", "4", "3", "2", "1", "NEW")


@require_GET
@never_cache
@requires("customers.view")
def customer_value(request: HttpRequest, pk: int) -> HttpResponse:
    """A customer's value in one month (`?month=2026-10`), why, what would change it, and the months before."""
    view = View(request, pk)
    rows = list(ValueMonth.objects.filter(customer_id=pk, month__gte=_since(MONTHS_SHOWN)).order_by("-month"))
    row = next((row for row in rows if f"{row.month:%Y-%m}" == request.GET.get("month")), rows[0] if rows else None)
    reviews = list(
        RelationshipReview.objects.filter(customer_id=pk, month__gte=_since(3 * QUARTERS_SHOWN)).order_by("-month")
    )
    context: dict[str, Any] = {
        "view": view,
        "customer": view.customer,
        "row": row,
        "history": [
            {
                "row": one,
                "value_class": said(ValueClass, one.value_class),
                "cell": said(ValueCell, one.cell),
                "personas": join_words(said(Persona, code) for code in one.personas),
                "current": one is row,
                "url": f"?month={one.month:%Y-%m}",
            }
            for one in rows
        ],
        "dimensions": _dimensions(view),
    }
    if row is not None:
        rules = Rules.from_json(ValueRun.objects.get(pk=row.month).rules)
        context |= {
            "why": explaining.why(row, rules).in_words(),
            "change": explaining.what_would_change(row, rules).in_words(),
            "value_class": said(ValueClass, row.value_class),
            "cell": said(ValueCell, row.cell),
        }
    if reviews:
        context |= _relationship(reviews)
    return render(request, "value/customer_value.html", context)


def _relationship(reviews: list[RelationshipReview]) -> dict[str, Any]:
    rules = RelationshipRules.from_json(RelationshipRun.objects.get(pk=reviews[0].month).rules)
    return {
        "review": reviews[0],
        "band": said(RelationshipBand, reviews[0].band),
        "band_tone": BAND_TONES.get(reviews[0].band, ""),
        "review_why": relationship.why(reviews[0], rules).in_words(),
        "review_change": relationship.what_would_change(reviews[0], rules).in_words(),
        "reviews": [{"row": one, "band": said(RelationshipBand, one.band)} for one in reviews],
    }


def _dimensions(view: View) -> list[tuple[str, str]]:
    """The dimensions of D§6.14 that exist, in words (CLS-03)."""
    facts, customer = view.page.facts, view.customer
    band = age_band_of(customer)
    low, high = AGE_BANDS.get(band, (0, 0))
    spend = spend_band_of(facts.value_amount) if facts else ""
    return [
        (_("Category"), str(CATEGORIES[category_of(customer)])),
        (_("Age band"), "" if not band else f"{low}+" if band == "65" else f"{low}–{high}"),
        (_("Spend band"), _("%(band)s of 5") % {"band": spend} if spend else ""),
        (_("Location"), said(Location, facts.location) if facts and facts.location else ""),
    ]


def _since(months: int) -> date:
    return add_months(clock.today().replace(day=1), -months)


@require_GET
@never_cache
@requires("customers.segments")
def board(request: HttpRequest) -> HttpResponse:
    """How many customers stand where; each number opens the list behind it for those who may see single customers."""
    user: Any = request.user
    kind = request.GET.get("kind", "")
    kind = kind if kind in Customer.Type.values else ""
    matrix = matrix_for(user)
    least: int = policy("customers.segment_smallest_count")
    opens = user.has_perm("customers.view")

    def cell(code: str, value_class: str = "") -> dict[str, Any]:
        n = matrix.of(cell=code, value_class=value_class, kind=kind)
        query = {"cell": code, "value_class": value_class, "customer_type": kind}
        url = f"{reverse('customers:customer-list')}?{urlencode({k: v for k, v in query.items() if v})}"
        hidden = not opens and 0 < n < least
        return {
            "n": f"{n:,}",
            "said": _("fewer than %(n)s") % {"n": least} if hidden else f"{n:,}",
            "url": url if opens and n else "",
            "label": said(ValueCell, code) if code else "",
            "tone": CELL_TONES.get(code, ""),
            "share": "" if hidden or not total else f"{100 * n / total:.1f}%",
        }

    total = matrix.of(kind=kind)
    context = {
        "run": latest_value_run(),
        "total": f"{total:,}",
        "grid": [[cell(code) for code in row] for row in ROWS],
        "classes": [
            {
                "label": said(ValueClass, code),
                "cells": [cell(one.value, code) for one in ValueCell],
                "all": cell("", code),
            }
            for code in CLASSES
        ],
        "cells": [said(ValueCell, one.value) for one in ValueCell],
        "kind": kind,
        "kinds": [("", _("All")), *Customer.Type.choices],
        "matrix": policy("customers.value_matrix"),
    }
    return render(request, "value/board.html", context)
