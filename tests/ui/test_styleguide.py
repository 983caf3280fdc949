"""The style guide page on the server: sound HTML, the frame, fragments, headers."""

from __future__ import annotations

import re
import runpy

import pytest
from django.test import Client

from foundation.ui import urls
from foundation.ui.middleware import CONTENT_SECURITY_POLICY
from tests.ui.pages import html_problems

GUIDE = "/_styleguide/"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "query", ["?lang=zh-hans", "?lang=en&theme=dark", "?shell=off", "?keys=off&text=large&density=compact"]
)
def test_the_page_is_sound(client: Client, query):
    response = client.get(GUIDE + query)
    assert response.status_code == 200
    assert html_problems(response.content.decode()) == []


@pytest.mark.django_db
def test_language_and_theme_stand_on_the_root(client: Client):
    html = client.get(GUIDE + "?lang=zh-hans&theme=dark").content.decode()
    assert '<html lang="zh-Hans" data-theme="dark"' in html
    html = client.get(GUIDE + "?lang=en").content.decode()
    assert '<html lang="en" data-theme="auto"' in html
    assert "<title>Style guide · Service desk</title>" in html
    assert "<h1>Style guide</h1>" in html


@pytest.mark.django_db
def test_a_stranger_sees_no_menu_and_no_search(client: Client):
    html = client.get(GUIDE + "?shell=off").content.decode()
    assert 'class="nav-a"' not in html
    assert 'id="q"' not in html
    assert 'data-idle="0"' in html


@pytest.mark.django_db
def test_a_wrong_form_answers_422_with_the_fragment_and_what_was_typed(client: Client):
    response = client.post(
        GUIDE + "form/", {"phone": "138 0013 8000"}, headers={"HX-Request": "true", "accept-language": "en"}
    )
    html = response.content.decode()
    assert response.status_code == 422
    assert html_problems(html, whole=False) == []
    assert "<html" not in html
    assert 'value="138 0013 8000"' in html
    assert '<a href="#id_title">' in html
    assert 'aria-describedby="id_title_err"' in html
    assert "HX-Trigger" not in response.headers


@pytest.mark.django_db
def test_a_right_form_answers_with_a_toast(client: Client):
    data = {"title": "x", "kind": "a", "day": "2026-11-22", "due": "2026-11-22T13:00", "channel": "p", "note": "y"}
    response = client.post(GUIDE + "form/", data)
    assert response.status_code == 200
    assert response.headers["HX-Trigger"] == '{"toast": {"message": "OK", "tone": "ok", "undo": ""}}'


@pytest.mark.django_db
def test_answers_carry_the_security_headers_and_the_timing(client: Client):
    response = client.get(GUIDE)
    assert response.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert re.fullmatch(r'app;dur=[\d.]+, db;dur=[\d.]+, q;desc="\d+"', response.headers["Server-Timing"])


@pytest.mark.django_db
@pytest.mark.parametrize("template", ["403.html", "404.html", "500.html", "403_csrf.html"])
def test_error_pages_are_sound_and_lead_back(rf, template):
    from django.template.loader import render_to_string

    for path in (None, "/"):
        request = rf.get(path) if path else None
        html = render_to_string(template, {}, request)
        assert html_problems(html) == []
        assert 'class="btn -primary" href="/"' in html
        # A form would open a session in the database for every stray request.
        assert "csrf" not in html


@pytest.mark.parametrize(
    ("mode", "debug", "there"), [("production", False, False), ("embedded", False, False), ("embedded", True, True)]
)
def test_the_page_exists_in_development_and_tests_only(settings, mode, debug, there):
    settings.CARELINE_MODE, settings.DEBUG = mode, debug
    patterns = runpy.run_path(urls.__file__)["urlpatterns"]
    assert bool(patterns) is there
