"""The invented operator: made once, all or nothing, the same everywhere, and drawn from what was measured."""

from __future__ import annotations

import csv
import gzip
from collections import Counter, defaultdict
from contextlib import contextmanager
from datetime import date, timedelta
from io import StringIO

import pytest
from django.contrib.auth.hashers import check_password
from django.core.management import call_command
from django.db import connection
from django.db.models import Count, F, Q
from django.utils import translation

from complaints.kpis.month import figures_of
from complaints.kpis.spans import month_before, next_month
from complaints.lifecycle import OWNER_KIND
from complaints.models import Complaint
from complaints.rehearsing.running import rehearse, start_rehearsal
from complaints.services.clocks import NOT_OURS
from customers import normal
from customers.finding import search
from customers.models import (
    Address,
    ChangeRequest,
    ContactPoint,
    Customer,
    CustomerFacts,
    FindName,
    Household,
    HouseholdMember,
    IdentityCheck,
    NameGram,
    Need,
    ProfileField,
    ProtectiveHold,
    QualityItem,
    Relation,
    Segment,
    Subscription,
    TimelineLine,
    UsageMonth,
    ValueMonth,
)
from customers.sample.draw import Draw, months_back
from customers.sample.figures import ALL_FIGURES, DESIGN, Counts, Deciles
from customers.sample.organisation import DEMO_ROLES
from customers.sample.people import population
from customers.segments.counting import members
from foundation.audit.models import AuditEntry
from foundation.calendars.clock_queries import faults_of_clocks, read_clock
from foundation.calendars.models import Clock, ClockEvent
from foundation.common import clock
from foundation.policies.drafting import draft_policy
from interactions.models import Interaction
from outreach.models import FollowUp, Notification
from staff.models import OrgUnit, RoleAssignment, User
from tests.conftest import empty_tables
from tests.imports.bringing import shared
from workspace import sample

PASSWORD = "sample-password-1"


@contextmanager
def count_statements():
    """A list with an entry for each statement."""
    seen = []

    def note(execute, sql, params, many, context):
        seen.append(sql.split(None, 1)[0])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield seen


@pytest.fixture(scope="module")
def made(django_db_setup, django_db_blocker):
    """Made once for the tests that only read; taken away at the end."""
    with django_db_blocker.unblock():
        with count_statements() as statements:
            result = sample.make_sample_operator(PASSWORD)
        yield result, len(statements)
        empty_tables()


@pytest.mark.django_db
def test_it_is_made_in_sets_with_all_its_parts(made):
    result, statements = made
    assert (result.is_new, result.customers) == (True, 2_000)
    assert statements < 4 * result.customers  # the time it takes is the benchmark's to say
    assert Customer.objects.filter(is_sample=True).count() == Customer.objects.count() == 2_000
    assert Customer.objects.filter(customer_type="ENTERPRISE").count() == 40
    assert 50 <= User.objects.count() <= 80 and OrgUnit.objects.filter(function="BRANCH").count() == 3
    tree = {unit.pk: unit for unit in OrgUnit.objects.all()}
    assert all(
        tree[unit.parent_id].no < unit.no <= unit.last_no <= tree[unit.parent_id].last_no
        for unit in tree.values()
        if unit.parent_id
    )
    assert sorted(unit.no for unit in tree.values()) == list(range(1, len(tree) + 1))
    companies = Customer.objects.filter(customer_type="ENTERPRISE").annotate(staff=Count("members"))
    assert all(company.staff >= 1 for company in companies)
    family = Customer.objects.filter(parent__customer_type="PERSON")
    assert family.count() > 300
    assert not family.exclude(addresses__street=F("parent__addresses__street")).exists()
    assert FindName.objects.count() == 2_000 and NameGram.objects.exists()


@pytest.mark.django_db
def test_a_year_of_use_contacts_and_promises_fits_together(made):
    today, now = clock.today(), clock.now()
    months = UsageMonth.objects.values_list("month", flat=True).distinct()
    assert sorted(months) == [months_back(today.replace(day=1), back) for back in range(12, 0, -1)]
    assert not UsageMonth.objects.filter(month__lt=F("subscription__activated_on") - timedelta(days=31)).exists()
    assert not UsageMonth.objects.filter(month__gt=F("subscription__terminated_on")).exists()
    assert not Customer.objects.filter(status="FORMER", subscriptions__terminated_on=None).exists()
    assert not Subscription.objects.filter(activated_on__gte=today).exists()

    assert not Interaction.objects.filter(Q(started_at__gt=now) | Q(started_at__lt=now - timedelta(days=366))).exists()
    assert not Interaction.objects.filter(result="FOLLOW_UP", next_action=None).exists()
    assert Interaction.objects.count() == TimelineLine.objects.filter(kind="contact.logged").count() > 2_000
    follow_ups = FollowUp.objects.all()
    assert follow_ups.open().overdue(now).count() >= 10
    assert follow_ups.open().filter(due_at__gt=now).count() >= 50
    assert follow_ups.filter(state="DONE", done_by=F("owner"), closed_at__gte=F("created_at")).count() > 300
    assert not follow_ups.filter(state="DONE", closed_at__gt=now).exists()
    # Left for the running clock, which reminds and hands over.
    assert not follow_ups.open().exclude(next_notice_at=F("due_at"), next_level=0).exists()
    assert Notification.objects.filter(read_at=None).exists()
    assert not Customer.objects.filter(facts__contacts_total=0, interactions__isnull=False).exists()


