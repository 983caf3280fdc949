"""Month-end files: the page that checks and loads them."""

from __future__ import annotations

import re

from django import forms
from django.contrib import messages
from django.http import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from billing.monthend.files import COLUMNS
from billing.monthend.running import CHECK, LOAD
from foundation.common.doors import requires
from foundation.jobs.models import JobRun
from foundation.jobs.services import start_job
from staff.requests import StaffRequest

RIGHT = "billing.engineer"
RUNS = 20
MONTH = re.compile(r"20\d\d-(0[1-9]|1[0-2])")


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
