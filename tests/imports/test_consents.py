"""Answers that come with a file: with their evidence and day, never over a newer no, and sending nothing (D§5.6)."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from customers.imports.models import Import, ImportRow
from customers.models import Consent, ConsentEvent, ConsentEvidence, Customer
from customers.services import give_consent, withdraw_consent
from outreach.models import OutMessage
from tests.factories import ContactPointFactory
from tests.imports.bringing import bring, errors_of, table, take_back

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("root")]
Travel = Callable[[datetime], AbstractContextManager[None]]
HEADER = [
    "customer_no", "name", "birth_date", "consent_purpose", "consent_channel", "consent_state", "consent_on",
    "consent_evidence_kind", "consent_evidence", "consent_until",
]  # fmt: skip
AT = datetime(2026, 11, 10, 4, 0, tzinfo=UTC)  # noon in Beijing


@pytest.fixture(autouse=True)
def _day(travel: Travel) -> Any:
    with travel(AT):
        yield


def answer(state: str = "GRANTED", on: str = "2026-10-01", *, no: str = "A1", **more: str) -> list[str]:
    values = {
        "customer_no": no,
        "name": "Li",
        "birth_date": "",
        "consent_purpose": "MARKETING",
        "consent_channel": "SMS",
        "consent_state": state,
        "consent_on": on,
        "consent_evidence_kind": "FORM" if state == "GRANTED" else "",
        "consent_evidence": "Form 7" if state == "GRANTED" else "",
        "consent_until": "",
    } | more
    return [values[name] for name in HEADER]


def file(*rows: list[str]) -> Import:
    done = bring(table(HEADER, *rows))
    assert done.state == Import.State.DONE
    return done


def held(no: str = "A1") -> list[tuple[str, str, str, date]]:
    rows = Consent.objects.filter(customer__source_no=no).order_by("purpose", "channel")
    return [(row.purpose, row.channel, row.state, row.since.astimezone().date()) for row in rows]


def states(no: str = "A1") -> list[str]:
    return [state for _purpose, _channel, state, _day in held(no)]


def words() -> list[str]:
    return list(ConsentEvidence.objects.order_by("pk").values_list("text", flat=True))


@pytest.mark.covers("ARC-21")
def test_answers_come_in_with_evidence_and_day_and_send_nothing() -> None:
    file(
        answer(consent_until="2027-10-01"),
        answer("DENIED", consent_channel="CALL"),
        answer("WITHDRAWN", consent_purpose="PROFILING", consent_channel=""),
        ["A2", "Wang", *[""] * 8],
    )
    customer = Customer.objects.get(source_no="A1")
    sms = Consent.objects.get(customer=customer, channel="SMS")
    assert (sms.state, sms.expires_on) == ("GRANTED", date(2027, 10, 1))
    assert sms.since == sms.event.at == datetime(2026, 9, 30, 16, 0, tzinfo=UTC)  # 1 October in Beijing
    assert (sms.event.source, sms.event.evidence_kind, sms.event.old) == ("IMPORT", "FORM", "UNKNOWN")
    assert ConsentEvidence.objects.get(pk=sms.event_id).text == "Form 7"
    assert states() == ["DENIED", "GRANTED", "WITHDRAWN"] and states("A2") == []
    assert not OutMessage.objects.exists()


@pytest.mark.covers("ARC-21")
@pytest.mark.parametrize(
    ("before", "then", "after"),
    [
        # A no stands until newer evidence of a yes; the same day is not newer.
        (("WITHDRAWN", "2026-10-05"), ("GRANTED", "2026-10-01"), "WITHDRAWN"),
        (("WITHDRAWN", "2026-10-05"), ("GRANTED", "2026-10-05"), "WITHDRAWN"),
        (("WITHDRAWN", "2026-10-05"), ("GRANTED", "2026-10-06"), "GRANTED"),
        (("DENIED", "2026-10-05"), ("GRANTED", "2026-10-05"), "DENIED"),
        (("DENIED", "2026-10-05"), ("GRANTED", "2026-10-06"), "GRANTED"),
        # A yes goes by a no of its day or later, not by an older one.
        (("GRANTED", "2026-10-05"), ("WITHDRAWN", "2026-10-05"), "WITHDRAWN"),
        (("GRANTED", "2026-10-05"), ("DENIED", "2026-10-06"), "WITHDRAWN"),
        (("GRANTED", "2026-10-05"), ("DENIED", "2026-10-04"), "GRANTED"),
        # A no stays the no it is.
        (("DENIED", "2026-10-05"), ("WITHDRAWN", "2026-10-09"), "DENIED"),
    ],
)
def test_the_newer_answer_counts_and_a_no_of_the_same_day(
    before: tuple[str, str], then: tuple[str, str], after: str
) -> None:
    file(answer(*before))
    file(answer(*then, name="Li Two"))
    assert states() == [after]
    file(answer(*then, name="Li Three"))  # once more: nothing new
    assert states() == [after]
    assert ConsentEvent.objects.count() == (1 if after == before[0] else 2)


def test_in_one_file_the_latest_answer_counts() -> None:
    file(
        answer(on="2026-10-01"),
        answer("WITHDRAWN", "2026-10-20"),
        answer(on="2026-10-20"),
        answer("DENIED", "2026-09-01"),
    )
    assert states() == ["WITHDRAWN"]


@pytest.mark.covers("ARC-21")
def test_what_was_withdrawn_at_the_desk_no_file_of_that_day_or_before_gives_again() -> None:
    file(answer(on="2026-10-01"))
    customer = Customer.objects.get(source_no="A1")
    withdraw_consent(customer.pk, actor=None, purpose="MARKETING", channel="SMS")
    done = bring(table(HEADER, answer(on="2026-11-10", name="Li Two")), as_of=date(2026, 11, 10))
    assert done.state == Import.State.DONE and errors_of_or_none(done) == []
    assert states() == ["WITHDRAWN"]


def errors_of_or_none(imported: Import) -> list[list[str]]:
    return errors_of(imported) if imported.count("errors") else []


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"consent_evidence": ""}, "consent_evidence"),
        ({"consent_evidence_kind": ""}, "consent_evidence_kind"),
        ({"consent_on": ""}, "consent_on"),
        ({"consent_on": "2026-11-01"}, "consent_on"),  # after the day the file describes
        ({"consent_on": "yesterday"}, "consent_on"),
        ({"consent_state": "MAYBE"}, "consent_state"),
        ({"consent_state": "UNKNOWN"}, "consent_state"),
        ({"consent_state": ""}, "consent_state"),
        ({"consent_channel": ""}, "consent_channel"),
        ({"consent_purpose": "PROFILING"}, "consent_channel"),
        ({"consent_until": "2026-10-01"}, "consent_until"),
        ({"consent_evidence": "x" * 201}, "consent_evidence"),
        ({"consent_evidence": "a\u202eb"}, "consent_evidence"),
        ({"birth_date": "2010-01-01"}, "consent_purpose"),
        ({"birth_date": "2015-01-01", "consent_purpose": "SURVEY"}, "consent_evidence_kind"),
    ],
)
def test_an_answer_that_cannot_be_is_a_wrong_row(changes: dict[str, str], column: str) -> None:
    done = file(answer(**changes), answer(no="A2"))
    assert column in [error[1] for error in errors_of(done)]
    assert states() == [] and states("A2") == ["GRANTED"]


def test_the_offers_of_a_minor_on_file_are_not_taken() -> None:
    file(["A1", "Li", "2010-01-01", *[""] * 7])
    file(answer(), answer(consent_purpose="SURVEY"))
    assert [(purpose, state) for purpose, _channel, state, _day in held()] == [("SURVEY", "GRANTED")]


@pytest.mark.covers("ARC-21")
def test_a_revert_takes_the_answers_back_with_their_evidence(travel: Travel) -> None:
    with travel(AT - timedelta(hours=2)):
        first = file(answer(), answer(no="A2"))
    kept = Customer.objects.get(source_no="A1")
    give = {"evidence_kind": "RECORDING", "evidence": "Call 3"}
    with travel(AT - timedelta(hours=1)):
        give_consent(kept.pk, actor=None, purpose="SURVEY", channel="SMS", **give)
    second = file(answer("WITHDRAWN", "2026-10-09"), answer("GRANTED", "2026-10-09", consent_channel="EMAIL"))
    assert states() == ["GRANTED", "WITHDRAWN", "GRANTED"]
    take_back(second)
    assert [(purpose, channel, state) for purpose, channel, state, _day in held()] == [
        ("MARKETING", "SMS", "GRANTED"),
        ("SURVEY", "SMS", "GRANTED"),
    ]
    assert held()[0][3] == date(2026, 10, 1)
    assert sorted(words()) == ["Call 3", "Form 7", "Form 7"]
    take_back(first)
    assert not Customer.objects.filter(source_no="A2").exists()
    assert ImportRow.objects.get(import_id=first.pk, customer_id=kept.pk).kept == "CHANGED"
    assert sorted(words()) == ["Call 3", "Form 7"]
    assert set(ConsentEvent.objects.values_list("customer_id", flat=True)) == {kept.pk}


def test_who_withdrew_since_is_kept_by_a_revert() -> None:
    file(["A1", "Li", *[""] * 8])
    second = file(answer())
    customer = Customer.objects.get(source_no="A1")
    withdraw_consent(customer.pk, actor=None, purpose="MARKETING", channel="SMS")
    take_back(second)
    assert states() == ["WITHDRAWN"]


def test_an_imported_yes_lets_an_offer_leave_and_an_imported_no_holds_it_back(travel: Travel) -> None:
    from outreach import delivery
    from tests.outreach.test_consent import offer, state

    file(answer(), answer("DENIED", no="A2"))
    rows = [Customer.objects.get(source_no=no) for no in ("A1", "A2")]
    for row in rows:
        ContactPointFactory(customer=row, value=f"1390000{row.source_no[-1] * 4}")
    messages = [offer(row, row.source_no) for row in rows]
    delivery.deliver_due()
    assert [state(message)[1] for message in messages] == ["wording", "no_consent"]
