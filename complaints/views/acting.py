"""One POST for each verb: shape, service, and the page again; 422 with what was typed when it is refused."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from complaints.acts.verb_shape import Verb
from complaints.acts.verb_table import VERBS
from complaints.models import Complaint
from complaints.queries import line_of
from complaints.services.working import claim_complaint
from complaints.templatetags.cases import case_row
from complaints.views.case import render_case
from complaints.views.pages import DRAFT, act_form, seen_case
from foundation.common.doors import requires
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.ui.htmx import toast, wants_fragment
from interactions.views.acting import done
from staff.drafts import Place, forget_draft
from staff.requests import StaffRequest


def _act(verb: Verb) -> Callable[..., HttpResponseBase]:
    @require_POST
    @never_cache
    @requires(verb.right)
    def act(request: StaffRequest, pk: int) -> HttpResponseBase:
        case = seen_case(request, pk)
        form = act_form(verb, request, case, request.POST)
        if done(form, lambda data: verb.run(request.user, pk, data)):
            forget_draft(request.user, Place(DRAFT, case.customer_id, f"{case.ref}-{verb.name}"))
            # Who handed it on may not see it any more.
            if not Complaint.objects.visible_to(request.user).filter(pk=pk).exists():
                return redirect("complaints:queue")
            return redirect("complaints:case", pk)
        refusal = " ".join(str(error) for error in form.non_field_errors())
        shown = {"acting": verb, "act_form": form} if verb.asks and not verb.item else {}
        return render_case(request, case, status=422, refusal=refusal, **shown)

    act.__name__ = f"act_{verb.name.replace('-', '_')}"
    act.__doc__ = str(verb.name)
    return act


@require_POST
@never_cache
@requires("complaints.work")
def act_claim(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Take a case out of the pool, from its page or its row of the queue. Of several who do so at once one gets it; the
    others are told who."""
    seen_case(request, pk)
    refusal = ""
    try:
        claim_complaint(pk, actor=request.user)
    except NotAllowed as no:
        raise PermissionDenied(str(no.message)) from no
    except RuleBroken as no:
        refusal = str(no.message)
    if wants_fragment(request):
        answer: HttpResponseBase = HttpResponse(case_row(line_of(pk), may_claim=True, picks=True))
        return toast(answer, refusal, tone="danger") if refusal else answer
    if refusal:
        messages.error(request, refusal)
    return redirect("complaints:case", pk)


urlpatterns = [
    path(f"<id:pk>/{verb.name}/", act_claim if verb.name == "claim" else _act(verb), name=f"act-{verb.name}")
    for verb in VERBS
]
