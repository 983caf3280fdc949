"""Causes of complaints: the tree as it is, adding one, its names, whether it is offered, and deleting an unused one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from complaints.models import Cause
from complaints.services import cause_tree
from complaints.services.list_names import CHANGE_RIGHT
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.kept_lists import stamp_of
from staff.requests import StaffRequest
from workspace.admin.kept_rows import Acts, carry_out
from workspace.admin.list_tabs import list_tabs


class NamesForm(forms.Form):
    """What a cause is called. `stamp`: what it said when the page was made."""

    name_zh = forms.CharField(label=_("Name in Chinese"), max_length=cause_tree.LONGEST_NAME)
    name_en = forms.CharField(label=_("Name in English"), max_length=cause_tree.LONGEST_NAME)
    network = forms.BooleanField(
        label=_("A matter of the network"), required=False, help_text=_("Such a complaint is not charged to a person.")
    )
    stamp = forms.CharField(widget=forms.HiddenInput, required=False)


class AddForm(NamesForm):
    """A new cause and where it stands."""

    parent = forms.ModelChoiceField(
        Cause.objects.filter(parent__isnull=True, active=True).order_by("order", "pk"),
        label=_("Below"),
        required=False,
        empty_label=_("First level"),
    )
    field_order = ("parent", "name_zh", "name_en", "network")


def cause_rows() -> list[Cause]:
    """Every cause, retired ones too, each of the first level followed by those below it."""
    rows = list(Cause.objects.select_related("parent").order_by("order", "pk"))
    below: dict[int, list[Cause]] = {}
    for row in rows:
        if row.parent_id is not None:
            below.setdefault(row.parent_id, []).append(row)
    return [row for top in rows if top.parent_id is None for row in (top, *below.get(top.pk, []))]


@require_http_methods(["GET", "POST"])
@requires("complaint_lists.view")
def cause_list(request: StaffRequest) -> HttpResponse:
    """The tree, retired causes too; with "complaint_lists.change" also the form for a new one."""
    may_change = request.user.has_perm(CHANGE_RIGHT)
    form = AddForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if not may_change:
            raise PermissionDenied(CHANGE_RIGHT)
        if form.is_valid() and _add(form, request):
            messages.success(request, gettext("The cause was added."))
            return redirect("workspace:cause-list")
    context = {"tree": cause_rows(), "form": form, "may_change": may_change, "tabs": list_tabs("cause-list")}
    return render(request, "workspace/cause_list.html", context, status=422 if form.errors else 200)


def _add(form: AddForm, request: StaffRequest) -> bool:
    asked = form.cleaned_data
    try:
        cause_tree.add_cause(
            actor=request.user,
            name_zh=asked["name_zh"],
            name_en=asked["name_en"],
            parent_id=asked["parent"].pk if asked["parent"] else None,
            network=asked["network"],
        )
    except RuleBroken as no:
        form.add_error("parent" if no.code == "causes.no_parent" else None, no.message)
        return False
    return True


@require_http_methods(["GET", "POST"])
@requires("complaint_lists.view")
def cause_detail(request: StaffRequest, pk: int) -> HttpResponse:
    """One cause. `act` of a POST: change, retire, restore, delete."""
    cause = get_object_or_404(Cause.objects.select_related("parent"), pk=pk)
    may_change = request.user.has_perm(CHANGE_RIGHT)
    form, refused = NamesForm(initial=_said(cause)), ""
    if request.method == "POST":
        if not may_change:
            raise PermissionDenied(CHANGE_RIGHT)
        form = NamesForm(request.POST) if request.POST.get("act") == "change" else form
        refused, done = carry_out(request, cause, form, _acts())
        if done:
            messages.success(request, done)
            return redirect("workspace:cause-list")
        cause.refresh_from_db()
    context = {
        "cause": cause,
        "form": form,
        "may_change": may_change,
        "refused": refused,
        "cases": cause_tree.said_count(cause_tree.cases_with(cause)),
    }
    return render(request, "workspace/cause_detail.html", context, status=422 if refused or form.errors else 200)


def _said(cause: Cause) -> dict[str, Any]:
    return {
        "name_zh": cause.name_zh,
        "name_en": cause.name_en,
        "network": cause.network,
        "stamp": stamp_of(cause),
    }


def _acts() -> Acts:
    return {
        "change": (cause_tree.change_cause, gettext("The cause was changed.")),
        "retire": (cause_tree.retire_cause, gettext("The cause is no longer offered. Old complaints keep it.")),
        "restore": (cause_tree.restore_cause, gettext("The cause is offered again.")),
        "delete": (cause_tree.delete_cause, gettext("The cause was deleted.")),
    }
