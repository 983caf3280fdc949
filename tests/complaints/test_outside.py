"""Appeals to the authority (D§11.1-11.3)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest

from complaints import tasks
from complaints.models import AppealCase, Complaint
from complaints.services import outside
from foundation.calendars.models import Clock
from foundation.common import clock
from tests.complaints.cases import Office, office
from tests.complaints.test_handing import kinds, refused
from tests.complaints.test_joining import begun
from tests.factories import CustomerFactory, UserFactory

pytestmark = pytest.mark.django_db
MORNING = datetime(2026, 3, 3, 2, 0, tzinfo=UTC)  # Tuesday, 10:00 in Beijing
HOUR = timedelta(hours=1)


@pytest.fixture
def at() -> Iterator[Office]:
    with clock.travel(MORNING):
        yield office()


@pytest.mark.covers("CMP-32")
def test_an_appeal_gets_a_date_a_case_an_approved_response_and_an_end(at: Office) -> None:
    gm, qa = UserFactory(role="GM"), UserFactory(role="QA")
    letter = {"body": "12300", "reference": "SH-2026-17", "text": "The customer waits for a refund."}
    refused("appeal.no_right", outside.open_appeal, actor=at.lead, **letter)
    refused("appeal.due_before", outside.open_appeal, actor=at.boss, **letter, due_on=date(2026, 3, 1))
    appeal = outside.open_appeal(actor=at.boss, **letter, due_on=date(2026, 3, 13))
    # Friday the 13th ends; two working days before that begins Thursday at nine.
    assert appeal.internal_due_at == datetime(2026, 3, 12, 1, 0, tzinfo=UTC) and appeal.due_given
    refused("appeal.known", outside.open_appeal, actor=at.boss, **letter)
    bare = outside.open_appeal(actor=at.boss, **{**letter, "reference": "SH-2"})
    assert (bare.due_on, bare.due_given) == (date(2026, 3, 13), False)

    known = begun(at, "INVESTIGATING")
    outside.link_appeal(appeal.pk, actor=at.boss, case_id=known.pk)
    known.refresh_from_db()
    assert (known.grade, known.grade_reason) == ("SKIP_LEVEL", "AUTHORITY")
    assert known.service_due_at == appeal.internal_due_at and "appeal" in kinds(at.handler)
    refused("appeal.illegal", outside.link_appeal, appeal.pk, actor=at.boss, case_id=known.pk)

    refused("appeal.no_response", outside.approve_response, appeal.pk, actor=at.head)
    outside.draft_response(appeal.pk, actor=at.handler, text="We refund 59.00.")
    assert "appeal_approve" in kinds(at.head)
    refused("appeal.no_right", outside.approve_response, appeal.pk, actor=at.lead)
    with clock.travel(MORNING + HOUR):
        outside.deny_response(appeal.pk, actor=at.head, reason="Name the day.")
        outside.draft_response(appeal.pk, actor=at.head, text="We refund 59.00 on March 4.")
        refused("appeal.own", outside.approve_response, appeal.pk, actor=at.head)
        outside.approve_response(appeal.pk, actor=at.boss)
    appeal.refresh_from_db()
    assert (appeal.state, appeal.approved_by, appeal.responded_at) == ("RESPONDED", at.boss, MORNING + HOUR)
    refused("appeal.no_outcome", outside.move_appeal, appeal.pk, actor=at.boss, state="SETTLED")
    outside.move_appeal(appeal.pk, actor=at.boss, state="SETTLED", outcome="Refunded")
    outside.move_appeal(appeal.pk, actor=at.boss, state="CLOSED")
    assert AppealCase.objects.get(pk=appeal.pk).closed_at == MORNING

    # One we never saw: its own clock from the letter's arrival, the coordinator answers for it.
    customer = CustomerFactory(unit=at.unit)
    outside.link_appeal(bare.pk, actor=at.boss, customer=customer)
    bare.refresh_from_db()
    new = bare.complaint
    assert new is not None and (new.grade, new.owner, new.customer) == ("SKIP_LEVEL", at.boss, customer)
    assert new.received_at == MORNING
    statutory = Clock.objects.get(owner_id=new.pk, kind="statutory")
    assert statutory.due_at == datetime(2026, 3, 18, 15, 59, 59, tzinfo=UTC)
    with clock.travel(bare.internal_due_at + HOUR):
        tasks.settle_dues()
        tasks.settle_dues()
    assert [kinds(person).count("appeal_due") for person in (at.boss, at.head, qa, gm)] == [1, 1, 1, 1]
    assert Complaint.objects.visible_to(gm).filter(pk=new.pk).exists()
