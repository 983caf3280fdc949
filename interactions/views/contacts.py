"""Starting a contact, writing it up, and the list of those taken."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from customers.models import Customer
from foundation.common import clock, ids
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.ui.htmx import redirect_page, toast, wants_fragment
from interactions import services
from interactions.exporting import VIEW_WORDS
from interactions.forms import (
    LinkForm,
    LogForm,
    NewCustomerForm,
    PlaceFilterForm,
    QualityForm,
    StartForm,
    VerifyForm,
    note_form,
)
from interactions.identifiers import customers_with
from interactions.lifecycle import Caller
from interactions.models import Interaction
from interactions.quality_items import quality_items
from interactions.queries import contacts_in_view, place_asked
from interactions.views.acting import done, tabbed_list
from staff.drafts import Place, forget_draft
from staff.requests import StaffRequest
from staff.rights import sight_of

PANEL = "interactions/_log_panel.html"
# Where what is typed is kept until it is saved.
NOTE, WRITE_UP = "interactions.note", "interactions.contact"


@require_GET
@requires("interactions.view")
def contact_list(request: StaffRequest) -> HttpResponseBase:
    """Contacts taken, newest first."""
    place = place_asked(request.GET)
    return tabbed_list(
        request,
        "interactions/contact_list.html",
        VIEW_WORDS,
        lambda view: contacts_in_view(request.user, view, place),
        kept=("place",),
        filter=PlaceFilterForm(request.GET, user=request.user),
        place=place,
    )


@require_http_methods(["GET", "POST"])
@requires("interactions.take")
def contact_start(request: StaffRequest) -> HttpResponseBase:
    """Begin a contact. POST `customer` (an id), with `identifier` when the customer is another unit's; without a
    customer it is an unknown caller or a wrong number."""
    customer = _named_customer(request)
    data = request.POST if request.method == "POST" else None
    start = {"call_ref": request.GET.get("call", "")}
    form = StartForm(data, known=customer is not None, user=request.user, initial=start)
    if data is not None and form.is_valid():
        try:
            contact = services.start_contact(actor=request.user, customer=customer, **form.cleaned_data)
        except RuleBroken as no:
            if no.code == "contact.needs_full_identifier":  # who guesses ids must not learn which exist
                raise Http404 from no
            form.add_error(None, no.message)
        else:
            target = _after_start(contact)
            return redirect_page(target) if wants_fragment(request) else redirect(target)
    context = {"form": form, "customer": customer}
    return render(request, "interactions/contact_start.html", context, status=422 if form.errors else 200)


@require_GET
@requires("interactions.view")
def contact_detail(request: StaffRequest, pk: int) -> HttpResponse:
    """One contact, with what is still to be written up when it is the user's own."""
    return _detail(request, _visible(request, pk))


