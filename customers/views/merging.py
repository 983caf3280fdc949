"""Pages about archives of one person: the list of pairs, two side by side, proposals, and taking apart (D§5.14)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from customers.finding.search import only_owner
from customers.merging import fields, pages, services, undoing
from customers.merging.both import LONGEST_REASON
from customers.merging.reading import rows_that_stay, rows_to_move
from customers.models import Band, Customer, Merge
from customers.services import find_duplicates
from customers.views.showing import View
from customers.work_lists import merge_rows, merge_state, pair_rows
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.explain import Explanation
from foundation.common.paging import Page, keyset_page
from foundation.ui.htmx import wants_fragment
from foundation.ui.parts.lists import Tab

PAGE = 50
APART = "apart_%s"  # two forms of one shape stand on a page
BAND_TONES = {Band.AUTO: "danger", Band.REVIEW: "warn", Band.LEAVE: "mute"}
STATE_TONES = {
    Merge.State.PROPOSED: "info",
    Merge.State.DONE: "ok",
    Merge.State.REFUSED: "danger",
    Merge.State.UNDONE: "warn",
}


class ReasonForm(forms.Form):
    """Why: one line."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=LONGEST_REASON,
        widget=forms.TextInput({"autocomplete": "off"}),
    )


class OtherForm(forms.Form):
    """The other archive, by a full identifier."""

    other = forms.CharField(
        label=gettext_lazy("Number of the other customer"),
        max_length=80,
        required=False,
        widget=forms.TextInput({"autocomplete": "off"}),
    )


@require_GET
@never_cache
@requires("customers.merge")
def pair_list(request: HttpRequest) -> HttpResponseBase:
    """Pairs of the own scope nobody has decided about, the surest first."""
    user: Any = request.user
    band = request.GET.get("band", "")
    page, refusal = _paged(pair_rows(user, request.GET).select_related("low", "high"), request)
    for pair in page.items:
        pair.tone = BAND_TONES[Band(pair.band)]
        pair.said = Explanation.from_json(pair.reasons).in_words()
    address = reverse("customers:pair-list")
    context = {
        "page": page,
        "refusal": refusal,
        "bands": [
            Tab(_("All"), address, current=band not in Band.values),
            *(Tab(Band(one).label, f"{address}?band={one}", current=band == one) for one in (Band.AUTO, Band.REVIEW)),
        ],
    }
    template = "customers/pair_list.html" + ("#results" if wants_fragment(request) else "")
    return render(request, template, context)


@require_GET
@never_cache
@requires("customers.merge")
def merge_list(request: HttpRequest) -> HttpResponseBase:
    """Merges of the own scope: those to be decided first of all, or those of another state; newest first."""
    user: Any = request.user
    state = merge_state(request.GET)
    rows = merge_rows(user, request.GET).select_related("survivor", "absorbed", "proposed_by")
    page, refusal = _paged(rows, request)
    for merge in page.items:
        merge.tone = STATE_TONES.get(Merge.State(merge.state), "mute")
    address = reverse("customers:merge-list")
    tabs = (Merge.State.PROPOSED, Merge.State.DONE, Merge.State.UNDONE, Merge.State.REFUSED)
    context = {
        "page": page,
        "refusal": refusal,
        "states": [
            *(Tab(one.label, f"{address}?state={one}", current=state == one) for one in tabs),
            Tab(_("All"), f"{address}?state=ALL", current=state not in Merge.State.values),
        ],
    }
    template = "customers/merge_list.html" + ("#results" if wants_fragment(request) else "")
    return render(request, template, context)


@require_GET
@never_cache
@requires("customers.merge")
def merge_start(request: HttpRequest, pk: int) -> HttpResponseBase:
    """With whom this customer may be merged: those like it, or one whose number is typed."""
    view, refusal = View(request, pk), ""
    form = OtherForm(request.GET)
    typed = form.cleaned_data["other"].strip() if form.is_valid() else ""
    if typed:
        try:
            other = only_owner(view.user, typed)
        except RuleBroken as no:
            other, refusal = None, no.message
        if other is not None and other != pk:
            return redirect("customers:merge-compare", pk=pk, other=other)
        refusal = refusal or (_("That is this customer.") if other == pk else _("No customer you see has this number."))
    phone = view.page.phone
    like = find_duplicates(view.user, name=view.customer.name, phone=phone.value if phone else "", but=pk, limit=10)
    rows = Customer.objects.visible_to(view.user).in_bulk([one.customer_id for one in like if one.visible])
    found = [
        {
            "customer": rows[one.customer_id],
            "match": one.match,
            "band": Band(one.match.band).label,
            "tone": BAND_TONES[Band(one.match.band)],
            "said": one.match.why.in_words(),
        }
        for one in like
        if one.customer_id in rows
    ]
    context = {"view": view, "customer": view.customer, "found": found, "form": form, "refusal": refusal}
    return render(request, "customers/merge_start.html", context)


