"""What the customer agrees to: given with evidence, refused or withdrawn with a word, never edited (D§5.2, D§5.6).

Every answer is a `ConsentEvent`; `Consent` holds the state of now. Both are written under the customer's lock, so two
people at once leave one state and a history in one order. Updating the row waits for messages that are just starting
to leave on its strength; after the commit none does.
"""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.utils.translation import gettext as _

from customers import normal
from customers.ages import GROWN_UP, OWN_WORD, age_of
from customers.models import (
    Consent,
    ConsentChannel,
    ConsentEvent,
    ConsentEvidence,
    ConsentSource,
    ConsentState,
    ContactPoint,
    Customer,
    EvidenceKind,
    FindNumber,
    Purpose,
)
from customers.models.consent import CONTACTS
from customers.services.contact_points import check_may_edit
from customers.services.remembering import locked, remember
from foundation.common import clock
from foundation.common.errors import RuleBroken
from staff.models import User

# What the audit and the timeline call the way to a state, after "consent.".
ACTS: dict[str, str] = {
    ConsentState.GRANTED: "given",
    ConsentState.DENIED: "refused",
    ConsentState.WITHDRAWN: "withdrawn",
}
LONGEST_EVIDENCE = 200


@transaction.atomic
def give_consent(
    customer_id: int,
    *,
    actor: User | None,
    purpose: str,
    channel: str = "",
    evidence_kind: str,
    evidence: str,
    source: str = ConsentSource.DESK,
    expires_on: date | None = None,
) -> Consent:
    """The customer agrees to a purpose on a channel ("" for purposes that are no contact). `evidence`: what shows it
    (number of the form or recording); `expires_on`: the last day it holds. The same answer with the same evidence
    again changes nothing.

    Raises NotAllowed (customers.may_not_edit); RuleBroken customers.bad_code, consent.no_evidence,
    consent.minor (no marketing to minors, D§5.2), consent.guardian (under 14 the guardian agrees, D§5.2),
    customers.impossible_date (an end that has passed), customers.invisible, customers.too_long.
    """
    check_may_edit(actor)
    _check_codes(purpose, channel, source)
    if evidence_kind not in EvidenceKind.values:
        raise RuleBroken("consent.no_evidence", _("Say what shows that the customer agreed."))
    evidence = normal.plain_text(evidence, longest=LONGEST_EVIDENCE, label=_("Evidence"))
    if not evidence:
        raise RuleBroken("consent.no_evidence", _("Write down what shows it: number of the form, of the recording."))
    if expires_on is not None and expires_on < clock.today():
        raise RuleBroken("customers.impossible_date", _("The end must lie in the future."))
    customer = locked(customer_id)
    _check_age(customer, purpose, evidence_kind)
    held = _held(customer, purpose, channel)
    if held is not None and held.state == ConsentState.GRANTED and held.expires_on == expires_on:
        shown = ConsentEvidence.objects.filter(pk=held.event_id).values_list("text", flat=True).first()
        if (held.event.evidence_kind, shown) == (evidence_kind, evidence):
            return held
    return _answer(
        customer,
        held,
        ConsentState.GRANTED,
        actor=actor,
        purpose=purpose,
        channel=channel,
        evidence_kind=evidence_kind,
        evidence=evidence,
        source=source,
        expires_on=expires_on,
    )


@transaction.atomic
def withdraw_consent(
    customer_id: int,
    *,
    actor: User | None,
    purpose: str,
    channel: str = "",
    source: str = ConsentSource.DESK,
    evidence: str = "",
) -> Consent | None:
    """The customer takes a consent back; no reason is asked and nothing of the purpose starts to leave afterwards
    (D§5.6). What is not given, or was taken back before, stays as it is; None when nothing was ever answered.

    Raises NotAllowed (customers.may_not_edit); RuleBroken customers.bad_code, customers.invisible, customers.too_long.
    """
    check_may_edit(actor)
    _check_codes(purpose, channel, source)
    evidence = normal.plain_text(evidence, longest=LONGEST_EVIDENCE, label=_("Evidence"))
    customer = locked(customer_id)
    held = _held(customer, purpose, channel)
    if held is None or held.state != ConsentState.GRANTED:
        return held
    return _answer(
        customer,
        held,
        ConsentState.WITHDRAWN,
        actor=actor,
        purpose=purpose,
        channel=channel,
        evidence=evidence,
        source=source,
    )


