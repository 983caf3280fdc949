"""What can be done to one thing of a case, beside which it is offered: a hand-over, an order, an approval, a measure, a
promise."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from complaints.acts import forms as shapes
from complaints.acts.verb_shape import APPROVE, TAKE, Verb
from complaints.services import approving, handing, ordering, promising, rejecting, solving
from foundation.common.ids import from_text


def _item(data: dict[str, Any]) -> int:
    return from_text(data["item"])


ITEM_VERBS: tuple[Verb, ...] = (
    Verb(
        "offer-accept",
        _("Accept"),
        "check",
        TAKE,
        lambda user, _pk, d: handing.accept_offer(_item(d), actor=user),
        form=shapes.ItemForm,
        item=True,
    ),
    Verb(
        "offer-refuse",
        _("Refuse"),
        "x",
        TAKE,
        lambda user, _pk, d: handing.refuse_offer(_item(d), actor=user, reason=d["reason"]),
        form=shapes.ItemReasonForm,
        item=True,
    ),
    Verb(
        "offer-withdraw",
        _("Withdraw the offer"),
        "undo-2",
        TAKE,
        lambda user, _pk, d: handing.withdraw_handover(_item(d), actor=user),
        form=shapes.ItemForm,
        item=True,
    ),
    Verb(
        "order-reply",
        _("Reply to the order"),
        "reply",
        TAKE,
        lambda user, _pk, d: ordering.reply_to_order(_item(d), actor=user, text=d["reason"]),
        form=shapes.ItemReasonForm,
        item=True,
    ),
    Verb(
        "approve",
        _("Approve"),
        "file-check",
        APPROVE,
        lambda user, _pk, d: approving.grant_approval(_item(d), actor=user),
        form=shapes.ItemForm,
        item=True,
    ),
    Verb(
        "deny",
        _("Do not approve"),
        "ban",
        APPROVE,
        lambda user, _pk, d: approving.deny_approval(_item(d), actor=user, reason=d["reason"]),
        form=shapes.ItemReasonForm,
        item=True,
    ),
    Verb(
        "reject-approve",
        _("Approve"),
        "file-check",
        APPROVE,
        lambda user, _pk, d: rejecting.grant_rejection(_item(d), actor=user),
        form=shapes.ItemForm,
        item=True,
    ),
    Verb(
        "reject-deny",
        _("Do not approve"),
        "ban",
        APPROVE,
        lambda user, _pk, d: rejecting.deny_rejection(_item(d), actor=user, reason=d["reason"]),
        form=shapes.ItemReasonForm,
        item=True,
    ),
    Verb(
        "measure-done",
        _("Measure done"),
        "check",
        TAKE,
        lambda user, _pk, d: solving.complete_measure(_item(d), actor=user, result=d["result"]),
        form=shapes.ItemResultForm,
        item=True,
    ),
    Verb(
        "promise-kept",
        _("Promise kept"),
        "check",
        TAKE,
        lambda user, _pk, d: promising.keep_promise(_item(d), actor=user),
        form=shapes.ItemForm,
        item=True,
    ),
    Verb(
        "promise-drop",
        _("No longer owed"),
        "x",
        TAKE,
        lambda user, _pk, d: promising.drop_promise(_item(d), actor=user, reason=d["reason"]),
        form=shapes.ItemReasonForm,
        item=True,
    ),
)
