"""Mails kept aside: those nobody decided about, one of them as text, and what becomes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_safe

from complaints.models import InMail, KeptFile, KeptMail
from complaints.services import kept_mails
from complaints.services.kept_files import WHY_NOT, fetch_kept_file
from complaints.services.kept_mails import RIGHT, WHY, Dropped
from customers.models import Customer
from foundation.audit.services import record
from foundation.common.doors import requires
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.paging import keyset_page
from interactions.models import Topic
from interactions.queries import topic_choices
from staff.requests import StaffRequest

PAGE = 50


class TakeForm(forms.Form):
    """A complaint of the mail."""

    topic = forms.ChoiceField(label=_("Topic"), required=False)
    customer = forms.CharField(
        label=_("Number of the customer"),
        required=False,
        max_length=24,
        help_text=_("If you know whose it is; only customers you see."),
    )

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.fields["topic"].choices = topic_choices()  # type: ignore[attr-defined]  # a choice field


class AddForm(forms.Form):
    """To which case it belongs."""

    number = forms.CharField(label=_("Number of the complaint"), max_length=24)


class DropForm(forms.Form):
    """Why nothing becomes of it."""

    why = forms.ChoiceField(label=_("Reason"), choices=Dropped.choices, widget=forms.RadioSelect)


@require_safe
@never_cache
@requires("complaints.coordinate")
def mail_list(request: StaffRequest) -> HttpResponseBase:
    """Mails kept aside nobody decided about, the oldest first."""
    rows = KeptMail.objects.select_related("mail").order_by("pk")
    try:
        page = keyset_page(rows, after=request.GET.get("after"), size=PAGE)
    except RuleBroken:
        return redirect("complaints:mail-list")
    shown = [(row, WHY.get(row.mail.reason, row.mail.reason)) for row in page.items]
    return render(request, "complaints/mail_list.html", {"page": page, "rows": shown})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@requires("complaints.coordinate")
def mail_detail(request: StaffRequest, pk: int) -> HttpResponseBase:
    """One mail, as plain text. `act` of a POST: take, add, drop. Opening it is noted in the log."""
    mail = get_object_or_404(InMail, pk=pk)
    kept = KeptMail.objects.filter(mail=mail).first()
    if kept is None:
        status = 409 if request.method == "POST" else 200
        return render(request, "complaints/mail_gone.html", status=status)
    shapes: dict[str, forms.Form] = {"take": TakeForm(), "add": AddForm(), "drop": DropForm()}
    if request.method == "POST":
        act = request.POST.get("act", "")
        if act not in shapes:
            raise SuspiciousOperation("no such act on a mail")
        shapes[act] = type(shapes[act])(request.POST)
        if shapes[act].is_valid() and (answer := _done(request, pk, act, shapes[act])):
            return answer
    else:
        record("mail.read", target=mail, actor=request.user)
    context = {
        "mail": mail,
        "kept": kept,
        "why": WHY.get(mail.reason, mail.reason),
        "files": [(file, WHY_NOT.get(file.refused, "")) for file in kept.stored.order_by("pk")],
        "take": shapes["take"],
        "add": shapes["add"],
        "drop": shapes["drop"],
    }
    status = 422 if any(form.errors for form in shapes.values()) else 200
    return render(request, "complaints/mail_detail.html", context, status=status)


@require_GET
@never_cache
@requires("complaints.coordinate")
def mail_file(request: StaffRequest, pk: int, file_pk: int) -> HttpResponseBase:
    """A file of a mail kept aside, to be saved and never shown by the browser in our name."""
    found = get_object_or_404(KeptFile.objects.select_related("kept__mail"), pk=file_pk, kept=pk)
    try:
        file = fetch_kept_file(found.kept.mail, found, actor=request.user)
    except RuleBroken as no:
        raise Http404(str(no.message)) from no
    return FileResponse(
        file,
        as_attachment=True,
        filename=found.name,
        content_type=found.media_type,
        headers={"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; sandbox"},
    )


def _done(request: StaffRequest, pk: int, act: str, form: forms.Form) -> HttpResponse | None:
    """Where to go when it was done; None when it was refused, which stands on the form."""
    said = form.cleaned_data
    acts: dict[str, Callable[[], HttpResponse]] = {
        "take": lambda: _take(request, pk, said),
        "add": lambda: _add(request, pk, said["number"]),
        "drop": lambda: _drop(request, pk, said["why"]),
    }
    try:
        return acts[act]()
    except NotAllowed as no:
        if no.code == "complaint.may_not_decide":
            raise PermissionDenied(RIGHT) from no
        form.add_error(None, no.message)
    except RuleBroken as no:
        form.add_error(None, no.message)
    return None


def _take(request: StaffRequest, pk: int, said: dict[str, Any]) -> HttpResponse:
    customer = None
    if number := said["customer"].strip().upper():
        customer = Customer.objects.visible_to(request.user).filter(number=number).first()
        if customer is None:
            raise RuleBroken(
                "complaint.no_customer", gettext("Among the customers you see none has this number: check it.")
            )
    topic = Topic.objects.filter(code=said["topic"]).first() if said["topic"] else None
    case = kept_mails.take_kept_mail(pk, actor=request.user, topic=topic, customer=customer)
    return redirect("complaints:case", case.pk)


def _add(request: StaffRequest, pk: int, number: str) -> HttpResponse:
    entry = kept_mails.add_kept_mail(pk, actor=request.user, number=number)
    return redirect("complaints:case", entry.complaint_id)


def _drop(request: StaffRequest, pk: int, why: str) -> HttpResponse:
    kept_mails.drop_kept_mail(pk, actor=request.user, why=why)
    return redirect("complaints:mail-list")
