"""The customer hears that the request arrived and by when it is answered, and then that it is (D§5.11, D§24)."""

from __future__ import annotations

from django.db.models import Q
from django.utils.translation import gettext as _

from customers.models import ContactPoint, Customer
from foundation.calendars.queries import calendar_for
from foundation.calendars.working_time import add_working
from foundation.common import clock
from foundation.policies.reading import policy
from interactions.models import RightsRequest
from interactions.rights.lifecycle import Outcome, RightsKind
from outreach.lifecycle import Channel, FollowUpKind, MessageClass
from outreach.services import notify, owe_followup, queue_message
from outreach.services.followups import WORK_RIGHT
from staff.absence import acting_for, team_lead_of
from staff.models import User

RECEIVED, ANSWERED = "rights_received", "rights_answered"
# Afterwards nothing is left to write to: who asks for deletion hears so when the request arrives.
_UNTOLD = frozenset({Outcome.ERASED, Outcome.ERASED_IN_PART})
_GONE = frozenset({Customer.Status.DECEASED, Customer.Status.ANONYMISED})
_REACHED_BY = {ContactPoint.Kind.MOBILE: Channel.SMS, ContactPoint.Kind.EMAIL: Channel.EMAIL}


def tell_received(request: RightsRequest, *, actor: User | None) -> None:
    """Tell that the request arrived and by when the answer comes; once, in the caller's transaction."""
    _tell(request, RECEIVED, actor)


def tell_answered(request: RightsRequest, *, actor: User | None) -> None:
    """Tell that it was answered or refused, by code; the words of the answer are personal and not sent around.

    Nothing after a deletion, and nothing to the dead: their relatives hear it from who answered.
    """
    if request.outcome not in _UNTOLD:
        _tell(request, ANSWERED, actor)


def channel_for(customer: Customer) -> Channel | None:
    """How a message reaches the customer: the preferred way if one may be used, else text message before e-mail; None
    when nothing on file may be used."""
    day = clock.today()
    points = ContactPoint.objects.filter(
        Q(valid_to=None) | Q(valid_to__gte=day), customer=customer, do_not_use="", valid_from__lte=day
    )
    open_ = [_REACHED_BY[kind] for kind in _REACHED_BY if kind in set(points.values_list("kind", flat=True))]
    preferred = next((channel for channel in open_ if channel == customer.channel_preference), None)
    return preferred or next(iter(open_), None)


def _tell(request: RightsRequest, template: str, actor: User | None) -> None:
    customer = request.customer
    if customer.status in _GONE:
        return
    channel = channel_for(customer)
    if channel is None:
        _owe_the_telling(request, template, actor)
        return
    queue_message(
        customer=customer,
        message_class=MessageClass.SERVICE,
        template=template,
        params={
            "number": request.number,
            "kind": request.kind,
            "due_at": request.due_at.isoformat(),
            "outcome": request.outcome,
            "refusal": request.refusal,
        },
        channel=channel,
        dedupe_key=f"{template}-{request.ref}",
        actor=actor,
    )


def _owe_the_telling(request: RightsRequest, template: str, actor: User | None) -> None:
    """Somebody tells the customer by phone or letter; where nobody may be given work, the officer hears of it."""
    now = clock.now()
    owner = _teller(request)
    if owner is None:
        params = {"number": request.number, "kind": request.kind, "due_at": request.due_at.isoformat()}
        key = f"rights-untold-{template}-{request.ref}"
        notify(request.owner, "rights.untold", subject_ref=request, params=params, dedupe_key=key)
        return
    said = {"number": request.number, "kind": RightsKind(request.kind).label}
    if template == RECEIVED:
        subject = _("Tell by phone or letter that the request %(number)s (%(kind)s) arrived") % said
    else:
        subject = _("Tell by phone or letter that the request %(number)s (%(kind)s) is answered") % said
    calendar = calendar_for(owner.unit.calendar_code)
    owe_followup(
        customer=request.customer,
        kind=FollowUpKind.TASK,
        owner=owner,
        due_at=add_working(now, policy("interactions.rights_tell_days") * calendar.day_minutes, calendar),
        subject=subject,
        actor=actor,
        dedupe_key=f"{template}-{request.ref}",
        source=f"rights:{request.pk}",
    )


def _teller(request: RightsRequest) -> User | None:
    """Who spoke with the customer, else their manager, else the lead of who spoke; during an absence who acts."""
    now = clock.now()
    first = [request.raised_by, *([request.customer.manager] if request.customer.manager else [])]
    people = [acting_for(person, now, right=WORK_RIGHT) for person in first]
    lead = team_lead_of(request.raised_by, now)
    return next(
        (one for one in [*people, *([lead] if lead else [])] if one.is_active and one.has_perm(WORK_RIGHT)), None
    )
