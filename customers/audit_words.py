"""What the log calls acts on the archive."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from customers.labels import label
from customers.merging.fields import words_of
from customers.models import (
    ActingRole,
    Address,
    ChangeRequest,
    ConsentChannel,
    ConsentSource,
    ContactBlock,
    ContactPoint,
    ContactTime,
    Customer,
    EvidenceKind,
    HouseholdMember,
    IdentityCheck,
    Need,
    ProfileField,
    ProtectiveHold,
    Purpose,
    RelationKind,
)
from customers.models.subscriptions import ProductLine
from foundation.audit.words import Detail, codes, name_acts, name_kinds

REVEALED: dict[str, Any] = {
    "name": _("Name"),
    "phone": _("Phone"),
    "email": _("E-mail"),
    "address": _("Address"),
    "birthday": _("Birthday"),
    "account": _("Account"),
    "id_number": _("Document number"),
    "income": _("Income band"),
    "stratum": _("Social standing"),
    "family": _("Family"),
    "note": _("Note"),
}
_OTHER_FIELDS = {"guardian": _("Guardian")}
# Of every change of an archive: its number, and the names of the fields.
_EACH = {
    "version": Detail(_("Version")),
    "fields": Detail(_("Fields"), words=lambda value, _detail: _OTHER_FIELDS.get(value) or label(value)),
}

name_kinds(
    {
        "customers.customer": _("Customer"),
        "customers.contactpoint": pgettext_lazy("address", "Contact"),
        "customers.address": _("Address"),
        "customers.profilefield": _("Fact of the profile"),
        "customers.need": _("Need"),
        "customers.consent": _("Consent"),
        "customers.contacttime": _("Time of contact"),
        "customers.contactblock": _("Block of contact"),
        "customers.subscription": _("Product"),
        "customers.identitycheck": _("Check of the identity"),
        "customers.deathnote": _("Note of a death"),
        "customers.household": _("Household"),
        "customers.protectivehold": _("Protective hold"),
        "customers.changerequest": _("Request to change data"),
        "customers.qualityitem": _("Data to mend"),
        "customers.relation": _("Relation"),
        "customers.householdmember": _("Member of a household"),
        "customers.duplicatepair": _("Pair of archives"),
        "customers.merge": _("Merge"),
        "customers.segment": _("Segment"),
        "customers.recentlyviewed": _("Recently viewed"),
        # Parts of the archive, for what erasure and the access export say of them.
        "customers.customerfacts": _("Figures about the customer"),
        "customers.consentevent": _("Answer about a consent"),
        "customers.consentevidence": _("Evidence of a consent"),
        "customers.fieldchange": _("Former value of a field"),
        "customers.findname": _("Search index of names"),
        "customers.findnumber": _("Search index of numbers"),
        "customers.namegram": _("Search index of name parts"),
        "customers.searchlink": _("Search just made"),
        "customers.timelineline": _("Line of the timeline"),
        "customers.usagemonth": _("Use in a month"),
        "customers.valuedraft": _("Figures for the value of a month"),
        "customers.valuemonth": _("Value in a month"),
        "customers.relationshipreview": _("Relationship in a quarter"),
        "customers.retention": _("Time of keeping"),
        "imports.importrow": _("Row of an import"),
        "imports.importchild": _("Detail of an imported row"),
        "imports.stagedrow": _("Row of an import at work"),
        "staff.draft": _("Draft"),
        "staff.reveal": _("Masked field shown"),
        "audit.auditentry": _("Entry of the log"),
        "audit.auditpersonal": _("Personal part of a log entry"),
        "setting": _("Setting"),
    }
)
name_acts(
    "customer",
    title=_("Customers"),
    acts={
        "created": _("Archive opened"),
        "changed": _("Archive changed"),
        "revealed": _("Masked field shown"),
        "confirmed": _("Data confirmed with the customer"),
        "died": _("Death noted"),
        "alive": _("Death taken back"),
        "keys_rotated": _("Document numbers sealed with a new key"),
        "erased": _("Personal data deleted"),
        "closed": _("Customer account closed"),
    },
    details=_EACH
    | {
        "number": Detail(_("Customer number")),
        "source": Detail(_("Source")),
        "despite_duplicates": Detail(_("Despite a possible duplicate")),
        "field": Detail(_("Field"), words=codes(REVEALED)),
        "reveal": Detail(_("Reveal")),
        "note": Detail(_("Note")),
        "key": Detail(_("Key")),
        "rotated": Detail(_("How many")),
        "rows": Detail(_("Rows by table")),
        "held": Detail(_("Forbidden by")),
    },
)
name_acts(
    "merge",
    title=_("Merges of archives"),
    acts={
        "proposed": _("Merge proposed"),
        "done": _("Archives merged"),
        "refused": _("Merge refused"),
        "withdrawn": _("Merge withdrawn"),
        "undone": _("Merge undone"),
        "set_apart": _("Archives set apart"),
    },
    details={
        "number": Detail(_("Number")),
        "other": Detail(_("Other archive")),
        "rows": Detail(_("Rows")),
        "fields": Detail(_("Fields taken over"), words=lambda value, _detail: words_of(value)),
    },
)
name_acts(
    "contact_point",
    title=_("Contacts of customers"),
    acts={
        "added": _("Number or address added"),
        "ended": _("Number or address ended"),
        "primary": _("Made the main one"),
        "verified": _("Number or address verified"),
        "unusable": _("Marked as unusable"),
        "bounced": _("Messages came back"),
    },
    details=_EACH | {"kind": Detail(_("Kind"), words=codes(dict(ContactPoint.Kind.choices)))},
)
name_acts(
    "address",
    title=_("Addresses"),
    acts={"changed": _("Address changed")},
    details=_EACH | {"kind": Detail(_("Kind"), words=codes(dict(Address.Kind.choices)))},
)
name_acts(
    "contact",
    acts={"blocked": _("Messages held back"), "block_lifted": _("Messages no longer held back")},
    details=_EACH
    | {
        "reason": Detail(_("Reason"), words=codes(dict(ContactBlock.Reason.choices))),
        "classes": Detail(_("Classes of messages")),
    },
)
name_acts(
    "consent",
    title=_("Consents of customers"),
    acts={
        "given": _("Consent given"),
        "refused": _("Consent refused"),
        "withdrawn": _("Consent withdrawn"),
    },
    details=_EACH
    | {
        "purpose": Detail(_("Purpose"), words=codes(dict(Purpose.choices))),
        "channel": Detail(_("Channel"), words=codes(dict(ConsentChannel.choices))),
        "evidence": Detail(_("Evidence"), words=codes(dict(EvidenceKind.choices))),
        "source": Detail(_("Source"), words=codes(dict(ConsentSource.choices))),
    },
)
name_acts(
    "wish",
    title=_("Contact wishes"),
    acts={"time_added": _("Time of contact noted"), "time_dropped": _("Time of contact removed")},
    details=_EACH | {"wish": Detail(_("Wish"), words=codes(dict(ContactTime.Wish.choices)))},
)
name_acts(
    "profile",
    title=_("Facts of the profile"),
    acts={
        "recorded": _("Fact written down"),
        "confirmed": _("Fact checked with the customer"),
        "removed": _("Fact removed"),
        "expired": _("Facts that are over removed"),
    },
    details=_EACH
    | {
        "key": Detail(_("Fact"), words=codes(dict(ProfileField.Key.choices))),
        "how": Detail(_("Made sure"), words=codes(dict(ProfileField.VerifiedHow.choices))),
        "facts": Detail(_("How many")),
    },
)
name_acts(
    "need",
    title=_("Needs"),
    acts={"added": _("Need written down"), "changed": _("Need changed")},
    details=_EACH | {"category": Detail(_("Category"), words=codes(dict(Need.Category.choices)))},
)
name_acts(
    "subscription",
    title=_("Products"),
    acts={"opened": _("Product opened"), "changed": _("Product changed"), "ended": _("Product ended")},
    details=_EACH
    | {
        "product_line": Detail(_("Product"), words=codes(dict(ProductLine.choices))),
        "plan": Detail(_("Plan")),
        "transferred": Detail(_("Passed to another owner")),
    },
)
name_acts(
    "identity",
    title=_("Identity checks"),
    acts={"checked": _("Identity noted")},
    details=_EACH
    | {
        "how": Detail(_("How"), words=codes(dict(IdentityCheck.How.choices))),
        "acting": Detail(_("Acting person"), words=codes(dict(ActingRole.choices))),
        "status": Detail(_("Identity"), words=codes(dict(Customer.IdentityStatus.choices))),
        "check": Detail(_("Check")),
    },
)
name_acts(
    "hold",
    title=_("Protective holds"),
    acts={"put": _("Protective hold put"), "lifted": _("Protective hold lifted")},
    details=_EACH
    | {
        "reason": Detail(_("Reason"), words=codes(dict(ProtectiveHold.Reason.choices))),
        "lines": Detail(_("Lines limited")),
        "verified": Detail(_("Verified again")),
    },
)
name_acts(
    "relation",
    title=_("Relations of customers"),
    acts={"added": _("Relation written down"), "ended": _("Relation ended")},
    details=_EACH | {"kind": Detail(_("Kind"), words=codes(dict(RelationKind.choices)))},
)
name_acts(
    "household",
    title=_("Households"),
    acts={
        "joined": _("Belongs to a household"),
        "left": _("Left the household"),
        "headed": _("Made the head of the household"),
    },
    details=_EACH | {"role": Detail(_("Part"), words=codes(dict(HouseholdMember.Role.choices)))},
)
name_acts(
    "segment",
    title=_("Segments"),
    acts={"created": _("Segment saved"), "changed": _("Segment changed"), "deleted": _("Segment deleted")},
    details={"version": Detail(_("Version")), "shared": Detail(_("Shared"))},
)
name_acts(
    "request",
    title=_("Requests to change data"),
    acts={"taken": _("Request taken"), "applied": _("Request applied"), "refused": _("Request refused")},
    details=_EACH
    | {
        "number": Detail(_("Number")),
        "field": Detail(_("Field"), words=codes(dict(ChangeRequest.Field.choices))),
        "channel": Detail(_("Channel"), words=codes(dict(ChangeRequest.Channel.choices))),
        "how": Detail(_("Verified by"), words=codes(dict(ChangeRequest.Verified.choices))),
    },
)
