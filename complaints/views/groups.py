"""Suggested groups: many customers, one category, a short time; what making one would do."""

from __future__ import annotations

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy
from django.views.decorators.http import require_GET, require_POST

from complaints.models import Complaint, GroupSuggestion
from complaints.queries import listed
from complaints.services import suggesting
from foundation.common.doors import requires
from foundation.common.ids import from_text, to_text
from interactions.views.acting import done, tabbed_list
from staff.requests import StaffRequest

VIEWS: dict[str, Any] = {"open": _("To decide"), "decided": _("Decided")}
MOST_SHOWN = 200
NEW = "new"


class MakeGroupForm(forms.Form):
    """What the group is called, or the open one the cases join."""

    into = forms.ChoiceField(label=pgettext_lazy("grade", "Group"), choices=())
    subject = forms.CharField(label=_("What has happened"), max_length=120, required=False)

    def __init__(self, *args: Any, groups: QuerySet[Complaint], **more: Any) -> None:
        super().__init__(*args, **more)
        known = [(str(one.ref), f"{one.number} {one.subject}") for one in groups]
        self.fields["into"].choices = [(NEW, _("A new group")), *known]  # type: ignore[attr-defined]  # a choice field


class RefuseGroupForm(forms.Form):
    """Why they are none."""

    reason = forms.CharField(
        label=_("Why they have different causes"), max_length=400, widget=forms.Textarea(attrs={"rows": 2})
    )


@require_GET
@requires("complaints.coordinate")
def group_list(request: StaffRequest) -> HttpResponseBase:
    """Suggestions to decide about, the newest first; and those decided."""

    def rows(view: str) -> QuerySet[GroupSuggestion]:
        found = GroupSuggestion.objects.select_related("topic__parent", "decided_by", "parent")
        return found.filter(decided_at__isnull=view == "open").order_by("-pk")

    return tabbed_list(request, "complaints/group_list.html", VIEWS, rows)


@require_GET
@requires("complaints.coordinate")
def group_detail(request: StaffRequest, pk: int) -> HttpResponse:
    """The cases of a suggestion, and what making the group would do."""
    return _detail(request, _suggestion(pk))


@require_POST
@requires("complaints.coordinate")
def group_make(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Make the group of the chosen cases, or let them join one."""
    row = _suggestion(pk)
    form = MakeGroupForm(request.POST, groups=_groups(request, row))
    keys = []
    for text in request.POST.getlist("pick"):
        try:
            keys.append(from_text(text))
        except ValueError as no:
            raise Http404 from no
    made: list[Complaint] = []

    def act(data: dict[str, Any]) -> object:
        into = None if data["into"] == NEW else from_text(data["into"])
        made.append(
            suggesting.make_suggested_group(pk, actor=request.user, case_ids=keys, subject=data["subject"], into=into)
        )
        return made

    if done(form, act):
        return redirect("complaints:case", made[0].pk)
    return _detail(request, row, status=422, make=form)


@require_POST
@requires("complaints.coordinate")
def group_refuse(request: StaffRequest, pk: int) -> HttpResponseBase:
    """It is no group."""
    row = _suggestion(pk)
    form = RefuseGroupForm(request.POST)
    if done(form, lambda data: suggesting.refuse_suggestion(pk, actor=request.user, reason=data["reason"])):
        return redirect("complaints:group-list")
    return _detail(request, row, status=422, refuse=form)


def _suggestion(pk: int) -> GroupSuggestion:
    return get_object_or_404(GroupSuggestion.objects.select_related("topic__parent", "decided_by", "parent"), pk=pk)


def _groups(request: StaffRequest, row: GroupSuggestion) -> QuerySet[Complaint]:
    """Open groups of the category the cases may join instead."""
    rows = Complaint.objects.visible_to(request.user).open().filter(is_parent=True, topic=row.topic_id)
    return rows.order_by("-received_at", "-pk")[:20]


def _detail(
    request: StaffRequest, row: GroupSuggestion, *, status: int = 200, make: Any = None, refuse: Any = None
) -> HttpResponse:
    found = suggesting.cases_of(row, request.user) if row.decided_at is None else Complaint.objects.none()
    if row.parent_id is not None:
        found = Complaint.objects.visible_to(request.user).filter(parent=row.parent_id)
    cases = list(listed(found.order_by("received_at", "pk"))[: MOST_SHOWN + 1])
    picked = set(request.POST.getlist("pick")) if make is not None else None
    context = {
        "row": row,
        "cases": [(case, to_text(case.pk)) for case in cases[:MOST_SHOWN]],
        "more": len(cases) > MOST_SHOWN,
        "picked": picked,
        "make": make or MakeGroupForm(groups=_groups(request, row), initial={"subject": str(row.topic)}),
        "refuse": refuse or RefuseGroupForm(),
    }
    return render(request, "complaints/group_detail.html", context, status=status)
