"""Requests about one's own data: taking them, the officer's list, deciding, deleting (D§5.11, ui-guide §12.6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from customers.erasure.erasing import preview
from customers.erasure.keeping import held_by_code
from customers.models import Customer, Retention
from foundation.audit.words import say_kind
from foundation.common import clock, ids
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.explain import Explanation
from foundation.common.paging import keyset_page
from foundation.common.personal import own_models
from foundation.jobs.models import JobRun
from foundation.ui.htmx import wants_fragment
from foundation.ui.parts.lists import Tab
from interactions.exporting import RIGHTS_WORDS, rights_view
from interactions.models import RightsRequest
from interactions.rights import services
from interactions.rights.export import fetch, start_export
from interactions.rights.forms import AnswerForm, IdentityForm, RaiseForm, RefuseForm
from interactions.rights.lifecycle import RightsKind, RightsState
from interactions.rights.queries import requests_in_view
from staff.drafts import Place, forget_draft
from staff.requests import StaffRequest

PAGE = 50
# Where the texts of the forms are kept while they are typed.
DETAILS = "interactions.rights-new"
TEXTS = {"reply": "interactions.rights-answer", "refuse": "interactions.rights-refuse"}
RUNS_SHOWN = 10


@require_GET
@requires("rights.view")
def rights_list(request: StaffRequest) -> HttpResponseBase:
    """The requests, the first due first."""
    view = rights_view(request.GET)
    try:
        page = keyset_page(requests_in_view(request.user, view), after=request.GET.get("after"), size=PAGE)
    except RuleBroken:
        return redirect(f"{request.path}?view={view}")
    tabs = [Tab(label, f"?view={key}", current=key == view) for key, label in RIGHTS_WORDS.items()]
    context = {"page": page, "tabs": tabs, "view": view, "may_answer": request.user.has_perm("rights.answer")}
    return render(request, f"interactions/rights_list.html{'#results' if wants_fragment(request) else ''}", context)


@require_http_methods(["GET", "POST"])
@requires("rights.raise")
def rights_new(request: StaffRequest) -> HttpResponseBase:
    """Take a request of the customer named by `customer`."""
    customer = _named_customer(request)
    form = RaiseForm(request.POST if request.method == "POST" else None, customer=customer)
    if form.is_bound and form.is_valid():
        try:
            made = services.raise_request(customer, actor=request.user, **form.cleaned_data)
        except RuleBroken as no:
            form.add_error(None, no.message)
        else:
            words = _("Request %(number)s is taken; the answer is due %(day)s.")
            day = clock.today(made.due_at).isoformat()
            messages.success(request, words % {"number": made.number, "day": day})
            forget_draft(request.user, Place(DETAILS, customer.pk))
            return redirect("customers:customer-detail", customer.pk)
    status = 422 if form.errors else 200
    return render(request, "interactions/rights_new.html", {"form": form, "customer": customer}, status=status)


@require_GET
@never_cache
@requires("rights.view")
def rights_detail(request: StaffRequest, pk: int) -> HttpResponse:
    """One request with what can be done now."""
    return _detail(request, _visible(request, pk))


@require_POST
@requires("rights.answer")
def rights_identify(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Note how the person was identified."""
    return _act(request, pk, "identify", IdentityForm(request.POST), services.check_identity)


