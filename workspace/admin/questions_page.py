"""What is asked when a complaint of a topic is taken: the topics with their questions, and those of one topic."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from complaints.models import RequiredFact
from complaints.services import questions
from complaints.services.list_names import CHANGE_RIGHT
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.kept_lists import stamp_of
from interactions.models import Topic
from interactions.queries import topic_tree
from staff.requests import StaffRequest
from workspace.admin.list_tabs import list_tabs


class QuestionForm(forms.Form):
    """One question. `stamp`: what it said when the page was made."""

    ask_zh = forms.CharField(label=_("Question in Chinese"), max_length=questions.LONGEST_QUESTION)
    ask_en = forms.CharField(label=_("Question in English"), max_length=questions.LONGEST_QUESTION)
    required = forms.BooleanField(
        label=_("Must be answered"),
        required=False,
        help_text=_("Else it may be left empty when one is taken."),
    )
    stamp = forms.CharField(widget=forms.HiddenInput, required=False)


@require_safe
@requires("complaint_lists.view")
def question_list(request: StaffRequest) -> HttpResponse:
    """The topics, each with what is asked for it."""
    asked: dict[int, list[RequiredFact]] = {}
    for fact in RequiredFact.objects.filter(active=True).order_by("order", "pk"):
        asked.setdefault(fact.topic_id, []).append(fact)
    rows = [(topic, asked.get(topic.pk, [])) for topic in topic_tree() if topic.is_offered]
    return render(request, "workspace/question_list.html", {"rows": rows, "tabs": list_tabs("question-list")})


@require_http_methods(["GET", "POST"])
@requires("complaint_lists.view")
def topic_questions(request: StaffRequest, pk: int) -> HttpResponse:
    """What is asked for one topic, with the form for another question. `act` of a POST: add; and with `fact` up, down,
    retire, restore."""
    topic = get_object_or_404(Topic.objects.select_related("parent"), pk=pk)
    may_change, refused = request.user.has_perm(CHANGE_RIGHT), ""
    form = QuestionForm(initial={"required": True})
    if request.method == "POST":
        if not may_change:
            raise PermissionDenied(CHANGE_RIGHT)
        act = request.POST.get("act", "")
        if act == "add":
            form = QuestionForm(request.POST)
            if form.is_valid() and _add(form, request, topic):
                messages.success(request, gettext("The question was added."))
                return redirect("workspace:topic-questions", pk)
        else:
            refused = _move(request, topic, act)
            if not refused:
                return redirect("workspace:topic-questions", pk)
    rows = RequiredFact.objects.filter(topic=topic).order_by("-active", "order", "pk")
    above = RequiredFact.objects.filter(topic=topic.parent_id, active=True).order_by("order", "pk")
    context = {
        "topic": topic,
        "rows": list(rows),
        "above": list(above) if topic.parent_id else [],
        "form": form,
        "may_change": may_change,
        "refused": refused,
    }
    return render(request, "workspace/topic_questions.html", context, status=422 if refused or form.errors else 200)


def _add(form: QuestionForm, request: StaffRequest, topic: Topic) -> bool:
    asked = form.cleaned_data
    try:
        questions.add_question(
            topic.pk, actor=request.user, ask_zh=asked["ask_zh"], ask_en=asked["ask_en"], required=asked["required"]
        )
    except RuleBroken as no:
        form.add_error(None, no.message)
        return False
    return True


def _move(request: StaffRequest, topic: Topic, act: str) -> str:
    """Why it was refused; "" when it was done."""
    acts: dict[str, tuple[Any, dict[str, bool]]] = {
        "up": (questions.move_question, {"up": True}),
        "down": (questions.move_question, {"up": False}),
        "retire": (questions.retire_question, {}),
        "restore": (questions.restore_question, {}),
    }
    text = request.POST.get("fact", "")
    if act not in acts or not text.isdecimal() or len(text) > 9:
        raise SuspiciousOperation("no such act on a question")
    fact = get_object_or_404(RequiredFact, pk=int(text), topic=topic)
    carry_out, how = acts[act]
    try:
        carry_out(fact.pk, actor=request.user, **how)
    except RuleBroken as no:
        return str(no.message)
    return ""


@require_http_methods(["GET", "POST"])
@requires("complaint_lists.change")
def question_detail(request: StaffRequest, pk: int) -> HttpResponse:
    """The words of one question."""
    fact = get_object_or_404(RequiredFact.objects.select_related("topic__parent"), pk=pk)
    said = {"ask_zh": fact.ask_zh, "ask_en": fact.ask_en, "required": fact.required, "stamp": stamp_of(fact)}
    form = QuestionForm(request.POST if request.method == "POST" else None, initial=said)
    if request.method == "POST" and form.is_valid():
        try:
            questions.change_question(pk, actor=request.user, **form.cleaned_data)
            messages.success(request, gettext("The question was changed."))
            return redirect("workspace:topic-questions", fact.topic_id)
        except RuleBroken as no:
            fact.refresh_from_db()
            if no.code == "lists.stale":  # the next save is made knowing what stands there now
                form.data = {**form.data, "stamp": stamp_of(fact)}
            form.add_error(None, no.message)
    context = {"fact": fact, "form": form}
    return render(request, "workspace/question_detail.html", context, status=422 if form.errors else 200)