@pytest.mark.django_db
@pytest.mark.covers("CMP-09", "CMP-28")
def test_every_figure_of_its_clocks_follows_from_their_events_alone(made):
    clocks = Clock.objects.filter(owner_kind=OWNER_KIND)
    assert set(clocks.values_list("state", flat=True)) >= {"RUNNING", "PAUSED", "MET", "MISSED", "STOPPED"}
    assert clocks.count() > 150 and ClockEvent.objects.filter(type="PAUSE").exists()
    assert list(faults_of_clocks()) == []
    # What lists read of a case is what its open clocks say.
    dues = defaultdict(dict)
    for clock_ in clocks.open():
        dues[clock_.owner_id][clock_.kind] = clock_.due_at
    for case in Complaint.objects.all():
        due = dues.get(case.pk, {})
        ours = [at for kind, at in due.items() if at is not None and kind not in NOT_OURS]
        assert (case.service_due_at, case.statutory_due_at) == (due.get("service"), due.get("statutory")), case
        assert case.next_due_at == min(ours, default=None), case


@pytest.mark.django_db
@pytest.mark.covers("CLS-20")
def test_value_relationship_and_segments_have_something_to_show(made):
    facts = CustomerFacts.objects.all()
    assert not facts.filter(value_month=None).exists() and not facts.filter(relationship_band="").exists()
    assert {*facts.values_list("value_cell", flat=True)} == {"STAR", "CORE", "GROWTH", "BASIC"}
    assert {*facts.values_list("value_class", flat=True)} >= {"5", "4", "3", "2", "1"}
    assert {persona for row in facts for persona in row.personas} == {"TRAVELLER", "YOUNG_DATA"}
    assert ValueMonth.objects.values("month").distinct().count() == 3
    assert Segment.objects.count() == 3
    assert sum(members(segment).exists() for segment in Segment.objects.all()) >= 2


@pytest.mark.django_db
def test_a_demo_user_per_role_that_has_pages_signs_in(made):
    users = {user.username: user for user in User.objects.all()}
    for role in DEMO_ROLES:
        user = users[role.lower()]
        assert RoleAssignment.objects.filter(user=user, role=role).count() == 1
        assert check_password(PASSWORD, user.password)
        assert user.has_perm("workspace.home")
    assert len(DEMO_ROLES) == 19
    others = [user for user in users.values() if user.username.upper() not in DEMO_ROLES]
    assert not any(user.has_usable_password() for user in others)
    for name in ("agent", "hall_clerk", "account_manager", "team_lead", "gm"):
        assert Customer.objects.visible_to(users[name]).exists(), name
        assert FollowUp.objects.visible_to(users[name]).open().exists(), name


@pytest.mark.django_db
def test_numbers_are_right_in_form_and_nobodys(made):
    for kind, value in ContactPoint.objects.values_list("kind", "value"):
        assert normal.contact_value(kind, value) == value
        assert kind == "EMAIL" or "0000" in value
    for person in Customer.objects.filter(id_last4__gt="").only("id_sealed", "id_type", "birth_date")[:300]:
        number = person.id_number()
        assert normal.id_number(number, id_type=person.id_type) == number
        assert number[:2] == "99" or number[2:4] == "99"
    assert Customer.objects.values("number").distinct().count() == 2_000
    assert not Address.objects.filter(Q(province="") | Q(city="") | Q(street="")).exists()
    emails = ContactPoint.objects.filter(kind="EMAIL")
    assert emails.exists() and not emails.exclude(value__endswith="@example.com").exists()


@pytest.mark.django_db
def test_its_customers_are_found_by_name_pinyin_and_number(made):
    gm = User.objects.get(username="gm")
    one = Customer.objects.filter(customer_type="PERSON", contact_points__kind="MOBILE").earliest("pk")
    mobile = one.contact_points.get(kind="MOBILE").value
    for text in (one.name, one.number, mobile, mobile[-4:], FindName.objects.get(pk=one.pk).pinyin):
        assert one.pk in {hit.customer_id for hit in search(gm, text, 200)}, text


