"""Who the customer is. One file per part of the archive; all are imported from here."""

from customers.models.archive import Customer
from customers.models.changes import FieldChange
from customers.models.consent import (
    Consent,
    ConsentChannel,
    ConsentEvent,
    ConsentEvidence,
    ConsentSource,
    ConsentState,
    EvidenceKind,
    Purpose,
)
from customers.models.facts import CustomerFacts
from customers.models.finding import FindName, FindNumber, NameGram, SearchLink
from customers.models.identity import ActingRole, DeathNote, IdentityCheck, ProtectiveHold
from customers.models.merge import Band, DuplicateBlock, DuplicatePair, Merge, MergeMove
from customers.models.profile import Need, ProfileField
from customers.models.quality import QualityItem, QualityKind
from customers.models.reach import Address, ContactBlock, ContactPoint
from customers.models.recent import RecentlyViewed
from customers.models.relations import Household, HouseholdMember, Relation, RelationKind
from customers.models.requests import ChangeRequest
from customers.models.retention import ErasedKey, Retention
from customers.models.segments import Segment
from customers.models.subscriptions import Plan, Subscription, UsageMonth
from customers.models.timeline import TimelineLine
from customers.models.value import (
    Location,
    Persona,
    RelationshipBand,
    RelationshipReview,
    RelationshipRun,
    ValueCell,
    ValueClass,
    ValueDraft,
    ValueMonth,
    ValueRun,
    ValueTally,
)
from customers.models.wishes import ContactTime

__all__ = [
    "ActingRole",
    "Address",
    "Band",
    "ChangeRequest",
    "Consent",
    "ConsentChannel",
    "ConsentEvent",
    "ConsentEvidence",
    "ConsentSource",
    "ConsentState",
    "ContactBlock",
    "ContactPoint",
    "ContactTime",
    "Customer",
    "CustomerFacts",
    "DeathNote",
    "DuplicateBlock",
    "DuplicatePair",
    "ErasedKey",
    "EvidenceKind",
    "FieldChange",
    "FindName",
    "FindNumber",
    "Household",
    "HouseholdMember",
    "IdentityCheck",
    "Location",
    "Merge",
    "MergeMove",
    "NameGram",
    "Need",
    "Persona",
    "Plan",
    "ProfileField",
    "ProtectiveHold",
    "Purpose",
    "QualityItem",
    "QualityKind",
    "RecentlyViewed",
    "Relation",
    "RelationKind",
    "RelationshipBand",
    "RelationshipReview",
    "RelationshipRun",
    "Retention",
    "SearchLink",
    "Segment",
    "Subscription",
    "TimelineLine",
    "UsageMonth",
    "ValueCell",
    "ValueClass",
    "ValueDraft",
    "ValueMonth",
    "ValueRun",
    "ValueTally",
]
