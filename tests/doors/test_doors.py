"""Every door: a mark on each URL, and a hand-written table of who gets in where (`doors.tsv`).

The table is read off the rulebook (D§3), not off the role table of the code. A row: URL name, method, which object
("near": the person's own, in the own team and unit; "far": another branch's; "-": none), the status `ok` stands for,
and a cell for each role: `ok`, `403` (not this role), `404` (this role, but not this row), `in` (led to sign-in).
POST sends an empty form: 422 or 302 past the door.

Who is refused for their role is refused before an object is looked for: where a role meets 403 (or is led in) at what
is near, what is far is asked for in deep runs only.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Callable, Iterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from foundation.common.doors import door_of
from staff.roles import ROLES
from tests.conftest import DEEP
from tests.doors.world import arguments, make_world

TABLE = Path(__file__).with_name("doors.tsv")
STRANGER = "STRANGER"


def read_table() -> list[dict[str, str]]:
    with TABLE.open(encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def patterns(parts: list[Any], route: str = "", space: str = "") -> Iterator[tuple[str, str, Callable[..., Any]]]:
    """Every URL: its full name, its route and its view."""
    for part in parts:
        if isinstance(part, URLPattern):
            yield f"{space}{part.name}", route + str(part.pattern), part.callback
        elif isinstance(part, URLResolver):
            inner = f"{space}{part.namespace}:" if part.namespace else space
            yield from patterns(part.url_patterns, route + str(part.pattern), inner)


def unmarked(view: Callable[..., Any]) -> list[str]:
    """What of a view lacks its mark: the view, or the actions of a viewset that `needs` does not name."""
    actions = getattr(view, "actions", None)
    if not actions:
        return [] if door_of(view) else ["view"]
    needs = getattr(view.cls, "needs", {})  # type: ignore[attr-defined]
    return [action for action in actions.values() if not (needs.get(action) or door_of(getattr(view.cls, action)))]  # type: ignore[attr-defined]


def test_every_url_carries_a_mark() -> None:
    walked = list(patterns(get_resolver().url_patterns))
    assert len(walked) > 80
    assert [(name, route, missing) for name, route, view in walked if (missing := unmarked(view))] == []


def test_a_view_and_a_viewset_without_marks_are_found() -> None:
    class Viewset:
        needs = {"list": "customers.view"}

        def list(self) -> None: ...

        def erase(self) -> None: ...

    def view() -> None: ...

    assert unmarked(view) == ["view"]
    view.cls, view.actions = Viewset, {"get": "list", "delete": "erase"}  # type: ignore[attr-defined]
    assert unmarked(view) == ["erase"]


def test_every_url_and_every_role_has_its_place_in_the_table() -> None:
    rows = read_table()
    urls = {name for name, _route, _view in patterns(get_resolver().url_patterns)}
    assert urls - {row["url"] for row in rows} == set()
    assert {row["url"] for row in rows} - urls == set()
    assert set(rows[0]) - {"url", "method", "object", "ok"} == {STRANGER, *ROLES}


@pytest.fixture
def _no_log() -> Iterator[None]:
    """Thousands are refused here, each with a line and where it came from: a seventh of the time."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.django_db
@pytest.mark.usefixtures("_no_log")
@pytest.mark.parametrize("role", [STRANGER, *ROLES])
def test_doors(role: str, client_for: Callable[..., Client], settings: Any, tmp_path: Path) -> None:
    settings.CARELINE_STATE_DIR = tmp_path
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    person, world = make_world("AGENT" if role == STRANGER else role)
    client = Client() if role == STRANGER else client_for(person)
    client.raise_request_exception = False  # a page that breaks is a 500 in the list, not the end of it
    cookies = client.cookies.output()
    wrong = []
    turned_away: set[tuple[str, str]] = set()
    for row in sorted(read_table(), key=lambda row: row["object"] == "far"):
        name, method, place = row["url"], row["method"], world.get(row["object"])
        if row[role] in ("403", "in"):
            if row["object"] == "far" and (name, method) in turned_away and not DEEP:
                continue
            turned_away.add((name, method))
        path = reverse(name, kwargs=arguments(name, place))
        with transaction.atomic():  # undone, so that each row finds the same world
            answer = client.get(path) if method == "GET" else client.post(path, {"sent": "1"})
            transaction.set_rollback(True)
        client.cookies = SimpleCookie(cookies.replace("Set-Cookie: ", ""))
        led_in = answer.status_code == 302 and answer["Location"].startswith(reverse("account_login"))
        cell = row[role]
        got = "in" if led_in and cell == "in" else str(answer.status_code)
        wanted = row["ok"] if cell == "ok" else cell
        if got != wanted:
            wrong.append(f"{name} {method} {row['object']}: {got}, not {wanted}")
    assert not wrong, "\n".join(wrong)
