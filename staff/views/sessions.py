"""Where one is signed in, and ending it from afar."""

from __future__ import annotations

import re

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from foundation.common.doors import signed_in
from foundation.ui.wording import join_words
from staff.services import passwords
from staff.signin import actor_of

_BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
_SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone|iPad", "iOS"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)


def browser_words(user_agent: str) -> str:
    """Browser and system of a user-agent line, in two words: `Chrome, Windows`."""
    found = [
        next((word for pattern, word in table if re.search(pattern, user_agent)), "") for table in (_BROWSERS, _SYSTEMS)
    ]
    return join_words(found) or _("unknown program")


@require_GET
@signed_in
def session_list(request: HttpRequest) -> HttpResponse:
    """The sessions of the signed-in person, this one marked."""
    rows = sorted(UserSession.objects.purge_and_list(request.user), key=lambda row: row.created_at, reverse=True)
    context = {"sessions": [(row, browser_words(row.user_agent), row.is_current()) for row in rows]}
    return render(request, "usersessions/usersession_list.html", context)


@require_POST
@signed_in
def session_end(request: HttpRequest, pk: int) -> HttpResponse:
    """End one own session; ending the present one signs out."""
    try:
        ended = passwords.end_session(pk, actor=actor_of(request))
    except UserSession.DoesNotExist as error:
        raise Http404 from error
    if ended.session_key == request.session.session_key:
        request.session.flush()
        return redirect("account_login")
    messages.success(request, _("That session has ended."))
    return redirect("usersessions_list")


@require_POST
@signed_in
def session_end_others(request: HttpRequest) -> HttpResponse:
    """End every own session but this one."""
    person = actor_of(request)
    passwords.end_sessions(person.pk, actor=person, but=request.session.session_key)
    messages.success(request, _("All other sessions have ended."))
    return redirect("usersessions_list")
