import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from foundation.common import clock, ids


@pytest.mark.django_db
def test_ids_are_distinct_ordered_and_carry_their_moment() -> None:
    made = [ids.new_id() for _ in range(3_000)]
    assert len(set(made)) == 3_000 and made == sorted(made)
    assert abs(ids.moment_of(made[0]) - clock.now()) < timedelta(seconds=5)


def test_a_clock_set_back_makes_no_id_twice() -> None:
    later = datetime(2030, 5, 1, tzinfo=UTC)
    with clock.travel(later):
        first = [ids.new_id() for _ in range(600)]
    with clock.travel(later - timedelta(minutes=1)):
        second = [ids.new_id() for _ in range(600)]
    assert len({*first, *second}) == 1_200


def test_threads_make_distinct_ids() -> None:
    made: list[int] = []

    def work() -> None:
        made.extend([ids.new_id() for _ in range(2_000)])

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == len(set(made)) == 12_000


@pytest.mark.django_db
def test_sql_ids_of_one_moment_stay_distinct_and_inside_their_day() -> None:
    midnight = datetime(2025, 3, 1, tzinfo=UTC)
    with connection.cursor() as cursor:
        cursor.execute("SELECT make_id(%s) FROM generate_series(1, 20000)", [midnight])
        made = [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT make_id() FROM generate_series(1, 20000)")
        fresh = [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT first_id_at(%s)", [midnight])
        assert cursor.fetchone()[0] == ids.first_id_at(midnight)
    assert len(set(made)) == len(set(fresh)) == 20_000
    assert min(made) >= ids.first_id_at(midnight)
    assert max(made) < ids.first_id_at(midnight + timedelta(seconds=1))


@pytest.mark.parametrize("number", [0, 1, 35, 36, 2**53 + 1, 2**63 - 1])
def test_an_id_survives_the_url(number: int) -> None:
    text = ids.to_text(number)
    assert len(text) <= 13 and ids.from_text(text) == number