@require_POST
@requires("interactions.take")
def contact_log(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Write up one contact."""
    contact = _visible(request, pk)
    form = LogForm(request.POST, user=request.user)
    if form.is_valid() and form.suits(contact.customer):
        try:
            services.log_contact(contact.pk, actor=request.user, **form.logged())
        except RuleBroken as no:
            form.add_error(None, no.message)
        else:
            forget_draft(request.user, Place(WRITE_UP, contact.customer_id, contact.ref))
            return redirect(_after_log(contact))
    return _detail(request, contact, status=422, log=form)


@require_http_methods(["GET", "POST"])
@requires("interactions.take")
def contact_quick_log(request: StaffRequest, pk: int) -> HttpResponseBase:
    """The note on the customer's page: one key, one field. GET is the page for it alone, or as a fragment the fields
    that the panel unfolds."""
    customer = get_object_or_404(Customer.objects.visible_to(request.user), pk=pk)
    data = request.POST if request.method == "POST" else None
    form = note_form(request.user, customer.pk, data)
    if data is not None and form.is_valid() and form.suits(customer):
        try:
            channel = form.cleaned_data["channel"]
            services.quick_log(actor=request.user, customer=customer, channel=channel, **form.logged())
        except RuleBroken as no:
            form.add_error(None, no.message)
        else:
            forget_draft(request.user, Place(NOTE, customer.pk))
            target = reverse("customers:customer-detail", args=[customer.pk])
            return redirect_page(target) if wants_fragment(request) else redirect(target)
    context = {"customer": customer, "log": form, "unfolded": form.is_bound}
    part = PANEL if form.is_bound else "interactions/_more_fields.html"
    page = part if wants_fragment(request) else "interactions/contact_note.html"
    return render(request, page, context, status=422 if form.is_bound else 200)


@require_POST
@requires("interactions.take")
def contact_end(request: StaffRequest, pk: int) -> HttpResponseBase:
    """The conversation is over; the note may come later."""
    contact = _visible(request, pk)
    try:
        services.end_contact(contact.pk, actor=request.user)
    except RuleBroken as no:
        return _detail(request, contact, status=422, refusal=str(no.message))
    return redirect("interactions:contact-detail", pk)


@require_POST
@requires("interactions.take")
def contact_verify(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Note how the caller was verified."""
    contact = _visible(request, pk)
    form = VerifyForm(request.POST)
    if form.is_valid():
        try:
            services.verify_caller(contact.pk, actor=request.user, how=form.cleaned_data["how"])
        except RuleBroken as no:
            form.add_error(None, no.message)
        else:
            answer = redirect("interactions:contact-detail", pk)
            return toast(answer, _("Verified"))
    return _detail(request, contact, status=422, verify=form)


@require_POST
@requires("interactions.take")
def contact_attach(request: StaffRequest, pk: int) -> HttpResponseBase:
    """A contact logged without a customer is this customer's: found by one full identifier."""
    contact = _visible(request, pk)
    form = LinkForm(request.POST)
    customer = _found(form)
    if customer is not None and done(
        form, lambda d: services.attach_customer(contact.pk, actor=request.user, customer=customer, **d)
    ):
        return redirect("interactions:contact-detail", pk)
    return _detail(request, contact, status=422, attach=form)


@require_POST
@requires("interactions.take")
def contact_link(request: StaffRequest, pk: int) -> HttpResponseBase:
    """The unknown caller of a contact that goes on has a name now: found by one full identifier."""
    contact = _visible(request, pk)
    form = LinkForm(request.POST)
    customer = _found(form)
    if customer is not None and done(
        form, lambda d: services.link_customer(contact.pk, actor=request.user, customer=customer, **d)
    ):
        return redirect("customers:customer-detail", customer.pk)
    return _detail(request, contact, status=422, link=form)


@require_POST
@requires("customers.create")
def contact_new_customer(request: StaffRequest, pk: int) -> HttpResponseBase:
    """The unknown caller of a logged contact becomes a new customer."""
    contact = _visible(request, pk)
    form = NewCustomerForm(request.POST)
    if done(form, lambda d: services.open_customer_for(contact.pk, actor=request.user, **d)):
        return redirect("interactions:contact-detail", pk)
    return _detail(request, contact, status=422, new_customer=form)


@require_POST
@requires("interactions.take")
def contact_quality(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Note the checklist of a logged contact."""
    contact = _visible(request, pk)
    form = QualityForm(request.POST, items=quality_items(contact.channel))
    if done(form, lambda d: services.mark_quality(contact.pk, actor=request.user, marks=d)):
        return redirect("interactions:contact-detail", pk)
    return _detail(request, contact, status=422, quality=form)


def _found(form: LinkForm) -> Customer | None:
    """The one customer whose identifier the form holds; with none or several the form says so."""
    if not form.is_valid():
        return None
    found = customers_with(form.cleaned_data["identifier"])
    if len(found) == 1:
        return found[0]
    words = _("No customer has this number.") if not found else _("Several customers have this number.")
    form.add_error("identifier", words)
    return None


def _visible(request: StaffRequest, pk: int) -> Interaction:
    rows = Interaction.objects.visible_to(request.user)
    wanted = (
        "customer",
        "staff",
        "topic",
        "next_action",
        "matter",
        "suggestion",
        "verdict",
        "asked_with",
        "about_staff",
        "place",
    )
    return get_object_or_404(rows.select_related(*wanted), pk=pk)


def _named_customer(request: StaffRequest) -> Customer | None:
    """The customer the request names. Whether this person may open them is the service's question."""
    text = request.POST.get("customer") or request.GET.get("customer") or ""
    if not text:
        return None
    try:
        key = ids.from_text(text[:13])
    except ValueError:
        key = 0
    if request.method == "GET":  # a page may show a customer of another unit only after the contact began
        return get_object_or_404(Customer.objects.visible_to(request.user), pk=key)
    return get_object_or_404(Customer, pk=key)


def _after_start(contact: Interaction) -> str:
    if contact.customer_id is not None:
        return reverse("customers:customer-detail", args=[contact.customer_id])
    return reverse("interactions:contact-detail", args=[contact.pk])


def _after_log(contact: Interaction) -> str:
    return _after_start(contact) if contact.customer_id is not None else reverse("interactions:contact-list")


def _detail(
    request: StaffRequest, contact: Interaction, status: int = 200, refusal: str = "", **bound: forms.Form
) -> HttpResponse:
    own = contact.staff_id == request.user.pk and request.user.has_perm("interactions.take")
    now = clock.now()
    context: dict[str, Any] = {
        "contact": contact,
        "customer": contact.customer,
        "own": own,
        "verified": contact.is_verified(now),
        "moves": list(contact.moves.select_related("actor").order_by("pk")),
        "refusal": refusal,
    }
    if own and contact.logged_at is None:
        context["log"] = LogForm(user=request.user, initial={"next_owner": request.user.pk, "place": contact.place_id})
    if contact.logged_at is not None:
        context |= _afterwards(request, contact, own)
    if own and contact.is_open:
        if contact.customer_id is None:
            context["link"] = LinkForm()
        else:
            context["verify"] = VerifyForm()
    return render(request, "interactions/contact_detail.html", context | bound, status=status)


def _afterwards(request: StaffRequest, contact: Interaction, own: bool) -> dict[str, Any]:
    """What is left to do with a logged contact: find its customer, tick the checklist."""
    user = request.user
    leads = sight_of(user, "interactions.assign").covers(unit_no=contact.unit_no, owner_id=contact.staff_id)
    found: dict[str, Any] = {}
    if (own or leads) and contact.customer_id is None and contact.caller == Caller.UNKNOWN:
        found["attach"] = LinkForm(auto_id="attach-%s")
        if user.has_perm("customers.create"):
            found["new_customer"] = NewCustomerForm(auto_id="new-%s")
    items = quality_items(contact.channel)
    marks = dict(contact.quality_marks.values_list("item", "met"))
    found["marks"] = [(item.name, marks[item.code]) for item in items if item.code in marks]
    if own or leads:
        found["quality"] = QualityForm(initial=marks, items=items, auto_id="quality-%s")
    return found
