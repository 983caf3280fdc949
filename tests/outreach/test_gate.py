"""The gate as a table: who may be told what at which hour, and why (D§5.6-5.9, D§26)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from foundation.calendars.windows import read_windows
from foundation.common.clock import BUSINESS_ZONE
from outreach.gate import Block, GateInput, Verdict, decide
from outreach.policies import whole_holidays

WINDOWS = {
    "SERVICE": read_windows("07:00-22:00"),
    "REMINDER": read_windows("08:00-21:00"),
    "CARE": read_windows("08:30-21:00"),
    "MARKETING": read_windows("09:00-20:00"),
    "SURVEY": read_windows("09:00-20:00"),
}


def beijing(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BUSINESS_ZONE)


def ask(kind: str, at: str = "2026-11-24T10:00", **more: object) -> tuple[str, str]:
    decision = decide(GateInput(kind, beijing(at), windows=WINDOWS, **more))  # type: ignore[arg-type]
    until = decision.until.astimezone(BUSINESS_ZONE).strftime("%m-%d %H:%M") if decision.until else ""
    return decision.verdict.value, until or decision.reason


@pytest.mark.parametrize(
    ("kind", "at", "more", "expected"),
    [
        ("SERVICE", "2026-11-24T10:00", {}, ("ALLOWED", "")),
        ("SERVICE", "2026-11-24T06:59", {}, ("WAIT", "11-24 07:00")),
        ("SERVICE", "2026-11-24T22:00", {}, ("WAIT", "11-25 07:00")),
        ("SERVICE", "2026-11-24T21:59", {}, ("ALLOWED", "")),
        ("SERVICE", "2026-11-24T03:00", {"urgent": True}, ("ALLOWED", "")),
        ("REMINDER", "2026-11-24T03:00", {"urgent": True}, ("WAIT", "11-24 08:00")),
        ("REMINDER", "2026-11-24T21:00", {}, ("WAIT", "11-25 08:00")),
        ("CARE", "2026-11-24T10:00", {}, ("SUPPRESSED", "no_consent")),
        ("MARKETING", "2026-11-24T10:00", {}, ("SUPPRESSED", "no_consent")),
        ("SURVEY", "2026-11-24T10:00", {}, ("SUPPRESSED", "no_consent")),
        ("MARKETING", "2026-11-24T10:00", {"consent": "WITHDRAWN"}, ("SUPPRESSED", "no_consent")),
        ("MARKETING", "2026-11-24T10:00", {"consent": "GRANTED"}, ("ALLOWED", "")),
        ("MARKETING", "2026-11-24T20:00", {"consent": "GRANTED"}, ("WAIT", "11-25 09:00")),
        ("CARE", "2026-11-24T08:29", {"consent": "GRANTED"}, ("WAIT", "11-24 08:30")),
        ("MARKETING", "2026-11-24T10:00", {"consent": "GRANTED", "minor": True}, ("SUPPRESSED", "minor")),
        ("SERVICE", "2026-11-24T10:00", {"minor": True}, ("ALLOWED", "")),
        ("SERVICE", "2026-11-24T10:00", {"status": "DECEASED"}, ("SUPPRESSED", "status")),
        ("SERVICE", "2026-11-24T10:00", {"status": "FORMER"}, ("ALLOWED", "")),
        ("CARE", "2026-11-24T10:00", {"status": "FORMER", "consent": "GRANTED"}, ("SUPPRESSED", "status")),
        ("SERVICE", "2026-11-24T10:00", {"has_address": False}, ("SUPPRESSED", "no_address")),
        ("SERVICE", "2026-11-24T10:00", {"recipient_exists": False}, ("SUPPRESSED", "gone")),
    ],
)
def test_the_hours_classes_and_states(kind: str, at: str, more: dict[str, object], expected: tuple[str, str]) -> None:
    assert ask(kind, at, **more) == expected


def test_marketing_waits_over_the_holidays_service_does_not() -> None:
    holidays = frozenset(date(2026, 10, day) for day in range(1, 8))
    assert ask("MARKETING", "2026-10-01T10:00", consent="GRANTED", holidays=holidays) == ("WAIT", "10-08 09:00")
    assert ask("SERVICE", "2026-10-01T10:00", holidays=holidays) == ("ALLOWED", "")


def test_the_weekend_inside_a_holiday_belongs_to_it_the_one_beside_it_does_not() -> None:
    listed = [date(2026, 10, day) for day in (1, 2, 3, 5, 6, 7)] + [date(2026, 9, 25)]
    assert whole_holidays(listed) == {*listed, date(2026, 10, 4)}
    across = [date(2027, 10, 1), date(2027, 10, 4)]  # Friday and Monday
    assert whole_holidays(across) == {*across, date(2027, 10, 2), date(2027, 10, 3)}


def test_what_expires_before_the_next_window_is_dropped_and_what_expired_is_not_sent_late() -> None:
    assert ask("REMINDER", "2026-11-24T22:00", expires_at=beijing("2026-11-25T08:00")) == (
        "SUPPRESSED",
        "expires_before_window",
    )
    assert ask("REMINDER", "2026-11-24T22:00", expires_at=beijing("2026-11-25T08:01")) == ("WAIT", "11-25 08:00")
    assert ask("SERVICE", "2026-11-24T10:00", expires_at=beijing("2026-11-24T10:00")) == ("SUPPRESSED", "expired")


def test_a_block_holds_its_classes_only_and_never_a_notice_the_law_demands() -> None:
    asked = (Block("ASKED", frozenset({"REMINDER", "MARKETING"})),)
    assert ask("REMINDER", blocks=asked) == ("SUPPRESSED", "blocked")
    assert ask("SERVICE", blocks=asked) == ("ALLOWED", "")
    assert ask("REMINDER", blocks=asked, legal=True) == ("ALLOWED", "")
    mourning = (Block("MOURNING", frozenset({"REMINDER"})),)
    assert ask("REMINDER", blocks=mourning, legal=True) == ("SUPPRESSED", "blocked")


def test_a_customer_abroad_is_asked_in_both_zones() -> None:
    # 20:30 in Beijing is 13:30 in London (summer); 09:00 in London is 16:00 in Beijing.
    zones = (BUSINESS_ZONE, ZoneInfo("Europe/London"))
    assert ask("REMINDER", "2026-07-01T09:00", zones=zones) == ("WAIT", "07-01 15:00")
    assert ask("REMINDER", "2026-07-01T15:00", zones=zones) == ("ALLOWED", "")
    # In winter London is an hour further away.
    assert ask("REMINDER", "2026-12-01T09:00", zones=zones) == ("WAIT", "12-01 16:00")


def test_zones_that_never_allow_together_hold_the_message_back() -> None:
    windows = {"REMINDER": read_windows("09:00-10:00")}
    given = GateInput(
        "REMINDER",
        datetime(2026, 11, 24, 1, tzinfo=UTC),
        windows=windows,
        zones=(BUSINESS_ZONE, ZoneInfo("Europe/London")),
    )
    decision = decide(given)
    assert (decision.verdict, decision.reason) == (Verdict.SUPPRESSED, "no_window")


def test_a_window_over_midnight_opens_again_after_a_holiday_at_midnight() -> None:
    given = GateInput(
        "MARKETING",
        beijing("2026-10-01T23:30"),
        consent="GRANTED",
        windows={"MARKETING": read_windows("22:00-06:00")},
        holidays=frozenset({date(2026, 10, 1)}),
    )
    decision = decide(given)
    assert decision.until == beijing("2026-10-02T00:00")


def test_staff_are_written_to_at_any_hour() -> None:
    assert ask("SERVICE", "2026-11-24T03:00", to_staff=True) == ("ALLOWED", "")
    assert ask("SERVICE", "2026-11-24T03:00", to_staff=True, has_address=False) == ("SUPPRESSED", "no_address")


def test_every_answer_says_why_with_its_source() -> None:
    decision = decide(GateInput("MARKETING", beijing("2026-11-24T10:00"), windows=WINDOWS))
    assert [(step.input, step.value, step.source) for step in decision.why.steps] == [("consent", "UNKNOWN", "D§5.6")]
    assert decide(GateInput("REMINDER", beijing("2026-11-24T22:00"), windows=WINDOWS)).why.steps[-1].value == (
        "2026-11-25 08:00"
    )
