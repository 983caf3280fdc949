"""The door: account and password, second step, lock, idle end, sessions, the gate behind it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time
from allauth.usersessions.models import UserSession
from django.test import Client
from django.urls import reverse

from foundation.audit.models import AuditEntry
from foundation.common import clock
from staff.adapters import StaffMFAAdapter
from staff.models import User
from staff.services.secrets import rotate_second_factor_secrets
from tests.factories import PASSWORD, UserFactory
from tests.ui.pages import html_problems

pytestmark = pytest.mark.django_db
LOGIN = reverse("account_login")


@pytest.fixture
def agent() -> User:
    return UserFactory(username="agent7", role="AGENT", password=PASSWORD)


def sign_in(client: Client, username: str = "agent7", password: str = PASSWORD, **more: str):
    return client.post(LOGIN, {"login": username, "password": password, **more})


def verbs() -> list[str]:
    return list(AuditEntry.objects.filter(verb__startswith="user.").order_by("id").values_list("verb", flat=True))


def code_for(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, next(iter(yield_hotp_counters_from_time()))))


def set_up_totp(client: Client) -> str:
    page = client.get(reverse("mfa_activate_totp"), follow=True)
    if "password" in page.context["form"].fields:
        page = client.post(
            page.request["PATH_INFO"], {"password": PASSWORD, "next": reverse("mfa_activate_totp")}, follow=True
        )
    secret = page.context["form"].secret
    client.post(reverse("mfa_activate_totp"), {"code": code_for(secret)})
    return secret


def test_the_page_speaks_both_languages_and_switches_in_place(client):
    assert 'lang="zh-Hans"' in client.get(LOGIN).content.decode()
    answer = client.post(reverse("staff:set-language"), {"language": "en", "next": LOGIN})
    assert (answer.status_code, answer["Location"]) == (302, LOGIN)
    page = client.get(LOGIN).content.decode()
    assert 'lang="en"' in page
    assert "Account" in page


def test_account_and_password_open_the_door_whatever_the_case_of_the_account(client, agent):
    answer = sign_in(client, "Agent7", next=reverse("staff:me"))
    assert (answer.status_code, answer["Location"]) == (302, reverse("staff:me"))
    assert client.get(reverse("staff:me")).status_code == 200
    assert verbs() == ["user.signed_in"]


def test_a_wrong_password_says_nothing_about_the_account(client, agent):
    known, unknown = sign_in(client, password="wrong"), sign_in(client, "nobody", "wrong")
    assert known.status_code == unknown.status_code == 200
    words = [list(answer.context["form"].non_field_errors()) for answer in (known, unknown)]
    assert words[0] == words[1]
    assert len(words[0]) == 1
    entries = AuditEntry.objects.filter(verb="user.sign_in_failed").order_by("id")
    assert [(entry.target_id, entry.detail) for entry in entries] == [
        (str(agent.pk), {"known": True}),
        ("0", {"known": False}),
    ]


def test_a_next_address_elsewhere_is_not_followed(client, agent):
    assert "evil" not in sign_in(client, next="https://evil.example/")["Location"]


def test_five_failures_lock_the_account_and_say_until_when(client, agent):
    for _n in range(4):
        assert sign_in(client, password="wrong").status_code == 200
    answer = sign_in(client, "AGENT7", "wrong")
    assert answer.status_code == 429
    assert 840 < int(answer["Retry-After"]) <= 901
    page = client.get(LOGIN, headers={"accept-language": "en"})
    assert page.status_code == 200
    answer = sign_in(client)
    assert answer.status_code == 429
    assert re.search(r"\d\d:\d\d", answer.content.decode())
    assert client.get(reverse("staff:me")).status_code == 302
    assert "user.locked_out" in verbs()
    assert sign_in(Client(), "someone-else", "wrong").status_code == 200


def test_failures_during_the_lock_do_not_prolong_it(client, agent):
    for _n in range(5):
        answer = sign_in(client, password="wrong")
    first = int(answer["Retry-After"])
    assert int(sign_in(client, password="wrong")["Retry-After"]) <= first


def test_the_lock_of_one_account_leaves_others_at_the_same_address_alone(client, agent):
    UserFactory(username="agent8", role="AGENT", password=PASSWORD)
    for _n in range(5):
        sign_in(client, password="wrong")
    assert sign_in(Client(), "agent8").status_code == 302


def test_the_password_asked_for_again_counts_towards_the_lock(client, agent):
    sign_in(client)
    for _n in range(5):
        answer = client.post(reverse("account_reauthenticate"), {"password": "wrong"})
    assert answer.status_code == 429


def test_a_closed_account_does_not_enter(client, agent):
    User.objects.filter(pk=agent.pk).update(is_active=False)
    sign_in(client)
    assert client.get(reverse("staff:me")).status_code == 302


def test_a_session_ends_when_idle_and_polling_does_not_keep_it(client, agent, settings):
    settings.SESSION_COOKIE_AGE = 1800
    sign_in(client)
    start = clock.now()
    for minutes, header in ((20, {}), (40, {}), (60, {"Careline-Live": "1"})):
        with clock.travel(start + timedelta(minutes=minutes)):
            assert client.get(reverse("staff:me"), headers=header).status_code == 200, minutes
    with clock.travel(start + timedelta(minutes=71)):
        assert client.get(reverse("staff:me")).status_code == 302
    assert verbs()[-1] == "user.signed_out"


def test_the_session_is_written_at_most_once_a_minute(client, agent, django_assert_num_queries):
    sign_in(client)
    start = clock.now()
    with clock.travel(start + timedelta(minutes=2)):
        client.post(reverse("staff:stay"))
    with clock.travel(start + timedelta(minutes=2, seconds=59)), django_assert_num_queries(1):  # the user
        assert client.post(reverse("staff:stay")).status_code == 204


def test_sessions_are_listed_and_ended_one_by_one(client, agent):
    sign_in(client)
    other = Client(headers={"user-agent": "Mozilla/5.0 (Windows NT 10.0) Chrome/120.0"})
    sign_in(other)
    page = client.get(reverse("usersessions_list"))
    assert page.context["sessions"][0][1:] == ("Chrome, Windows", False)
    stranger = UserFactory(username="agent9", role="AGENT", password=PASSWORD)
    sign_in(third := Client(), "agent9")
    foreign = UserSession.objects.get(user=stranger)
    assert client.post(reverse("usersessions_end", args=[foreign.pk])).status_code == 404
    assert third.get(reverse("staff:me")).status_code == 200
    row = page.context["sessions"][0][0]
    client.post(reverse("usersessions_end", args=[row.pk]))
    assert other.get(reverse("staff:me")).status_code == 302
    assert client.get(reverse("staff:me")).status_code == 200


def test_all_other_sessions_end_at_once(client, agent):
    sign_in(client)
    others = [Client(), Client()]
    for other in others:
        sign_in(other)
    client.post(reverse("usersessions_end_others"))
    assert [other.get(reverse("staff:me")).status_code for other in others] == [302, 302]
    assert client.get(reverse("staff:me")).status_code == 200


def test_a_second_factor_is_set_up_and_asked_for(client, agent, django_capture_on_commit_callbacks):
    sign_in(client)
    with django_capture_on_commit_callbacks(execute=True):
        secret = set_up_totp(client)
    stored = Authenticator.objects.get(user=agent, type="totp").data["secret"]
    assert secret not in stored
    assert StaffMFAAdapter().decrypt(stored) == secret
    assert "user.second_factor_added" in verbs()
    fresh = Client()
    answer = sign_in(fresh)
    assert answer["Location"].startswith(reverse("mfa_authenticate"))
    assert fresh.get(reverse("staff:me")).status_code == 302
    assert fresh.get(reverse("mfa_authenticate")).status_code == 200
    assert fresh.post(reverse("mfa_authenticate"), {"code": "000000"}).status_code == 200
    assert fresh.get(reverse("staff:me")).status_code == 302
    codes = Authenticator.objects.get(user=agent, type="recovery_codes").wrap().get_unused_codes()
    assert fresh.post(reverse("mfa_authenticate"), {"code": codes[0]}).status_code == 302
    assert fresh.get(reverse("staff:me")).status_code == 200


def test_second_factors_outlive_a_change_of_keys(client, agent, settings):
    sign_in(client)
    secret = set_up_totp(client)
    old = settings.CARELINE_ID_KEYS
    settings.CARELINE_ID_KEYS = {"new": b"n" * 32, **old}
    assert rotate_second_factor_secrets() == 2  # the app and the recovery codes
    assert rotate_second_factor_secrets() == 0
    settings.CARELINE_ID_KEYS = {"new": b"n" * 32}
    assert StaffMFAAdapter().decrypt(Authenticator.objects.get(user=agent, type="totp").data["secret"]) == secret
    codes = Authenticator.objects.get(user=agent, type="recovery_codes").wrap().get_unused_codes()
    assert len(codes) == 10


def test_a_security_key_is_asked_for_with_our_name_and_no_script_in_the_page(client, agent):
    sign_in(client)
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    page = client.get(reverse("mfa_add_webauthn")).content.decode()
    assert html_problems(page) == []
    assert "&quot;challenge&quot;" in page
    assert "&quot;name&quot;: &quot;Careline&quot;" in page
    answer = client.post(reverse("mfa_add_webauthn"), {"name": "mine", "credential": "{}"})
    assert answer.status_code == 200
    assert not Authenticator.objects.exists()


def test_guessing_one_time_codes_is_stopped(client, agent):
    sign_in(client)
    set_up_totp(client)
    fresh = Client()
    sign_in(fresh)
    for _n in range(10):
        fresh.post(reverse("mfa_authenticate"), {"code": "000000"})
    codes = Authenticator.objects.get(user=agent, type="recovery_codes").wrap().get_unused_codes()
    fresh.post(reverse("mfa_authenticate"), {"code": codes[0]})
    assert fresh.get(reverse("staff:me")).status_code == 302


def test_a_role_that_needs_a_second_factor_reaches_nothing_before_it_is_set_up(client, settings):
    settings.SECOND_FACTOR_ENFORCED = True
    UserFactory(username="boss", role="DEPT_HEAD", password=PASSWORD)
    sign_in(client, "boss")
    for name in ("staff:me", "usersessions_list", "workspace:run-list"):
        answer = client.get(reverse(name))
        assert (answer.status_code, answer["Location"]) == (302, reverse("mfa_index")), name
    fragment = client.get(reverse("staff:me"), headers={"HX-Request": "true"})
    assert fragment["HX-Redirect"] == reverse("mfa_index")
    assert client.get(reverse("mfa_index")).status_code == 200
    set_up_totp(client)
    assert client.get(reverse("staff:me")).status_code == 200


def test_the_last_factor_of_such_a_role_stays(client, settings):
    settings.SECOND_FACTOR_ENFORCED = True
    boss = UserFactory(username="boss", role="DEPT_HEAD", password=PASSWORD)
    sign_in(client, "boss")
    set_up_totp(client)
    assert client.post(reverse("mfa_deactivate_totp")).status_code == 200
    assert Authenticator.objects.filter(user=boss, type="totp").exists()


def test_other_roles_are_not_held_up(client, agent, settings):
    settings.SECOND_FACTOR_ENFORCED = True
    sign_in(client)
    assert client.get(reverse("staff:me")).status_code == 200


def test_a_password_set_by_another_is_changed_first(client, agent):
    User.objects.filter(pk=agent.pk).update(must_change_password=True)
    sign_in(client)
    assert client.get(reverse("staff:me"))["Location"] == reverse("account_change_password")
    form = {"oldpassword": PASSWORD, "password1": "zhi-you-wo-zhidao", "password2": "zhi-you-wo-zhidao"}
    assert client.get(reverse("account_change_password")).status_code == 200
    assert client.post(reverse("account_change_password"), form)["Location"] == reverse("staff:me")
    assert client.get(reverse("staff:me")).status_code == 200
    assert "user.password_changed" in verbs()


def test_a_weak_password_is_refused_and_nothing_changes(client, agent):
    sign_in(client)
    form = {"oldpassword": PASSWORD, "password1": "1234567890", "password2": "1234567890"}
    assert client.post(reverse("account_change_password"), form).status_code == 200
    agent.refresh_from_db()
    assert agent.check_password(PASSWORD)


def test_preferences_are_kept_with_the_account(client, agent):
    sign_in(client)
    wanted = {"language": "en", "theme": "dark", "text_size": "large", "density": "compact"}
    assert client.post(reverse("staff:me"), wanted).status_code == 302
    agent.refresh_from_db()
    assert (agent.language, agent.theme, agent.text_size, agent.density, agent.shortcuts) == (*wanted.values(), False)
    page = client.get(reverse("staff:me")).content.decode()
    assert 'lang="en" data-theme="dark" data-density="compact" data-text="large"' in page
    assert client.post(reverse("staff:me"), {**wanted, "theme": "pink"}).status_code == 422


def test_switches_come_back_to_the_page_but_to_no_other_site(client, agent):
    sign_in(client)
    answer = client.post(reverse("staff:set-theme"), {"theme": "dark", "next": "/me/?a=1"})
    assert answer["Location"] == "/me/?a=1"
    answer = client.post(reverse("staff:set-theme"), {"theme": "dark", "next": "//evil.example/"})
    assert answer["Location"] == "/"


def test_signing_up_resetting_and_the_rest_of_allauth_do_not_exist(client, agent):
    sign_in(client)
    for path in ("signup/", "password/reset/", "email/", "login/code/confirm/", "social/login/error/", ""):
        assert client.get(f"/accounts/{path}").status_code == 404, path
