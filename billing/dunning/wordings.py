"""What customers are told about arrears: exact amount and date, how to pay, no advertising (D§13.4, D§5.7, R10).

The wording of NAME stands in `templates/outreach/messages/dunning_NAME.txt`. Raise the version when the words change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from billing.dunning.facts import Step
from billing.models import Bill, DunningCase, Hold
from foundation.common import clock
from outreach.lifecycle import MessageClass
from outreach.wording import MessageTemplate, register_template

SERVICE, REMINDER = MessageClass.SERVICE.value, MessageClass.REMINDER.value
STEP_TEMPLATES: dict[Step, str] = {
    Step.REMINDER_1: "dunning_reminder",
    Step.REMINDER_2: "dunning_reminder",
    Step.OVERDUE_1: "dunning_overdue",
    Step.OVERDUE_2: "dunning_overdue",
    Step.WARNING_1: "dunning_warning",
    Step.WRITTEN_NOTICE: "dunning_warning",
    Step.GRACE: "dunning_grace",
    Step.WARNING_2: "dunning_warning",
    Step.REVERSAL_NOTICE: "dunning_reversal",
    Step.FINAL_WARNING: "dunning_final",
    Step.SUSPEND_ONE_WAY: "dunning_one_way",
    Step.SUSPEND_TWO_WAY: "dunning_two_way",
    Step.PRE_TERMINATION: "dunning_ending",
    Step.TERMINATION: "dunning_ended",
    Step.RESTORE: "dunning_restored",
}
_PLAIN = (Step.REMINDER_1, Step.REMINDER_2, Step.OVERDUE_1, Step.OVERDUE_2, Step.GRACE)
CLASSES: dict[Step, str] = {step: REMINDER if step in _PLAIN else SERVICE for step in STEP_TEMPLATES}


def _case(params: Mapping[str, Any]) -> int:
    return int(params.get("case") or 0)


def is_still_owed(params: Mapping[str, Any]) -> bool:
    """Whether the bill a message is about is still open and nothing holds the account: asked when it leaves."""
    case = DunningCase.objects.filter(pk=_case(params), closed_at=None).first()
    if case is None:
        return False
    key = str(params.get("bill") or "")
    if key.isdigit() and not Bill.objects.filter(pk=int(key), open_amount__gt=0).exclude(state__in=Bill.VOID).exists():
        return False
    if key.startswith("balance") and not case.account.buckets.filter(remaining__lte=0).exists():
        return False
    now = clock.now()
    held = Hold.objects.filter(account=case.account_id, from_at__lte=now, ended_at=None)
    held = held.filter(Q(to_at=None) | Q(to_at__gt=now)).exclude(kind=Hold.Kind.DISPUTE)
    return not held.exists()


def _at_level(least: int) -> Callable[[Mapping[str, Any]], bool]:
    def check(params: Mapping[str, Any]) -> bool:
        return DunningCase.objects.filter(pk=_case(params), closed_at=None, level__gte=least).exists()

    return check


def _is_restored(params: Mapping[str, Any]) -> bool:
    return not DunningCase.objects.filter(pk=_case(params), level__gt=0).exists()


def register() -> None:
    """Make them known; called once at start."""
    for name, title, message_class, check in (
        ("reminder", _("Your bill falls due"), REMINDER, is_still_owed),
        ("overdue", _("Your bill is overdue"), REMINDER, is_still_owed),
        ("warning", _("Your services will be suspended"), SERVICE, is_still_owed),
        ("grace", _("We keep your services for now"), REMINDER, is_still_owed),
        ("final", _("Last notice before suspension"), SERVICE, is_still_owed),
        ("reversal", _("Your payment was taken back"), SERVICE, is_still_owed),
        ("one_way", _("Outgoing calls are barred"), SERVICE, _at_level(1)),
        ("two_way", _("Your services are suspended"), SERVICE, _at_level(2)),
        ("ending", _("Your contract will end"), SERVICE, is_still_owed),
        ("ended", _("Your contract has ended"), SERVICE, None),
        ("restored", _("Your services work again"), SERVICE, _is_restored),
    ):
        register_template(
            MessageTemplate(
                f"dunning_{name}",
                title,
                version=1,
                classes=frozenset({message_class}),
                legal=message_class == SERVICE,
                still_true=check,
            )
        )
