"""Lines written one by one and in sets, and the pages of them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from customers.models import TimelineLine
from customers.timeline import GROUPS, LineKind, add_line, add_lines_sql, register_kind, timeline_page
from foundation.common import clock
from foundation.common.ids import moment_of
from tests.customers.people import customer, operator

pytestmark = pytest.mark.django_db
FIELDS = ("customer_id", "kind", "ref_id", "params", "actor_id", "unit_id")


def test_a_set_of_lines_equals_single_lines() -> None:
    op = operator()
    rows = [customer(op.hall, name) for name in ("王伟", "李四")]
    at = clock.now() - timedelta(days=40)
    for row in rows:
        add_line(row.pk, "customer.changed", actor=op.clerk, ref_id=row.pk, params={"fields": ["name"]}, at=at)
    single = list(TimelineLine.objects.order_by("customer_id").values_list(*FIELDS))
    assert {
        abs(moment_of(pk) - at) < timedelta(seconds=2) for pk in TimelineLine.objects.values_list("pk", flat=True)
    } == {True}
    TimelineLine.objects.all().delete()
    written = add_lines_sql(
        "SELECT id, 'customer.changed', id, '{\"fields\": [\"name\"]}'::jsonb, %s, %s, %s::timestamptz"
        " FROM customers_customer",
        [op.clerk.pk, op.clerk.unit_id, at],
    )
    assert written == 2
    assert list(TimelineLine.objects.order_by("customer_id").values_list(*FIELDS)) == single


def test_a_line_nobody_has_words_for_is_not_written() -> None:
    with pytest.raises(ValueError, match="nobody registered"):
        add_line(1, "customer.danced")
    assert not TimelineLine.objects.exists()


def test_kinds_have_one_owner_and_a_known_group() -> None:
    for kind in ("customer.created", "customer.danced"):
        with pytest.raises(ValueError, match=r"two kinds|no group"):
            register_kind(
                LineKind(kind, "x", "", "changes" if kind == "customer.created" else "sports", lambda *_: ("", ""))
            )
    assert set(GROUPS) == {"contacts", "followups", "messages", "business", "changes"}


def test_the_first_page_reads_a_year_and_earlier_ones_step_back_to_what_there_is(
    django_assert_num_queries: object,
) -> None:
    op = operator()
    row = customer(op.hall, "王伟")
    since = clock.now() - timedelta(days=365 * 6)
    for years in (5.5, 0.1):
        add_line(row.pk, "customer.created", at=clock.now() - timedelta(days=365 * years))
    with django_assert_num_queries(1):  # type: ignore[operator]
        first = timeline_page(row.pk, since=since)
    assert len(first.entries) == 1 and first.before is not None
    rest = timeline_page(row.pk, since=since, before=first.before)
    assert len(rest.entries) == 1 and rest.before is None
    assert timeline_page(row.pk, since=clock.now()).before is None


def test_a_line_of_an_app_that_is_gone_still_shows() -> None:
    op = operator()
    row = customer(op.hall, "王伟")
    TimelineLine.objects.create(customer_id=row.pk, kind="mall.redeemed")
    assert [entry.title for entry in timeline_page(row.pk, since=clock.now()).entries] == ["mall.redeemed"]
