"""Text messages from numbers nobody is known at: somebody says whose they are, or drops them. Once, whoever comes
second."""

from __future__ import annotations

from django.db import models, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from customers.models import Customer
from customers.timeline import add_line
from foundation.audit.services import record
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from outreach.models import SmsReply
from outreach.sms.replies import Reply, hand_over
from staff.models import User

SORT_RIGHT = "outreach.sort"


class WhyDropped(models.TextChoices):
    """Why nothing becomes of a reply from an unknown number."""

    SPAM = "SPAM", gettext_lazy("Unwanted or dangerous")
    WRONG = "WRONG", gettext_lazy("Meant for somebody else")
    EMPTY = "EMPTY", gettext_lazy("Says nothing to act on")


@transaction.atomic
def attach_reply(reply_id: int, *, actor: User, customer: Customer) -> SmsReply:
    """Somebody found out whose number it is: the reply is handed on as if it had come from the customer.

    Raises NotAllowed "outreach.may_not_sort", "outreach.not_your_customer"; RuleBroken "outreach.reply_decided".
    """
    reply = _unknown(reply_id, actor)
    if not Customer.objects.visible_to(actor).filter(pk=customer.pk).exists():
        raise NotAllowed("outreach.not_your_customer", _("This customer is not within your scope."))
    reply.customer, reply.state = customer, SmsReply.State.TAKEN
    reply.save(update_fields=["customer", "state"])
    reply.taken_by = hand_over(Reply(reply.pk, customer, reply.text, clock.now(), None))
    reply.save(update_fields=["taken_by"])
    add_line(customer.pk, "sms.reply", ref_id=reply.pk, params={"state": reply.state}, actor=actor)
    record("reply.attached", target=reply, actor=actor, customer_id=customer.pk, detail={"taken_by": reply.taken_by})
    return reply


@transaction.atomic
def drop_reply(reply_id: int, *, actor: User, why: str) -> SmsReply:
    """Nothing becomes of it; its words are forgotten, that it came stays.

    Raises NotAllowed "outreach.may_not_sort"; RuleBroken "outreach.reply_decided", "outreach.unknown_code".
    """
    reply = _unknown(reply_id, actor)
    if why not in WhyDropped.values:
        raise RuleBroken("outreach.unknown_code", _("Choose one of the values offered."))
    reply.state, reply.text = SmsReply.State.DROPPED, ""
    reply.save(update_fields=["state", "text"])
    record("reply.dropped", target=reply, actor=actor, detail={"why": why})
    return reply


def _unknown(reply_id: int, actor: User) -> SmsReply:
    if not actor.has_perm(SORT_RIGHT):
        raise NotAllowed("outreach.may_not_sort", _("Coordinators decide about replies from unknown numbers."))
    reply = SmsReply.objects.select_for_update(no_key=True).get(pk=reply_id)
    if reply.state != SmsReply.State.UNKNOWN:
        raise RuleBroken("outreach.reply_decided", _("Somebody has decided about this reply already."))
    return reply
