"""Taking a complaint on one page, urging instead, files of a case (ui-guide §12.7)."""

from __future__ import annotations

import secrets
from contextlib import nullcontext
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from complaints.intake.disputed import disputed_line
from complaints.intake.forms import OTHER_TOPIC, IntakeForm, facts_for
from complaints.intake.page import Look, chosen_topic, lines_of, look_at, running_contact, topics_grouped
from complaints.models import Attachment, Complaint
from complaints.models.cases import VIEW_RIGHT
from complaints.services.attaching import attach_files, check_files, fetch_file, limit_of_file
from complaints.services.closing import reopen_complaint
from complaints.services.ground import covers
from complaints.services.intake import register_complaint
from complaints.services.urging import urge_complaint
from customers.imports.uploads import SizeGuard
from customers.models import Customer
from customers.visibility import opened_ids
from foundation.common import ids
from foundation.common.doors import requires
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.prepared import read
from foundation.policies.reading import policy
from foundation.ui.htmx import toast, wants_fragment
from interactions.models import Interaction
from interactions.place_queries import usual_channel
from staff.drafts import Place, forget_draft, held
from staff.requests import StaffRequest

TEXT = "complaints.intake"


@csrf_exempt
@require_http_methods(["GET", "POST"])
@never_cache
@requires("complaints.take")
def intake(request: StaffRequest) -> HttpResponseBase:
    """The page; POST takes the complaint and opens its case."""
    # Too large files must be noticed while they come in, before anything else reads the form.
    guard = SizeGuard(request, limit_of_file())
    request.upload_handlers.insert(0, guard)
    return _intake(request, guard)


@csrf_protect
def _intake(request: StaffRequest, guard: SizeGuard) -> HttpResponseBase:
    customer = _named_customer(request)
    contact = _named_contact(request, customer)
    if request.method != "POST":
        return _page(request, customer, contact)
    if "look" in request.POST:
        return _page(request, customer, contact, request.POST)
    topic = _topic_of(request)
    form = IntakeForm(request.POST, request.FILES, user=request.user, customer=customer, facts=facts_for(topic))
    if guard.too_large:
        words = _("One of the files is larger than %(most)s MB. Send a smaller picture, or the parts that matter.")
        form.add_error("evidence", words % {"most": policy("complaints.file_megabytes")})
    if form.is_valid() and not guard.too_large:
        try:
            files = check_files(form.cleaned_data["evidence"])
            with transaction.atomic() if files else nullcontext():
                case = register_complaint(actor=request.user, customer=customer, contact=contact, **form.told(topic))
                if files and not case.attachments.exists():
                    attach_files(case, files, actor=request.user)
        except NotAllowed as no:
            raise PermissionDenied(str(no.message)) from no
        except RuleBroken as no:
            form.add_error("evidence" if no.code.startswith("complaint.file") else None, no.message)
        else:
            forget_draft(request.user, Place(TEXT, customer.pk if customer else None))
            words = _("%(number)s is taken") % {"number": case.number}
            return toast(redirect(_address_after(request, case, customer)), words)
    return _page(request, customer, contact, request.POST, form=form, status=422)


@require_POST
@never_cache
@requires("complaints.take")
def intake_look(request: StaffRequest) -> HttpResponseBase:
    """What the page says while it is filled in: topics with reasons, questions, cases alike, times. By htmx."""
    customer = _named_customer(request)
    contact = _named_contact(request, customer)
    if not wants_fragment(request):
        return _page(request, customer, contact, request.POST)
    return _page(request, customer, contact, request.POST, part="#looked")


@require_POST
@requires("complaints.take")
def urge(request: StaffRequest, pk: int) -> HttpResponseBase:
    """The customer urges this open case instead of a second one, in the words typed so far."""
    case = get_object_or_404(Complaint.objects.not_about(request.user).select_related("customer"), pk=pk)
    customer = case.customer
    contact = _named_contact(request, customer)
    said = request.POST.get("text", "").strip() or _("The customer asks how far it is.")
    channel = request.POST.get("channel") or (contact.channel if contact else usual_channel(request.user))
    token = request.POST.get("token", "")[:40]
    try:
        urge_complaint(
            case.pk,
            actor=request.user,
            channel=channel,
            text=said,
            contact=contact,
            key=f"urge-{request.user.pk}-{token}" if token else None,
        )
    except NotAllowed as no:
        raise Http404(str(no.message)) from no
    except RuleBroken as no:
        return _page(request, customer, contact, request.POST, refusal=str(no.message), status=422)
    forget_draft(request.user, Place(TEXT, customer.pk if customer else None))
    words = _("%(number)s is urged; handler and owner are told") % {"number": case.number}
    return toast(redirect(_address_after(request, case, customer)), words)


