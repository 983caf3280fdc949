"""What the operator tunes about arrears: every number of the ladder, and the ladder they make on a day (D§13)."""

from __future__ import annotations

from datetime import datetime, time
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext_lazy

from billing.dunning.owing import FeeRules
from billing.dunning.rules import GRACE, Ladder
from foundation.calendars.windows import Window
from foundation.policies.reading import policy
from foundation.policies.registry import define

# Of each number of the ladder: shipped value, lowest, highest, unit, source, title, what it does.
NUMBERS: dict[str, tuple[int, int, int, str, str, Any, Any]] = {
    "first_reminder": (
        5, 0, 25, "days", "D", gettext_lazy("First reminder"),
        gettext_lazy("How many days before the due date a bill is recalled for the first time."),
    ),
    "second_reminder": (
        1, 0, 25, "days", "D", gettext_lazy("Second reminder"),
        gettext_lazy("How many days before the due date a bill is recalled for the second time."),
    ),
    "first_overdue": (
        1, 1, 30, "days", "D", gettext_lazy("First notice of arrears"),
        gettext_lazy("How many days after the due date the first notice of arrears goes out."),
    ),
    "second_overdue": (
        7, 1, 30, "days", "D", gettext_lazy("Second notice of arrears"),
        gettext_lazy("How many days after the due date the second notice of arrears goes out."),
    ),
    "call_day": (
        15, 1, 30, "days", "D", gettext_lazy("Call about arrears"),
        gettext_lazy("How many days after the due date an account comes on the call list."),
    ),
    "warning_day": (
        20, 1, 30, "days", "D", gettext_lazy("First warning"),
        gettext_lazy("How many days after the due date the customer is warned of the suspension."),
    ),
    "warning_before": (
        5, 3, 30, "days", "D", gettext_lazy("Second warning"),
        gettext_lazy("How many days before the suspension the customer is warned again, with the exact date."),
    ),
    "final_warning_before": (
        48, 48, 240, "hours", "D", gettext_lazy("Final warning"),
        gettext_lazy("How many hours before a suspension the final warning must have reached the customer, at least."),
    ),
    "suspension_day": (
        31, 31, 120, "days", "R1", gettext_lazy("Earliest suspension"),
        gettext_lazy("How many days after the due date, grace apart, services may be suspended; by law over 30."),
    ),
    "two_way_after": (
        15, 1, 90, "days", "D", gettext_lazy("Suspension both ways"),
        gettext_lazy("How many days after outgoing calls were barred incoming ones are as well."),
    ),
    "ending_notice_after": (
        46, 30, 365, "days", "D", gettext_lazy("Notice of the end"),
        gettext_lazy("How many days after the suspension both ways the end of the contract is announced."),
    ),
    "ending_after": (
        61, 61, 720, "days", "R1", gettext_lazy("End of the contract"),
        gettext_lazy("How many days after the suspension both ways the contract may end; by law over 60."),
    ),
    "ending_notice_days": (
        14, 14, 60, "days", "D", gettext_lazy("Time after the notice of the end"),
        gettext_lazy("How many days lie between the notice of the end and the end, at least."),
    ),
    "manager_wait": (
        3, 0, 14, "days", "D", gettext_lazy("Platinum and diamond: waiting"),
        gettext_lazy("How many days a suspension waits, once, when the manager has not reached the customer."),
    ),
    "enterprise_contact_day": (
        5, 1, 30, "days", "D", gettext_lazy("Companies: contact of the manager"),
        gettext_lazy("How many days after the due date the manager speaks with a company about its arrears."),
    ),
    "enterprise_notice_before": (
        7, 3, 30, "days", "D", gettext_lazy("Companies: written notice"),
        gettext_lazy("How many days before the suspension a company is given notice in writing."),
    ),
    "reversal_notice_before": (
        48, 48, 240, "hours", "D", gettext_lazy("After a payment taken back"),
        gettext_lazy("How many hours after the notice of a payment taken back services may be suspended, at least."),
    ),
    "restore_within": (
        24, 1, 48, "hours", "R3, P10", gettext_lazy("Restoration"),
        gettext_lazy("Within how many hours after the payment services are promised to work again."),
    ),
    "late_fee_free_days": (
        5, 0, 30, "days", "D", gettext_lazy("Late fee waived until"),
        gettext_lazy("Until which day after the due date paying the bill waives its late fee."),
    ),
    "write_off_after": (
        24, 6, 120, "months", "D", gettext_lazy("Writing off debts"),
        gettext_lazy("After how many months finance may write off the debt of a contract that ended."),
    ),
    "promise_longest": (
        15, 1, 15, "days", "D", gettext_lazy("Promise to pay: longest"),
        gettext_lazy("How many days ahead a promise to pay may reach."),
    ),
    "promises_a_year": (
        2, 0, 12, "promises", "D", gettext_lazy("Promises to pay in a year"),
        gettext_lazy("How many promises to pay an account may make in twelve months."),
    ),
    "hardship_days": (
        30, 1, 180, "days", "D", gettext_lazy("Hardship"),
        gettext_lazy("For how many days the arrears of a customer in hardship rest."),
    ),
    "restore_share": (
        80, 50, 100, "%", "D", gettext_lazy("Restoration by the lead"),
        gettext_lazy("Which part of what is overdue must be paid before a team lead may restore on a promise."),
    ),
    "call_tries": (
        3, 1, 10, "calls", "D", gettext_lazy("Tries of a call about arrears"),
        gettext_lazy("How often a customer on the call list is tried before the call counts as not reached."),
    ),
}  # fmt: skip

