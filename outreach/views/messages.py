"""Messages: what left, what was held back and why, and a second try for what failed."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from customers.visibility import contact_opens
from foundation.common.doors import requires
from foundation.common.errors import RuleBroken
from foundation.common.explain import Explanation
from foundation.common.paging import keyset_page
from foundation.ui.htmx import wants_fragment
from outreach import services
from outreach.filters import MessageFilter
from outreach.lifecycle import MessageState
from outreach.models import MessageMove, MessageText, OutMessage
from outreach.queries import messages_of, rescue_of
from staff.requests import StaffRequest

PAGE = 50


@require_GET
@requires("outreach.view")
def message_list(request: StaffRequest) -> HttpResponse:
    """The last three months, newest first."""
    found = MessageFilter(request.GET, messages_of(request.user), request=request)
    try:
        page = keyset_page(found.qs, after=request.GET.get("after"), size=PAGE)
    except RuleBroken:
        return redirect("outreach:message-list")
    filtered = found.is_valid() and any(found.form.cleaned_data.values())
    context = {"page": page, "filter": found.form, "filtered": filtered}
    part = "#results" if wants_fragment(request) else ""
    return render(request, f"outreach/message_list.html{part}", context)


@require_GET
@requires("outreach.view")
def message_detail(request: StaffRequest, pk: int) -> HttpResponse:
    """One message: why it may leave or not, what became of it, and the words as they left."""
    return _detail(request, _visible(request, pk))


@require_POST
@requires("outreach.assign")
def message_retry(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Queue a failed message again."""
    message = _visible(request, pk)
    try:
        services.retry_message(message.pk, actor=request.user)
    except RuleBroken as no:
        return _detail(request, message, status=422, refusal=str(no.message))
    return redirect("outreach:message-detail", pk)


def _visible(request: StaffRequest, pk: int) -> OutMessage:
    rows = OutMessage.objects.visible_to(request.user).recent().select_related("customer", "staff")
    return get_object_or_404(rows, pk=pk)


def _detail(request: StaffRequest, message: OutMessage, status: int = 200, refusal: str = "") -> HttpResponse:
    context = {
        "message": message,
        "why": Explanation.from_json(message.explanation).in_words(),
        "text": MessageText.objects.filter(pk=message.pk).first(),
        # The words name the customer: clear only within an own contact or follow-up (D§3.1).
        "clear": message.staff is not None
        or (message.customer is not None and contact_opens(request.user, message.customer)),
        "moves": list(MessageMove.objects.filter(message_id=message.pk, pk__gte=message.pk).order_by("pk")),
        "rescue": rescue_of(message.pk),
        "can_retry": message.state == MessageState.FAILED and request.user.has_perm("outreach.assign"),
        "refusal": refusal,
    }
    return render(request, "outreach/message_detail.html", context, status=status)
