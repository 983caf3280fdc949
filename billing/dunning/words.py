"""Words of the ladder: its steps, its holds, its states, and the rule behind each step."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from billing.dunning.facts import HoldKind, State, Step
from billing.dunning.planning import Needs

STEPS: dict[str, Any] = {
    Step.BILL_NOTICE: _("Notice of the bill"),
    Step.REMINDER_1: _("First reminder"),
    Step.REMINDER_2: _("Second reminder"),
    Step.OVERDUE_1: _("First notice of arrears"),
    Step.MANAGER_CONTACT: _("Contact by the manager"),
    Step.OVERDUE_2: _("Second notice of arrears"),
    Step.CALL: _("Call about arrears"),
    Step.WARNING_1: _("First warning"),
    Step.WRITTEN_NOTICE: _("Written notice"),
    Step.GRACE: _("Notice of grace"),
    Step.WARNING_2: _("Second warning"),
    Step.REVERSAL_NOTICE: _("Notice of the payment taken back"),
    Step.FINAL_WARNING: _("Final warning"),
    Step.SUSPEND_ONE_WAY: _("Suspension of outgoing calls"),
    Step.SUSPEND_TWO_WAY: _("Suspension both ways"),
    Step.PRE_TERMINATION: _("Notice of the end of the contract"),
    Step.TERMINATION: _("End of the contract"),
    Step.RESTORE: _("Restoration"),
}
HOLDS: dict[str, Any] = {
    HoldKind.DISPUTE: _("fee in dispute"),
    HoldKind.PROMISE: _("promise to pay"),
    HoldKind.HARDSHIP: _("hardship"),
    HoldKind.DISASTER: _("disaster"),
    HoldKind.PROTECTIVE: _("protective hold"),
    HoldKind.DECEASED: _("customer deceased"),
}
STATES: dict[str, Any] = {
    State.NONE: _("No case"),
    State.REMINDED: _("Reminded"),
    State.OVERDUE: _("Overdue"),
    State.WARNED: _("Warned"),
    State.GRACE: _("In grace"),
    State.SUSPENDED_1WAY: _("Outgoing barred"),
    State.SUSPENDED_2WAY: _("Barred both ways"),
    State.TERMINATION_NOTICE: _("End announced"),
    State.TERMINATED: _("Ended, debt open"),
    State.RESTORING: _("Being restored"),
    State.CLOSED: _("Closed"),
}
# The rule of each step, with the numbers of the ladder its words name.
RULES: dict[Step, tuple[str, dict[str, str]]] = {
    Step.BILL_NOTICE: (gettext_noop("The bill is ready."), {}),
    Step.REMINDER_1: (gettext_noop("%(days)s days before the due date %(due)s."), {"days": "reminders.0"}),
    Step.REMINDER_2: (gettext_noop("%(days)s days before the due date %(due)s."), {"days": "reminders.1"}),
    Step.OVERDUE_1: (gettext_noop("%(days)s days after the due date %(due)s."), {"days": "overdue.0"}),
    Step.MANAGER_CONTACT: (
        gettext_noop("The manager speaks with the customer before anything is suspended."),
        {},
    ),
    Step.OVERDUE_2: (gettext_noop("%(days)s days after the due date %(due)s."), {"days": "overdue.1"}),
    Step.CALL: (
        gettext_noop("%(days)s days after the due date %(due)s, as at least %(amount)s CNY is open."),
        {"days": "call_day", "amount": "call_from"},
    ),
    Step.WARNING_1: (gettext_noop("%(days)s days after the due date %(due)s."), {"days": "warning_day"}),
    Step.WRITTEN_NOTICE: (
        gettext_noop("A company has notice in writing %(days)s days before a suspension."),
        {"days": "enterprise_notice_before"},
    ),
    Step.GRACE: (
        gettext_noop("From day %(days)s after the due date %(due)s service is kept by grace of the credit grade."),
        {"days": "suspension_day"},
    ),
    Step.WARNING_2: (gettext_noop("%(days)s days before the suspension."), {"days": "warning_before"}),
    Step.REVERSAL_NOTICE: (gettext_noop("A payment was taken back: the customer is told at once."), {}),
    Step.FINAL_WARNING: (
        gettext_noop("At least %(hours)s hours before the suspension; it must have reached the customer."),
        {"hours": "final_hours"},
    ),
    Step.SUSPEND_ONE_WAY: (
        gettext_noop("Day %(days)s after the due date %(due)s, and the days of grace of credit grade %(grade)s."),
        {"days": "suspension_day"},
    ),
    Step.SUSPEND_TWO_WAY: (
        gettext_noop("%(days)s days after outgoing calls were barred; lines without that step at once."),
        {"days": "two_way_after"},
    ),
    Step.PRE_TERMINATION: (
        gettext_noop("%(days)s days after the suspension both ways."),
        {"days": "ending_notice_after"},
    ),
    Step.TERMINATION: (
        gettext_noop("%(days)s days after the suspension both ways, with the approval of finance."),
        {"days": "ending_after"},
    ),
    Step.RESTORE: (gettext_noop("Everything overdue is paid."), {}),
}
BLOCKS: dict[Needs, str] = {
    Needs.FINANCE: gettext_noop("It waits for the approval of finance."),
    Needs.DEPT_HEAD: gettext_noop("It waits for the decision of the head of department."),
    Needs.DELIVERY: gettext_noop(
        "It waits until the final warning has reached the customer; else finance may confirm it by hand."
    ),
}
GRADE_NOTE = gettext_noop(
    "Credit grade %(value)s since %(at)s: better ones lengthen the grace at once, worse ones only for fraud or a "
    "write-off."
)
NEEDS: dict[str, Any] = {
    Needs.FINANCE: _("needs finance"),
    Needs.DEPT_HEAD: _("needs the head of department"),
    Needs.DELIVERY: _("needs a warning that arrived"),
}