for _name, (_default, _low, _high, _unit, _source, _title, _help) in NUMBERS.items():
    define(
        f"billing.{_name}",
        type="int",
        default=_default,
        low=_low,
        high=_high,
        unit=_unit,
        source=_source,
        title=_title,
        help=_help,
    )


define(
    "billing.call_from",
    type="decimal",
    default=Decimal("50.00"),
    low=Decimal(0),
    high=Decimal(100_000),
    unit="CNY",
    source="D",
    title=gettext_lazy("Call about arrears from"),
    help=gettext_lazy("From which overdue amount on a customer is called."),
)
define(
    "billing.late_fee",
    type="decimal",
    default=Decimal("3"),
    low=Decimal(0),
    high=Decimal(3),
    unit="‰ a day",
    source="R1",
    title=gettext_lazy("Late fee"),
    help=gettext_lazy("Late fee of a day, of the fees that are open and not disputed; by law at most 3 ‰."),
)
define(
    "billing.late_fee_most",
    type="decimal",
    default=Decimal(100),
    low=Decimal(0),
    high=Decimal(100),
    unit="%",
    source="D",
    title=gettext_lazy("Most late fee"),
    help=gettext_lazy("How much of the fees of a bill its late fee comes to at most."),
)
define(
    "billing.small_rest",
    type="decimal",
    default=Decimal("1.00"),
    low=Decimal("0.01"),
    high=Decimal("10.00"),
    unit="CNY",
    source="D",
    title=gettext_lazy("Rest that counts as paid"),
    help=gettext_lazy("A bill of which less than this is open counts as paid."),
)
define(
    "billing.grade_unknown",
    type="text",
    default="C",
    choices=tuple(sorted(GRACE)),
    source="D",
    title=gettext_lazy("Grade of who has none yet"),
    help=gettext_lazy("By which credit grade the arrears of an account go that was not graded yet."),
)
define(
    "billing.notice_hours",
    type="windows",
    default=(Window(9 * 60, 20 * 60),),
    source="D",
    title=gettext_lazy("Hours of arrears notices"),
    help=gettext_lazy("When the messages of a day about arrears begin to leave, and until when customers are called."),
)
define(
    "billing.acting_hours",
    type="windows",
    default=(Window(9 * 60, 17 * 60),),
    source="P2",
    title=gettext_lazy("Hours of suspensions"),
    help=gettext_lazy("Hours of working days in which services are suspended and contracts ended."),
)


def ladder_in_force(at: datetime | None = None) -> Ladder:
    """The ladder as the policies make it at a moment (default now)."""
    number = {name: policy(f"billing.{name}", at=at) for name in NUMBERS}
    acting = policy("billing.acting_hours", at=at)
    return Ladder(
        reminders=(number["first_reminder"], number["second_reminder"]),
        overdue=(number["first_overdue"], number["second_overdue"]),
        call_day=number["call_day"],
        call_from=policy("billing.call_from", at=at),
        warning_day=number["warning_day"],
        warning_before=number["warning_before"],
        final_hours=number["final_warning_before"],
        suspension_day=number["suspension_day"],
        grace={grade: int(row["grace_days"]) for grade, row in policy("billing.credit_grades", at=at).items()},
        two_way_after=number["two_way_after"],
        ending_notice_after=number["ending_notice_after"],
        ending_after=number["ending_after"],
        ending_notice_days=number["ending_notice_days"],
        manager_wait=number["manager_wait"],
        enterprise_contact_day=number["enterprise_contact_day"],
        enterprise_notice_before=number["enterprise_notice_before"],
        reversal_hours=number["reversal_notice_before"],
        restore_hours=number["restore_within"],
        notice_at=_begins(policy("billing.notice_hours", at=at)),
        acts_from=_begins(acting),
        acts_until=_ends(acting),
        fees=FeeRules(
            per_mille=policy("billing.late_fee", at=at),
            free_days=number["late_fee_free_days"],
            most=policy("billing.late_fee_most", at=at),
            small=policy("billing.small_rest", at=at),
        ),
        write_off_months=number["write_off_after"],
    )


def _begins(windows: tuple[Window, ...]) -> time:
    minute = min((window.start for window in windows), default=9 * 60)
    return time(minute // 60, minute % 60)


def _ends(windows: tuple[Window, ...]) -> time:
    # A day's end has no time of its own: the last minute stands for it.
    minute = min(max((window.end for window in windows), default=17 * 60), 24 * 60 - 1)
    return time(minute // 60, minute % 60)


# What the ladder of arrears reads: whoever tunes one of these may want to try it.
ARREARS_KEYS = frozenset(
    {
        *(f"billing.{name}" for name in NUMBERS),
        "billing.credit_grades", "billing.call_from", "billing.late_fee", "billing.late_fee_most",
        "billing.small_rest", "billing.notice_hours", "billing.acting_hours", "billing.grade_unknown",
    }
)  # fmt: skip
