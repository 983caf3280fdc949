"""Rights requests from the wish to the answer: each verb one transaction under the request's lock (D§5.11)."""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from customers.erasure import closing, erasing
from customers.models import Customer, FieldChange
from customers.timeline import add_line
from foundation.audit.services import record
from foundation.calendars.queries import calendar_for
from foundation.calendars.working_time import add_working
from foundation.common import clock
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.numbers import next_number
from foundation.policies.reading import policy
from interactions.lifecycle import Channel, Verified
from interactions.models import RightsMove, RightsRequest
from interactions.rights import grounds
from interactions.rights.lifecycle import (
    RIGHTS_MOVES,
    Outcome,
    RefusalCode,
    Requester,
    RightsAct,
    RightsKind,
    RightsState,
)
from interactions.rights.officers import officer_for
from interactions.rights.telling import tell_answered, tell_received
from outreach.services import notify
from staff.models import User

RAISE_RIGHT, ANSWER_RIGHT = "rights.raise", "rights.answer"
LONGEST = 4_000
CLOSING = ["state", "outcome", "refusal", "reason", "answer", "grounds", "closed_at", "closed_by", "next_notice_at"]


@transaction.atomic
def raise_request(
    customer: Customer,
    *,
    actor: User,
    kind: str,
    requester: str = Requester.CUSTOMER,
    channel: str = Channel.HALL_OWN,
    details: str = "",
    identity_how: str = Verified.NONE,
) -> RightsRequest:
    """Write down what a customer the actor may see asks for; the clock of 15 working days (policy) starts.

    `identity_how`: how the person was identified when that was done at once; it counts as checked then. The owner is
    the data protection officer with the fewest open requests. Raises NotAllowed "rights.may_not_raise"; RuleBroken
    "rights.unknown_code", "rights.too_long", "rights.relative" (D§5.13), "rights.nothing_left" for an anonymous
    customer, "rights.open_already", "rights.no_officer".
    """
    if not actor.has_perm(RAISE_RIGHT):
        raise NotAllowed("rights.may_not_raise", _("You do not take requests about personal data."))
    details = _checked_text(details)
    known = kind in RightsKind.values and requester in Requester.values and channel in Channel.values
    if not known or identity_how not in Verified.values:
        raise RuleBroken("rights.unknown_code", _("Choose one of the values offered."))
    row = Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)
    if row.status == Customer.Status.ANONYMISED:
        raise RuleBroken("rights.nothing_left", _("This customer was made anonymous: nothing personal is left."))
    dead = row.status == Customer.Status.DECEASED
    if (requester == Requester.RELATIVE) != dead or (dead and kind not in {RightsKind.ACCESS, RightsKind.CLOSE}):
        raise RuleBroken(
            "rights.relative", _("Near relatives ask for the data or the closing of the account of the deceased only.")
        )
    now = clock.now()
    owner = officer_for(now)
    calendar = calendar_for(owner.unit.calendar_code)
    days, early = policy("interactions.rights_answer_days"), policy("interactions.rights_remind_days")
    request = RightsRequest(
        number=next_number("RR"),
        customer=row,
        kind=kind,
        requester=requester,
        channel=channel,
        details=details,
        raised_by=actor,
        owner=owner,
        unit_no=row.unit_no,
        received_at=now,
        due_at=add_working(now, days * calendar.day_minutes, calendar),
        working_days=days,
        calendar_code=calendar.code,
        calendar_version=calendar.version,
        next_notice_at=add_working(now, max(0, days - early) * calendar.day_minutes, calendar),
    )
    try:
        with transaction.atomic():
            request.save(force_insert=True)
    except IntegrityError as error:
        raise RuleBroken(
            "rights.open_already", _("A request of this kind is open already; its answer is being prepared.")
        ) from error
    remember(request, RightsAct.RECEIVED, actor, line="rights.received")
    if identity_how != Verified.NONE:
        _identified(request, actor, identity_how)
    if owner.pk != actor.pk:
        notify(
            owner,
            "rights.received",
            subject_ref=request,
            params=_bell(request),
            dedupe_key=f"rights-received-{request.ref}",
        )
    tell_received(request, actor=actor)
    return request


