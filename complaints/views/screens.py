"""Screens on a wall: the list of them, and what they show (ui-guide 12.17)."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from complaints.models import WallScreen
from complaints.public.codes import said_code
from complaints.public.forms import CoupleForm
from complaints.public.limits import count, counted
from complaints.services.screens import couple_screen, make_screen, revoke_screen, screen_of
from complaints.views.board import wall_of
from foundation.common import clock
from foundation.common.doors import public, requires
from foundation.common.errors import RuleBroken
from foundation.policies.reading import policy
from foundation.ui.htmx import redirect_page
from staff.requests import StaffRequest
from staff.signin import client_ip

COOKIE, TRIES, MOST_SHOWN = "careline_screen", "screen_tries", 100


@require_GET
@never_cache
@requires("complaints.figures")
def screen_list(request: StaffRequest) -> HttpResponse:
    """The screens of one's area: where, whose figures, until when, when last on."""
    return _list(request)


@require_POST
@never_cache
@requires("complaints.figures")
def screen_make(request: StaffRequest) -> HttpResponseBase:
    """Make one; its code stands on the answer and nowhere afterwards."""
    try:
        screen, code = make_screen(actor=request.user, name=request.POST.get("name", ""))
    except RuleBroken as no:
        return _list(request, refusal=str(no.message), status=422)
    return _list(request, made=screen, code=said_code(code))


@require_POST
@requires("complaints.figures")
def screen_revoke(request: StaffRequest, pk: int) -> HttpResponseBase:
    """Take one off."""
    try:
        revoke_screen(pk, actor=request.user)
    except WallScreen.DoesNotExist:
        raise Http404 from None
    messages.success(request, _("The screen shows nothing any more."))
    return redirect("complaints:screen-list")


def _list(
    request: StaffRequest, *, made: WallScreen | None = None, code: str = "", refusal: str = "", status: int = 200
) -> HttpResponse:
    rows = WallScreen.objects.visible_to(request.user).select_related("made_by", "revoked_by").order_by("-pk")
    context = {
        "screens": list(rows[:MOST_SHOWN]),
        "made": made,
        "code": code,
        "refusal": refusal,
        "address": f"{settings.CARELINE_PUBLIC_URL}{reverse('public:screen')}",
        "now": clock.now(),
    }
    return render(request, "complaints/screen_list.html", context, status=status)


@require_http_methods(["GET", "POST"])
@never_cache
@public("a screen on a wall nobody is signed in at: counts without names, by a token of its own")
def screen(request: HttpRequest) -> HttpResponseBase:
    """The figures of the screen that asks; one that is none is asked for the code that couples it."""
    found = screen_of(request.COOKIES.get(COOKIE, "")) if request.method == "GET" else None
    if found is not None:
        with translation.override(found.made_by.language or settings.LANGUAGE_CODE):
            return wall_of(request, found.made_by, reverse("public:screen"))
    if request.headers.get("HX-Request") == "true" and request.method == "GET":
        return redirect_page(reverse("public:screen"))  # revoked while it was on
    return _couple(request)


def _couple(request: HttpRequest) -> HttpResponseBase:
    form = CoupleForm(request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return render(request, "complaints/screen_couple.html", {"form": form})
    wait: timedelta = policy("complaints.status_wait")
    if counted(TRIES, client_ip(request)) >= policy("complaints.status_tries"):
        minutes = int(wait.total_seconds() // 60)
        return render(request, "complaints/public_wait.html", {"minutes": minutes}, status=429)
    coupled = couple_screen(form.cleaned_data["code"]) if form.is_valid() else None
    if coupled is None:
        form.add_error(None, _("This code couples no screen: it was used, is too old, or has a letter wrong."))
        count(TRIES, client_ip(request), wait)
        return render(request, "complaints/screen_couple.html", {"form": form}, status=422)
    found, token = coupled
    answer = redirect("public:screen")
    answer.set_cookie(
        COOKIE,
        token,
        max_age=int((found.expires_at - clock.now()).total_seconds()),
        path=reverse("public:screen"),
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Strict",
    )
    return answer