@transaction.atomic
def refuse_consent(
    customer_id: int,
    *,
    actor: User | None,
    purpose: str,
    channel: str = "",
    source: str = ConsentSource.DESK,
    evidence: str = "",
) -> Consent:
    """The customer says no: what was given is withdrawn, what was never answered is refused, a no stays the no it is.

    Raises as `withdraw_consent`.
    """
    check_may_edit(actor)
    _check_codes(purpose, channel, source)
    evidence = normal.plain_text(evidence, longest=LONGEST_EVIDENCE, label=_("Evidence"))
    customer = locked(customer_id)
    held = _held(customer, purpose, channel)
    if held is not None and held.state != ConsentState.GRANTED:
        return held
    return _answer(
        customer,
        held,
        ConsentState.DENIED if held is None else ConsentState.WITHDRAWN,
        actor=actor,
        purpose=purpose,
        channel=channel,
        evidence=evidence,
        source=source,
    )


@transaction.atomic
def refuse_by_reply(number: str, *, reference: str = "", purpose: str = Purpose.MARKETING) -> list[Consent]:
    """Somebody answered TD to a text message of `purpose` (D§5.6): every customer reached at this mobile number says
    no on text messages. `reference`: the carrier's name of the reply, kept as evidence. An unknown number gives [].

    Raises RuleBroken customers.bad_phone, customers.bad_code, customers.invisible, customers.too_long.
    """
    number = normal.contact_value(ContactPoint.Kind.MOBILE, number)
    found = FindNumber.objects.filter(value=number, kind=FindNumber.Kind.PHONE).values_list("customer_id", flat=True)
    reached = ContactPoint.objects.filter(
        customer__in=list(found), kind=ContactPoint.Kind.MOBILE, value=number, valid_to__isnull=True
    ).exclude(customer__status=Customer.Status.ANONYMISED)
    return [
        refuse_consent(
            customer_id,
            actor=None,
            purpose=purpose,
            channel=ConsentChannel.SMS,
            source=ConsentSource.SMS_REPLY,
            evidence=reference,
        )
        for customer_id in sorted(reached.values_list("customer_id", flat=True))
    ]


def _check_codes(purpose: str, channel: str, source: str) -> None:
    wanted = set(ConsentChannel.values) if purpose in CONTACTS else {""}
    for good, field in (
        (purpose in Purpose.values, _("Purpose")),
        (channel in wanted, _("Channel")),
        (source in ConsentSource.values, _("Source")),
    ):
        if not good:
            raise RuleBroken("customers.bad_code", _("%(field)s: choose one of the offered.") % {"field": field})


def _check_age(customer: Customer, purpose: str, evidence_kind: str) -> None:
    age = age_of(customer)
    if age is None:
        return
    if age < GROWN_UP and purpose == Purpose.MARKETING:
        raise RuleBroken("consent.minor", _("No marketing to a minor."))
    if age < OWN_WORD and evidence_kind != EvidenceKind.GUARDIAN:
        raise RuleBroken(
            "consent.guardian",
            _("Under the age of %(age)s the guardian agrees: a form signed by the guardian is needed.")
            % {"age": OWN_WORD},
        )


def _held(customer: Customer, purpose: str, channel: str) -> Consent | None:
    return customer.consents.select_related("event").filter(purpose=purpose, channel=channel).first()


def _answer(
    customer: Customer,
    held: Consent | None,
    state: ConsentState,
    *,
    actor: User | None,
    purpose: str,
    channel: str,
    evidence: str,
    source: str,
    evidence_kind: str = "",
    expires_on: date | None = None,
) -> Consent:
    """Write the event, the state of now, audit and timeline, under the customer's lock."""
    now = clock.now()
    event = ConsentEvent.objects.create(
        customer_id=customer.pk,
        purpose=purpose,
        channel=channel,
        old=held.state if held else ConsentState.UNKNOWN,
        new=state,
        evidence_kind=evidence_kind,
        source=source,
        expires_on=expires_on,
        at=now,
        actor_id=actor.pk if actor else None,
    )
    if evidence:
        ConsentEvidence.objects.create(event_id=event.pk, customer_id=customer.pk, text=evidence)
    consent = held or Consent(customer=customer, purpose=purpose, channel=channel)
    consent.state, consent.since, consent.expires_on, consent.event = state, now, expires_on, event
    consent.save()
    told = {"purpose": purpose, "channel": channel}
    remember(
        customer,
        f"consent.{ACTS[state]}",
        actor=actor,
        target=consent,
        detail=told | {"evidence": evidence_kind, "source": source},
        line=f"consent.{ACTS[state]}",
        line_params=told,
    )
    return consent