@transaction.atomic
def check_identity(request_id: int, *, actor: User, how: str) -> RightsRequest:
    """Note how the person was identified. Raises NotAllowed "rights.may_not_answer"; RuleBroken "rights.closed",
    "rights.unknown_code"."""
    request = locked_for_answer(request_id, actor)
    if how not in Verified.values or how == Verified.NONE:
        raise RuleBroken("rights.unknown_code", _("Say how the person was identified."))
    _check_move(request, RightsState.CHECKED)
    _identified(request, actor, how)
    return request


@transaction.atomic
def answer_request(request_id: int, *, actor: User, answer: str) -> RightsRequest:
    """Answer everything but a deletion, which `erase_for` answers by doing it.

    ACCESS and COPY hand over what was put together; CORRECT names the fields changed since the request; EXPLAIN keeps
    the explanations as they stand now; CLOSE closes the account. Raises as `check_identity`, and RuleBroken
    "rights.not_identified", "rights.no_answer", "rights.too_long", "rights.not_put_together",
    "rights.nothing_corrected", "rights.delete_by_deleting", and those of `closing.close_account`.
    """
    request = locked_for_answer(request_id, actor)
    answer = _checked_text(answer)
    _check_answerable(request)
    if request.kind == RightsKind.DELETE:
        raise RuleBroken("rights.delete_by_deleting", _("A deletion is answered by doing it, or refused."))
    if not answer:
        raise RuleBroken("rights.no_answer", _("Write what the customer is told."))
    request.answer = answer
    request.outcome, request.grounds = _do(request, actor)
    _close(request, RightsState.ANSWERED, actor, RightsAct.ANSWERED, code=request.outcome)
    return request


@transaction.atomic
def erase_for(request_id: int, *, actor: User) -> RightsRequest:
    """Delete what may be deleted and answer the request with what went and what must stay (D§5.11, D§5.12).

    Raises as `answer_request` does for other kinds, RuleBroken "rights.not_a_deletion", and those of
    `erasing.ask_for_erasure`; nothing is deleted then.
    """
    request = locked_for_answer(request_id, actor)
    _check_answerable(request)
    if request.kind != RightsKind.DELETE:
        raise RuleBroken("rights.not_a_deletion", _("This customer did not ask for deletion."))
    # Closed first: the erasure takes the words of the request as well.
    fate, report = erasing.ask_for_erasure(request.customer_id, actor=actor)
    request.refresh_from_db()
    request.grounds = grounds.of_erasure(fate, report).as_json()
    if fate.holds:
        request.outcome = Outcome.STORED_ONLY
    else:
        request.outcome = Outcome.ERASED_IN_PART if fate.stays else Outcome.ERASED
    _close(request, RightsState.ANSWERED, actor, RightsAct.ANSWERED, code=request.outcome)
    return request


@transaction.atomic
def refuse_request(request_id: int, *, actor: User, refusal: str, reason: str) -> RightsRequest:
    """Refuse, with a code and the words the customer is told. Raises as `check_identity`, RuleBroken
    "rights.no_reason", "rights.too_long"."""
    request = locked_for_answer(request_id, actor)
    reason = _checked_text(reason)
    if refusal not in RefusalCode.values:
        raise RuleBroken("rights.unknown_code", _("Choose one of the values offered."))
    if not reason:
        raise RuleBroken("rights.no_reason", _("Write why, and where the customer may object."))
    _check_move(request, RightsState.REFUSED)
    request.refusal, request.reason = refusal, reason
    _close(request, RightsState.REFUSED, actor, RightsAct.REFUSED, code=refusal)
    return request


@transaction.atomic
def withdraw_request(request_id: int, *, actor: User) -> RightsRequest:
    """The customer no longer asks for it. Raises as `check_identity`."""
    request = locked_for_answer(request_id, actor)
    _check_move(request, RightsState.WITHDRAWN)
    _close(request, RightsState.WITHDRAWN, actor, RightsAct.WITHDRAWN)
    return request


