"""What the sample customers have: plans, service lines, monthly use. No database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from customers.sample import words_zh as words
from customers.sample.draw import Draw, month_starts, months_back
from customers.sample.figures import (
    CONTRACT,
    DATA_GB,
    DESIGN,
    EXTRA_FEE,
    EXTRA_FEE_SHARE,
    FIXED_INTERNET_SHARE,
    LEFT_SHARE,
    MONTH_TO_MEAN,
    PLAN_STEPS,
    ROAMING_SHARE,
    SECOND_LINE_SHARE,
    SMS_A_MONTH,
    VOICE_MINUTES,
)
from customers.sample.people import Draft, Numbers

BROADBAND = {"B300": (300, 39), "B500": (500, 59), "B1000": (1_000, 99)}
COMPANY_BROADBAND = {"EB500": (500, 199), "EB1000": (1_000, 399)}
LEASED = {"DL100": (100, 1_800), "DL500": (500, 5_200)}
FIXED_FEE = 10
VAS_FEES = {"VIDEO": 6, "CLOUD": 10, "GUARD": 5}
CONTRACT_MONTHS = {"Month-to-Month": 0, "One Year": 12, "Two Year": 24}
CENT = Decimal("0.01")


@dataclass(frozen=True)
class PlanDraft:
    """A plan of the catalogue; `line` is its product line."""

    code: str
    name: str
    line: str
    fee: int
    minutes: int | None = None
    data_mb: int | None = None


@dataclass(eq=False)
class LineDraft:
    """A service line with the level its use swings around."""

    owner: Draft
    number: str
    plan: PlanDraft
    status: str
    activated_on: date
    ended_on: date | None
    contract_end: date | None
    user_name: str = ""
    rank: float = 0.5


@dataclass(frozen=True)
class UseDraft:
    """Totals of one line in one month."""

    line: LineDraft
    month: date
    minutes: int | None
    sms: int | None
    data_mb: int | None
    roaming_days: int | None
    idle_days: int | None
    revenue: Decimal


def catalogue() -> dict[str, PlanDraft]:
    """Every plan by its code: mobile plans at the price steps of the source, the rest by design."""
    plans = [
        PlanDraft(f"M{step}", words.PLAN_MOBILE.format(fee=step), "MOBILE", int(step), int(step) * 5, int(step) * 350)
        for step in PLAN_STEPS.values
    ]
    for names, table in (
        (words.PLAN_BROADBAND, BROADBAND),
        (words.PLAN_COMPANY_BROADBAND, COMPANY_BROADBAND),
    ):
        plans += [PlanDraft(code, names.format(mbps=mbps), "BROADBAND", fee) for code, (mbps, fee) in table.items()]
    plans += [PlanDraft(code, words.PLAN_LEASED.format(mbps=mbps), "ICT", fee) for code, (mbps, fee) in LEASED.items()]
    plans.append(PlanDraft("FIX10", words.PLAN_FIXED, "FIXED", FIXED_FEE))
    plans += [PlanDraft(code, words.PLAN_VAS[code], "VAS", fee) for code, fee in VAS_FEES.items()]
    return {plan.code: plan for plan in plans}


def lines_of(draw: Draw, drafts: list[Draft], plans: dict[str, PlanDraft], today: date) -> list[LineDraft]:
    """The service lines of everybody. Customers drawn to have left get an end on every line and on themselves."""
    numbers, lines = Numbers(draw), []
    for draft in drafts:
        if draft.is_company:
            lines += _company_lines(draw, draft, plans, numbers, today)
            continue
        if draft.staff_of is None and draw.chance(LEFT_SHARE):
            draft.left_on = today - timedelta(days=draw.whole(1, min(360, max(1, (today - draft.joined_on).days))))
        lines += _personal_lines(draw, draft, plans, numbers, today)
    return lines


def _line(
    draw: Draw, draft: Draft, number: str, plan: PlanDraft, today: date, *, since: date | None = None, user: str = ""
) -> LineDraft:
    activated = since or draft.joined_on
    months = CONTRACT_MONTHS[draw.by_count(CONTRACT)]
    end = None
    if months:
        end = months_back(activated, -months)
        while end < today - timedelta(days=60):  # renewed on the same terms
            end = months_back(end, -months)
    status = "ACTIVE"
    if draft.left_on:
        status = "PORTED_OUT" if draw.chance(0.2) else "TERMINATED"
    elif draw.chance(0.035):
        status = draw.one(
            ("SUSPENDED_ARREARS_1WAY", "SUSPENDED_ARREARS_1WAY", "SUSPENDED_ARREARS_2WAY", "SUSPENDED_REQUEST")
        )
    return LineDraft(
        owner=draft,
        number=number,
        plan=plan,
        status=status,
        activated_on=activated,
        ended_on=draft.left_on,
        contract_end=None if draft.left_on else end,
        user_name=user,
        rank=draw.random.random(),
    )


def _later(draw: Draw, draft: Draft, today: date) -> date:
    """A day between joining and leaving (or yesterday), for what was added afterwards."""
    last = draft.left_on or today - timedelta(days=1)
    return draft.joined_on + timedelta(days=draw.whole(0, max(0, (last - draft.joined_on).days)))


def _personal_lines(
    draw: Draw, draft: Draft, plans: dict[str, PlanDraft], numbers: Numbers, today: date
) -> list[LineDraft]:
    found = [_line(draw, draft, draft.mobile, plans[f"M{draw.by_count(PLAN_STEPS)}"], today)]
    if draft.age >= 18 and draw.chance(SECOND_LINE_SHARE * 0.5):  # of lines, so half of them are a second one
        plan = plans[f"M{draw.by_count(PLAN_STEPS)}"]
        found.append(_line(draw, draft, _second_mobile(numbers), plan, today, since=_later(draw, draft, today)))
    if draft.household and draw.chance(FIXED_INTERNET_SHARE):
        plan = plans[draw.one(tuple(BROADBAND))]
        found.append(_line(draw, draft, numbers.line("KD"), plan, today, since=_later(draw, draft, today)))
    if draft.age >= 55 and draft.household and draw.chance(0.25):
        found.append(_line(draw, draft, _second_landline(numbers), plans["FIX10"], today))
    if draw.chance(DESIGN.VAS_SHARE):
        plan = plans[draw.one(tuple(VAS_FEES))]
        found.append(_line(draw, draft, draft.mobile, plan, today, since=_later(draw, draft, today)))
    return found


def _second_mobile(numbers: Numbers) -> str:
    # The first lines hold 0000; these hold 0001, so that the two generators never meet.
    return numbers.mobile().replace("0000", "0001", 1)


def _second_landline(numbers: Numbers) -> str:
    return numbers.landline().replace("0000", "0001", 1)


def _company_lines(
    draw: Draw, draft: Draft, plans: dict[str, PlanDraft], numbers: Numbers, today: date
) -> list[LineDraft]:
    found = [_line(draw, draft, numbers.line("KD"), plans[draw.one(tuple(COMPANY_BROADBAND))], today)]
    found.append(_line(draw, draft, draft.phone, plans["FIX10"], today))
    if draw.chance(0.4):
        found.append(_line(draw, draft, numbers.line("ZX"), plans[draw.one(tuple(LEASED))], today))
    for person in draft.members[: draw.whole(2, 8)]:
        plan = plans[f"M{draw.one(('59', '88', '128', '158'))}"]
        since = _later(draw, draft, today)
        found.append(_line(draw, draft, _second_mobile(numbers), plan, today, since=since, user=person.name))
    return found


def use_of(draw: Draw, lines: list[LineDraft], today: date) -> list[UseDraft]:
    """The last complete months of every line while it lived."""
    months = month_starts(today, DESIGN.MONTHS_OF_USE)
    return [
        _month(draw, line, month)
        for line in lines
        for month in months
        if months_back(month, -1) > line.activated_on and (line.ended_on is None or line.ended_on >= month)
    ]


def _month(draw: Draw, line: LineDraft, month: date) -> UseDraft:
    swing = draw.by_deciles(MONTH_TO_MEAN)
    minutes = sms = data_mb = roaming = idle = None
    extra = 0.0
    kind = line.plan.line
    if kind in {"MOBILE", "FIXED"}:
        minutes = round(draw.by_deciles(VOICE_MINUTES, line.rank) * swing * (1 if kind == "MOBILE" else 0.3))
        idle = draw.whole(0, 3) if minutes > 60 else draw.whole(5, 24)
    if kind == "MOBILE":
        # Data follows voice loosely: half by the line's own level, half by chance.
        rank = (line.rank + draw.random.random()) / 2
        data_mb = round(draw.by_deciles(DATA_GB, rank) * 1024 * swing)
        sms = round(draw.by_deciles(SMS_A_MONTH) * 0.5)
        roaming = draw.whole(1, 9) if draw.chance(ROAMING_SHARE) else 0
        extra = draw.by_deciles(EXTRA_FEE) if draw.chance(EXTRA_FEE_SHARE) else 0.0
    if kind == "BROADBAND":
        data_mb = round(draw.by_deciles(DATA_GB) * 1024 * 8)
        idle = draw.whole(0, 2)
    revenue = (Decimal(line.plan.fee) + Decimal(extra)).quantize(CENT)
    return UseDraft(line, month, minutes, sms, data_mb, roaming, idle, revenue)