@pytest.mark.django_db
def test_a_second_run_changes_nothing_and_the_command_says_who_may_sign_in(made, monkeypatch):
    before = (Customer.objects.count(), TimelineLine.objects.count(), AuditEntry.objects.count())
    assert not sample.make_sample_operator("another-password").is_new
    monkeypatch.setenv("CARELINE_DEMO_PASSWORD", PASSWORD)
    out = StringIO()
    with translation.override("en"):
        call_command("sample_operator", stdout=out)
        assert "account_manager" in out.getvalue() and f"Password: {PASSWORD}" in out.getvalue()
        monkeypatch.setenv("CARELINE_DEMO_PASSWORD", "not-the-one")
        out = StringIO()
        call_command("sample_operator", stdout=out)
        assert "not-the-one" not in out.getvalue() and "printed when" in out.getvalue()
    assert (Customer.objects.count(), TimelineLine.objects.count(), AuditEntry.objects.count()) == before


def test_the_same_seed_gives_the_same_people_on_any_day():
    def drawn(day: date) -> list[tuple]:
        return [(one.name, one.gender, one.age, one.city, one.mobile, one.tier) for one in population(Draw(7), day)]

    assert drawn(date(2026, 11, 22)) == drawn(date(2026, 11, 22)) == drawn(date(2031, 2, 3))
    assert drawn(date(2026, 11, 22)) != [
        (one.name, one.gender, one.age, one.city, one.mobile, one.tier)
        for one in population(Draw(8), date(2026, 11, 22))
    ]


