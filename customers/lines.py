"""What the archive itself writes on the timeline, in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from customers.labels import label
from customers.models import (
    ChangeRequest,
    ConsentChannel,
    ContactBlock,
    Customer,
    HouseholdMember,
    IdentityCheck,
    Need,
    ProfileField,
    ProtectiveHold,
    Purpose,
    RelationKind,
    Subscription,
    TimelineLine,
)
from customers.models.relations import REVERSE
from customers.models.subscriptions import ProductLine
from customers.timeline import LineKind, register_kind
from foundation.ui.wording import join_words, say_choice
from staff.masking import mask_account, mask_phone


def _load_lines(ids: Iterable[int]) -> dict[int, Any]:
    return Subscription.objects.select_related("plan").in_bulk(list(ids))


def _load_needs(ids: Iterable[int]) -> dict[int, Any]:
    return Need.objects.in_bulk(list(ids))


def _created(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("Archive opened"), ""


def _imported(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("Archive brought in from a file"), ""


def _changed(line: TimelineLine, ref: Any) -> tuple[str, str]:
    fields = line.params.get("fields", [])
    title = ngettext("%(n)s field changed", "%(n)s fields changed", len(fields)) % {"n": len(fields)}
    return title, join_words(map(label, fields))


def masked_number(line: Subscription) -> str:
    """The number of a line as it may be shown to anybody."""
    mask = mask_phone if line.product_line in {ProductLine.MOBILE, ProductLine.FIXED, ProductLine.VAS} else mask_account
    return mask(line.service_no)


def _service(words: str, line: TimelineLine, ref: Any) -> tuple[str, str]:
    code = ref.product_line if ref else line.params.get("product_line", "")
    product = say_choice(ProductLine, code)
    plan = _plan(line, ref)
    text = " · ".join(part for part in (masked_number(ref) if ref else "", plan) if part)
    return words % {"product": product}, text


def _plan(line: TimelineLine, ref: Any) -> str:
    """The plan as it was called then, after the one before it; else the one the line has now."""
    told = [line.params[key] for key in ("was", "plan") if key in line.params]
    return " → ".join(told) if told else ref.plan.name if ref and ref.plan else ""


def _opened(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _service(_("%(product)s opened"), line, ref)


def _altered(line: TimelineLine, ref: Any) -> tuple[str, str]:
    title, text = _service(_("%(product)s changed"), line, ref)
    changed = join_words(map(label, line.params.get("fields", [])))
    return title, " · ".join(part for part in (text, changed) if part)


def _ended(line: TimelineLine, ref: Any) -> tuple[str, str]:
    ported = ref is not None and ref.status == Subscription.Status.PORTED_OUT
    return _service(_("%(product)s left for another operator") if ported else _("%(product)s ended"), line, ref)


def _told(line: TimelineLine, ref: Any) -> tuple[str, str]:
    status = say_choice(Subscription.Status, line.params.get("status", ""))
    return _service(_("%(product)s: %(status)s") % {"product": "%(product)s", "status": status}, line, ref)


def _need_added(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("Need written down"), ref.text if ref else ""


def _need_changed(line: TimelineLine, ref: Any) -> tuple[str, str]:
    state = line.params.get("state", "")
    words = str(Need.State(state).label) if state in Need.State.values else state
    return _("Need: %(state)s") % {"state": words}, ref.text if ref else ""


def _fact_confirmed(line: TimelineLine, ref: Any) -> tuple[str, str]:
    how = line.params.get("how", "")
    words = str(ProfileField.VerifiedHow(how).label) if how in ProfileField.VerifiedHow.values else ""
    return _("Fact checked: %(fact)s") % {"fact": label(line.params.get("key", ""))}, words


def _reason(line: TimelineLine) -> str:
    reason = line.params.get("reason", "")
    return str(ContactBlock.Reason(reason).label) if reason in ContactBlock.Reason.values else reason


def _blocked(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("Messages held back"), _reason(line)


def _lifted(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("Messages no longer held back"), _reason(line)


def _agreed_to(line: TimelineLine) -> str:
    """The purpose and, where it has one, the channel of a consent."""
    purpose, channel = line.params.get("purpose", ""), line.params.get("channel", "")
    words = [str(Purpose(purpose).label)] if purpose in Purpose.values else [purpose]
    if channel in ConsentChannel.values:
        words.append(str(ConsentChannel(channel).label))
    return " · ".join(words)


def _consent_given(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("Consent given"), _agreed_to(line)


def _consent_refused(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("Consent refused"), _agreed_to(line)


def _consent_withdrawn(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("Consent withdrawn"), _agreed_to(line)


def _erased(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("Personal data deleted"), ""


def _anonymised(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("Customer made anonymous"), ""


def _identity(line: TimelineLine, ref: Any) -> tuple[str, str]:
    status, how = line.params.get("status", ""), line.params.get("how", "")
    words = str(Customer.IdentityStatus(status).label) if status in Customer.IdentityStatus.values else status
    by = str(IdentityCheck.How(how).label) if how in IdentityCheck.How.values else ""
    return _("Identity: %(state)s") % {"state": words}, by


def _hold_reason(line: TimelineLine) -> str:
    reason = line.params.get("reason", "")
    return str(ProtectiveHold.Reason(reason).label) if reason in ProtectiveHold.Reason.values else reason


def _held(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("Protective hold"), _hold_reason(line)


def _hold_lifted(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("Protective hold lifted"), _hold_reason(line)


def _died(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("The customer has died."), _("No message leaves any more; what was owed is closed.")


def _alive(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("The death was noted by mistake"), ""


def _kind_of_relation(line: TimelineLine) -> str:
    kind = line.params.get("kind", "")
    if kind not in RelationKind.values:
        return str(kind)
    return str(REVERSE[kind] if line.params.get("back") else RelationKind(kind).label)


def _related(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("Relation written down"), _kind_of_relation(line)


def _parted(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("Relation ended"), _kind_of_relation(line)


def _joined(line: TimelineLine, ref: Any) -> tuple[str, str]:
    role = line.params.get("role", "")
    known = role in HouseholdMember.Role.values
    return _("Belongs to a household"), str(HouseholdMember.Role(role).label) if known else ""


def _left(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("Left the household"), ""


def _merged(line: TimelineLine, ref: Any) -> tuple[str, str]:
    words = _("%(absorbed)s was merged into this archive (%(merge)s)")
    return words % {"absorbed": line.params.get("absorbed", ""), "merge": line.params.get("merge", "")}, ""


def _unmerged(line: TimelineLine, ref: Any) -> tuple[str, str]:
    words = _("Merge with %(other)s undone (%(merge)s)")
    return words % {"other": line.params.get("other", ""), "merge": line.params.get("merge", "")}, ""


def _asked(line: TimelineLine) -> str:
    field, number = line.params.get("field", ""), line.params.get("number", "")
    known = field in ChangeRequest.Field.values
    return f"{number} · {ChangeRequest.Field(field).label if known else field}"


def _request_taken(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("Change of data asked for"), _asked(line)


def _request_applied(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("Change of data applied"), _asked(line)


def _request_refused(line: TimelineLine, ref: Any) -> tuple[str, str]:
    return _("Change of data refused"), _asked(line)


def register() -> None:
    """Make the kinds known to the timeline."""
    for kind in (
        LineKind("customer.created", "user-plus", "ok", "changes", _created),
        LineKind("customer.imported", "file-down", "", "changes", _imported),
        LineKind("merge.done", "merge", "info", "changes", _merged),
        LineKind("merge.undone", "split", "warn", "changes", _unmerged),
        LineKind("customer.changed", "pencil", "", "changes", _changed),
        LineKind("subscription.activated", "package-check", "ok", "business", _opened, _load_lines),
        LineKind("subscription.changed", "package", "", "business", _altered, _load_lines),
        LineKind("subscription.terminated", "package-x", "mute", "business", _ended, _load_lines),
        LineKind("subscription.told", "phone-off", "info", "business", _told, _load_lines),
        LineKind("profile.confirmed", "shield-check", "", "changes", _fact_confirmed),
        LineKind("need.added", "lightbulb", "info", "business", _need_added, _load_needs),
        LineKind("need.changed", "lightbulb", "", "business", _need_changed, _load_needs),
        LineKind("contact.blocked", "ban", "warn", "changes", _blocked),
        LineKind("contact.block_lifted", "circle-check", "", "changes", _lifted),
        LineKind("customer.erased", "eraser", "", "changes", _erased),
        LineKind("customer.anonymised", "eraser", "mute", "changes", _anonymised),
        LineKind("request.taken", "pencil", "info", "changes", _request_taken),
        LineKind("request.applied", "circle-check", "ok", "changes", _request_applied),
        LineKind("request.refused", "ban", "warn", "changes", _request_refused),
        LineKind("identity.checked", "shield-check", "info", "changes", _identity),
        LineKind("hold.put", "shield-alert", "danger", "changes", _held),
        LineKind("hold.lifted", "shield-check", "ok", "changes", _hold_lifted),
        LineKind("customer.died", "circle-alert", "danger", "changes", _died),
        LineKind("customer.alive", "circle-check", "", "changes", _alive),
        LineKind("relation.added", "link", "", "changes", _related),
        LineKind("relation.ended", "unlink", "mute", "changes", _parted),
        LineKind("household.joined", "house", "", "changes", _joined),
        LineKind("household.left", "house", "mute", "changes", _left),
        LineKind("consent.given", "circle-check", "ok", "changes", _consent_given),
        LineKind("consent.refused", "ban", "warn", "changes", _consent_refused),
        LineKind("consent.withdrawn", "ban", "warn", "changes", _consent_withdrawn),
    ):
        register_kind(kind)