@require_http_methods(["GET", "POST"])
@never_cache
@requires("customers.merge")
def merge_compare(request: HttpRequest, pk: int, other: int) -> HttpResponseBase:
    """Two archives side by side: the first stays, the other goes; choose field by field, then propose."""
    keeps, goes = _views(request, pk, other)
    form, taken = ReasonForm(request.POST or None), fields.suggested(keeps.customer, goes.customer)
    if request.method == "POST":
        taken = [one for one in fields.CHOICES if request.POST.get(f"take_{one}") == "theirs"]
        form.is_valid()
        try:
            merge = services.propose_merge(
                pk, other, actor=keeps.user, reason=request.POST.get("reason", ""), choices=taken
            )
        except RuleBroken as no:
            _refuse(form, no)
        else:
            messages.success(request, _("Proposed. Somebody else decides about it."))
            return redirect("customers:merge-detail", merge=merge.pk)
    return _compare(request, keeps, goes, taken, form, ReasonForm(auto_id=APART))


@require_POST
@never_cache
@requires("customers.merge")
def merge_apart(request: HttpRequest, pk: int, other: int) -> HttpResponseBase:
    """These two are not the same person."""
    keeps, goes = _views(request, pk, other)
    form = ReasonForm(request.POST, auto_id=APART)
    form.is_valid()
    try:
        services.set_apart(pk, other, actor=keeps.user, why=request.POST.get("reason", ""))
    except RuleBroken as no:
        _refuse(form, no)
        taken = fields.suggested(keeps.customer, goes.customer)
        return _compare(request, keeps, goes, taken, ReasonForm(), form)
    messages.success(request, _("Noted: these are two."))
    return redirect("customers:pair-list")


@require_GET
@never_cache
@requires("customers.merge")
def merge_detail(request: HttpRequest, merge: int) -> HttpResponseBase:
    """One merge: what was proposed, by whom, what it did, and what an undo would meet."""
    return _detail(request, _merge(request, merge), {})


@require_POST
@never_cache
@requires("customers.approve_merge")
def merge_approve(request: HttpRequest, merge: int) -> HttpResponseBase:
    """The second person says yes, to the two as they were on the screen."""

    def act(found: Merge, user: Any) -> None:
        seen = request.POST.get("versions", "").split(",")
        versions = (int(seen[0]), int(seen[1])) if len(seen) == 2 and all(map(str.isdecimal, seen)) else (0, 0)
        services.approve_merge(found.pk, actor=user, versions=versions)

    return _act(request, merge, "approve", act, _("Merged. Until the day shown it can be undone."))


@require_POST
@never_cache
@requires("customers.approve_merge")
def merge_refuse(request: HttpRequest, merge: int) -> HttpResponseBase:
    """The second person says no, and why."""
    reason = request.POST.get("reason", "")
    return _act(
        request,
        merge,
        "refuse",
        lambda found, user: services.refuse_merge(found.pk, actor=user, reason=reason),
        _("Refused."),
    )


@require_POST
@never_cache
@requires("customers.merge")
def merge_withdraw(request: HttpRequest, merge: int) -> HttpResponseBase:
    """Who proposed it takes it back."""
    return _act(
        request,
        merge,
        "withdraw",
        lambda found, user: services.withdraw_merge(found.pk, actor=user),
        _("Taken back."),
    )


@require_POST
@never_cache
@requires("customers.approve_merge")
def merge_undo(request: HttpRequest, merge: int) -> HttpResponseBase:
    """Two customers again."""
    return _act(
        request,
        merge,
        "undo",
        lambda found, user: undoing.undo_merge(
            found.pk,
            actor=user,
            reason=request.POST.get("reason", ""),
            hand_over=request.POST.getlist("hand_over"),
            restore=request.POST.getlist("restore"),
        ),
        _("Undone: these are two customers again."),
    )


def _act(
    request: HttpRequest, merge_id: int, what: str, act: Callable[[Merge, Any], Any], done: str
) -> HttpResponseBase:
    merge = _merge(request, merge_id)
    try:
        act(merge, request.user)
    except Customer.DoesNotExist as gone:
        raise Http404 from gone
    except RuleBroken as no:
        form = ReasonForm(request.POST)
        form.is_valid()
        _refuse(form, no)
        return _detail(request, _merge(request, merge_id), {what: form}, refusal=no.message)
    messages.success(request, done)
    return redirect("customers:merge-detail", merge=merge_id)