@require_POST
@requires("rights.answer")
def rights_answer(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Answer, and do what the answer says."""
    return _act(request, pk, "reply", AnswerForm(request.POST), services.answer_request)


@require_POST
@requires("rights.answer")
def rights_refuse(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Refuse with a ground and words."""
    return _act(request, pk, "refuse", RefuseForm(request.POST), services.refuse_request)


@require_POST
@requires("rights.answer")
def rights_withdraw(request: StaffRequest, pk: int) -> HttpResponseBase:
    """The customer no longer asks for it."""
    return _act(request, pk, "", forms.Form(request.POST), services.withdraw_request)


@require_POST
@requires("rights.answer")
def rights_export(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Put the data together in the background."""
    return _act(request, pk, "", forms.Form(request.POST), start_export)


@require_GET
@never_cache
@requires("rights.answer")
def rights_fetch(request: StaffRequest, pk: int) -> HttpResponseBase:
    """The file that was put together, for the officer alone; each download is noted."""
    try:
        name, file = fetch(_visible(request, pk).pk, actor=request.user)
    except RuleBroken:
        raise Http404 from None
    return FileResponse(file, as_attachment=True, filename=name)


@require_http_methods(["GET", "POST"])
@never_cache
@requires("rights.answer")
def rights_erasure(request: StaffRequest, pk: int) -> HttpResponseBase:
    """What a deletion would take and leave; POST does it."""
    found = _visible(request, pk)
    if found.kind != RightsKind.DELETE:
        raise Http404
    refusal = ""
    if request.method == "POST":
        try:
            services.erase_for(found.pk, actor=request.user)
        except RuleBroken as no:
            refusal = str(no.message)
        else:
            return redirect("interactions:rights-detail", found.pk)
    elif not found.is_open:
        return redirect("interactions:rights-detail", found.pk)
    seen = preview(found.customer_id)
    context = {
        "asked": found,
        "customer": found.customer,
        "fate": seen.fate,
        "rows": [(_say_table(table), count) for table, count in seen.rows.items()],
        "refusal": refusal,
        "checked": found.state == RightsState.CHECKED,
    }
    return render(request, "interactions/rights_erasure.html", context, status=422 if refusal else 200)


@require_GET
@requires("rights.answer")
def rights_retention(request: StaffRequest) -> HttpResponse:
    """What the nightly deletion did, and what waits for it."""
    today = clock.today()
    waiting = Retention.objects.filter(due_on__isnull=False).order_by("due_on", "pk")
    held = waiting.exclude(held=[]).order_by("due_on", "pk")[:PAGE]
    numbers = dict(Customer.objects.filter(pk__in=[row.pk for row in held]).values_list("pk", "number"))
    runs = JobRun.objects.filter(job="customers.erase_due").order_by("-pk")[:RUNS_SHOWN]
    context = {
        "runs": [(run, run.counts, _rows_of(run)) for run in runs],
        "next": waiting.filter(due_on__gt=today).values_list("due_on", flat=True).first(),
        "held": [(numbers.get(row.pk, ""), [held_by_code(code) for code in row.held], row) for row in held],
    }
    return render(request, "interactions/rights_retention.html", context)


def _rows_of(run: JobRun) -> list[tuple[str, int]]:
    rows = [(name[5:], count) for name, count in run.counts.items() if name.startswith("rows_")]
    return [(_say_table(table), count) for table, count in rows]


def _say_table(table: str) -> str:
    """A table in front of people: what the log calls its rows, else its own name."""
    model = next((model for model in own_models() if model._meta.db_table == table), None)
    return say_kind(model._meta.label_lower) if model is not None else table


def _act(request: StaffRequest, pk: int, name: str, form: forms.Form, act: Callable[..., Any]) -> HttpResponseBase:
    """Check the shape, call the service, come back; what was refused stands in its form again."""
    found, refusal = _visible(request, pk), ""
    if form.is_valid():
        try:
            act(found.pk, actor=request.user, **form.cleaned_data)
            if text := TEXTS.get(name):
                forget_draft(request.user, Place(text, found.customer_id, found.ref))
            return redirect("interactions:rights-detail", found.pk)
        except RuleBroken as no:
            if name:
                form.add_error(None, no.message)
            refusal = "" if name else str(no.message)
    return _detail(request, found, refusal=refusal, status=422, **({name: form} if name else {}))


def _detail(
    request: StaffRequest, found: RightsRequest, *, refusal: str = "", status: int = 200, **bound: Any
) -> HttpResponse:
    run = found.export_run
    context: dict[str, Any] = {
        "asked": found,
        "customer": found.customer,
        "clear": found.owner_id == request.user.pk and found.is_open,
        "moves": list(found.moves.select_related("actor", "told").order_by("pk")),
        "grounds": Explanation.from_json(found.grounds).in_words(),
        "may_answer": request.user.has_perm("rights.answer") and found.is_open,
        "run": run,
        "file": bool(run and run.result_file),
        "may_fetch": request.user.has_perm("rights.answer"),
        "wants_data": found.kind in {RightsKind.ACCESS, RightsKind.COPY},
        "refusal": refusal,
        "now": clock.now(),
    }
    if context["may_answer"]:
        context["identify"] = IdentityForm() if found.state == RightsState.RECEIVED else None
        ready = found.state == RightsState.CHECKED and found.kind != RightsKind.DELETE
        context["reply"] = AnswerForm() if ready else None
        context["refuse"] = RefuseForm()
    return render(request, "interactions/rights_detail.html", context | bound, status=status)


def _visible(request: StaffRequest, pk: int) -> RightsRequest:
    rows = RightsRequest.objects.visible_to(request.user)
    related = ("customer", "owner", "handed_to", "raised_by", "identity_by", "closed_by", "export_run")
    return get_object_or_404(rows.select_related(*related), pk=pk)


def _named_customer(request: StaffRequest) -> Customer:
    """The customer the request names, when this person may see them."""
    text = request.POST.get("customer") or request.GET.get("customer") or ""
    try:
        key = ids.from_text(text[:13])
    except ValueError:
        raise Http404 from None
    return get_object_or_404(Customer.objects.visible_to(request.user), pk=key)
