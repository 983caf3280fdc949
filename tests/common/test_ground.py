"""Numbers, partitions, pages, encryption: what everything else takes for granted."""

from datetime import UTC, date, datetime

import pytest
from django.db import connection

from customers.models import Customer, TimelineLine, UsageMonth
from foundation.common import clock, crypto, numbers, partitions
from foundation.common.errors import BadSetting, RuleBroken
from foundation.common.paging import capped_count, keyset_page
from tests.factories import CustomerFactory, UnitFactory
from tests.racing import race


@pytest.mark.django_db
def test_numbers_start_anew_each_day_and_are_never_doubled() -> None:
    with clock.travel(datetime(2026, 3, 1, 4, tzinfo=UTC)):
        numbers.reset_tomorrow()
        today = [numbers.next_number("CB") for _ in range(3)]
    with clock.travel(datetime(2026, 3, 1, 16, 0, 1, tzinfo=UTC)):  # 2 March in the business zone
        tomorrow = [numbers.next_number("CB") for _ in range(2)]
    assert tomorrow == ["CB20260302000001", "CB20260302000002"]
    assert len(set(today)) == 3 and all(number.startswith("CB20260301") for number in today)


@pytest.mark.django_db(transaction=True)
def test_numbers_drawn_at_once_are_distinct() -> None:
    drawn = race(*[lambda: [numbers.next_number("CU") for _ in range(200)]] * 4)
    assert len({number for batch in drawn for number in batch}) == 800


@pytest.mark.django_db
def test_every_table_that_says_so_is_partitioned_with_a_year_ahead() -> None:
    for model in partitions.partitioned_models():
        with connection.cursor() as cursor:
            cursor.execute("SELECT relkind FROM pg_class WHERE oid = %s::regclass", [model._meta.db_table])
            assert cursor.fetchone()[0] == "p", model
        assert partitions.months_ahead(model._meta.db_table) >= 11
    assert {TimelineLine, UsageMonth} <= set(partitions.partitioned_models())
    assert partitions.ensure_partitions() == []


@pytest.mark.django_db
def test_old_months_detach_and_keep_their_rows() -> None:
    old = partitions.ensure_table("timeline", at=datetime(2031, 1, 15, tzinfo=UTC), months=0)
    assert old == ["timeline_2031_01"]
    with clock.travel(datetime(2031, 1, 20, tzinfo=UTC)):
        line = TimelineLine.objects.create(customer_id=1, kind="test")
    gone = partitions.detach_before(TimelineLine, datetime(2031, 2, 1, tzinfo=UTC))
    assert "timeline_2031_01" in gone
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM timeline_2031_01")
        assert cursor.fetchall() == [(line.pk,)]


@pytest.mark.django_db
def test_pages_never_repeat_or_miss_a_row_with_ties() -> None:
    unit = UnitFactory()
    made = [CustomerFactory(unit=unit, home_city=city) for city in "aabbbccccd"]
    rows = Customer.objects.order_by("home_city", "-id")
    seen, after = [], None
    while True:
        page = keyset_page(rows, after=after, size=3)
        seen += page.items
        after = page.next_cursor
        if after is None:
            break
    assert [row.pk for row in seen] == [row.pk for row in rows]
    assert len(seen) == len(made)


@pytest.mark.django_db
@pytest.mark.parametrize("cursor", ["x", "!!!", "bnVsbA", "WyJhIl0", "eyJhIjoxfQ"])
def test_a_damaged_page_address_is_refused_in_words(cursor: str) -> None:
    with pytest.raises(RuleBroken, match="page address"):
        keyset_page(Customer.objects.order_by("home_city", "-id"), after=cursor)


@pytest.mark.django_db
def test_counts_stop_at_their_cap() -> None:
    unit = UnitFactory()
    CustomerFactory.create_batch(4, unit=unit)
    assert capped_count(Customer.objects.all(), cap=3) == (3, True)
    assert capped_count(Customer.objects.all(), cap=4) == (4, False)


def test_a_sealed_value_opens_only_for_its_row_and_key(settings) -> None:
    sealed = crypto.encrypt("11010519491231002X", row_id=5)
    assert b"1101" not in sealed and crypto.decrypt(sealed, row_id=5) == "11010519491231002X"
    with pytest.raises(ValueError, match="does not belong"):
        crypto.decrypt(sealed, row_id=6)
    old = dict(settings.CARELINE_ID_KEYS)
    settings.CARELINE_ID_KEYS = {"k9": b"9" * 32, **old}
    assert crypto.key_name_of(crypto.encrypt("x", row_id=1)) == "k9"
    assert crypto.decrypt(sealed, row_id=5) == "11010519491231002X"
    settings.CARELINE_ID_KEYS = {"k9": b"9" * 32}
    with pytest.raises(BadSetting, match="no key named"):
        crypto.decrypt(sealed, row_id=5)


def test_the_business_day_is_not_the_utc_day() -> None:
    assert clock.today(datetime(2026, 11, 22, 16, 30, tzinfo=UTC)) == date(2026, 11, 23)
    assert clock.business_midnight(date(2026, 11, 23)) == datetime(2026, 11, 22, 16, tzinfo=UTC)
