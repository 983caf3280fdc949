"""What the people of the sample operator agreed to, and when they want to be left alone. An invented share says yes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta

from customers.ages import GROWN_UP, years_between
from customers.models import Consent, ConsentEvent, ConsentEvidence, ContactTime
from customers.sample.draw import Draw
from customers.sample.people import Draft
from foundation.common import clock

SEED = 31
# Purpose, channel, and how many of a hundred were asked, agreed, and took it back later.
ASKED = (
    ("MARKETING", "SMS", 70, 60, 12),
    ("SURVEY", "SMS", 30, 75, 5),
    ("CARE_GREETING", "SMS", 50, 85, 3),
)
LEFT_ALONE = 8  # of a hundred who named a time


def write_answers(drafts: Sequence[Draft], ids: Mapping[Draft, int], today: date) -> None:
    """Consents with their history and evidence, and times of contact, of those still with us. Nobody under age is
    asked about offers."""
    draw = Draw(SEED)
    events: list[ConsentEvent] = []
    texts: list[ConsentEvidence] = []
    states: list[Consent] = []
    times: list[ContactTime] = []
    for draft in drafts:
        if draft.left_on or draft.is_company:
            continue
        grown = draft.birth_date is None or years_between(draft.birth_date, today) >= GROWN_UP
        for purpose, channel, asked, agreed, back in ASKED:
            if not draw.chance(asked / 100) or (not grown and purpose == "MARKETING"):
                continue
            said_on = draft.joined_on + timedelta(days=draw.whole(0, max(0, (today - draft.joined_on).days)))
            what = {"customer_id": ids[draft], "purpose": purpose, "channel": channel}
            yes = draw.chance(agreed / 100) and grown
            event = ConsentEvent(
                **what,
                old="UNKNOWN",
                new="GRANTED" if yes else "DENIED",
                evidence_kind="FORM" if yes else "",
                source="DESK",
                at=_noon(said_on),
            )
            events.append(event)
            if yes:
                text = f"F{said_on:%Y%m%d}-{draw.digits(4)}"
                texts.append(ConsentEvidence(event_id=event.pk, customer_id=ids[draft], text=text))
                later = said_on + timedelta(days=draw.whole(20, 300))
                if draw.chance(back / 100) and later < today:
                    source = "SMS_REPLY" if channel == "SMS" else "CALL"
                    event = ConsentEvent(**what, old="GRANTED", new="WITHDRAWN", source=source, at=_noon(later))
                    events.append(event)
            states.append(Consent(**what, state=event.new, since=event.at, event=event))
        if draw.chance(LEFT_ALONE / 100):
            starts, ends = draw.one(((12, 14), (21, 9), (18, 20)))
            wish = "PREFER" if starts == 18 else "AVOID"
            days = draw.one(("EVERY", "WORKDAYS", "WEEKEND"))
            times.append(
                ContactTime(customer_id=ids[draft], wish=wish, days=days, starts=time(starts), ends=time(ends))
            )
    ConsentEvent.objects.bulk_create(events, batch_size=2_000)
    ConsentEvidence.objects.bulk_create(texts, batch_size=2_000)
    Consent.objects.bulk_create(states, batch_size=2_000)
    ContactTime.objects.bulk_create(times, batch_size=2_000)


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), tzinfo=clock.BUSINESS_ZONE)
