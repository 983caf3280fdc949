"""The pages of administration: what they show to whom, what they refuse, what they cost."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.urls import reverse

from foundation.audit.models import AuditEntry
from foundation.common import clock
from staff.handover import _kinds, register_work
from staff.models import Absence, OrgUnit, RoleAssignment, Shift, Team, TeamMember, User
from tests.factories import PASSWORD, TeamFactory, TeamMemberFactory, UnitFactory, UserFactory
from tests.ui.pages import html_problems

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> User:
    return UserFactory(role="SYS_ADMIN", staff_no="A1", unit=UnitFactory(code="HQ", no=1, last_no=900))


@pytest.fixture
def desk(admin, client_for):
    return client_for(admin)


@pytest.fixture
def team():
    made = TeamFactory()
    TeamMemberFactory(team=made, user__staff_no="M1")
    TeamMemberFactory(team=made, user__staff_no="M2")
    return made


@pytest.fixture
def lead(team, client_for):
    return client_for(team.lead)


def url(name: str, *args: object) -> str:
    return reverse(f"staff:{name}", args=args)


def local(moment: datetime) -> str:
    return moment.astimezone(clock.BUSINESS_ZONE).strftime("%Y-%m-%dT%H:%M")


def test_every_page_is_sound_html(desk, admin, team):
    absence = Absence.objects.create(user=admin, reason="LEAVE", starts_at=clock.now() + timedelta(days=2))
    Shift.objects.create(user=admin, starts_at=clock.now(), ends_at=clock.now() + timedelta(hours=8))
    for path in (
        url("me"),
        url("user-list"),
        url("user-new"),
        url("user-detail", team.lead.pk),
        url("user-edit", team.lead.pk),
        url("user-handover", team.lead.pk),
        url("unit-list"),
        url("unit-new"),
        url("unit-detail", admin.unit.pk),
        url("team-list"),
        url("team-new"),
        url("team-detail", team.pk),
        url("shift-list"),
        url("shift-new"),
        url("absence-list"),
        url("absence-new"),
        url("absence-detail", absence.pk),
        reverse("usersessions_list"),
        reverse("mfa_index"),
        reverse("account_change_password"),
        reverse("account_logout"),
        reverse("account_reauthenticate"),
    ):
        answer = desk.get(path)
        assert answer.status_code == 200, path
        assert html_problems(answer.content.decode()) == [], path


def test_a_lead_finds_the_own_team_and_nobody_else(lead, team):
    stranger = UserFactory(staff_no="Z9", role="AGENT")
    page = lead.get(url("user-list"))
    assert {row.staff_no for row in page.context["page"].items} == {"M1", "M2", team.lead.staff_no}
    assert lead.get(url("user-detail", stranger.pk)).status_code == 404
    assert "Z9" not in lead.get(url("person-options"), {"user": "Z"}).content.decode()
    assert "M1" in lead.get(url("person-options"), {"user": "M", "picker": "1"}).content.decode()


def test_people_are_filtered_and_paged_by_key(desk, admin):
    for n in range(55):
        UserFactory(staff_no=f"P{n:03d}", name=f"Zhao {n}", role="AGENT", unit=admin.unit)
    first = desk.get(url("user-list"), {"q": "zhao"})
    assert len(first.context["page"].items) == 50
    second = desk.get(url("user-list"), {"q": "zhao", "after": first.context["page"].next_cursor})
    assert [row.staff_no for row in second.context["page"].items] == [f"P{n:03d}" for n in range(50, 55)]
    fragment = desk.get(url("user-list"), {"q": "zhao 7"}, headers={"HX-Request": "true"})
    assert fragment.content.decode().lstrip().startswith('<div id="results">')
    assert desk.get(url("user-list"), {"role": "SYS_ADMIN"}).context["page"].items == [admin]


@pytest.mark.parametrize(("name", "most"), [("user-list", 5), ("team-list", 3), ("shift-list", 3), ("absence-list", 3)])
def test_a_list_costs_the_same_for_ten_rows_and_for_fifty(desk, admin, name, most, django_assert_num_queries):
    def add(more: int) -> None:
        for _n in range(more):
            person = UserFactory(role="AGENT", unit=admin.unit)
            TeamFactory(lead=person)
            until = clock.now() + timedelta(hours=4)
            Absence.objects.create(user=person, reason="LEAVE", starts_at=clock.now(), ends_at=until)
            Shift.objects.create(user=person, starts_at=clock.now(), ends_at=until)

    desk.get(url("me"))  # the session is marked as used
    for more in (10, 40):
        add(more)
        with django_assert_num_queries(most):  # the user, the standing, the rows with what belongs to them
            desk.get(url(name), headers={"HX-Request": "true"})


def test_an_account_is_opened_with_a_password_shown_once(desk, admin):
    form = {
        "username": "New.Agent",
        "kind": "HUMAN",
        "name": "Li Na",
        "staff_no": "N77",
        "unit": "HQ whatever",
        "employment": "LONG_TERM",
        "skills": "roaming, fault",
    }
    answer = desk.post(url("user-new"), form)
    assert answer.status_code == 200
    made = User.objects.get(staff_no="N77")
    password = answer.context["password"]
    assert made.check_password(password)
    assert (made.username, made.must_change_password, made.skills) == ("new.agent", True, ["FAULT", "ROAMING"])
    assert password not in str(list(AuditEntry.objects.values()))
    again = desk.post(url("user-new"), {**form, "staff_no": "N78"})
    assert again.status_code == 422
    assert User.objects.filter(staff_no="N78").count() == 0


def test_a_role_is_given_and_ended(desk, admin):
    person = UserFactory(unit=admin.unit)
    day = clock.today().isoformat()
    form = {"role": "AGENT", "unit": "HQ", "from_day": day, "to_day": ""}
    assert desk.post(url("role-grant", person.pk), form).status_code == 302
    held = RoleAssignment.objects.get(user=person)
    assert desk.post(url("role-grant", person.pk), form).status_code == 422
    assert desk.post(url("role-end", person.pk, held.pk)).status_code == 302
    assert not RoleAssignment.objects.filter(user=person).exists()
    assert AuditEntry.objects.filter(verb="user.role_ended", target_id=str(person.pk)).count() == 1


def test_nobody_administers_the_own_account(desk, admin):
    day = clock.today().isoformat()
    answer = desk.post(url("role-grant", admin.pk), {"role": "GM", "unit": "HQ", "from_day": day})
    assert answer.status_code == 422
    for what in ("close", "second-factor"):
        desk.post(url("user-act", admin.pk, what))
    assert desk.post(url("user-act", admin.pk, "password")).status_code == 422
    admin.refresh_from_db()
    assert admin.is_active
    assert list(RoleAssignment.objects.filter(user=admin).values_list("role", flat=True)) == ["SYS_ADMIN"]


def test_the_last_administrator_stays(desk, admin, client_for):
    other = UserFactory(role="SYS_ADMIN", unit=admin.unit)
    client_for(other).post(url("user-act", admin.pk, "close"))
    admin.refresh_from_db()
    assert not admin.is_active
    second = UserFactory(role="SYS_ADMIN", unit=admin.unit)
    RoleAssignment.objects.filter(user=other).update(to_day=clock.today())
    answer = client_for(other).post(url("user-act", second.pk, "close"), follow=True)
    second.refresh_from_db()
    assert second.is_active
    assert [message.level_tag for message in answer.context["messages"]] == ["error"]


def test_a_reset_password_ends_the_sessions_and_opens_the_lock(desk, client):
    person = UserFactory(username="zhou", role="AGENT", password=PASSWORD)
    client.post(reverse("account_login"), {"login": "zhou", "password": PASSWORD})
    assert client.get(url("me")).status_code == 200
    answer = desk.post(url("user-act", person.pk, "password"))
    assert client.get(url("me")).status_code == 302
    client.post(reverse("account_login"), {"login": "zhou", "password": answer.context["password"]})
    assert client.get(url("me"))["Location"] == reverse("account_change_password")


def test_a_unit_is_made_moved_and_closed_by_pages(desk, admin):
    form = {"code": "B1", "name": "West", "parent": "", "function": "BRANCH", "calendar_code": "STANDARD"}
    desk.post(url("unit-new"), form)
    desk.post(url("unit-new"), {**form, "code": "B2", "name": "East"})
    west, east = OrgUnit.objects.get(code="B1"), OrgUnit.objects.get(code="B2")
    assert desk.post(url("unit-act", west.pk, "move"), {"move-parent": "B2 East"}).status_code == 302
    west.refresh_from_db()
    assert west.parent == east
    answer = desk.post(url("unit-act", east.pk, "move"), {"move-parent": "B1"})
    assert answer.status_code == 422
    assert desk.post(url("unit-act", west.pk, "close")).status_code == 302
    west.refresh_from_db()
    assert west.closed_on == clock.today()


def test_a_team_is_made_and_joined(desk, admin):
    person = UserFactory(staff_no="J1", unit=admin.unit)
    desk.post(url("team-new"), {"name": "Night", "unit": "HQ", "lead": "A1"})
    team = Team.objects.get(name="Night")
    desk.post(url("team-act", team.pk, "join"), {"join-user": "J1 x", "join-from_day": clock.today().isoformat()})
    member = TeamMember.objects.get(team=team)
    assert member.user == person
    desk.post(url("team-leave", team.pk, member.pk))
    member.refresh_from_db()
    assert member.to_day == clock.today()


def test_a_lead_plans_and_removes_shifts_of_the_own_people_only(lead, team):
    day = clock.today() + timedelta(days=7)
    form = {
        "user": "M1",
        "first_day": day.isoformat(),
        "last_day": (day + timedelta(days=6)).isoformat(),
        "weekdays": ["0", "2"],
        "begins": "22:00",
        "ends": "06:00",
    }
    assert lead.post(url("shift-new"), form).status_code == 302
    rows = list(Shift.objects.filter(user__staff_no="M1").order_by("starts_at"))
    assert [row.ends_at - row.starts_at for row in rows] == [timedelta(hours=8)] * 2
    assert lead.post(url("shift-new"), form).status_code == 422
    assert Shift.objects.count() == 2
    stranger = Shift.objects.create(
        user=UserFactory(staff_no="Z9"), starts_at=rows[0].starts_at, ends_at=rows[0].ends_at
    )
    assert lead.post(url("shift-remove", stranger.pk)).status_code == 404
    assert lead.post(url("shift-new"), {**form, "user": "Z9"}).status_code == 422
    assert lead.post(url("shift-remove", rows[0].pk)).status_code == 302
    assert Shift.objects.filter(user__staff_no="M1").count() == 1


def test_a_lead_enters_an_absence_and_is_told_what_is_missing(lead, team):
    start = clock.now() + timedelta(hours=1)
    form = {"user": "M1", "reason": "LEAVE", "starts_at": local(start), "ends_at": local(start + timedelta(days=40))}
    answer = lead.post(url("absence-new"), {**form, "delegate": "M2"}, follow=True)
    absence = Absence.objects.get(user__staff_no="M1")
    assert absence.delegate.staff_no == "M2"
    assert len(answer.context["messages"]) == 1  # to be transferred for good
    assert absence.created_by == team.lead
    assert lead.post(url("absence-act", absence.pk, "delegate"), {"delegate": ""}).status_code == 302
    shown = lead.get(url("absence-detail", absence.pk))
    assert len(shown.context["warnings"]) == 2
    assert lead.post(url("absence-act", absence.pk, "end"), {"at": ""}).status_code == 302
    assert not Absence.objects.exists()  # it had not begun
    assert lead.post(url("absence-new"), {**form, "user": "A1"}).status_code == 422


@pytest.fixture
def work():
    owned: dict[int, int] = {}

    def move(owner: User, to: User, actor: User) -> int:
        count = owned.pop(owner.pk, 0)
        owned[to.pk] = owned.get(to.pk, 0) + count
        return count

    register_work("promise", lambda user: owned.get(user.pk, 0), move, label="Promises")
    yield owned
    _kinds.pop("promise")


def test_all_work_of_an_absent_person_goes_to_another_in_one_act(lead, team, work):
    first, second = (User.objects.get(staff_no=number) for number in ("M1", "M2"))
    work[first.pk] = 3
    assert lead.get(url("user-handover", first.pk)).context["total"] >= 3
    assert lead.post(url("user-handover", first.pk), {"to": "M2"}).status_code == 302
    assert work == {second.pk: 3}
    entry = AuditEntry.objects.get(verb="user.work_reassigned")
    assert (entry.actor_id, entry.detail["to"], entry.detail["moved"]["promise"]) == (team.lead.pk, second.pk, 3)


def test_work_goes_only_to_somebody_who_is_there_and_may_do_it(lead, team, work):
    first, second = (User.objects.get(staff_no=number) for number in ("M1", "M2"))
    work[first.pk] = 1
    absence = Absence.objects.create(
        user=second, reason="LEAVE", starts_at=clock.now(), ends_at=clock.now() + timedelta(days=1)
    )
    assert lead.post(url("user-handover", first.pk), {"to": "M2"}).status_code == 422
    absence.delete()
    RoleAssignment.objects.filter(user=second).update(role="MARKETING")
    assert lead.post(url("user-handover", first.pk), {"to": "M2"}).status_code == 422
    assert work == {first.pk: 1}
    assert not AuditEntry.objects.filter(verb="user.work_reassigned").exists()


def test_people_of_another_lead_are_out_of_reach(lead, client_for, work):
    other = TeamFactory()
    mine = TeamMemberFactory(team=other).user
    assert lead.get(url("user-handover", mine.pk)).status_code == 404
    assert lead.get(url("team-detail", other.pk)).status_code == 404
