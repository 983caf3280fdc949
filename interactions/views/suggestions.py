"""Suggestions: the list, and the page on which one is reviewed, decided and answered."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.explain import Explanation
from interactions import matter_forms as shapes
from interactions import services
from interactions.exporting import SUGGESTION_WORDS
from interactions.matter_queries import next_states, suggestions_in_view
from interactions.models import Suggestion
from interactions.services.suggestions import may_answer, may_decide
from interactions.views.acting import done, tabbed_list
from staff.drafts import Place, forget_draft
from staff.requests import StaffRequest

ANSWER = "interactions.suggestion"  # where its text is kept while it is typed
FORMS: dict[str, type[forms.Form]] = {
    "review": forms.Form,
    "decide": shapes.DecideForm,
    "answer": shapes.SuggestionAnswerForm,
    "finish": forms.Form,
}


@require_GET
@requires("interactions.view")
def suggestion_list(request: StaffRequest) -> HttpResponseBase:
    """Suggestions of the own people, what is overdue, what was adopted and is not in effect yet."""
    return tabbed_list(
        request,
        "interactions/suggestion_list.html",
        SUGGESTION_WORDS,
        lambda view: suggestions_in_view(request.user, view),
    )


@require_GET
@requires("interactions.view")
def suggestion_detail(request: StaffRequest, pk: int) -> HttpResponse:
    """One suggestion and the next step with it."""
    return _detail(request, _visible(request, pk))


@require_POST
@requires("interactions.assign")
def suggestion_review(request: StaffRequest, pk: int) -> HttpResponseBase:
    """It was read by somebody who decides."""
    return _act(request, pk, "review", lambda _d: services.review_suggestion(pk, actor=request.user))


@require_POST
@requires("interactions.assign")
def suggestion_decide(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Adopted, not adopted, known."""
    return _act(request, pk, "decide", lambda d: services.decide_suggestion(pk, actor=request.user, **d))


@require_POST
@requires("interactions.take")
def suggestion_answer(request: StaffRequest, pk: int) -> HttpResponseBase:
    """The author is answered."""
    return _act(request, pk, "answer", lambda d: services.answer_suggestion(pk, actor=request.user, **d))


@require_POST
@requires("interactions.assign")
def suggestion_finish(request: StaffRequest, pk: int) -> HttpResponseBase:
    """The wish is fulfilled: the author is told again."""
    return _act(request, pk, "finish", lambda _d: services.finish_suggestion(pk, actor=request.user))


def _act(request: StaffRequest, pk: int, name: str, act: Callable[[dict[str, Any]], object]) -> HttpResponseBase:
    suggestion = _visible(request, pk)
    form = FORMS[name](request.POST)
    if done(form, act):
        if name == "answer":
            forget_draft(request.user, Place(ANSWER, suggestion.customer_id, suggestion.ref))
        return redirect("interactions:suggestion-detail", pk)
    return _detail(request, suggestion, status=422, step=name, form=form)


def _visible(request: StaffRequest, pk: int) -> Suggestion:
    rows = Suggestion.objects.visible_to(request.user).select_related(
        "owner__unit", "escalated_to", "customer", "topic", "contact"
    )
    return get_object_or_404(rows, pk=pk)


def _detail(
    request: StaffRequest, suggestion: Suggestion, status: int = 200, step: str = "", form: forms.Form | None = None
) -> HttpResponse:
    step = step or next_states(suggestion)
    answers, decides = may_answer(suggestion, request.user), may_decide(suggestion, request.user)
    allowed = answers if step == "answer" else decides
    context: dict[str, Any] = {
        "suggestion": suggestion,
        "customer": suggestion.customer,
        "clear": answers and suggestion.answered_at is None,
        "step": step if allowed or form is not None else "",
        "form": form or (FORMS[step]() if step and allowed else None),
        "waits_for": step,
        "why_due": Explanation.from_json(suggestion.explanation).in_words(),
        "moves": list(suggestion.moves.select_related("actor").order_by("-pk")),
        "now": clock.now(),
    }
    return render(request, "interactions/suggestion_detail.html", context, status=status)
