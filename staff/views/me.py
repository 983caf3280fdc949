"""One's own page: preferences, the way to password, second factor and sessions; the switches in the top bar."""

from __future__ import annotations

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST

from foundation.common.doors import public, signed_in
from staff.models import User
from staff.signin import actor_of

THEMES = [
    ("auto", gettext_lazy("As the device")),
    ("light", gettext_lazy("Light")),
    ("dark", gettext_lazy("Dark")),
]
COOKIE_AGE = 365 * 24 * 3600


class PreferencesForm(forms.ModelForm):
    """How the pages look and speak to one person."""

    language = forms.ChoiceField(label=gettext_lazy("Language"), choices=settings.LANGUAGES, widget=forms.RadioSelect)
    theme = forms.ChoiceField(label=gettext_lazy("Theme"), choices=THEMES, widget=forms.RadioSelect)
    text_size = forms.ChoiceField(
        label=gettext_lazy("Text size"),
        choices=[("normal", gettext_lazy("Normal")), ("large", gettext_lazy("Large"))],
        widget=forms.RadioSelect,
    )
    density = forms.ChoiceField(
        label=gettext_lazy("Density"),
        choices=[("normal", gettext_lazy("Normal")), ("compact", gettext_lazy("Compact"))],
        widget=forms.RadioSelect,
    )
    shortcuts = forms.BooleanField(
        label=gettext_lazy("Single-key shortcuts"),
        help_text=gettext_lazy(
            "Keys such as / and J act at once outside of fields. Off if you dictate or use a switch."
        ),
        required=False,
    )

    class Meta:
        model = User
        fields = ("language", "theme", "text_size", "density", "shortcuts")


@require_http_methods(["GET", "POST"])
@signed_in
def me(request: HttpRequest) -> HttpResponse:
    """The own page."""
    form = PreferencesForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.instance.save(update_fields=list(form.fields))
        translation.activate(form.instance.language)
        messages.success(request, _("Your preferences are saved."))
        return _with_language(redirect("staff:me"), form.instance.language)
    status = 422 if form.errors else 200
    return render(request, "staff/me.html", {"form": form}, status=status)


@require_POST
@public("the sign-in page speaks both languages")
def set_language(request: HttpRequest) -> HttpResponse:
    """Switch the language and come back to the page."""
    code = request.POST.get("language", "")
    if code not in dict(settings.LANGUAGES):
        return _back(request)
    if request.user.is_authenticated:
        User.objects.filter(pk=actor_of(request).pk).update(language=code)
    return _with_language(_back(request), code)


@require_POST
@signed_in
def set_theme(request: HttpRequest) -> HttpResponse:
    """Switch the theme and come back to the page."""
    theme = request.POST.get("theme", "")
    if theme in dict(THEMES):
        User.objects.filter(pk=actor_of(request).pk).update(theme=theme)
    return _back(request)


@require_POST
@signed_in
def stay(request: HttpRequest) -> HttpResponse:
    """Keep the session alive: "Stay signed in" of the warning before it ends."""
    return HttpResponse(status=204)


def _back(request: HttpRequest) -> HttpResponse:
    to = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(to, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return redirect(to if safe else "/")


def _with_language(response: HttpResponse, code: str) -> HttpResponse:
    # The sign-in page has no account to ask: the browser remembers.
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        code,
        max_age=COOKIE_AGE,
        httponly=True,
        samesite="Lax",
        secure=settings.PRODUCTION,
    )
    return response