def remember(
    request: RightsRequest,
    act: RightsAct,
    actor: User | None,
    *,
    told: User | None = None,
    code: str = "",
    line: str = "",
) -> None:
    """History row, audit entry and, with `line`, a line on the timeline, in the caller's transaction."""
    RightsMove.objects.create(
        request=request, at=clock.now(), act=act, actor=actor, told=told, due_at=request.due_at, code=code
    )
    record(
        f"rights.{act.lower()}",
        target=request,
        actor=actor,
        customer_id=request.customer_id,
        detail={"number": request.number, "kind": request.kind, **({"code": code} if code else {})},
    )
    if line:
        add_line(
            request.customer_id,
            line,
            actor=actor,
            ref_id=request.pk,
            params={"number": request.number, "kind": request.kind, "due_at": request.due_at.isoformat()},
        )


def _do(request: RightsRequest, actor: User) -> tuple[str, list[dict[str, Any]]]:
    """What the answer does, and the grounds kept with it."""
    if request.kind in {RightsKind.ACCESS, RightsKind.COPY}:
        run = request.export_run
        if run is None or not run.result_file:
            raise RuleBroken("rights.not_put_together", _("Put the data together first; they are the answer."))
        return Outcome.HANDED_OVER, []
    if request.kind == RightsKind.CORRECT:
        changes = FieldChange.objects.filter(customer_id=request.customer_id, at__gte=request.received_at)
        fields = sorted(set(changes.values_list("field", flat=True)))
        if not fields:
            raise RuleBroken("rights.nothing_corrected", _("Nothing was changed since the request: correct it first."))
        return Outcome.CORRECTED, grounds.of_correction(fields).as_json()
    if request.kind == RightsKind.EXPLAIN:
        return Outcome.TOLD, grounds.of_decisions(request.customer_id).as_json()
    closing.close_account(request.customer_id, actor=actor)
    return Outcome.CLOSED, []


def _identified(request: RightsRequest, actor: User, how: str) -> None:
    request.state, request.identity_how, request.identity_by = RightsState.CHECKED, how, actor
    request.save(update_fields=["state", "identity_how", "identity_by"])
    remember(request, RightsAct.CHECKED, actor, code=how)


def _close(request: RightsRequest, state: RightsState, actor: User, act: RightsAct, code: str = "") -> None:
    request.state, request.closed_at, request.closed_by = state, clock.now(), actor
    request.next_notice_at = None
    request.save(update_fields=CLOSING)
    remember(request, act, actor, code=code, line=f"rights.{state.lower()}")
    if state != RightsState.WITHDRAWN:
        tell_answered(request, actor=actor)


def locked_for_answer(request_id: int, actor: User) -> RightsRequest:
    """The request under its lock, for one who may answer. Raises NotAllowed "rights.may_not_answer"."""
    if not actor.has_perm(ANSWER_RIGHT):
        raise NotAllowed("rights.may_not_answer", _("Only the data protection officer decides on this."))
    RightsRequest.objects.select_for_update(no_key=True).only("pk").get(pk=request_id)
    return RightsRequest.objects.select_related("customer", "export_run", "owner").get(pk=request_id)


def _check_move(request: RightsRequest, state: RightsState) -> None:
    if state not in RIGHTS_MOVES[request.state]:
        words = _("This request is %(state)s; that cannot be done any more.")
        raise RuleBroken("rights.closed", words % {"state": request.get_state_display()})


def _check_answerable(request: RightsRequest) -> None:
    if request.state == RightsState.RECEIVED:
        raise RuleBroken("rights.not_identified", _("Check first that the person is who they say."))
    _check_move(request, RightsState.ANSWERED)


def _checked_text(text: str) -> str:
    text = text.strip()
    if len(text) > LONGEST:
        words = _("At most %(longest)s characters fit, these are %(length)s.")
        raise RuleBroken("rights.too_long", words % {"longest": LONGEST, "length": len(text)})
    return text


def _bell(request: RightsRequest) -> dict[str, Any]:
    return {"number": request.number, "kind": request.kind, "due_at": request.due_at.isoformat()}
