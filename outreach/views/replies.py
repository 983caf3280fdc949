"""Text messages from numbers nobody is known at: whose they are, or why nothing becomes of them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from customers.models import Customer
from foundation.audit.services import record
from foundation.common.doors import requires
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.paging import keyset_page
from outreach.models import SmsReply
from outreach.sms.sorting import SORT_RIGHT, WhyDropped, attach_reply, drop_reply
from staff.requests import StaffRequest

PAGE = 50


class AttachForm(forms.Form):
    """Whose number it is."""

    customer = forms.CharField(label=_("Number of the customer"), max_length=24, help_text=_("Only customers you see."))


class DropForm(forms.Form):
    """Why nothing becomes of it."""

    why = forms.ChoiceField(label=_("Reason"), choices=WhyDropped.choices, widget=forms.RadioSelect)


@require_safe
@never_cache
@requires("outreach.sort")
def reply_list(request: StaffRequest) -> HttpResponseBase:
    """Those nobody decided about, the oldest first."""
    rows = SmsReply.objects.filter(state=SmsReply.State.UNKNOWN).order_by("pk")
    try:
        page = keyset_page(rows, after=request.GET.get("after"), size=PAGE)
    except RuleBroken:
        return redirect("outreach:reply-list")
    return render(request, "outreach/reply_list.html", {"page": page})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@requires("outreach.sort")
def reply_detail(request: StaffRequest, pk: int) -> HttpResponse:
    """One reply with its number in clear, which the log notes. `act` of a POST: attach, drop."""
    reply = get_object_or_404(SmsReply, pk=pk)
    attach, drop = AttachForm(), DropForm()
    if request.method == "POST":
        act = request.POST.get("act", "")
        if act not in ("attach", "drop"):
            raise SuspiciousOperation("no such act on a reply")
        attach = AttachForm(request.POST) if act == "attach" else attach
        drop = DropForm(request.POST) if act == "drop" else drop
        form: forms.Form = attach if act == "attach" else drop
        if form.is_valid() and (done := _done(request, reply, act, form)):
            messages.success(request, done)
            return redirect("outreach:reply-list")
    elif reply.state == SmsReply.State.UNKNOWN:
        record("reply.read", target=reply, actor=request.user)
    waits = SmsReply.objects.filter(pk=pk, state=SmsReply.State.UNKNOWN).exists()
    context = {"reply": reply if waits else None, "attach": attach, "drop": drop}
    status = 422 if attach.errors or drop.errors else 200
    return render(request, "outreach/reply_detail.html", context, status=status)


def _done(request: StaffRequest, reply: SmsReply, act: str, form: forms.Form) -> str:
    """What to tell when it was done; "" when it was refused, which stands on the form."""
    said: dict[str, Any] = form.cleaned_data
    try:
        if act == "drop":
            drop_reply(reply.pk, actor=request.user, why=said["why"])
            return gettext("The reply was dropped.")
        number = said["customer"].strip().upper()
        customer = Customer.objects.visible_to(request.user).filter(number=number).first()
        if customer is None:
            form.add_error("customer", gettext("Among the customers you see none has this number: check it."))
            return ""
        attach_reply(reply.pk, actor=request.user, customer=customer)
        return gettext("The reply was handed on: somebody sees to it.")
    except NotAllowed as no:
        raise PermissionDenied(SORT_RIGHT) from no
    except RuleBroken as no:
        form.add_error(None, no.message)
        return ""
