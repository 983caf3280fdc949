"""Pages for everybody: sending a complaint in, and seeing how far it is. No sign-in, nothing personal in an address."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from complaints.models import Complaint
from complaints.public.codes import said_code
from complaints.public.forms import ComplainForm, ObjectForm, StatusForm, UrgeForm
from complaints.public.limits import count, counted
from complaints.public.status_page import case_of, case_with, status_of, token_for, urge_key
from complaints.services.answering import dispute_complaint
from complaints.services.attaching import attach_files, check_files, limit_of_file
from complaints.services.intake import register_complaint
from complaints.services.urging import urge_complaint
from customers.imports.uploads import SizeGuard
from customers.models import Customer
from foundation.common.doors import public
from foundation.common.errors import RuleBroken
from foundation.policies.reading import policy
from interactions.identifiers import customers_with
from interactions.lifecycle import Channel
from staff.signin import client_ip

FORMS, TRIES = "forms", "tries"
HOUR = timedelta(hours=1)


@csrf_exempt
@require_http_methods(["GET", "POST"])
@never_cache
@public("whoever has a complaint may send it in, customer or not (D§10.3)")
def complain(request: HttpRequest) -> HttpResponseBase:
    """Send a complaint in; what comes back is its number with the code of the status page."""
    guard = SizeGuard(request, limit_of_file())
    request.upload_handlers.insert(0, guard)
    return _complain(request, guard)


@csrf_protect
def _complain(request: HttpRequest, guard: SizeGuard) -> HttpResponseBase:
    if request.method != "POST":
        return _complain_page(request, ComplainForm(initial={"token": secrets.token_urlsafe(18)}))
    form = ComplainForm(request.POST, request.FILES)
    if guard.too_large:
        words = _("One of the files is larger than %(most)s MB. Send a smaller picture, or the parts that matter.")
        form.add_error("evidence", words % {"most": policy("complaints.file_megabytes")})
    if not form.is_valid() or guard.too_large:
        return _complain_page(request, form, status=422)
    if count(FORMS, client_ip(request), HOUR) > policy("complaints.web_forms_per_hour"):
        return _too_many(request, minutes=60)
    try:
        files = check_files(form.cleaned_data["evidence"])
        with transaction.atomic():
            case = register_complaint(actor=None, channel=Channel.WEB, **_told(form))
            if files and not case.attachments.exists():
                attach_files(case, files, actor=None)
    except RuleBroken as no:
        form.add_error("evidence" if no.code.startswith("complaint.file") else None, no.message)
        return _complain_page(request, form, status=422)
    return redirect("public:complained", token_for(case))


def _told(form: ComplainForm) -> dict[str, Any]:
    data = form.cleaned_data
    return {
        "text": data["text"],
        "demand": data["demand"],
        "contact_name": data["name"],
        "contact_phone": data["phone"],
        "contact_email": data["email"],
        "language": get_language() or "",
        "customer": _customer_of(data["name"], data["phone"]),
        "key": f"web-{data['token']}",
    }


def _customer_of(name: str, phone: str) -> Customer | None:
    """The customer who has this number and this name. One of the two alone may be a mistake: the answer would reach
    somebody else."""
    found = customers_with(phone) if phone else []
    same = [one for one in found if "".join(one.name.split()).lower() == "".join(name.split()).lower()]
    return same[0] if len(found) == 1 and same else None


@require_GET
@never_cache
@public("tells whoever just complained the number and code of it")
def complained(request: HttpRequest, token: str) -> HttpResponseBase:
    """Number and code of the complaint just sent in, and what happens now."""
    case = case_of(token)
    if case is None:
        return redirect("public:status")
    context = {"case": case, "code": said_code(case.public_code), "status": status_of(case), "token": token}
    return render(request, "complaints/public_complained.html", context)


@require_http_methods(["GET", "POST"])
@never_cache
@public("the customer sees how far the complaint is, by number and code (D§10.13)")
def status(request: HttpRequest) -> HttpResponseBase:
    """Ask for number and code. A wrong pair is refused alike, whether the number is one or not; after some an address
    waits."""
    form = StatusForm(request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return render(request, "complaints/public_status.html", {"form": form})
    wait = policy("complaints.status_wait")
    minutes = int(wait.total_seconds() // 60)
    if counted(TRIES, client_ip(request)) >= policy("complaints.status_tries"):
        return _too_many(request, minutes=minutes)
    if form.is_valid():
        case = case_with(form.cleaned_data["number"], form.cleaned_data["code"])
        if case is not None:
            return redirect("public:status-case", token_for(case))
        form.add_error(None, _("Number and code do not belong together. Look at both once more."))
        count(TRIES, client_ip(request), wait)
    return render(request, "complaints/public_status.html", {"form": form}, status=422)


@require_GET
@never_cache
@public("shown for half an hour after number and code were right")
def status_case(request: HttpRequest, token: str) -> HttpResponseBase:
    """How far the complaint is."""
    case = case_of(token)
    return redirect("public:status") if case is None else _status_page(request, case, token)


@require_POST
@never_cache
@public("the customer urges, after number and code were right")
def status_urge(request: HttpRequest, token: str) -> HttpResponseBase:
    """Urge, once a day."""
    case = case_of(token)
    if case is None:
        return redirect("public:status")
    form = UrgeForm(request.POST)
    if not form.is_valid():
        return _status_page(request, case, token, urge=form, status=422)
    words = form.cleaned_data["words"] or _("The customer urges by the status page.")
    try:
        urge_complaint(case.pk, actor=None, channel=Channel.WEB, text=words, key=urge_key(case))
    except RuleBroken as no:
        return _status_page(request, case, token, refusal=str(no.message), status=422)
    return redirect("public:status-case", token_for(case))


@require_POST
@never_cache
@public("the customer objects to the answer, after number and code were right")
def status_object(request: HttpRequest, token: str) -> HttpResponseBase:
    """Object to the answer: a superior takes it up."""
    case = case_of(token)
    if case is None:
        return redirect("public:status")
    form = ObjectForm(request.POST)
    if not form.is_valid():
        return _status_page(request, case, token, objection=form, status=422)
    try:
        dispute_complaint(case.pk, actor=None, words=form.cleaned_data["words"])
    except RuleBroken as no:
        return _status_page(request, case, token, refusal=str(no.message), status=422)
    return redirect("public:status-case", token_for(case))


def _status_page(
    request: HttpRequest,
    case: Complaint,
    token: str,
    *,
    urge: UrgeForm | None = None,
    objection: ObjectForm | None = None,
    refusal: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "status": status_of(case),
        "token": token,
        "urge": urge or UrgeForm(auto_id="urge-%s"),
        "objection": objection or ObjectForm(auto_id="object-%s"),
        "refusal": refusal,
    }
    return render(request, "complaints/public_case.html", context, status=status)


def _complain_page(request: HttpRequest, form: ComplainForm, status: int = 200) -> HttpResponse:
    context = {"form": form, "files_mb": policy("complaints.file_megabytes")}
    return render(request, "complaints/public_complain.html", context, status=status)


def _too_many(request: HttpRequest, *, minutes: int) -> HttpResponse:
    answer = render(request, "complaints/public_wait.html", {"minutes": minutes}, status=429)
    answer.headers["Retry-After"] = str(minutes * 60)
    return answer
