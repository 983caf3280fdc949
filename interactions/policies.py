"""What the business tunes in taking contacts."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from foundation.policies.registry import define
from interactions.quality_items import check_items, shipped_items

define(
    "interactions.verified_for",
    type="duration",
    unit="minutes",
    default=timedelta(minutes=30),
    low=timedelta(minutes=1),
    high=timedelta(hours=8),
    source="D",
    title=_("Time a caller stays verified"),
    help=_("How long a caller counts as verified."),
)
define(
    "interactions.opens_for",
    type="duration",
    unit="hours",
    default=timedelta(hours=24),
    low=timedelta(hours=1),
    high=timedelta(days=7),
    source="D",
    title=_("Time a contact opens its customer"),
    help=_("How long after a contact its customer stays visible to the person who took it."),
)
define(
    "interactions.foreign_contacts_per_hour",
    type="int",
    unit="contacts",
    default=20,
    low=1,
    high=1000,
    source="D",
    title=_("Contacts outside the own scope per hour"),
    help=_("How many contacts with customers outside the own scope a person may start in one hour."),
)
define(
    "interactions.first_ask.working_days",
    type="int",
    unit="working days",
    default=1,
    low=1,
    high=15,
    source="D",
    title=_("First-ask matter: time to the answer"),
    help=_("Working days by which the customer of a matter left open is answered, when no moment was named to them."),
)
define(
    "interactions.first_ask.remind_before",
    type="duration",
    unit="minutes",
    default=timedelta(hours=1),
    low=timedelta(minutes=1),
    high=timedelta(days=5),
    source="D",
    title=_("First-ask matter: reminder before"),
    help=_("How long before its due moment the owner and the handler of an open matter are reminded."),
)
define(
    "interactions.first_ask.head_after",
    type="duration",
    unit="minutes",
    default=timedelta(hours=4),
    low=timedelta(minutes=1),
    high=timedelta(days=30),
    source="D",
    title=_("First-ask matter: above the lead"),
    help=_("How long after its due moment, when it went to the lead, an open matter is brought to the one above."),
)
define(
    "interactions.first_ask.offer_for",
    type="duration",
    unit="minutes",
    default=timedelta(minutes=30),
    low=timedelta(minutes=1),
    high=timedelta(days=3),
    source="D",
    title=_("First-ask matter: offer open for"),
    help=_("How long a matter offered to another owner waits; unanswered it stays and the lead is told."),
)
define(
    "interactions.security_within",
    type="duration",
    unit="minutes",
    default=timedelta(minutes=30),
    low=timedelta(minutes=1),
    high=timedelta(days=1),
    source="D",
    title=_("Threat or crime: lead acts within"),
    help=_("How soon the lead must have brought a threat, a crime or an inspection to security."),
)
define(
    "interactions.suggestion.working_days",
    type="int",
    unit="working days",
    default=7,
    low=1,
    high=60,
    source="S1",
    title=_("Suggestion: time to the answer"),
    help=_("Working days by which the author of a suggestion is answered."),
)
define(
    "interactions.suggestion.remind_days",
    type="int",
    unit="working days",
    default=1,
    low=0,
    high=30,
    source="D",
    title=_("Suggestion: reminder before"),
    help=_("Working days before its due moment at which the owner of an unanswered suggestion is reminded."),
)
define(
    "interactions.suggestion.head_days",
    type="int",
    unit="working days",
    default=1,
    low=1,
    high=30,
    source="D",
    title=_("Suggestion: above the lead"),
    help=_("Working days after its due moment, when it went to the lead, at which it is brought to the one above."),
)
define(
    "interactions.solved_within",
    type="duration",
    unit="days",
    default=timedelta(days=7),
    low=timedelta(days=1),
    high=timedelta(days=30),
    source="D",
    title=_("Solved at once: nobody comes again for"),
    help=_("A contact counts as solved at once when the customer does not come with the same topic for so long."),
)
define(
    "interactions.settled_together",
    type="duration",
    unit="days",
    default=timedelta(days=30),
    low=timedelta(days=1),
    high=timedelta(days=365),
    source="D",
    title=_("Amounts settled that count together"),
    help=_("What one customer got on one topic within this time counts together against the settlement limit."),
)
define(
    "interactions.quality_items",
    type="table",
    default=shipped_items(),
    check=check_items,
    source="S1",
    title=_("Checklist after a contact"),
    help=_("What is ticked after a contact: items with code, both names and the ways of contact they are asked for."),
)
define(
    "interactions.rights_answer_days",
    type="int",
    unit="working days",
    default=15,
    low=1,
    high=60,
    source="R5, D",
    title=_("Time to answer a rights request"),
    help=_("Working days within which a request about one's own data is answered."),
)
define(
    "interactions.rights_remind_days",
    type="int",
    unit="working days",
    default=3,
    low=0,
    high=30,
    source="D",
    title=_("Reminder of a rights request"),
    help=_("Working days before the end of that time at which the owner is reminded."),
)
define(
    "interactions.rights_tell_days",
    type="int",
    unit="working days",
    default=1,
    low=1,
    high=10,
    source="D",
    title=_("Time to tell by phone or letter"),
    help=_("Working days within which a customer no message reaches is told about their rights request."),
)
define(
    "interactions.rights_file_days",
    type="int",
    unit="days",
    default=7,
    low=1,
    high=60,
    source="D",
    title=_("Data put together are kept for"),
    help=_("Days after which the file put together for a rights request is deleted."),
)