def _refuse(form: forms.Form, no: RuleBroken) -> None:
    """The words of a refusal instead of Django's own about the same field."""
    field = "reason" if no.code in {"merge.no_reason", "customers.too_long", "customers.invisible"} else None
    form.errors.pop("reason", None)
    form.add_error(field, no.message)


def _paged(rows: Any, request: HttpRequest) -> tuple[Page[Any], str]:
    """The asked page, or the first with the reason why the asked one cannot be shown."""
    try:
        return keyset_page(rows, after=request.GET.get("after"), size=PAGE), ""
    except RuleBroken as no:
        return keyset_page(rows, after=None, size=PAGE), no.message


def _views(request: HttpRequest, pk: int, other: int) -> tuple[View, View]:
    if pk == other:
        raise Http404
    return View(request, pk), View(request, other)


def _merge(request: HttpRequest, merge_id: int) -> Merge:
    rows = Merge.objects.visible_to(request.user).select_related(  # type: ignore[arg-type]
        "survivor", "absorbed", "proposed_by", "decided_by", "undone_by"
    )
    return get_object_or_404(rows, pk=merge_id)


def _compare(
    request: HttpRequest, keeps: View, goes: View, taken: list[str], form: ReasonForm, apart: ReasonForm
) -> HttpResponseBase:
    context = {
        "keeps": keeps,
        "goes": goes,
        "rows": pages.side_by_side(keeps, goes, taken),
        "form": form,
        "apart": apart,
        **_match(keeps, goes),
        **_counts(goes.customer.pk),
    }
    status = 422 if form.errors or apart.errors else 200
    return render(request, "customers/merge_compare.html", context, status=status)


def _match(keeps: View, goes: View) -> dict[str, Any]:
    match = pages.match_of(keeps.customer.pk, goes.customer.pk)
    if match is None:
        return {"match": None}
    return {
        "match": match,
        "band": Band(match.band).label,
        "band_tone": BAND_TONES[Band(match.band)],
        "said": match.why.in_words(),
    }


def _counts(absorbed_id: int) -> dict[str, Any]:
    return {
        "moves": pages.counted(rows_to_move(absorbed_id)),
        "stays": pages.counted(rows_that_stay(absorbed_id)),
    }


def _detail(request: HttpRequest, merge: Merge, bound: dict[str, ReasonForm], refusal: str = "") -> HttpResponseBase:
    user: Any = request.user
    context: dict[str, Any] = {
        "merge": merge,
        "tone": STATE_TONES.get(Merge.State(merge.state), "mute"),
        "refusal": refusal,
        "refuse_form": bound.get("refuse") or ReasonForm(),
        "undo_form": bound.get("undo") or ReasonForm(),
        "may_decide": user.has_perm(services.APPROVE_RIGHT) and merge.proposed_by_id != user.pk,
        "own": merge.proposed_by_id == user.pk,
    }
    if merge.state == Merge.State.PROPOSED:
        keeps, goes = _proposed(request, merge)
        if keeps is not None and goes is not None:
            context |= {
                "keeps": keeps,
                "goes": goes,
                "versions": f"{keeps.customer.version},{goes.customer.version}",
                "rows": pages.side_by_side(keeps, goes, merge.choices),
                **_match(keeps, goes),
                **_counts(merge.absorbed_id),
            }
    elif merge.state == Merge.State.DONE:
        context |= _undo_context(merge, user)
    return render(request, "customers/merge_detail.html", context, status=422 if refusal else 200)


def _proposed(request: HttpRequest, merge: Merge) -> tuple[View | None, View | None]:
    """The two side by side; nothing when one of them stands no more for itself."""
    try:
        return View(request, merge.survivor_id), View(request, merge.absorbed_id)
    except Http404:
        return None, None


def _undo_context(merge: Merge, user: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"moved": pages.counted(merge.result.get("moved", {}))}
    no = undoing.refusal_of(merge)
    found["no_undo"] = no.message if no else ""
    found["may_undo"] = user.has_perm(services.APPROVE_RIGHT) and no is None
    if found["may_undo"]:
        plan = undoing.plan_of(merge)
        found |= {
            "plan": plan,
            "added": pages.since_words(plan.added),
            "worked_on": pages.since_words(plan.worked_on),
            "elsewhere": pages.since_words(plan.elsewhere),
            "gone": pages.since_words(plan.gone),
            "edited": pages.edited_words(plan.edited, merge.survivor.customer_type),
        }
    return found
