"""What is known of the sample customers beyond the basics: optional facts and needs. An invented share has any."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from customers.models import Need, ProfileField
from customers.sample import words_zh as words
from customers.sample.draw import Draw
from customers.sample.people import Draft
from foundation.common import clock
from staff.models import OrgUnit, User

SEED = 47
K, S = ProfileField.Key, Need.State
KNOWN = 0.2  # of the people with us
SHARES = {K.INTERESTS: 60, K.SPENDING_HABIT: 60, K.SERVICE_VIEWS: 60, K.TECH_SKILL: 30, K.EDUCATION: 20, K.FAMILY: 15}
INCOME = ("UNDER_3000", "TO_6000", "TO_6000", "TO_10000", "TO_20000")
PREFERRED = ("SMS", "SMS", "SMS", "HOTLINE", "HOTLINE", "IM", "APP", "EMAIL")


def preferences(drafts: Sequence[Draft]) -> dict[Draft, str]:
    """The channel those like best who said one."""
    draw = Draw(SEED + 1)
    return {draft: draw.one(PREFERRED) for draft in drafts if draw.chance(0.35)}


def write_profiles(
    drafts: Sequence[Draft],
    ids: Mapping[Draft, int],
    places: Mapping[Draft, tuple[OrgUnit, User | None]],
    today: date,
) -> None:
    """Facts with their consent, some checked with the customer, some for a time; needs in all states, planned ones
    with an owner and a day."""
    draw = Draw(SEED)
    fields: list[ProfileField] = []
    needs: list[Need] = []
    for draft in drafts:
        if draft.is_company or draft.left_on or not draw.chance(KNOWN):
            continue
        noted_on = max(draft.joined_on, today - timedelta(days=draw.whole(1, 300)))
        values = _values(draw, draft)
        fields += [_fact(draw, ids[draft], key, value, noted_on, today) for key, value in values.items()]
        if draw.chance(0.5):
            needs.append(_need(draw, ids[draft], places[draft][1], noted_on, today))
    ProfileField.objects.bulk_create(fields, batch_size=2_000)
    Need.objects.bulk_create(needs, batch_size=2_000)


def _values(draw: Draw, draft: Draft) -> dict[str, str]:
    pools: dict[str, Sequence[str]] = {
        K.INTERESTS: words.INTERESTS,
        K.SPENDING_HABIT: words.SPENDING,
        K.SERVICE_VIEWS: words.SERVICE_VIEWS,
        K.TECH_SKILL: ("BASIC", "DAILY", "DAILY", "EXPERT") if draft.age < 60 else ("NONE", "BASIC", "DAILY"),
        K.EDUCATION: ("SECONDARY", "VOCATIONAL", "COLLEGE", "BACHELOR", "MASTER"),
        K.FAMILY: words.FAMILIES,
    }
    values = {key: draw.one(pool) for key, pool in pools.items() if draw.chance(SHARES[K(key)] / 100)}
    if draft.age >= 22 and draw.chance(0.1):
        values[K.INCOME_BAND] = draw.one(INCOME)
        values[K.STRATUM] = "RETIRED" if draft.age >= 62 else draw.one(("WORKER", "OFFICE", "PROFESSIONAL", "OWNER"))
    return values


def _fact(draw: Draw, customer_id: int, key: str, value: str, noted_on: date, today: date) -> ProfileField:
    checked_on = (
        noted_on + timedelta(days=draw.whole(0, max(0, (today - noted_on).days - 1))) if draw.chance(0.4) else None
    )
    return ProfileField(
        customer_id=customer_id,
        key=key,
        value=value,
        source=words.PROFILE_SOURCE,
        purpose=words.PURPOSE,
        consent_evidence=words.CONSENT_EVIDENCE,
        verified_at=_noon(checked_on) if checked_on else None,
        verified_how="TOLD" if checked_on else "",
        as_of=checked_on or noted_on,
        expires_on=today + timedelta(days=draw.whole(30, 700)) if draw.chance(0.3) else None,
    )


def _need(draw: Draw, customer_id: int, manager: User | None, noted_on: date, today: date) -> Need:
    """Only who has a manager has somebody to plan for them here; the demo people plan theirs in `cases`."""
    text, category = draw.one(words.NEEDS)
    state = draw.one((S.NEW, S.NEW, S.PLANNED, S.MET, S.MET, S.DECLINED))
    if state == S.PLANNED and manager is None:
        state = S.NEW
    more: dict[str, Any] = {}
    if state in (S.MET, S.DECLINED):
        more = {"closed_at": _noon(noted_on + timedelta(days=draw.whole(0, max(0, (today - noted_on).days - 1))))}
        more |= {"reason": words.NEED_DECLINED} if state == S.DECLINED else {}
    elif state == S.PLANNED:
        more = {"owner": manager}
    return Need(
        customer_id=customer_id,
        text=text,
        category=category,
        state=state,
        due_on=today + timedelta(days=draw.whole(3, 60)),
        created_at=_noon(noted_on),
        **more,
    )


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), tzinfo=clock.BUSINESS_ZONE)
