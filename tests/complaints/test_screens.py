"""Screens on a wall: coupled once by a code, shown counts without anybody signed in, ended by their time, by whoever
takes them off, or with their maker's right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from complaints.models import WallScreen
from complaints.services.screens import couple_screen, make_screen, revoke_screen, screen_of
from foundation.audit.models import AuditEntry
from foundation.common.errors import NotAllowed
from foundation.policies.services import set_policy
from staff.models import User
from tests.complaints.cases import case, moment, office, on
from tests.factories import UserFactory
from tests.racing import race

pytestmark = pytest.mark.django_db
PAGE = "/screens/"
HTMX = {"HX-Request": "true"}


@pytest.mark.covers("CMP-12", "REP-05")
def test_a_screen_is_coupled_once_and_shows_counts_without_anybody_signed_in(
    client_for: Callable[[User], Client],
) -> None:
    cache.clear()
    with on(3):
        at = office()
        one = case(at, "INVESTIGATING")
        lead = client_for(at.lead)
        assert lead.post(reverse("complaints:screen-make"), {"name": " "}).status_code == 422
        answer = lead.post(reverse("complaints:screen-make"), {"name": "Hall, left wall"})
        code = answer.context["code"]
        listed = lead.get(reverse("complaints:screen-list")).content.decode()
        assert code in answer.content.decode() and code not in listed
        stored = WallScreen.objects.get()
        assert code.replace("-", "") not in str(stored.__dict__) and stored.state == "waits"
        device, thief = Client(headers={"Accept-Language": "en"}), Client()
        assert "Couple this screen" in device.get(PAGE).content.decode()
        assert device.post(PAGE, {"code": "AAAAA-AAAAA"}).status_code == 422
        assert device.post(PAGE, {"code": code.lower()}).status_code == 302
        cookie = device.cookies["careline_screen"]
        assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", PAGE)
        assert thief.post(PAGE, {"code": code}).status_code == 422  # used up
        stored.refresh_from_db()
        assert cookie.value not in str(stored.__dict__) and stored.code_digest is None
        page = device.get(PAGE)
        shown = page.content.decode()
        assert page.status_code == 200 and f'hx-get="{PAGE}?seen=' in shown
        # Counts alone: nobody's name, no number of a case, no way on.
        names = [at.agent.name, at.handler.name, at.lead.name, one.customer.name, one.number]
        assert not any(name in shown for name in names) and 'href="/complaints' not in shown
        assert device.get("/complaints/board/wall/").status_code == 302  # nothing else opens to it
        seen = page.context["version"]
        assert device.get(PAGE, {"seen": seen}, headers=HTMX).status_code == 204
        case(at, "INVESTIGATING")
        assert device.get(PAGE, {"seen": seen}, headers=HTMX).status_code == 200
        # Taken off: what is on the wall goes to the form at its next question.
        assert "Hall, left wall" in lead.get(reverse("complaints:screen-list")).content.decode()
        for _twice in range(2):
            assert lead.post(reverse("complaints:screen-revoke", args=[stored.pk])).status_code == 302
        gone = device.get(PAGE, headers=HTMX)
        assert gone["HX-Redirect"] == PAGE and "Couple this screen" in device.get(PAGE).content.decode()
    verbs = list(AuditEntry.objects.filter(verb__startswith="screen.").order_by("pk").values_list("verb", "actor_id"))
    assert verbs == [("screen.made", at.lead.pk), ("screen.coupled", None), ("screen.revoked", at.lead.pk)]


def test_it_ends_with_its_time_its_code_and_its_makers_right(client_for: Callable[[User], Client]) -> None:
    cache.clear()
    with on(3):
        at = office()
        set_policy("complaints.screens.days", 2, actor=at.boss)
        stranger = UserFactory(role="TEAM_LEAD")
        with pytest.raises(NotAllowed):
            make_screen(actor=at.agent, name="Mine")
        screen, code = make_screen(actor=at.lead, name="Hall")
        late, old = make_screen(actor=at.lead, name="Late")
        made, token = couple_screen(code) or (screen, "")
        assert screen_of(token) == made and screen_of("") is None and screen_of(token[:-1]) is None
        with pytest.raises(WallScreen.DoesNotExist):
            revoke_screen(screen.pk, actor=stranger)
        assert client_for(stranger).post(reverse("complaints:screen-revoke", args=[screen.pk])).status_code == 404
        assert client_for(at.agent).get(reverse("complaints:screen-list")).status_code == 403
    with on(3, 10, 16):
        assert couple_screen(old) is None and WallScreen.objects.get(pk=late.pk).state == "lapsed"
    with on(5, 9, 59):
        assert screen_of(token) == made
        assert WallScreen.objects.get(pk=screen.pk).seen_at == moment(5, 9, 59)
        at.lead.is_active = False
        at.lead.save(update_fields=["is_active"])
        assert screen_of(token) is None
        at.lead.is_active = True
        at.lead.save(update_fields=["is_active"])
    with on(5, 10):
        assert screen_of(token) is None and WallScreen.objects.get(pk=screen.pk).state == "over"


def test_codes_are_not_guessed() -> None:
    cache.clear()
    with on(3):
        at = office()
        set_policy("complaints.status_tries", 5, actor=at.boss)
        set_policy("complaints.status_wait", timedelta(minutes=30), actor=at.boss)
        _screen, code = make_screen(actor=at.lead, name="Hall")
        guesser = Client()
        answers = [guesser.post(PAGE, {"code": f"AAAAA-AAA{n:02d}"}).status_code for n in range(7)]
        assert answers == [422] * 5 + [429] * 2
        assert guesser.post(PAGE, {"code": code}).status_code == 429  # even the right one
    cache.clear()


@pytest.mark.django_db(transaction=True)
def test_a_code_couples_one_of_two_screens() -> None:
    with on(3):
        at = office()
        for _round in range(5):
            _screen, code = make_screen(actor=at.lead, name="Hall")
            done = race(lambda code=code: couple_screen(code), lambda code=code: couple_screen(code))
            assert sum(one is not None for one in done) == 1 and not any(isinstance(one, Exception) for one in done)
