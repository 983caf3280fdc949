"""The ladder of arrears in written cases, worked out by hand from the rulebook (D§13, D§26).

The account, where a case says nothing else: a mobile line of grade E (no grace), one bill of 100.00 for December 2025,
due on Saturday 2026-01-31. So D-5 = 01-26, D-1 = 01-30, D+1 = 02-01, D+7 = 02-07, D+15 = 02-15, D+20 = 02-20, D+31 =
03-03, a Tuesday. A day without an hour is its end for `now`. Holidays of 2026: 01-01, 01-02, 02-16 to 02-20, 02-23,
04-05, 04-06, 05-01, 05-02, 05-04, 05-05, 10-01 to 10-03, 10-05 to 10-07; worked by decree: 01-04, 02-14, 02-28, 05-09,
10-10.
"""

from __future__ import annotations

from typing import Any

Case = tuple[dict[str, Any], dict[str, Any]]
DEC = {"month": "2025-12", "amount": 100, "due_date": "2026-01-31"}
JAN = {"month": "2026-01", "amount": 80, "due_date": "2026-02-28"}


def account(now: str, grade: str = "E", kind: str = "mobile", **more: Any) -> dict[str, Any]:
    return {"grade": grade, "kind": kind, "bills": [DEC], "now": now, **more}


def due(day: str, now: str, grade: str = "E", **more: Any) -> dict[str, Any]:
    """One bill of 100.00 with this due date."""
    return account(now, grade, bills=[{"id": "b", "amount": 100, "due_date": day}], **more)


def pays(*told: str) -> list[dict[str, Any]]:
    """Payments written as "2026-02-05 100"."""
    return [{"at": one.split()[0], "amount": one.split()[1]} for one in told]


def hold(kind: str, first: str, last: str | None = None, **more: Any) -> dict[str, Any]:
    return {"type": kind, "from": first, "to": last, **more}