def test_the_drawn_people_follow_the_figures():
    people = [one for one in population(Draw(sample.SEED), date(2026, 11, 22)) if not one.is_company]
    heads = [one for one in people if one.household]
    ages = sorted(one.age for one in heads)
    assert abs(ages[len(ages) // 2] - 42) <= 3
    assert 0.6 < sum(one.gender == "M" for one in heads) / len(heads) < 0.72
    tiers = Counter(one.tier for one in people)
    assert 0.18 < tiers["SILVER"] / len(people) < 0.28 and tiers["GOLD"] > tiers["PLATINUM"] > tiers["DIAMOND"]
    surnames = Counter(one.name[0] for one in heads)
    assert {"王", "李", "张"} == {name for name, _count in surnames.most_common(3)}
    assert len(people) == DESIGN.CUSTOMERS - DESIGN.COMPANIES


@pytest.mark.parametrize("figure", ALL_FIGURES, ids=lambda figure: f"{figure.file}.{figure.column}")
def test_a_figure_is_what_its_column_says(figure):
    with gzip.open(shared(f"{figure.file}.csv.gz"), "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    if isinstance(figure, Counts):
        _check_counts(figure, rows)
    else:
        _check_deciles(figure, rows)


def _check_counts(figure: Counts, rows: list[dict[str, str]]) -> None:
    names = {"\u7537": "M", "\u5973": "F", "\u94f6\u5361": "SILVER", "\u91d1\u5361": "GOLD"}
    names |= {"\u767d\u91d1\u5361": "PLATINUM", "\u94bb\u77f3\u5361": "DIAMOND"}
    found = Counter(names.get(row[figure.column], row[figure.column]) for row in rows)
    for value, count in figure.values.items():
        if value:  # rare values are joined to a neighbour, so a kept one has at least its own count
            assert found[value] <= count <= found[value] * 3, value


def _check_deciles(figure: Deciles, rows: list[dict[str, str]]) -> None:
    if " / " in figure.column:
        top, below = figure.column.split(" / ")
        values = sorted(float(row[top]) / float(row[below]) for row in rows if row[top] and float(row[below] or 0) > 20)
    else:
        values = sorted(float(row[figure.column]) for row in rows if _number(row[figure.column]))
    values = [value for value in values if value >= figure.values[0]]
    for place in range(10):
        assert values[len(values) * place // 10] == pytest.approx(figure.values[place], abs=0.01), place
    assert figure.values[10] <= values[-1]


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@pytest.mark.django_db
@pytest.mark.covers("ARC-15")
def test_every_page_of_the_profile_has_something_to_show(made):
    clerk, manager = (User.objects.get(username=name) for name in ("hall_clerk", "account_manager"))
    assert HouseholdMember.objects.filter(role="HEAD").count() == Household.objects.count() > 200
    kinds = {*Relation.objects.values_list("kind", flat=True)}
    assert kinds == {"EMPLOYEE", "HANDLER", "GUARDIAN", "PAYER", "FAMILY"}
    minors = HouseholdMember.objects.filter(
        role="CHILD", customer__birth_date__gt=clock.today() - timedelta(days=6_500)
    )
    assert minors.exists() and not minors.exclude(customer__relations__kind="GUARDIAN").exists()
    checks = IdentityCheck.objects.filter(new="VERIFIED")
    verified = Customer.objects.filter(Q(identity_status="VERIFIED") | Q(identity_checks__new="RECHECK"))
    # The doubles lost their document; their own checks stay.
    assert checks.count() >= verified.distinct().count() and checks.exclude(acting_role="").count() > 40
    assert {hold.lifted_at is None for hold in ProtectiveHold.objects.all()} == {True, False}
    assert {*Need.objects.values_list("state", flat=True)} == {"NEW", "PLANNED", "MET", "DECLINED"}
    assert not Need.objects.filter(state="PLANNED", owner=None).exists()
    for person in (clerk, manager):
        owed = Need.objects.filter(owner=person, state="PLANNED", followup_id__isnull=False)
        assert owed.exists()
    states = Counter(ChangeRequest.objects.values_list("state", flat=True))
    assert states == {"OPEN": 1, "APPLIED": 2}
    assert FollowUp.objects.open().filter(pk=ChangeRequest.objects.get(state="OPEN").followup_id).exists()
    found = {*QualityItem.objects.values_list("kind", flat=True)}
    assert found >= {"CONTACT_BOUNCED", "IDENTITY_OPEN", "BELOW_TARGET", "STALE", "BIRTHDAY_MISSING"}
    assert (
        ProfileField.objects.exclude(verified_how="").exists() and Customer.objects.filter(status="DECEASED").exists()
    )


@pytest.mark.django_db
@pytest.mark.covers("CMP-09", "CMP-28")
def test_the_year_of_complaints_is_rehearsed_with_its_breaches(made):
    """What is in force gives every recorded figure; a day instead of two misses those that took longer."""
    boss, today = User.objects.get(username="coordinator"), clock.today()
    clocks = Clock.objects.filter(owner_kind="CASE").exclude(kind="silence")
    before = list(Clock.objects.order_by("pk").values()), list(Complaint.objects.order_by("pk").values())
    day = draft_policy("complaints.limit.simple", timedelta(hours=24), actor=boss)
    year = start_rehearsal(
        actor=boss, title="A day", from_day=today - timedelta(days=366), to_day=today, left=[], right=[day.pk]
    )
    year = rehearse(year.pk)
    lines = {line.clock_id: line for line in year.lines.all()}
    assert year.cases == Complaint.objects.count() > 20 and set(lines) == {one.pk for one in clocks}
    late = {one.pk for one in clocks if one.is_late(year.as_of)}
    assert {line.clock_id: line.due_left for line in lines.values()} == {one.pk: one.due_at for one in clocks}
    assert {line.clock_id for line in lines.values() if line.late_left} == late
    # By hand: those of the simple limit, whole, that ran longer than a day.
    whole = [one for one in clocks if one.policy_key == "complaints.limit.simple" and one.amount == 48 * 60]
    longer = {one.pk for one in whole if read_clock(one, year.as_of).elapsed > timedelta(hours=24)}
    assert longer - late
    assert {line.clock_id for line in lines.values() if line.late_right} == late | longer
    service = year.figures["kinds"]["service"]
    assert (service["newly"], service["rescued"]) == (len(longer - late), 0)
    assert before == (list(Clock.objects.order_by("pk").values()), list(Complaint.objects.order_by("pk").values()))


@pytest.mark.django_db
@pytest.mark.covers("REP-05", "CMP-16")
def test_every_month_of_its_year_has_complaints_per_ten_thousand_lines(made):
    """Lines counted by hand at both ends of each month."""
    coordinator = User.objects.get(username="coordinator")
    first = clock.today().replace(day=1)
    months = [first]
    while len(months) <= 12:
        months.append(month_before(months[-1]))
    lines = list(Subscription.objects.exclude(status="PENDING").values_list("activated_on", "terminated_on"))

    def active(day: date) -> int:
        return sum((on is None or on < day) and (off is None or off >= day) for on, off in lines)

    rates = []
    for month in months:
        end = clock.today() if month == first else next_month(month)
        edges = {month, end}
        mean = sum(active(day) for day in edges) / len(edges)
        came = sum(
            month <= clock.today(at) < next_month(month)
            for at in Complaint.objects.values_list("received_at", flat=True)
        )
        shown = figures_of(coordinator, month, frozen=False, before=month_before(month), before_frozen=False)[0]
        assert (shown.code, shown.value) == ("rate_10k", pytest.approx(came * 10_000 / mean))
        rates.append(shown.value)
    assert len(rates) == 13 and sum(rate > 0 for rate in rates) > 8
