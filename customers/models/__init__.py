"""Who the customer is. One file per part of the archive; all are imported from here."""

from customers.models.archive import (
    Address,
    ContactBlock,
    ContactPoint,
    Customer,
    CustomerFacts,
    FieldChange,
    Need,
    ProfileField,
)
from customers.models.finding import FindName, FindNumber, NameGram, SearchLink
from customers.models.recent import RecentlyViewed
from customers.models.subscriptions import Plan, Subscription, UsageMonth
from customers.models.timeline import TimelineLine

__all__ = [
    "Address",
    "ContactBlock",
    "ContactPoint",
    "Customer",
    "CustomerFacts",
    "FieldChange",
    "FindName",
    "FindNumber",
    "NameGram",
    "Need",
    "Plan",
    "ProfileField",
    "RecentlyViewed",
    "SearchLink",
    "Subscription",
    "TimelineLine",
    "UsageMonth",
]