# What is expected: state, fee (late fee), pay (what is to be paid now), next (the next step and its moment), and steps
# by name with their day or moment, "-" for one that is neither taken nor ahead.
BEFORE_THE_DUE_DATE: dict[str, Case] = {
    "a bill is ready: nothing but the notice of it": (
        account("2026-01-10"),
        {"state": "NONE", "fee": "0.00", "BILL_NOTICE": "2026-01-01", "next": "REMINDER_1 2026-01-26"},
    ),
    "five days before": (account("2026-01-26"), {"state": "REMINDED", "fee": "0.00", "REMINDER_1": "2026-01-26"}),
    "the day before": (account("2026-01-30"), {"state": "REMINDED", "REMINDER_2": "2026-01-30", "pay": "0.00"}),
    "on the due date nothing is overdue": (account("2026-01-31"), {"state": "REMINDED", "fee": "0.00", "pay": "0.00"}),
    "the due date is the last day of the month after usage": (
        account("2026-01-10", bills=[{"month": "2025-12", "amount": 100}]),
        {"REMINDER_1": "2026-01-26", "SUSPEND_ONE_WAY": "2026-03-03"},
    ),
    "paid before it is due: no reminder": (
        account("2026-02-03", payments=pays("2026-01-20 100")),
        {"state": "CLOSED", "fee": "0.00", "REMINDER_1": "-", "OVERDUE_1": "-"},
    ),
}
LATE_FEE: dict[str, Case] = {
    "day 1: 3 per mille of 100": (account("2026-02-01"), {"state": "OVERDUE", "fee": "0.30", "pay": "100.30"}),
    "day 5 is still shown": (account("2026-02-05"), {"fee": "1.50", "pay": "101.50"}),
    "paid on day 5: waived": (
        account("2026-02-06", payments=pays("2026-02-05T23:59 100")),
        {"state": "CLOSED", "fee": "0.00", "pay": "0.00"},
    ),
    "paid on day 6: six days; for late fee alone nothing follows": (
        account("2026-02-20", payments=pays("2026-02-06T00:01 100")),
        {"state": "OVERDUE", "fee": "1.80", "pay": "1.80", "next": None},
    ),
    "paid on day 6 with the late fee": (
        account("2026-02-06", payments=pays("2026-02-06T10:00 101.80")),
        {"state": "CLOSED", "fee": "1.80", "pay": "0.00"},
    ),
    "day 333 and day 334: at most the fees": (due("2026-01-31", "2026-12-31", kind="enterprise"), {"fee": "100.00"}),
    "day 333: not yet": (due("2026-01-31", "2026-12-30", kind="enterprise"), {"fee": "99.90"}),
    "not on late fee that stands in the bill": (
        # 100 of fees and 10 of old late fee: 10 + 10 days of 0.30.
        account("2026-02-10", bills=[{**DEC, "amount": 110, "late_fee": 10}]),
        {"fee": "13.00", "pay": "113.00"},
    ),
    "half up once at the end": (
        # 33.50 x 0.003 x 1 = 0.1005
        account("2026-02-01", bills=[{**DEC, "amount": "33.50"}]),
        {"fee": "0.10"},
    ),
    "half a cent goes up": (
        # 35.00 x 0.003 x 1 = 0.105
        account("2026-02-01", bills=[{**DEC, "amount": "35.00"}]),
        {"fee": "0.11"},
    ),
    "a bill corrected downward: the fee is smaller, what was paid too much is a credit": (
        # 50 x 0.003 x 31 = 4.65 of the 109.30 paid.
        account("2026-03-03T12:00", bills=[{**DEC, "amount": 50}], payments=pays("2026-03-03T08:00 109.30")),
        {"state": "CLOSED", "fee": "4.65", "credit": "54.65"},
    ),
}
RUNGS: dict[str, Case] = {
    "day 7": (account("2026-02-07"), {"state": "OVERDUE", "OVERDUE_2": "2026-02-07", "fee": "2.10"}),
    "day 15: called from 50.00 on": (
        account("2026-02-15", bills=[{**DEC, "amount": "50.00"}]),
        {"state": "OVERDUE", "CALL": "2026-02-15"},
    ),
    "day 15: not called about 49.99": (account("2026-02-15", bills=[{**DEC, "amount": "49.99"}]), {"CALL": "-"}),
    "day 20: warned with date and amount": (
        account("2026-02-20"),
        {"state": "WARNED", "WARNING_1": "2026-02-20", "fee": "6.00", "next": "WARNING_2 2026-02-26"},
    ),
    "no grace: final warning 48 hours before, suspended on day 31": (
        account("2026-03-03T09:00"),
        {
            "state": "SUSPENDED_1WAY", "fee": "9.30", "GRACE": "-", "WARNING_2": "2026-02-26",
            "FINAL_WARNING": "2026-03-01T09:00", "SUSPEND_ONE_WAY": "2026-03-03T09:00",
        },
    ),
    "one minute before": (account("2026-03-03T08:59"), {"state": "WARNED", "suspended": None}),
    "grade D: two days of grace": (
        account("2026-02-20", "D"),
        {"SUSPEND_ONE_WAY": "2026-03-05T09:00", "WARNING_2": "2026-02-28", "FINAL_WARNING": "2026-03-03T09:00"},
    ),
    "grade C: five days end on a Sunday, so Monday": (
        account("2026-02-20", "C"),
        {"SUSPEND_ONE_WAY": "2026-03-09T09:00", "WARNING_2": "2026-03-04", "FINAL_WARNING": "2026-03-07T09:00"},
    ),
    "grade B: ten days": (account("2026-02-20", "B"), {"SUSPEND_ONE_WAY": "2026-03-13T09:00"}),
    "grade A: fifteen days": (account("2026-02-20", "A"), {"SUSPEND_ONE_WAY": "2026-03-18T09:00"}),
    "grace begins on day 31": (
        account("2026-03-03", "A"),
        {"state": "GRACE", "fee": "9.30", "GRACE": "2026-03-03T09:00", "suspended": None},
    ),
    "the day before grace": (account("2026-03-02", "A"), {"state": "WARNED"}),
    "the last day of grace": (account("2026-03-17", "A"), {"state": "GRACE", "next": "SUSPEND_ONE_WAY 2026-03-18"}),
    "both ways fifteen days later": (
        account("2026-03-18T09:00"),
        {"state": "SUSPENDED_2WAY", "suspended": "twoWay", "SUSPEND_TWO_WAY": "2026-03-18T09:00", "fee": "13.80"},
    ),
    "the end is announced after 46 days, also on a Sunday": (
        account("2026-05-03T09:00"),
        {"state": "TERMINATION_NOTICE", "PRE_TERMINATION": "2026-05-03", "next": "TERMINATION 2026-05-18 FINANCE"},
    ),
    "nobody ends a contract without finance": (
        account("2026-06-10T12:00"),
        {"state": "TERMINATION_NOTICE", "next": "TERMINATION 2026-06-10 FINANCE"},
    ),
    "with the approval of finance": (
        account("2026-05-18T09:00", approvals=[{"at": "2026-05-10", "step": "TERMINATION"}]),
        {"state": "TERMINATED", "TERMINATION": "2026-05-18T09:00", "debt": True, "fee": "32.10", "pay": "132.10"},
    ),
    "the debt of an ended contract can be paid": (
        # 107 days of 0.30 on the day of payment.
        account(
            "2026-05-20",
            approvals=[{"at": "2026-05-10", "step": "TERMINATION"}],
            payments=pays("2026-05-18T12:00 132.10"),
        ),
        {"state": "CLOSED", "debt": False, "RESTORE": "-"},
    ),
}  # fmt: skip
DAYS: dict[str, Case] = {
    "the last working day before Spring Festival: after it": (
        # Day 31 is Saturday 02-14, a working day by decree, the last before 02-16; the next one is Tuesday 02-24.
        due("2026-01-14", "2026-02-10"),
        {"SUSPEND_ONE_WAY": "2026-02-24T09:00", "WARNING_2": "2026-02-19", "FINAL_WARNING": "2026-02-22T09:00"},
    ),
    "on Spring Festival eve itself nobody is cut off": (due("2026-01-16", "2026-02-16"), {"suspended": None}),
    "the Friday before a Saturday that is worked": (due("2026-01-13", "2026-02-10"), {"SUSPEND_ONE_WAY": "2026-02-13"}),
    "a Saturday worked by decree": (due("2026-01-28", "2026-02-20"), {"SUSPEND_ONE_WAY": "2026-02-28T09:00"}),
    "the day before National Day": (due("2026-08-30", "2026-09-20"), {"SUSPEND_ONE_WAY": "2026-10-08T09:00"}),
    "the day before Labour Day": (due("2026-03-30", "2026-04-20"), {"SUSPEND_ONE_WAY": "2026-05-06T09:00"}),
    "the Friday before a holiday's Monday": (due("2026-03-03", "2026-03-25"), {"SUSPEND_ONE_WAY": "2026-04-07T09:00"}),
    "the last day of the year: Sunday 4 January is worked": (
        due("2025-11-30", "2025-12-25"),
        {"SUSPEND_ONE_WAY": "2026-01-04T09:00", "FINAL_WARNING": "2026-01-02T09:00"},
    ),
    "both ways on a Saturday: Monday": (
        # Suspended on Friday 03-13; 03-28 is a Saturday.
        due("2026-02-10", "2026-03-14"),
        {"SUSPEND_ONE_WAY": "2026-03-13T09:00", "SUSPEND_TWO_WAY": "2026-03-30T09:00"},
    ),
    "no contract ends before National Day": (
        # Day 31: 07-16; both ways 07-31; announced 09-15; 61 days later is 09-30.
        due("2026-06-15", "2026-09-20", approvals=[{"at": "2026-09-18", "step": "TERMINATION"}]),
        {"SUSPEND_TWO_WAY": "2026-07-31", "PRE_TERMINATION": "2026-09-15", "TERMINATION": "2026-10-08T09:00"},
    ),
    "finance says yes later: at that moment of a working day": (
        due("2026-06-15", "2026-10-12", approvals=[{"at": "2026-10-09T14:30", "step": "TERMINATION"}]),
        {"state": "TERMINATED", "TERMINATION": "2026-10-09T14:30"},
    ),
    "due on 29 February": (
        # Bill of January 2024. Day 31 is Sunday 31 March; 1 April is worked.
        account("2024-03-01", bills=[{"month": "2024-01", "amount": 100}], holidays=["2024-04-04", "2024-04-05"]),
        {
            "state": "OVERDUE", "fee": "0.30", "REMINDER_1": "2024-02-24", "REMINDER_2": "2024-02-28",
            "OVERDUE_1": "2024-03-01", "WARNING_1": "2024-03-20", "SUSPEND_ONE_WAY": "2024-04-01T09:00",
        },
    ),
    "due on 28 February of a common year": (
        account("2026-03-01", bills=[{"month": "2026-01", "amount": 100}]),
        {"state": "OVERDUE", "fee": "0.30", "SUSPEND_ONE_WAY": "2026-03-31T09:00"},
    ),
    "29 February inside the counting": (
        # Due 31 January 2028: day 30 is 1 March, day 31 Thursday 2 March.
        account("2028-03-02T09:00", bills=[{"month": "2027-12", "amount": 100}], holidays=["2028-01-26"]),
        {"state": "SUSPENDED_1WAY", "fee": "9.30"},
    ),
}  # fmt: skip
PAYING: dict[str, Case] = {
    "a part: the fee of ten days on 100 and of ten on 40": (
        account("2026-02-20", payments=pays("2026-02-10T10:00 60")),
        {"state": "WARNED", "fee": "4.20", "pay": "44.20", "open": "40.00", "CALL": "-"},
    ),
    "a part by day 5 waives nothing": (
        # 100 x 3 days + 40 x 17 days
        account("2026-02-20", payments=pays("2026-02-03T10:00 60")),
        {"fee": "2.94"},
    ),
    "a rest of 0.99 counts as paid": (
        account("2026-02-20", payments=pays("2026-02-03T10:00 99.01")),
        {"state": "CLOSED", "fee": "0.00", "open": "0.99"},
    ),
    "a rest of 1.00 does not": (
        # 0.90 of three days, 0.051 of seventeen
        account("2026-02-20", payments=pays("2026-02-03T10:00 99")),
        {"state": "WARNED", "fee": "0.95", "pay": "1.95"},
    ),
    "the oldest bill first; the ladder goes back to the next one": (
        account("2026-02-21", bills=[DEC, JAN], payments=pays("2026-02-20T10:00 106")),
        {"state": "NONE", "fee": "6.00", "next": "REMINDER_1 2026-02-23", "SUSPEND_ONE_WAY": "2026-03-31T09:00"},
    ),
    "the older one paid in grace: back to overdue": (
        # Day 38 of the first: 11.40. The second: 80 x 0.003 x 11.
        account("2026-03-11", "A", bills=[DEC, JAN], payments=pays("2026-03-10T12:00 111.40")),
        {
            "state": "OVERDUE", "fee": "14.04", "pay": "82.64", "CALL": "2026-03-15", "WARNING_2": "2026-04-10",
            "SUSPEND_ONE_WAY": "2026-04-15T09:00", "FINAL_WARNING": "2026-04-13T09:00",
        },
    ),
    "suspended, the older one paid: no restoration; both ways no earlier than the younger would be": (
        account("2026-03-11", bills=[DEC, JAN], payments=pays("2026-03-10T12:00 111.40")),
        {
            "state": "SUSPENDED_1WAY", "pay": "82.64", "RESTORE": "-", "SUSPEND_TWO_WAY": "2026-04-15T09:00",
            "next": "FINAL_WARNING 2026-04-13",
        },
    ),
    "suspended, everything overdue paid": (
        # 111.40 and 80 + 2.40 of ten days
        account("2026-03-10T13:00", bills=[DEC, JAN], payments=pays("2026-03-10T12:00 193.80")),
        {"state": "RESTORING", "suspended": None, "RESTORE": "2026-03-10T12:00", "restore_by": "2026-03-11T12:00"},
    ),
    "suspended, the fees paid without the late fee": (
        account("2026-03-10T13:00", payments=pays("2026-03-10T12:00 100")),
        {"state": "SUSPENDED_1WAY", "pay": "11.40", "next": None},
    ),
    "restored and done": (
        account("2026-03-12", payments=pays("2026-03-10T12:00 111.40")),
        {"state": "CLOSED", "suspended": None},
    ),
    "payment in the minute of the suspension: the payment wins": (
        account("2026-03-03T09:05", payments=pays("2026-03-03T09:00:40 109.30")),
        {"state": "CLOSED", "SUSPEND_ONE_WAY": "-", "RESTORE": "-", "fee": "9.30"},
    ),
    "payment a minute later: restored at once": (
        account("2026-03-03T09:05", payments=pays("2026-03-03T09:01 109.30")),
        {"state": "RESTORING", "SUSPEND_ONE_WAY": "2026-03-03T09:00", "RESTORE": "2026-03-03T09:01"},
    ),
    "more than is open becomes credit and pays the next bill": (
        account("2026-03-05", bills=[DEC, JAN], payments=pays("2026-02-03T10:00 190")),
        {"state": "CLOSED", "fee": "0.00", "credit": "10.00"},
    ),
}  # fmt: skip
REVERSALS: dict[str, Case] = {
    "taken back: as if never paid, the waiver is lost": (
        account(
            "2026-02-26T12:00",
            payments=pays("2026-02-03T10:00 100"),
            reversals=[{"at": "2026-02-25T10:00", "amount": 100}],
        ),
        {
            "state": "WARNED", "fee": "7.80", "REVERSAL_NOTICE": "2026-02-26T09:00",
            "FINAL_WARNING": "2026-03-01T09:00", "SUSPEND_ONE_WAY": "2026-03-03T09:00",
        },
    ),
    "taken back after a restoration: suspended again 48 hours after the notice": (
        # 41 days of 0.30
        account(
            "2026-03-13T10:00",
            payments=pays("2026-03-03T12:00 109.30"),
            reversals=[{"at": "2026-03-10T15:00", "amount": "109.30"}],
        ),
        {
            "state": "SUSPENDED_1WAY", "fee": "12.30", "RESTORE": "2026-03-03T12:00",
            "REVERSAL_NOTICE": "2026-03-11T09:00", "SUSPEND_ONE_WAY": "2026-03-13T09:00",
            "SUSPEND_TWO_WAY": "2026-03-30T09:00",
        },
    ),
    "48 hours after the notice is a Sunday: Monday": (
        account(
            "2026-03-14",
            payments=pays("2026-03-03T12:00 109.30"),
            reversals=[{"at": "2026-03-12T15:00", "payment": 1}],
        ),
        {"state": "WARNED", "suspended": None, "SUSPEND_ONE_WAY": "2026-03-16T09:00"},
    ),
    "taken back while grace runs: the old date holds": (
        account(
            "2026-03-05T12:00", "A",
            payments=pays("2026-02-10T12:00 103"),
            reversals=[{"at": "2026-03-04T12:00"}],
        ),
        {"state": "GRACE", "fee": "9.90", "SUSPEND_ONE_WAY": "2026-03-18T09:00", "WARNING_2": "2026-03-13"},
    ),
    "one of two payments is taken back": (
        account(
            "2026-02-20",
            payments=pays("2026-02-10T10:00 60", "2026-02-11T10:00 40"),
            reversals=[{"at": "2026-02-15T10:00", "amount": 40}],
        ),
        # 100 x 10 + 40 x 10 days
        {"state": "WARNED", "fee": "4.20", "open": "40.00"},
    ),
}  # fmt: skip
GRADES: dict[str, Case] = {
    "worse in grace: as opened": (
        account("2026-03-12", "A", grades=[{"at": "2026-03-10", "grade": "E"}]),
        {"state": "GRACE", "grace": 15, "SUSPEND_ONE_WAY": "2026-03-18T09:00"},
    ),
    "better: longer at once": (
        account("2026-02-26", grades=[{"at": "2026-02-25", "grade": "A"}]),
        {"grace": 15, "SUSPEND_ONE_WAY": "2026-03-18T09:00"},
    ),
    "better, then worse: the better one stays": (
        account("2026-02-26", grades=[{"at": "2026-02-10", "grade": "B"}, {"at": "2026-02-25", "grade": "D"}]),
        {"grace": 10, "SUSPEND_ONE_WAY": "2026-03-13T09:00"},
    ),
    "fraud in grace: not before the final warning and 48 hours": (
        account("2026-03-10T12:00", "A", grades=[{"at": "2026-03-10T10:00", "grade": "E", "reason": "FRAUD"}]),
        {"grace": 0, "FINAL_WARNING": "2026-03-11T09:00", "SUSPEND_ONE_WAY": "2026-03-13T09:00"},
    ),
    "worse before the case: counts": (
        account("2026-02-10", "A", grades=[{"at": "2026-01-20", "grade": "E"}]),
        {"grace": 0, "SUSPEND_ONE_WAY": "2026-03-03T09:00"},
    ),
}
HOLDS: dict[str, Case] = {
    "a promise stops steps, not the late fee": (
        account("2026-03-01", holds=[hold("PROMISE", "2026-02-25", "2026-03-10", amount=100)]),
        {"state": "WARNED", "fee": "8.70", "WARNING_2": "2026-03-11", "next": "WARNING_2 2026-03-11"},
    ),
    "a broken promise: its rung is taken up the next day": (
        # 39 days of 0.30; five days from the second warning is Monday 03-16.
        account("2026-03-11T10:00", holds=[hold("PROMISE", "2026-02-25", "2026-03-10", amount=100)]),
        {
            "state": "WARNED", "fee": "11.70", "WARNING_2": "2026-03-11T09:00", "FINAL_WARNING": "2026-03-14T09:00",
            "SUSPEND_ONE_WAY": "2026-03-16T09:00",
        },
    ),
    "broken after the final warning: the next day": (
        account("2026-03-10T09:00", holds=[hold("PROMISE", "2026-03-02", "2026-03-09")]),
        {"state": "SUSPENDED_1WAY", "FINAL_WARNING": "2026-03-01T09:00", "SUSPEND_ONE_WAY": "2026-03-10T09:00"},
    ),
    "a promise kept": (
        # 33 days
        account(
            "2026-03-06",
            holds=[hold("PROMISE", "2026-02-25", "2026-03-10")],
            payments=pays("2026-03-05T10:00 109.90"),
        ),
        {"state": "CLOSED", "fee": "9.90", "SUSPEND_ONE_WAY": "-"},
    ),
    "hardship stops steps and late fee": (
        # Nine days before it; then 03-12. The call and the first warning have lost their meaning beside the second.
        account("2026-03-12T10:00", holds=[hold("HARDSHIP", "2026-02-10", "2026-03-11")]),
        {
            "fee": "3.00", "CALL": "-", "WARNING_1": "-", "WARNING_2": "2026-03-12T09:00",
            "FINAL_WARNING": "2026-03-15T09:00", "SUSPEND_ONE_WAY": "2026-03-17T09:00",
        },
    ),
    "disaster": (
        # 26 days until 02-26; ten days of disaster; then 03-09. The final warning was held up.
        account("2026-03-09T12:00", holds=[hold("DISASTER", "2026-02-27", "2026-03-08")]),
        {
            "fee": "8.10", "WARNING_2": "2026-02-26", "FINAL_WARNING": "2026-03-09",
            "SUSPEND_ONE_WAY": "2026-03-11T09:00",
        },
    ),
    "a protective hold has no end: nothing follows": (
        account("2026-04-01", holds=[hold("PROTECTIVE", "2026-02-11")]),
        {"state": "OVERDUE", "fee": "3.00", "next": None, "suspended": None},
    ),
    "deceased: every step stops": (
        account("2026-06-01", holds=[hold("DECEASED", "2026-02-01")]),
        {"fee": "0.00", "next": None, "OVERDUE_1": "-"},
    ),
    "a hold between the two suspensions": (
        # Both ways fell on 03-18.
        account("2026-03-20", holds=[hold("HARDSHIP", "2026-03-10", "2026-03-24")]),
        {"state": "SUSPENDED_1WAY", "SUSPEND_TWO_WAY": "2026-03-25T09:00"},
    ),
    "a part in dispute: neither asked for nor charged": (
        # 60 x 0.003 x 12
        account("2026-02-12", holds=[hold("DISPUTE", "2026-02-10", amount=40)]),
        {"state": "OVERDUE", "fee": "2.16", "pay": "62.16", "disputed": "40.00"},
    ),
    "paying the rest keeps the service": (
        account(
            "2026-03-10",
            holds=[hold("DISPUTE", "2026-02-10", amount=40)],
            payments=pays("2026-02-12T10:00 62.16"),
        ),
        {"fee": "2.16", "pay": "0.00", "disputed": "40.00", "suspended": None, "next": None},
    ),
    "the answer is against the customer: due again, the days of the dispute free": (
        # 2.16 and 40 x 0.003 x (9 + 6) days
        account(
            "2026-03-25T08:00",
            holds=[hold("DISPUTE", "2026-02-10", "2026-03-19", amount=40)],
            payments=pays("2026-02-12T10:00 62.16"),
        ),
        {
            "fee": "3.96", "pay": "41.80", "WARNING_2": "2026-03-20T09:00", "FINAL_WARNING": "2026-03-23T09:00",
            "SUSPEND_ONE_WAY": "2026-03-25T09:00",
        },
    ),
    "suspended, the rest without the disputed part paid": (
        # 60 and 60 x 0.003 x 34
        account(
            "2026-03-06T12:00",
            holds=[hold("DISPUTE", "2026-03-05", amount=40)],
            payments=pays("2026-03-06T10:00 66.12"),
        ),
        {"state": "RESTORING", "fee": "6.12", "RESTORE": "2026-03-06T10:00"},
    ),
    "all of it in dispute while suspended: restored": (
        account("2026-03-05T09:00", holds=[hold("DISPUTE", "2026-03-05T08:00")]),
        {"state": "RESTORING", "fee": "0.00", "pay": "0.00", "RESTORE": "2026-03-05T08:00"},
    ),
    "a lead restores on a promise; broken: a new final warning": (
        account(
            "2026-03-10T12:00",
            holds=[hold("PROMISE", "2026-03-06", "2026-03-16")],
            payments=pays("2026-03-06T10:00 90"),
            lead_restores=["2026-03-06T11:00"],
        ),
        {
            "state": "WARNED", "suspended": None, "RESTORE": "2026-03-06T11:00", "FINAL_WARNING": "2026-03-17T09:00",
            "next": "FINAL_WARNING 2026-03-17", "open": "10.00",
        },
    ),
}  # fmt: skip
WARNINGS: dict[str, Case] = {
    "a final warning that reached nobody: never suspended by itself": (
        account("2026-04-20T10:00", deliveries=[]),
        {"state": "WARNED", "suspended": None, "next": "SUSPEND_ONE_WAY 2026-04-20 DELIVERY"},
    ),
    "delivered late: 48 hours from then": (
        account("2026-03-04T16:30", deliveries=["2026-03-02T16:30"]),
        {"state": "SUSPENDED_1WAY", "SUSPEND_ONE_WAY": "2026-03-04T16:30"},
    ),
    "48 hours end in the evening: the next morning": (
        account("2026-03-03", deliveries=["2026-03-02T17:30"]),
        {"suspended": None, "SUSPEND_ONE_WAY": "2026-03-05T09:00"},
    ),
    "finance confirms what could not be delivered": (
        account("2026-03-06T10:00", deliveries=[], approvals=[{"at": "2026-03-06T10:00", "step": "SUSPEND_ONE_WAY"}]),
        {"state": "SUSPENDED_1WAY", "SUSPEND_ONE_WAY": "2026-03-06T10:00"},
    ),
    "diamond, nobody spoke with the customer: three days more": (
        account("2026-03-04", tier="diamond"),
        {"state": "WARNED", "MANAGER_CONTACT": "2026-02-26", "SUSPEND_ONE_WAY": "2026-03-06T09:00"},
    ),
    "diamond, once only": (account("2026-03-06T09:00", tier="diamond"), {"state": "SUSPENDED_1WAY"}),
    "platinum, the manager reached the customer": (
        account("2026-03-03T09:00", tier="platinum", contacts=["2026-02-27T11:00"]),
        {"state": "SUSPENDED_1WAY", "SUSPEND_ONE_WAY": "2026-03-03T09:00"},
    ),
    "gold waits for nobody": (account("2026-03-03T09:00", tier="gold"), {"state": "SUSPENDED_1WAY"}),
}
KINDS: dict[str, Case] = {
    "fixed line: both ways at once": (
        account("2026-03-03T09:00", kind="fixed"),
        {
            "state": "SUSPENDED_2WAY", "SUSPEND_ONE_WAY": "-", "SUSPEND_TWO_WAY": "2026-03-03T09:00",
            "PRE_TERMINATION": "2026-04-18", "TERMINATION": "2026-05-06T09:00",
        },
    ),
    "a company: the manager on day 5, notice 7 days before, never by itself": (
        account("2026-03-20", kind="enterprise"),
        {
            "state": "WARNED", "MANAGER_CONTACT": "2026-02-05", "WRITTEN_NOTICE": "2026-02-24", "suspended": None,
            "next": "SUSPEND_ONE_WAY 2026-03-23 DEPT_HEAD",
        },
    ),
    "a company, decided in time": (
        account(
            "2026-03-03T09:00", kind="enterprise", approvals=[{"at": "2026-03-02T10:00", "step": "SUSPEND_ONE_WAY"}]
        ),
        {"state": "SUSPENDED_1WAY", "SUSPEND_ONE_WAY": "2026-03-03T09:00"},
    ),
    "a company, decided later": (
        account(
            "2026-03-10T11:00", kind="enterprise", approvals=[{"at": "2026-03-10T11:00", "step": "SUSPEND_ONE_WAY"}]
        ),
        {"state": "SUSPENDED_1WAY", "SUSPEND_ONE_WAY": "2026-03-10T11:00"},
    ),
    "a minor: the guardian is told from day 1": (
        account("2026-02-20", kind="minor"),
        {"state": "WARNED", "guardian": ["OVERDUE_1", "OVERDUE_2", "CALL", "WARNING_1"]},
    ),
    "prepaid, within the credit limit: grace days after zero": (
        # Zero on 03-10, five days later is Sunday.
        account(
            "2026-03-12", "C", "prepaid", bills=[], credit_limit=50,
            balances=[{"at": "2026-03-01T10:00", "amount": 20}, {"at": "2026-03-10T10:00", "amount": -3}],
        ),
        {
            "state": "GRACE", "fee": "0.00", "OVERDUE_1": "2026-03-11T09:00", "WARNING_2": "2026-03-11T09:00",
            "FINAL_WARNING": "2026-03-14T09:00", "SUSPEND_ONE_WAY": "2026-03-16T09:00",
        },
    ),
    "prepaid, below the credit limit: as soon as the final warning allows": (
        account(
            "2026-03-10T12:00", "C", "prepaid", bills=[], credit_limit=0,
            balances=[{"at": "2026-03-01T10:00", "amount": 20}, {"at": "2026-03-10T10:00", "amount": -3}],
        ),
        {"FINAL_WARNING": "2026-03-11T09:00", "SUSPEND_ONE_WAY": "2026-03-13T09:00", "WARNING_2": "-"},
    ),
    "prepaid, topped up": (
        account(
            "2026-03-15", "C", "prepaid", bills=[], credit_limit=50,
            balances=[{"at": "2026-03-10T10:00", "amount": -3}, {"at": "2026-03-14T10:00", "amount": 30}],
        ),
        {"state": "NONE", "next": None, "SUSPEND_ONE_WAY": "-"},
    ),
}  # fmt: skip
CASES: dict[str, Case] = {
    **BEFORE_THE_DUE_DATE, **LATE_FEE, **RUNGS, **DAYS, **PAYING, **REVERSALS, **GRADES, **HOLDS, **WARNINGS, **KINDS,
}  # fmt: skip