@require_POST
@requires("complaints.take")
def reopen(request: StaffRequest, pk: int) -> HttpResponseBase:
    """The same matter is back within the time of reopening: this closed case goes on, with the words typed so far."""
    case = get_object_or_404(Complaint.objects.not_about(request.user).select_related("customer"), pk=pk)
    customer = case.customer
    contact = _named_contact(request, customer)
    said = request.POST.get("text", "").strip() or _("The customer says the matter is back.")
    try:
        reopen_complaint(case.pk, actor=request.user, words=said, contact=contact)
    except NotAllowed as no:
        raise Http404(str(no.message)) from no
    except RuleBroken as no:
        return _page(request, customer, contact, request.POST, refusal=str(no.message), status=422)
    forget_draft(request.user, Place(TEXT, customer.pk if customer else None))
    words = _("%(number)s is open again") % {"number": case.number}
    return toast(redirect(_address_after(request, case, customer)), words)


@require_GET
@never_cache
@requires("complaints.view")
def attachment(request: StaffRequest, pk: int, file_pk: int) -> HttpResponseBase:
    """A file of a case, to be saved and never shown by the browser in our name."""
    case = get_object_or_404(Complaint.objects.visible_to(request.user), pk=pk)
    found = get_object_or_404(Attachment.objects.select_related("complaint"), pk=file_pk, complaint=case)
    try:
        file = fetch_file(found, actor=request.user)
    except RuleBroken as no:
        raise Http404(str(no.message)) from no
    return FileResponse(
        file,
        as_attachment=True,
        filename=found.name,
        content_type=found.media_type,
        headers={"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"},
    )


def _address_after(request: StaffRequest, case: Complaint, customer: Customer | None) -> str:
    """The case, where it is open to who took it; what is said about themselves is not."""
    seen = case.about_staff_id != request.user.pk and covers(case, request.user, VIEW_RIGHT)
    if seen or Complaint.objects.visible_to(request.user).filter(pk=case.pk).exists():
        return reverse("complaints:case", args=[case.pk])
    return reverse("customers:customer-detail", args=[customer.pk]) if customer else reverse("workspace:home")


def _topic_of(request: StaffRequest) -> Any:
    """The topic that was sent: the page has filled it in or somebody chose it; nothing is guessed any more."""
    topic, _by_hand = chosen_topic({**request.POST.dict(), "guessed": ""}, [])
    return topic


def _page(
    request: StaffRequest,
    customer: Customer | None,
    contact: Interaction | None,
    data: Any = None,
    *,
    form: IntakeForm | None = None,
    part: str = "",
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    if data is None and customer is not None and "bill" in request.GET:
        data = disputed_line(request, customer)
    if data is None and (kept := held(request, Place(TEXT, customer.pk if customer else None))) is not None:
        look: Look = look_at({"text": kept.text}, user=request.user, customer=customer)
    else:
        look = look_at(data, user=request.user, customer=customer)
    if form is None:
        form = _unchecked(request, customer, look, data, contact)
    if not part:
        form.offer(lines_of(customer))
    context = {
        "form": form,
        "look": look,
        "customer": customer,
        "customer_id": customer.pk if customer else None,
        "contact": contact,
        "clear": not part and customer is not None and _is_open(request, customer),
        "other_topic": OTHER_TOPIC,
        "topics": topics_grouped(look.topics),
        "fragment": bool(part),
        "refusal": refusal,
        "files_mb": policy("complaints.file_megabytes"),
    }
    return render(request, f"complaints/intake.html{part}", context, status=status)


def _unchecked(
    request: StaffRequest, customer: Customer | None, look: Look, data: Any, contact: Interaction | None
) -> IntakeForm:
    """The form as it stands, nothing complained of yet: what is half typed is no mistake."""
    initial: dict[str, Any] = {"token": secrets.token_urlsafe(18)}
    if data is None or not data.get("channel"):
        initial["channel"] = contact.channel if contact is not None else usual_channel(request.user)
    if data is not None:
        initial |= {name: data.get(name) for name in data if name != "csrfmiddlewaretoken" and data.get(name)}
        initial["lines"] = data.getlist("lines")
    return IntakeForm(user=request.user, customer=customer, facts=look.facts, initial=initial)


def _named_customer(request: StaffRequest) -> Customer | None:
    """The customer the request names, when this person may see them."""
    key = _key(request, "customer")
    if key is None:
        return None
    customer = next(iter(read(Customer, "WHERE t.id = %s", [key])), None)
    if customer is not None and not customer.is_visible_to(request.user, ()):
        # Whom a contact has opened is asked only about one outside the scope, and once for seeing and for showing.
        opened = opened_ids(request.user)
        customer._is_open = customer.pk in opened  # type: ignore[attr-defined]  # kept for the page
        customer = customer if customer.is_visible_to(request.user, opened) else None
    if customer is None:
        raise Http404
    return customer


def _is_open(request: StaffRequest, customer: Customer) -> bool:
    """Whether the customer's name is clear to this person (D§3.1)."""
    known = getattr(customer, "_is_open", None)
    return customer.pk in opened_ids(request.user) if known is None else bool(known)


def _named_contact(request: StaffRequest, customer: Customer | None) -> Interaction | None:
    return running_contact(request.user, customer, _key(request, "contact"))


def _key(request: StaffRequest, name: str) -> int | None:
    text = request.POST.get(name) or request.GET.get(name) or ""
    if not text:
        return None
    try:
        return ids.from_text(text[:13])
    except ValueError:
        raise Http404 from None
