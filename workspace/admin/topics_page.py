"""Topics of contacts: the tree as it is, adding one, its names, and whether it is offered for new contacts."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from interactions.models import Topic
from interactions.queries import topic_tree
from interactions.services import topics
from staff.requests import StaffRequest
from workspace.admin.kept_rows import Acts, carry_out


class NamesForm(forms.Form):
    """What a topic is called."""

    name_zh = forms.CharField(label=_("Name in Chinese"), max_length=topics.LONGEST_NAME)
    name_en = forms.CharField(label=_("Name in English"), max_length=topics.LONGEST_NAME)


class AddForm(NamesForm):
    """A new topic and where it stands."""

    parent = forms.ModelChoiceField(
        Topic.objects.filter(parent__isnull=True, active=True).order_by("order", "pk"),
        label=_("Below"),
        required=False,
        empty_label=_("First level"),
    )
    field_order = ("parent", "name_zh", "name_en")


@require_http_methods(["GET", "POST"])
@requires("topics.view")
def topic_list(request: StaffRequest) -> HttpResponse:
    """The tree, retired topics too; with "topics.change" also the form for a new one."""
    may_change = request.user.has_perm(topics.CHANGE_RIGHT)
    form = AddForm(request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if not may_change:
            raise PermissionDenied(topics.CHANGE_RIGHT)
        if form.is_valid() and _add(form, request):
            messages.success(request, gettext("The topic was added."))
            return redirect("workspace:topic-list")
    context = {"tree": topic_tree(), "form": form, "may_change": may_change}
    return render(request, "workspace/topic_list.html", context, status=422 if form.errors else 200)


def _add(form: AddForm, request: StaffRequest) -> bool:
    asked = form.cleaned_data
    try:
        topics.add_topic(
            actor=request.user,
            name_zh=asked["name_zh"],
            name_en=asked["name_en"],
            parent_id=asked["parent"].pk if asked["parent"] else None,
        )
    except RuleBroken as no:
        form.add_error("parent" if no.code == "topics.no_parent" else None, no.message)
        return False
    return True


@require_http_methods(["GET", "POST"])
@requires("topics.view")
def topic_detail(request: StaffRequest, pk: int) -> HttpResponse:
    """One topic. `act` of a POST: rename, retire, restore, delete."""
    topic = get_object_or_404(Topic.objects.select_related("parent"), pk=pk)
    may_change = request.user.has_perm(topics.CHANGE_RIGHT)
    form, refused = NamesForm(initial={"name_zh": topic.name_zh, "name_en": topic.name_en}), ""
    if request.method == "POST":
        if not may_change:
            raise PermissionDenied(topics.CHANGE_RIGHT)
        form = NamesForm(request.POST) if request.POST.get("act") == "rename" else form
        refused, done = carry_out(request, topic, form, _acts())
        if done:
            messages.success(request, done)
            return redirect("workspace:topic-list")
    context = {"topic": topic, "form": form, "may_change": may_change, "refused": refused}
    return render(request, "workspace/topic_detail.html", context, status=422 if refused or form.errors else 200)


def _acts() -> Acts:
    return {
        "rename": (topics.rename_topic, gettext("The topic was renamed.")),
        "retire": (topics.retire_topic, gettext("The topic is no longer offered. Old contacts keep it.")),
        "restore": (topics.restore_topic, gettext("The topic is offered again.")),
        "delete": (topics.delete_topic, gettext("The topic was deleted.")),
    }
