"""Checking who the customer is: every state with what shows it, and who looked (D§5.1, D§5.2)."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import transaction
from django.utils.translation import gettext as _

from customers import normal
from customers.birthday_quality import marked
from customers.lifecycle import check_identity
from customers.models import ActingRole, Customer, IdentityCheck
from customers.services.contact_points import check_may_edit
from customers.services.documents import set_document
from customers.services.holds import lift_for_verified
from customers.services.line_checks import check_guardian_consent, needs_guardian
from customers.services.remembering import Values, locked, remember
from foundation.common import clock, crypto
from foundation.common.errors import RuleBroken
from staff.models import User

S = Customer.IdentityStatus


@dataclass(frozen=True)
class ActingPerson:
    """Somebody else than the customer who showed a document too: as what, called what, with which document."""

    role: str
    name: str
    id_type: str
    id_number: str


@transaction.atomic
def verify_identity(
    customer_id: int,
    *,
    actor: User,
    how: str,
    id_type: str = "",
    id_number: str = "",
    acting: ActingPerson | None = None,
) -> IdentityCheck:
    """The document was compared and is the customer's; a protective hold ends at once (D§5.3).

    `id_number`: as it stands on the document; it must be the one on file, or becomes it. `acting`: who showed a
    document besides (an agent, the guardian of a minor, the handler of a company), recorded with it (D§5.1).
    Raises NotAllowed (customers.may_not_edit); RuleBroken customers.bad_code, customers.bad_id,
    customers.duplicate_id, customers.deceased, customers.bad_move (verified already), identity.no_document,
    identity.other_document, identity.no_handler (a company without one), customers.no_guardian (under 16),
    customers.no_guardian_consent (under 14), identity.acting_incomplete.
    """
    check_may_edit(actor)
    _check_how(how)
    customer = locked(customer_id)
    if customer.status == Customer.Status.DECEASED:
        raise RuleBroken("customers.deceased", _("The customer has died: there is nothing to verify."))
    changed = _document(customer, id_type, id_number)
    shown = _acting(customer, acting)
    check_identity(customer.identity_status, S.VERIFIED)
    check = _moved(customer, S.VERIFIED, actor=actor, how=how, acting=shown, changed=changed)
    lift_for_verified(customer, actor=actor)
    return check


@transaction.atomic
def reject_identity(customer_id: int, *, actor: User, how: str, reason: str) -> IdentityCheck:
    """The document is false, another's, or was refused: nothing is activated (D§5.1).

    Raises NotAllowed (customers.may_not_edit); RuleBroken customers.bad_code, customers.bad_move, identity.no_reason.
    """
    check_may_edit(actor)
    _check_how(how)
    reason = _reason(reason)
    customer = locked(customer_id)
    check_identity(customer.identity_status, S.REJECTED)
    return _moved(customer, S.REJECTED, actor=actor, how=how, reason=reason)


@transaction.atomic
def recheck_identity(customer_id: int, *, actor: User | None, reason: str) -> IdentityCheck:
    """What was verified must be verified again. Raises as `reject_identity`."""
    check_may_edit(actor)
    reason = _reason(reason)
    customer = locked(customer_id)
    check_identity(customer.identity_status, S.RECHECK)
    return _moved(customer, S.RECHECK, actor=actor, reason=reason)


def _check_how(how: str) -> None:
    if how not in IdentityCheck.How.values:
        raise RuleBroken("customers.bad_code", _("%(field)s: choose one of the offered.") % {"field": _("How")})


def _reason(text: str) -> str:
    reason = normal.plain_text(text, longest=200, label=_("Reason"))
    if not reason:
        raise RuleBroken("identity.no_reason", _("Write down why."))
    return reason


def _document(customer: Customer, id_type: str, id_number: str) -> dict[str, tuple[object, object]]:
    """The document shown is the one on file, or becomes it; returns what that changed of the customer."""
    if id_type and id_type not in Customer.IdType.values:
        raise RuleBroken("customers.bad_code", _("%(field)s: choose one of the offered.") % {"field": _("Document")})
    if not id_number.strip():
        if customer.id_hash is None:
            raise RuleBroken("identity.no_document", _("Write down the number of the document that was shown."))
        return {}
    if customer.id_hash is None:
        return set_document(customer, id_number, id_type=id_type)
    kind = id_type or customer.id_type
    if crypto.blind_index(normal.id_number(id_number, id_type=kind)) != bytes(customer.id_hash):
        raise RuleBroken(
            "identity.other_document",
            _("This is not the document on file. Compare again, or ask for a change of the data first."),
        )
    return {}


def _acting(customer: Customer, acting: ActingPerson | None) -> ActingPerson | None:
    """The other person in stored spelling, and whether one of that kind is needed."""
    role = acting.role if acting else ""
    if customer.customer_type == Customer.Type.ENTERPRISE and role != ActingRole.HANDLER:
        raise RuleBroken(
            "identity.no_handler", _("For a company the licence and the document of who handles it are recorded.")
        )
    if needs_guardian(customer) and role != ActingRole.GUARDIAN:
        raise RuleBroken("customers.no_guardian", _("A guardian must be present: record name and document."))
    check_guardian_consent(customer)
    if acting is None:
        return None
    if role not in ActingRole.values or acting.id_type not in Customer.IdType.values:
        raise RuleBroken("customers.bad_code", _("%(field)s: choose one of the offered.") % {"field": _("Document")})
    name = normal.plain_text(acting.name, longest=200, label=_("Name"))
    if not name or not acting.id_number.strip():
        raise RuleBroken("identity.acting_incomplete", _("Both documents are recorded: name and number of the other."))
    number = normal.id_number(acting.id_number, id_type=acting.id_type)
    if customer.id_hash is not None and crypto.blind_index(number) == bytes(customer.id_hash):
        raise RuleBroken(
            "identity.acting_incomplete", _("This is the customer's own document, not the other person's.")
        )
    return ActingPerson(role, name, acting.id_type, number)


def _moved(
    customer: Customer,
    new: str,
    *,
    actor: User | None,
    how: str = "",
    reason: str = "",
    acting: ActingPerson | None = None,
    changed: Values | None = None,
) -> IdentityCheck:
    """Write the state with its evidence, under the customer's lock."""
    old, customer.identity_status = customer.identity_status, new
    marks, customer.quality_marks = customer.quality_marks, marked(customer)
    customer.save(update_fields=["identity_status", "quality_marks"])
    check = IdentityCheck(
        customer=customer,
        old=old,
        new=new,
        how=how,
        document=customer.id_type,
        document_last4=customer.id_last4,
        reason=reason,
        at=clock.now(),
        actor_id=actor.pk if actor else None,
    )
    if acting is not None:
        check.acting_role, check.acting_name = acting.role, acting.name
        check.acting_document, check.acting_last4 = acting.id_type, acting.id_number[-4:]
        check.acting_sealed = crypto.encrypt(acting.id_number, row_id=check.pk)
    check.save(force_insert=True)
    told: dict[str, tuple[object, object]] = {**(changed or {}), "identity_status": (old, new)}
    if marks != customer.quality_marks:
        told["quality_marks"] = (marks, customer.quality_marks)
    remember(
        customer,
        "identity.checked",
        actor=actor,
        changed=told,
        detail={"how": how, "acting": check.acting_role, "status": new, "check": check.pk},
        line="identity.checked",
        line_params={"status": new, "how": how},
        refind="id_number" in told,
    )
    return check
