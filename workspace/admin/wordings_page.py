"""Wordings a reply may begin with: which there are, adding and changing one, and how it reads in a case."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import translation
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from complaints.answer_templates import filled
from complaints.models import AnswerTemplate, Complaint
from complaints.queries import case_numbered
from complaints.services import answer_wordings
from complaints.services.list_names import CHANGE_RIGHT
from foundation.common import clock
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.kept_lists import stamp_of
from foundation.ui.wording import say_date
from interactions.models import Topic
from interactions.queries import topic_choices
from staff.drafts import Place, forget_draft
from staff.models import User
from staff.requests import StaffRequest
from workspace.admin.kept_rows import Acts, carry_out
from workspace.admin.list_tabs import list_tabs


class WordingForm(forms.Form):
    """One wording. `stamp`: what it said when the page was made."""

    topic = forms.ChoiceField(
        label=_("Topic"), required=False, help_text=_("Offered in complaints of it and below it; without one in all.")
    )
    name_zh = forms.CharField(label=_("Name in Chinese"), max_length=answer_wordings.LONGEST_NAME)
    name_en = forms.CharField(label=_("Name in English"), max_length=answer_wordings.LONGEST_NAME)
    text_zh = forms.CharField(label=_("Text in Chinese"), widget=forms.Textarea(attrs={"rows": 6}))
    text_en = forms.CharField(
        label=_("Text in English"),
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=_("{number} becomes the number of the complaint, {due} the day it is to be answered by."),
    )
    stamp = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["topic"].choices = [("", _("all")), *topic_choices()[1:]]  # type: ignore[attr-defined]  # a choice field

    def clean_topic(self) -> Topic | None:
        """The topic itself, as a service takes it."""
        return Topic.objects.select_related("parent").filter(code=self.cleaned_data["topic"] or "-").first()


@require_safe
@requires("complaint_lists.view")
def wording_list(request: StaffRequest) -> HttpResponse:
    """All wordings, retired ones last."""
    rows = AnswerTemplate.objects.select_related("topic__parent").order_by("-active", "order", "pk")
    context = {
        "rows": rows,
        "may_change": request.user.has_perm(CHANGE_RIGHT),
        "tabs": list_tabs("wording-list"),
    }
    return render(request, "workspace/wording_list.html", context)


@require_http_methods(["GET", "POST"])
@requires("complaint_lists.change")
def wording_new(request: StaffRequest) -> HttpResponse:
    """A new wording."""
    form = WordingForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        wanted = {name: given for name, given in form.cleaned_data.items() if name != "stamp"}
        try:
            made = answer_wordings.add_wording(actor=request.user, **wanted)
            _forget_drafts(request.user, "new")
            messages.success(request, gettext("The wording was added."))
            return redirect("workspace:wording-detail", made.pk)
        except RuleBroken as no:
            form.add_error(_field_of(no), no.message)
    return render(request, "workspace/wording_new.html", {"form": form}, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@requires("complaint_lists.change")
def wording_detail(request: StaffRequest, pk: int) -> HttpResponse:
    """One wording and how it reads (`?case=`: in that complaint). `act` of a POST: change, retire, restore."""
    row = get_object_or_404(AnswerTemplate.objects.select_related("topic__parent"), pk=pk)
    form, refused = WordingForm(initial=_said(row)), ""
    if request.method == "POST":
        act = request.POST.get("act", "")
        form = WordingForm(request.POST) if act == "change" else form
        refused, done = carry_out(request, row, form, _acts(), field_of=_field_of)
        if done:
            if act == "change":
                _forget_drafts(request.user, str(pk))
            messages.success(request, done)
            return redirect("workspace:wording-detail", pk)
    shown, unknown = _previewed(request.user, request.GET.get("case", ""), row)
    context = {"row": row, "form": form, "refused": refused, "shown": shown, "unknown": unknown}
    return render(request, "workspace/wording_detail.html", context, status=422 if refused or form.errors else 200)


def _forget_drafts(user: User, which: str) -> None:
    for code in ("workspace.wording_zh", "workspace.wording_en"):
        forget_draft(user, Place(code, of=which))


def _said(row: AnswerTemplate) -> dict[str, Any]:
    said = {name: getattr(row, name) for name in ("name_zh", "name_en", "text_zh", "text_en")}
    return {**said, "topic": row.topic.code if row.topic is not None else "", "stamp": stamp_of(row)}


def _acts() -> Acts:
    return {
        "change": (answer_wordings.change_wording, gettext("The wording was changed.")),
        "retire": (answer_wordings.retire_wording, gettext("The wording is no longer offered.")),
        "restore": (answer_wordings.restore_wording, gettext("The wording is offered again.")),
    }


def _field_of(no: RuleBroken) -> str | None:
    return "topic" if no.code == "wordings.topic_retired" else None


def _previewed(user: User, number: str, row: AnswerTemplate) -> tuple[list[tuple[str, str]], bool]:
    """The texts as a complainant would read them, by language; and whether the complaint asked for is none the user
    sees. Without one an example is filled in."""
    case = case_numbered(number) if number else None
    if case is not None and not Complaint.objects.visible_to(user).filter(pk=case.pk).exists():
        case = None
    due = case.service_due_at or case.statutory_due_at if case is not None else clock.now()
    named = case.number if case is not None else f"CP{clock.today():%Y%m%d}000001"
    texts = []
    for language, text in (("zh-Hans", row.text_zh), ("en", row.text_en)):
        with translation.override(language):
            texts.append((language, filled(text, {"{number}": named, "{due}": say_date(due) if due else ""})))
    return texts, bool(number) and case is None
