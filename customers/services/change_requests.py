"""The data update service: a change asked for on any channel, verified, looked at twice where it matters (ARC-17)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from customers import normal
from customers.duties import keeper
from customers.models import Address, ChangeRequest, ContactPoint, Customer, Subscription
from customers.services.changing import change_customer
from customers.services.contact_points import add_contact_point, check_may_edit, set_address
from customers.services.remembering import locked, remember
from customers.services.transfers import transfer_line
from foundation.common import clock, crypto
from foundation.common.errors import NotAllowed, RuleBroken
from foundation.common.numbers import next_number
from foundation.policies.reading import policy
from staff.absence import team_lead_of
from staff.models import User

APPROVE_RIGHT = "customers.approve"
F = ChangeRequest.Field
S = ChangeRequest.State
MOST_LEADS = 5
LONGEST = {F.NAME: 200, F.CITY: 60, F.ADDRESS: 200}


@transaction.atomic
def request_change(
    customer_id: int,
    *,
    actor: User,
    channel: str,
    asked_by: str,
    verified: str,
    field: str,
    new: str = "",
    document: str = "",
    subscription_id: int | None = None,
    new_owner_id: int | None = None,
) -> ChangeRequest:
    """Take a request: who asked, how they were verified, which field becomes what. A guarded field (name, document,
    owner of a line) waits for a second look; any other one is applied at once. `document`: the kind of document the
    archive shall name, alone or together with its new number.

    Raises NotAllowed (customers.may_not_edit); RuleBroken customers.bad_code, requests.nobody, requests.there (the
    same field is asked for already), requests.no_line, requests.no_owner, requests.no_document, requests.same, and the
    refusals of the value itself: customers.bad_id, customers.bad_phone, customers.bad_email, customers.impossible_date,
    customers.invisible, customers.too_long, customers.no_value.
    """
    check_may_edit(actor)
    _check_codes(channel, verified, field)
    asked_by = normal.plain_text(asked_by, longest=200, label=_("Asked by"))
    if not asked_by:
        raise RuleBroken("requests.nobody", _("Write down who asks."))
    customer = locked(customer_id)
    if ChangeRequest.objects.open().filter(customer=customer, field=field, subscription=subscription_id).exists():
        raise RuleBroken("requests.there", _("A change of this field is asked for already; close that one first."))
    if document and document not in Customer.IdType.values:
        raise RuleBroken("requests.no_document", _("Choose which document it shall become."))
    value = "" if field == F.OWNER else _checked(customer, field, new, document)
    request = ChangeRequest(
        number=next_number("DU"),
        customer=customer,
        channel=channel,
        asked_by=asked_by,
        verified=verified,
        field=field,
        old=_on_file(customer, field),
        new=value,
        document=document if field == F.ID_NUMBER and document != customer.id_type else "",
        due_at=clock.now() + policy("customers.change_request_answer"),
        taken_at=clock.now(),
        taken_by=actor,
    )
    if field == F.OWNER:
        _name_owner(request, customer, subscription_id, new_owner_id)
    elif value == request.old:
        raise RuleBroken("requests.same", _("This is on file already."))
    if field == F.ID_NUMBER:
        request.new_sealed, request.new = crypto.encrypt(value, row_id=request.pk), f"****{value[-4:]}"
    request.save(force_insert=True)
    remember(
        customer,
        "request.taken",
        actor=actor,
        target=request,
        detail={"number": request.number, "field": field, "channel": channel, "how": verified},
        line="request.taken",
        line_params={"number": request.number, "field": field},
    )
    if request.is_guarded:
        _owe_decision(request, customer, actor)
    else:
        _apply(request, customer, actor)
    return request


@transaction.atomic
def apply_request(request_id: int, *, actor: User) -> ChangeRequest:
    """The second look: what was asked for is done, by somebody else than who took it (D§3.2).

    Raises NotAllowed (requests.may_not_approve, requests.own); RuleBroken requests.closed, and whatever the change
    itself is refused for.
    """
    request, customer = _open_request(request_id, actor)
    _apply(request, customer, actor)
    return request


@transaction.atomic
def refuse_request(request_id: int, *, actor: User, reason: str) -> ChangeRequest:
    """Not applied, and why. Raises as `apply_request`, and RuleBroken requests.no_reason."""
    reason = normal.plain_text(reason, longest=200, label=_("Reason"))
    if not reason:
        raise RuleBroken("requests.no_reason", _("Write down why."))
    request, customer = _open_request(request_id, actor)
    _close(request, customer, S.REFUSED, actor, reason)
    return request


def _owe_decision(request: ChangeRequest, customer: Customer, actor: User) -> None:
    """Somebody who may decide owes the second look until the request is due; without such a lead, who took it sees to
    it that one is found."""
    if customer.status == Customer.Status.DECEASED:
        return
    owner = next((lead for lead in _leads(actor) if lead.has_perm(APPROVE_RIGHT) and keeper().can_owe(lead)), actor)
    _owe(request, customer, owner, request.due_at, _("Decide about %(number)s: change of data"), actor, "decide")


def _leads(user: User) -> Iterator[User]:
    """The leads above a person, the nearest first."""
    seen, lead = {user.pk}, team_lead_of(user, clock.now())
    while lead is not None and len(seen) <= MOST_LEADS:
        yield lead
        seen.add(lead.pk)
        lead = team_lead_of(lead, clock.now(), but=seen)


def _owe_answer(request: ChangeRequest, customer: Customer, actor: User) -> None:
    """The decision is made: that is no longer owed, but who took the request owes the customer a call about it."""
    if request.followup_id is not None:
        keeper().settle(request.followup_id, actor=actor, done=True, words=request.get_state_display())
        request.followup_id = None
    if not request.is_guarded or customer.status == Customer.Status.DECEASED:
        return
    owner = request.taken_by if keeper().can_owe(request.taken_by) else actor
    due_at = (request.closed_at or clock.now()) + policy("customers.change_request_tell")
    _owe(request, customer, owner, due_at, _("Tell the customer what came of %(number)s"), actor, "tell", call=True)


def _owe(
    request: ChangeRequest,
    customer: Customer,
    owner: User,
    due_at: datetime,
    words: str,
    actor: User,
    what: str,
    *,
    call: bool = False,
) -> None:
    request.followup_id = keeper().owe(
        customer,
        owner=owner,
        due_at=due_at,
        subject=words % {"number": request.number},
        source=f"request:{request.ref}",
        dedupe_key=f"request-{request.ref}-{what}",
        actor=actor,
        call=call,
    )
    request.save(update_fields=["followup_id"])


def _check_codes(channel: str, verified: str, field: str) -> None:
    for good, label in (
        (channel in ChangeRequest.Channel.values, _("Channel")),
        (verified in ChangeRequest.Verified.values, _("Verified by")),
        (field in F.values, _("Field")),
    ):
        if not good:
            raise RuleBroken("customers.bad_code", _("%(field)s: choose one of the offered.") % {"field": label})


def _checked(customer: Customer, field: str, new: str, document: str) -> str:
    """The value in its stored spelling."""
    if field == F.ID_NUMBER:
        company = customer.customer_type == Customer.Type.ENTERPRISE
        kind = document or customer.id_type or (Customer.IdType.LICENCE if company else Customer.IdType.ID_CARD)
        return normal.id_number(new, id_type=kind)
    if field == F.ID_TYPE:
        if not document:
            raise RuleBroken("requests.no_document", _("Choose which document it shall become."))
        if customer.id_sealed:
            normal.id_number(customer.id_number(), id_type=document)
        return document
    if field == F.BIRTH_DATE:
        return normal.typed_birth_date(new).isoformat()
    if field == F.MOBILE:
        return normal.phone(new, kind=ContactPoint.Kind.MOBILE)
    if field == F.EMAIL:
        return normal.email(new)
    value = normal.plain_text(new, longest=LONGEST[F(field)], label=str(F(field).label))
    if not value:
        raise RuleBroken("customers.no_value", _("Write what it shall become."))
    return value


def _on_file(customer: Customer, field: str) -> str:
    """What stands there now, an ID number by its last four."""
    if field == F.ID_NUMBER:
        return f"****{customer.id_last4}" if customer.id_last4 else ""
    if field in {F.NAME, F.CITY, F.ID_TYPE}:
        return str(getattr(customer, field))
    if field == F.BIRTH_DATE:
        return customer.birth_date.isoformat() if customer.birth_date else ""
    if field == F.ADDRESS:
        home = customer.addresses.filter(kind=Address.Kind.HOME, valid_to__isnull=True).first()
        return home.street if home else ""
    if field == F.OWNER:
        return customer.number
    kind = ContactPoint.Kind.MOBILE if field == F.MOBILE else ContactPoint.Kind.EMAIL
    first = customer.contact_points.filter(kind=kind, is_primary=True, valid_to__isnull=True).first()
    return first.value if first else ""


def _name_owner(
    request: ChangeRequest, customer: Customer, subscription_id: int | None, new_owner_id: int | None
) -> None:
    line = Subscription.objects.filter(pk=subscription_id or 0, customer=customer, terminated_on__isnull=True).first()
    if line is None:
        raise RuleBroken("requests.no_line", _("Choose a line of this customer that lives."))
    owner = Customer.objects.filter(pk=new_owner_id or 0).first()
    if owner is None or owner.pk == customer.pk:
        raise RuleBroken("requests.no_owner", _("Say which other customer becomes the owner."))
    request.subscription, request.new_owner, request.new = line, owner, owner.number


def _open_request(request_id: int, actor: User) -> tuple[ChangeRequest, Customer]:
    """The open request under the customer's lock, for the second look of `actor`."""
    if not actor.has_perm(APPROVE_RIGHT):
        raise NotAllowed("requests.may_not_approve", _("Your role does not decide about such requests."))
    customer = locked(ChangeRequest.objects.values_list("customer_id", flat=True).get(pk=request_id))
    request = ChangeRequest.objects.select_related("subscription", "new_owner", "taken_by__unit").get(pk=request_id)
    if request.state != S.OPEN:
        raise RuleBroken("requests.closed", _("This request is closed already."))
    if request.taken_by_id == actor.pk:
        raise NotAllowed("requests.own", _("Somebody else must look at a request you have taken."))
    return request, customer


