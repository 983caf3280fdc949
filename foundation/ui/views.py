"""The style guide page: every component in all tones, with invented data."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from foundation.common import clock
from foundation.common.doors import public
from foundation.ui.htmx import toast
from foundation.ui.styleguide import SampleForm, SampleShell, sample_draft, sample_page
from foundation.ui.wording import say_time

REASON = "shows components with invented data; exists in development and tests only"
LANGUAGES = ("zh-hans", "en")


@require_GET
@public(REASON)
def styleguide(request: HttpRequest) -> HttpResponse:
    """`?lang=en&theme=dark` shows it in that language and theme, `?shell=off` as a stranger sees the frame."""
    language = request.GET.get("lang", "")
    with translation.override(language if language in LANGUAGES else translation.get_language()):
        context = sample_page(request)
        if request.GET.get("shell") != "off":
            context["shell"] = SampleShell(request)
        return render(request, "ui/styleguide.html", context)


@require_POST
@public(REASON)
def styleguide_form(request: HttpRequest) -> HttpResponse:
    """Answers the sample form as every form view does: 422 with the form, or a toast."""
    form = SampleForm(request.POST)
    context = {"form": form, "draft": sample_draft()}
    response = render(request, "ui/styleguide.html#form", context, status=200 if form.is_valid() else 422)
    return toast(response, "OK") if form.is_valid() else response  # type: ignore[return-value]


@require_http_methods(["GET", "POST"])
@public(REASON)
def styleguide_quiet(request: HttpRequest) -> HttpResponse:
    """What a live part answers when nothing has changed; the sample frame's controls lead here too."""
    return HttpResponse(status=204)


@require_POST
@public(REASON)
def styleguide_draft(request: HttpRequest) -> JsonResponse:
    """Answers as every place for drafts does."""
    return JsonResponse({"time": say_time(clock.now()), "stamp": "1", "other": ""})


@require_POST
@public(REASON)
def styleguide_palette(request: HttpRequest) -> HttpResponse:
    """Answers as the palette of the workspace does: what was typed, among the places of the sample menu."""
    typed = request.POST.get("q", "").lower()
    found = [link for link in SampleShell(request).links if typed in str(link.item.label).lower()]
    items = [{"label": link.item.label, "url": f"?went={link.item.key}", "icon": link.item.icon} for link in found]
    groups = [{"label": _("Places"), "entries": items}] if items else []
    return render(request, "ui/palette_results.html", {"groups": groups})
