"""What we may know beyond the basics: optional facts with their purpose and consent (D§5.5, ARC-02, ARC-07, ARC-10)."""

from __future__ import annotations

from datetime import date

from django.db import transaction
from django.utils.translation import gettext as _

from customers import normal
from customers.copies import copy_of
from customers.models import FieldChange, ProfileField
from customers.optional_facts import checked_value, is_refused, shown_facts
from customers.services.contact_points import check_may_edit
from customers.services.copy_check import Copy, check_copy
from customers.services.remembering import locked, remember
from foundation.audit.models import AuditEntry, AuditPersonal
from foundation.common import clock
from foundation.common.errors import RuleBroken
from staff.models import User

# What a person sees of a fact before writing it anew, and of one that is not there.
FACT_FIELDS = ("value", "source", "purpose", "consent_evidence", "expires_on")
NO_FACT = {"value": "", "source": "", "purpose": "", "consent_evidence": "", "expires_on": None}


@transaction.atomic
def record_profile_field(
    customer_id: int,
    *,
    actor: User,
    key: str,
    value: str,
    source: str,
    purpose: str,
    consent_evidence: str,
    verified_how: str = "",
    expires_on: date | None = None,
    was: Copy = None,
) -> ProfileField:
    """Keep an optional fact. Without a purpose and the evidence of consent it is not kept, and nothing else depends
    on it (D§5.5). `value`: a code where the key has a list. `verified_how`: how it was made sure, "" when it was not.
    `was`: the `FACT_FIELDS` the person saw.

    Raises NotAllowed (customers.may_not_edit); StaleCopy; RuleBroken customers.bad_code (there are no other keys:
    belief and health are never stored), customers.forbidden_fact, customers.profiling_refused, customers.no_value,
    customers.no_consent, customers.invisible, customers.too_long, customers.impossible_date (an end in the past).
    """
    check_may_edit(actor)
    if key not in ProfileField.Key.values:
        raise RuleBroken("customers.bad_code", _("%(field)s: choose one of the offered.") % {"field": _("Fact")})
    value = normal.plain_text(value, longest=400, label=str(ProfileField.Key(key).label))
    source = normal.plain_text(source, longest=40, label=_("Source"))
    purpose = normal.plain_text(purpose, longest=120, label=_("Purpose"))
    evidence = normal.plain_text(consent_evidence, longest=200, label=_("Consent"))
    if not value:
        raise RuleBroken("customers.no_value", _("Write what is to be kept, or remove the fact."))
    checked_value(key, value)
    if verified_how and verified_how not in ProfileField.VerifiedHow.values:
        raise RuleBroken("customers.bad_code", _("%(field)s: choose one of the offered.") % {"field": _("Verified")})
    if not purpose or not evidence:
        raise RuleBroken(
            "customers.no_consent", _("Say what it is for and how the customer agreed; otherwise it may not be kept.")
        )
    if expires_on is not None and expires_on <= clock.today():
        raise RuleBroken("customers.impossible_date", _("The end must lie in the future."))
    customer = locked(customer_id)
    today = clock.today()
    if is_refused(customer.consents.all(), today):
        raise RuleBroken(
            "customers.profiling_refused",
            _("The customer has refused a personal profile; no service depends on it. Nothing is kept."),
        )
    kept = customer.profile_fields.filter(key=key).first()
    # One that is over does not count any more: this is written as if nothing stood there.
    old = kept if kept and shown_facts([kept], [], today) else None
    check_copy(customer, was, copy_of(old, FACT_FIELDS) if old else NO_FACT)
    row, _made = ProfileField.objects.update_or_create(
        customer=customer,
        key=key,
        defaults={
            "value": value,
            "source": source,
            "purpose": purpose,
            "consent_evidence": evidence,
            "verified_at": clock.now() if verified_how else None,
            "verified_how": verified_how,
            "verified_by_id": actor.pk if verified_how else None,
            "as_of": today,
            "expires_on": expires_on,
        },
    )
    remember(
        customer,
        "profile.recorded",
        actor=actor,
        target=row,
        changed={key: (old.value if old else None, value)},
        line="customer.changed",
        line_params={"fields": [key]},
        source=source,
    )
    return row


@transaction.atomic
def confirm_profile_field(
    field_id: int, *, actor: User, how: str = ProfileField.VerifiedHow.TOLD, was: Copy = None
) -> ProfileField:
    """A fact was checked and still holds: from today it counts as verified, by `actor`, `how`. Nothing else of it
    changes. `was`: the value the person read.

    Raises NotAllowed (customers.may_not_edit), StaleCopy, ProfileField.DoesNotExist; RuleBroken customers.bad_code,
    customers.fact_over (its time is over, or the customer has refused a personal profile).
    """
    check_may_edit(actor)
    if how not in ProfileField.VerifiedHow.values:
        raise RuleBroken("customers.bad_code", _("%(field)s: choose one of the offered.") % {"field": _("Verified")})
    customer = locked(ProfileField.objects.values_list("customer_id", flat=True).get(pk=field_id))
    row = ProfileField.objects.get(pk=field_id)
    check_copy(customer, was, copy_of(row, ("value",)))
    if not shown_facts([row], customer.consents.all(), clock.today()):
        raise RuleBroken("customers.fact_over", _("This fact does not count any more; record it anew."))
    row.verified_at, row.verified_how, row.verified_by_id = clock.now(), how, actor.pk
    row.as_of = clock.today()
    row.save(update_fields=["verified_at", "verified_how", "verified_by_id", "as_of"])
    remember(
        customer,
        "profile.confirmed",
        actor=actor,
        target=row,
        detail={"key": row.key, "how": how},
        line="profile.confirmed",
        line_params={"key": row.key, "how": how},
    )
    return row


@transaction.atomic
def remove_profile_field(field_id: int, *, actor: User | None) -> None:
    """The customer no longer agrees, or it is no longer needed: the value goes, with what was noted of it before.

    Without an `actor` the clock removes what is over (`customers/optional_removal.py` does it for all). Raises
    NotAllowed (customers.may_not_edit), ProfileField.DoesNotExist.
    """
    check_may_edit(actor)
    row = ProfileField.objects.select_related("customer").get(pk=field_id)
    customer = locked(row.customer_id)
    FieldChange.objects.filter(customer_id=customer.pk, entity="profilefield", entity_id=row.pk).update(
        old=None, new=None
    )
    noted = AuditEntry.objects.filter(
        customer_id=customer.pk, target_type=row._meta.label_lower, target_id=str(row.pk), pk__gte=row.pk
    )
    AuditPersonal.objects.filter(entry_id__in=list(noted.values_list("pk", flat=True))).delete()
    # Before it is remembered: what is reckoned then must not count it.
    ProfileField.objects.filter(pk=field_id).delete()
    remember(
        customer,
        "profile.removed",
        actor=actor,
        target=row,
        detail={"key": row.key},
        line="customer.changed",
        line_params={"fields": [row.key]},
    )