def _apply(request: ChangeRequest, customer: Customer, actor: User) -> None:
    """Do what was asked, then close; the change keeps its own history."""
    value, source = request.wanted(), f"request {request.number}"
    pk, guarded = customer.pk, request.is_guarded
    if request.field == F.OWNER:
        assert request.subscription_id is not None and request.new_owner_id is not None
        transfer_line(request.subscription_id, actor=actor, to_id=request.new_owner_id)
    elif request.field == F.MOBILE:
        add_contact_point(pk, actor=actor, kind=ContactPoint.Kind.MOBILE, value=value, primary=True)
    elif request.field == F.EMAIL:
        add_contact_point(pk, actor=actor, kind=ContactPoint.Kind.EMAIL, value=value, primary=True)
    elif request.field == F.ADDRESS:
        home = customer.addresses.filter(kind=Address.Kind.HOME, valid_to__isnull=True).first()
        parts = {part: getattr(home, part) for part in ("province", "city", "district", "postcode")} if home else {}
        set_address(pk, actor=actor, kind=Address.Kind.HOME, parts=parts | {"street": value})
    elif request.field == F.ID_NUMBER:
        document = {"id_type": request.document} if request.document else {}
        change_customer(
            pk, actor=actor, version=customer.version, changes=document, id_number=value, source=source, decided=guarded
        )
    else:
        new = normal.typed_birth_date(value) if request.field == F.BIRTH_DATE else value
        change_customer(
            pk, actor=actor, version=customer.version, changes={request.field: new}, source=source, decided=guarded
        )
    _close(request, locked(pk), S.APPLIED, actor, "")


def _close(request: ChangeRequest, customer: Customer, state: str, actor: User, reason: str) -> None:
    request.state, request.reason = state, reason
    request.closed_at, request.closed_by, request.new_sealed = clock.now(), actor, None
    _owe_answer(request, customer, actor)
    request.save(update_fields=["state", "reason", "closed_at", "closed_by", "new_sealed", "followup_id"])
    told = {"number": request.number, "field": request.field}
    if state == S.APPLIED:
        remember(
            customer,
            "request.applied",
            actor=actor,
            target=request,
            detail=told,
            line="request.applied",
            line_params=told,
        )
    else:
        remember(
            customer,
            "request.refused",
            actor=actor,
            target=request,
            detail=told,
            line="request.refused",
            line_params=told,
        )
