"""The one place text areas send what is typed."""

from __future__ import annotations

from django.http import Http404, JsonResponse
from django.views.decorators.http import require_POST

from foundation.common.doors import signed_in
from foundation.common.errors import RuleBroken
from foundation.ui.wording import say_time
from staff.drafts import forget_draft, place_of, save_draft
from staff.requests import StaffRequest


@require_POST
@signed_in
def draft_save(request: StaffRequest) -> JsonResponse:
    """`draft`: the token of the text area, `text`, `seen`: the stamp it knows; `drop` forgets it. Answers the time, the
    new stamp, and what another window had written meanwhile."""
    place = place_of(request.user, request.POST.get("draft", ""))
    if place is None:
        raise Http404
    if request.POST.get("drop"):
        forget_draft(request.user, place)
        return JsonResponse({"time": "", "stamp": "", "other": ""})
    try:
        saved = save_draft(request.user, place, request.POST.get("text", ""), seen=request.POST.get("seen", ""))
    except RuleBroken as no:
        return JsonResponse({"message": str(no.message)}, status=422)
    return JsonResponse({"time": say_time(saved.at), "stamp": saved.stamp, "other": saved.other})
