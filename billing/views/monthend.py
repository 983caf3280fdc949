"""Month-end files: the page that checks and loads them, and the door billing sends them through."""

from __future__ import annotations

import hashlib
import hmac
import re
import tempfile
from datetime import date
from http import HTTPStatus
from typing import IO, Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.files import File
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from billing.monthend.files import COLUMNS
from billing.monthend.running import CHECK, LOAD
from foundation.common import clock
from foundation.common.doors import public, requires
from foundation.common.ids import to_text
from foundation.jobs.models import JobRun
from foundation.jobs.services import start_job
from foundation.rest.errors import error_body
from foundation.rest.signing import HEADER, WINDOW, signature_fault
from staff.requests import StaffRequest

RIGHT = "billing.engineer"
RUNS = 20
LARGEST = 1 << 30
MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")
TYPES = {"text/csv": "csv", "application/x-ndjson": "ndjson"}


class UploadForm(forms.Form):
    """A file, and what to do with it."""

    file = forms.FileField(label=gettext_lazy("Month-end file"))
    month = forms.RegexField(
        MONTH,
        label=gettext_lazy("Month"),
        required=False,
        help_text=gettext_lazy("As 2026-10: bills of another month are refused. Empty: bills of any month."),
    )
    act = forms.ChoiceField(
        label=gettext_lazy("What to do"),
        choices=[("check", gettext_lazy("Check only: nothing is written")), ("load", gettext_lazy("Load the bills"))],
        initial="check",
        widget=forms.RadioSelect,
    )


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@requires(RIGHT)
def monthend(request: StaffRequest) -> HttpResponseBase:
    """Upload a file to be checked or loaded; the runs until now."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        job = LOAD if form.cleaned_data["act"] == "load" else CHECK
        params = {"month": form.cleaned_data["month"]} if form.cleaned_data["month"] else {}
        run = start_job(job, actor=request.user, params=params, file=form.cleaned_data["file"])
        messages.success(request, _("The file is being read."))
        return redirect("workspace:run-detail", run.pk)
    runs = JobRun.objects.filter(job__in=(CHECK, LOAD)).order_by("-pk")[:RUNS]
    context = {
        "form": form,
        "runs": [(run, _("Check") if run.job == CHECK else _("Load")) for run in runs],
        "columns": COLUMNS,
    }
    return render(request, "billing/monthend.html", context, status=422 if request.method == "POST" else 200)


@csrf_exempt
@require_POST
@public("billing signs the files it sends with the shared key")
def imports(request: HttpRequest) -> HttpResponse:
    """`POST /api/careline/v1/imports?content=bills&month=2026-10[&dryRun=true]`: a month-end file as the body, however
    large, read as it comes. 201 with the run; 400, 401, 413, 415. The same file of the same month is one run."""
    if not settings.BILLING_CLIENT_SECRET:
        return _refuse(HTTPStatus.FORBIDDEN, "billing.closed", "no billing is connected")
    kind = TYPES.get(request.content_type or "")
    if kind is None:
        return _refuse(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "imports.media_type", "send text/csv or application/x-ndjson")
    month, dry = request.GET.get("month", ""), request.GET.get("dryRun", "false")
    if request.GET.get("content") != "bills" or not MONTH.fullmatch(month) or dry not in ("true", "false"):
        words = "say content=bills, month as 2026-10, and dryRun=true or false"
        return _refuse(HTTPStatus.BAD_REQUEST, "imports.parameters", words)
    with tempfile.TemporaryFile() as spool:
        digest, fault = _spool(request, spool)
        if fault is not None:
            return fault
        job = CHECK if dry == "true" else LOAD
        name = f"bills-{date.fromisoformat(f'{month}-01'):%Y-%m}.{kind}"
        key = f"{month}-{digest}"
        run = start_job(job, actor=None, params={"month": month}, key=key, file=File(spool, name=name))
    return JsonResponse(_body(request, run), status=HTTPStatus.CREATED, headers={"Location": _address(request, run)})


@require_GET
@public("billing signs what it asks with the shared key")
def import_state(request: HttpRequest, pk: int) -> HttpResponse:
    """`GET /api/careline/v1/imports/<id>`: how far it came."""
    if not settings.BILLING_CLIENT_SECRET or signature_fault(request, settings.BILLING_CLIENT_SECRET):
        return _refuse(HTTPStatus.UNAUTHORIZED, "billing.bad_signature", "sign the empty body")
    run = JobRun.objects.filter(pk=pk, job__in=(CHECK, LOAD)).first()
    if run is None:
        raise Http404
    return JsonResponse(_body(request, run))


def _spool(request: HttpRequest, spool: IO[bytes]) -> tuple[str, HttpResponse | None]:
    """The body into a file, its digest, and the refusal when it is too large or its signature does not fit."""
    told = re.fullmatch(r"t=(\d{1,12}),v1=([0-9a-f]{64})", request.headers.get(HEADER, ""))
    moment = told.group(1) if told else "0"
    signed = hmac.new(settings.BILLING_CLIENT_SECRET.encode(), f"{moment}.".encode(), hashlib.sha256)
    digest, size = hashlib.sha256(), 0
    while piece := request.read(1 << 20):
        size += len(piece)
        if size > LARGEST:
            return "", _refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "imports.too_large", "a file has at most 1 GB")
        signed.update(piece)
        digest.update(piece)
        spool.write(piece)
    fresh = abs(clock.now().timestamp() - int(moment)) <= WINDOW.total_seconds()
    if told is None or not fresh or not hmac.compare_digest(signed.hexdigest(), told.group(2)):
        words = f"{HEADER} must read t=<epoch seconds>,v1=<hex HMAC-SHA256>, be fresh and fit the body"
        return "", _refuse(HTTPStatus.UNAUTHORIZED, "billing.bad_signature", words)
    spool.seek(0)
    return digest.hexdigest(), None


def _body(request: HttpRequest, run: JobRun) -> dict[str, Any]:
    return {
        "id": to_text(run.pk),
        "href": _address(request, run),
        "@type": "Import",
        "state": run.state,
        "dryRun": run.job == CHECK,
        "counts": run.counts,
        "message": run.error_text,
    }


def _address(request: HttpRequest, run: JobRun) -> str:
    return request.build_absolute_uri(reverse("billing:import-state", args=[run.pk]))


def _refuse(status: HTTPStatus, code: str, words: str) -> JsonResponse:
    return JsonResponse(error_body(status, code, words), status=status)
