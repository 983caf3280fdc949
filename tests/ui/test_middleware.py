"""What htmx gets when the session has ended; the count of queries."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.db import connection
from django.http import HttpResponse, HttpResponseRedirect

from foundation.ui.htmx import toast, trigger, wants_fragment
from foundation.ui.middleware import ExpiredSession, SecurityHeaders, ServerTiming


class Somebody:
    is_authenticated = True


@pytest.fixture(autouse=True)
def _sign_in_path(settings):
    settings.LOGIN_URL = "/accounts/login/"


def ask(rf, response, user=None, **headers):
    request = rf.get("/customers/7/panel/", headers=headers)
    request.user = user or AnonymousUser()
    return ExpiredSession(lambda _: response)(request)


HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/customers/7/?tab=bills"}


def test_htmx_is_led_to_sign_in_and_back_to_the_page_it_was_on(rf):
    answer = ask(rf, redirect_to_login("/customers/7/panel/"), **HTMX)
    assert answer.status_code == 200
    assert answer.headers["HX-Redirect"] == "/accounts/login/?next=/customers/7/%3Ftab%3Dbills"
    assert answer.content == b""


def test_401_leads_to_sign_in_too(rf):
    assert ask(rf, HttpResponse(status=401), **HTMX).headers["HX-Redirect"].startswith("/accounts/login/?next=")


@pytest.mark.parametrize(
    ("response", "user", "headers"),
    [
        (HttpResponseRedirect("/accounts/login/?next=/x/"), None, {}),
        (HttpResponseRedirect("/elsewhere/"), None, HTMX),
        (HttpResponse("ok"), None, HTMX),
        (HttpResponseRedirect("/accounts/login/?next=/x/"), Somebody(), HTMX),
    ],
    ids=["plain visit", "another redirect", "no redirect", "signed in"],
)
def test_everything_else_passes_unchanged(rf, response, user, headers):
    assert ask(rf, response, user, **headers) is response
    assert "HX-Redirect" not in response.headers


def test_a_foreign_address_in_current_url_is_never_followed(rf):
    answer = ask(rf, redirect_to_login("/x/"), **{"HX-Request": "true", "HX-Current-URL": "https://evil.example/a?b"})
    assert answer.headers["HX-Redirect"] == "/accounts/login/?next=/a%3Fb"


def test_a_view_that_may_be_kept_says_so_itself(rf):
    response = HttpResponse(headers={"Cache-Control": "max-age=60"})
    assert SecurityHeaders(lambda _: response)(rf.get("/")).headers["Cache-Control"] == "max-age=60"


@pytest.mark.django_db
def test_queries_are_counted_on_html_only(rf):
    def view(_request):
        for _ in range(3):
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        return HttpResponse("x")

    assert ServerTiming(view)(rf.get("/")).headers["Server-Timing"].endswith('q;desc="3"')
    plain = ServerTiming(lambda _: HttpResponse("{}", content_type="application/json"))(rf.get("/"))
    assert "Server-Timing" not in plain.headers


@pytest.mark.parametrize(
    ("headers", "wanted"),
    [
        ({}, False),
        ({"HX-Request": "true"}, True),
        ({"HX-Request": "true", "HX-Boosted": "true"}, False),
        ({"HX-Request": "true", "HX-History-Restore-Request": "true"}, False),
    ],
)
def test_wants_fragment(rf, headers, wanted):
    assert wants_fragment(rf.get("/", headers=headers)) is wanted


def test_triggers_add_up():
    response = toast(trigger(HttpResponse(), "saved", {"id": "7"}), "Done", undo_url="/undo/7/")
    assert response.headers["HX-Trigger"] == (
        '{"saved": {"id": "7"}, "toast": {"message": "Done", "tone": "ok", "undo": "/undo/7/"}}'
    )
