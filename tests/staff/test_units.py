"""The tree: numbers, moves, and rights that are right at every moment."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.apps import apps
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from customers.models import Customer
from foundation.audit.models import AuditEntry
from foundation.common import clock
from foundation.common.errors import RuleBroken
from foundation.jobs.models import JobRun
from staff.models import OrgUnit, UnitFormerNo, User
from staff.rights import sight_of, unit_ranges
from staff.services import numbering, units
from tests.factories import CustomerFactory, UnitFactory, UserFactory
from tests.staff.refusals import refused

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin() -> User:
    return UserFactory(role="SYS_ADMIN", unit=UnitFactory(no=1, last_no=1))


def make(admin: User, name: str, parent: OrgUnit | None = None) -> OrgUnit:
    return units.create_unit(actor=admin, code=name, name=name, function="BRANCH", parent=parent)


def fresh(unit: OrgUnit) -> OrgUnit:
    return OrgUnit.objects.get(pk=unit.pk)


def check_tree() -> None:
    """Every unit's range holds its children's ranges, siblings never overlap, no number is used twice."""
    rows = list(OrgUnit.objects.all())
    formers = set(UnitFormerNo.objects.values_list("no", flat=True))
    by_id = {unit.pk: unit for unit in rows}
    for unit in rows:
        assert unit.no not in formers
        if unit.parent_id:
            parent = by_id[unit.parent_id]
            assert parent.no < unit.no <= unit.last_no <= parent.last_no
        for other in rows:
            if other.pk != unit.pk and other.parent_id == unit.parent_id:
                assert other.last_no < unit.no or unit.last_no < other.no


def run_restamp() -> None:
    numbering.restamp_units(SimpleNamespace(progress=lambda *args, **counts: None))


def covers(unit: OrgUnit, no: int) -> bool:
    return any(low <= no <= high for low, high in unit_ranges(fresh(unit)))


def test_units_below_lie_in_the_range_of_the_unit_above(admin):
    top = make(admin, "Top")
    branch = make(admin, "Branch", top)
    for n in range(40):
        make(admin, f"Hall {n}", fresh(branch))
    check_tree()
    assert sight_of(UserFactory(role="DIRECTOR", unit=fresh(branch)), "customers.view").covers(
        unit_no=OrgUnit.objects.get(name="Hall 39").no
    )


def test_a_densely_numbered_tree_is_given_room_and_keeps_every_old_number(admin):
    top = UnitFactory(no=2, last_no=4)
    left, right = UnitFactory(no=3, last_no=3, parent=top), UnitFactory(no=4, last_no=4, parent=top)
    row = CustomerFactory(unit=left)
    new = make(admin, "New hall", left)
    check_tree()
    assert {former.no: former.unit_id for former in UnitFormerNo.objects.all()} == {2: top.pk, 3: left.pk, 4: right.pk}
    assert covers(left, row.unit_no)
    assert covers(top, row.unit_no)
    assert not covers(right, row.unit_no)
    assert covers(left, new.no)
    assert JobRun.objects.filter(job="staff.restamp_units").count() == 1


def test_a_moved_unit_is_seen_by_the_new_and_no_longer_by_the_old_head_before_and_after_the_rows_are_restamped(admin):
    top = make(admin, "Top")
    west, east = make(admin, "West", top), make(admin, "East", top)
    hall = make(admin, "Hall", west)
    row = CustomerFactory(unit=fresh(hall))
    boss = {name: UserFactory(role="DIRECTOR", unit=unit) for name, unit in (("west", west), ("east", east))}

    def sees(name: str) -> bool:
        user = User.objects.get(pk=boss[name].pk)
        return Customer.objects.visible_to(user).filter(pk=row.pk).exists()

    assert (sees("west"), sees("east")) == (True, False)
    units.move_unit(hall.pk, actor=admin, parent=east)
    check_tree()
    assert (sees("west"), sees("east")) == (False, True)
    old = row.unit_no
    run_restamp()
    row.refresh_from_db()
    assert row.unit_no == fresh(hall).no != old
    assert (sees("west"), sees("east")) == (False, True)
    assert UnitFormerNo.objects.filter(no=old).exists()  # a writer may still be on its way
    with clock.travel(clock.now() + timedelta(hours=2)):
        run_restamp()
    assert not UnitFormerNo.objects.exists()
    assert (sees("west"), sees("east")) == (False, True)


def test_every_table_with_unit_numbers_is_restamped():
    columns = {
        model._meta.db_table
        for model in apps.get_models()
        if any(field.column == "unit_no" for field in model._meta.concrete_fields)
    }
    known = {table for stamped in numbering._stamped.values() for table in (stamped.table, *dict(stamped.follows))}
    assert columns == known


def test_a_unit_moved_twice_is_found_under_both_old_numbers(admin):
    top = make(admin, "Top")
    a, b = make(admin, "A", top), make(admin, "B", top)
    hall = make(admin, "Hall", a)
    first = fresh(hall).no
    second = units.move_unit(hall.pk, actor=admin, parent=b).no
    units.move_unit(hall.pk, actor=admin, parent=a)
    assert covers(hall, first)
    assert covers(hall, second)
    assert covers(a, second)
    assert not covers(b, second)
    check_tree()


def test_a_unit_cannot_hang_below_itself(admin):
    top = make(admin, "Top")
    below = make(admin, "Below", top)
    before = AuditEntry.objects.count()
    with refused("units.circle"):
        units.move_unit(top.pk, actor=admin, parent=below)
    assert fresh(top).parent_id is None
    assert AuditEntry.objects.count() == before


def test_names_and_codes_are_taken_once(admin):
    top = make(admin, "Top")
    make(admin, "Hall", top)
    with refused("units.code_taken"):
        units.create_unit(actor=admin, code="hall", name="Other", function="HALL", parent=top)
    with refused("units.name_taken"):
        units.create_unit(actor=admin, code="X", name="Hall", function="HALL", parent=top)
    with refused("units.calendar"):
        units.create_unit(actor=admin, code="X", name="X", function="HALL", parent=top, calendar_code="NONE")
    assert OrgUnit.objects.filter(parent=top).count() == 1


def test_renaming_is_recorded_with_both_names(admin):
    unit = make(admin, "Old")
    units.change_unit(unit.pk, actor=admin, name="New", function="HALL", area="", calendar_code="STANDARD")
    entry = AuditEntry.objects.get(verb="unit.changed")
    assert entry.detail == {"name": ["Old", "New"], "function": ["BRANCH", "HALL"]}
    assert (fresh(unit).name, entry.actor_id) == ("New", admin.pk)


def test_a_unit_with_people_or_open_units_is_not_closed(admin):
    top = make(admin, "Top")
    hall = make(admin, "Hall", top)
    user = UserFactory(unit=hall)
    with refused("units.has_units"):
        units.close_unit(top.pk, actor=admin)
    with refused("units.has_people"):
        units.close_unit(hall.pk, actor=admin)
    user.is_active = False
    user.save()
    units.close_unit(hall.pk, actor=admin)
    assert fresh(hall).closed_on == clock.today()
    with refused("units.closed"):
        make(admin, "More", hall)


def test_heads_follow_one_another(admin):
    unit, day = make(admin, "Top"), clock.today()
    first, second = UserFactory(), UserFactory()
    units.set_unit_head(unit.pk, actor=admin, user=first, from_day=day - timedelta(days=9))
    units.set_unit_head(unit.pk, actor=admin, user=second, from_day=day)
    assert list(unit.heads.order_by("from_day").values_list("user", "to_day")) == [
        (first.pk, day - timedelta(days=1)),
        (second.pk, None),
    ]


def test_renumbering_everything_keeps_every_row_where_it_belongs(admin):
    top = make(admin, "Top")
    hall = make(admin, "Hall", top)
    row = CustomerFactory(unit=fresh(hall))
    moved = numbering.renumber_all()
    assert moved == OrgUnit.objects.count()
    check_tree()
    assert covers(hall, row.unit_no)
    run_restamp()
    row.refresh_from_db()
    assert row.unit_no == fresh(hall).no


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.booleans()), min_size=3, max_size=14))
def test_any_history_of_making_and_moving_leaves_a_sound_tree(admin, acts):
    made: list[OrgUnit] = []
    rows: list[tuple[OrgUnit, int]] = []
    count = OrgUnit.objects.count()
    for n, (which, where, moving) in enumerate(acts):
        parent = fresh(made[where % len(made)]) if made else None
        if moving and made:
            with suppress(RuleBroken):  # a circle
                units.move_unit(made[which % len(made)].pk, actor=admin, parent=parent)
        else:
            made.append(make(admin, f"u{count}-{n}", parent))
            rows.append((made[-1], made[-1].no))
        check_tree()
    tree = {unit.pk: unit for unit in OrgUnit.objects.all()}
    for unit, stamped in rows:
        above = set()
        one = tree[unit.pk]
        while one is not None:
            above.add(one.pk)
            one = tree.get(one.parent_id)
        for other in made:
            assert covers(other, stamped) == (other.pk in above)
