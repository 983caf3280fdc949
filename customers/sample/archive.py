"""The sample archive written in bulk: customers with everything below them, find rows, facts and timeline lines."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from customers.copying import copy_rows, ids_at
from customers.models import (
    Address,
    ContactPoint,
    Customer,
    CustomerFacts,
    Plan,
    Subscription,
    TimelineLine,
    UsageMonth,
)
from customers.quality import refresh_all
from customers.sample import words_zh as words
from customers.sample.answers import write_answers
from customers.sample.draw import Draw
from customers.sample.figures import DESIGN
from customers.sample.lines import LineDraft, PlanDraft, catalogue, lines_of, use_of
from customers.sample.organisation import Organisation
from customers.sample.people import Draft, population
from customers.sample.profiles import preferences, write_profiles
from customers.sample.ties import write_checks, write_ties
from foundation.common import clock, crypto
from staff.models import OrgUnit, User

MANAGED_TIERS = {"GOLD", "PLATINUM", "DIAMOND"}
LAST_MONTHS = 3


@dataclass(frozen=True)
class Kept:
    """A written customer, as the history above needs it."""

    customer_id: int
    draft: Draft
    unit: OrgUnit
    manager: User | None


def write_archive(draw: Draw, organisation: Organisation) -> list[Kept]:
    """Generate and write all sample customers; call inside a transaction. Parents come before their members."""
    today = clock.today()
    drafts = population(draw, today)
    plans = catalogue()
    lines = lines_of(draw, drafts, plans, today)
    places = _places(draw, drafts, organisation)
    moments = [_office_moment(draw, draft.joined_on) for draft in drafts]
    ids = dict(zip(drafts, ids_at(moments), strict=True))
    _write_customers(drafts, moments, ids, places)
    _write_contacts(drafts, ids)
    write_profiles(drafts, ids, places, today)
    write_checks(drafts, ids)
    write_answers(drafts, ids, today)
    line_ids = _write_lines(draw, lines, plans, ids)
    revenue = _write_use(draw, lines, line_ids, ids, today)
    _write_facts(drafts, lines, ids, revenue)
    _write_timeline(drafts, moments, lines, line_ids, ids, places)
    write_ties(drafts, lines, ids, line_ids)
    for _looked_at, _changed in refresh_all():
        pass
    return [Kept(ids[draft], draft, *places[draft]) for draft in drafts]


def _office_moment(draw: Draw, day: date) -> datetime:
    at = time(draw.whole(9, 17), draw.whole(0, 59), draw.whole(0, 59))
    return datetime.combine(day, at, tzinfo=clock.BUSINESS_ZONE)


def _places(draw: Draw, drafts: list[Draft], organisation: Organisation) -> dict[Draft, tuple[OrgUnit, User | None]]:
    """The unit and the account manager of everybody: companies and their people with the accounts department."""
    found: dict[Draft, tuple[OrgUnit, User | None]] = {}
    for draft in drafts:
        branch = organisation.branches[draft.city]
        employer = draft if draft.is_company else draft.staff_of
        if employer is not None:
            if employer not in found:
                found[employer] = (branch.accounts, draw.one(branch.managers))
            found[draft] = found[employer]
        elif draft.parent is not None and draft.parent.staff_of is None:
            found[draft] = found[draft.parent]
        else:
            online = draw.chance(DESIGN.ONLINE_SHARE)
            unit = organisation.call_centre if online else draw.one(branch.halls)
            found[draft] = (unit, draw.one(branch.managers) if draft.tier in MANAGED_TIERS else None)
    return found


def _write_customers(
    drafts: list[Draft],
    moments: list[datetime],
    ids: dict[Draft, int],
    places: dict[Draft, tuple[OrgUnit, User | None]],
) -> None:
    of_day: Counter[date] = Counter()
    liked = preferences(drafts)
    rows = []
    for draft, joined_at in zip(drafts, moments, strict=True):
        key, (unit, manager) = ids[draft], places[draft]
        above = draft.staff_of or draft.parent
        of_day[draft.joined_on] += 1
        rows.append(
            {
                "id": key,
                "number": f"CU{draft.joined_on:%Y%m%d}{of_day[draft.joined_on]:06d}",
                "source": "",
                "source_no": "",
                "customer_type": "ENTERPRISE" if draft.is_company else "PERSON",
                "segment": draft.segment,
                "name": draft.name,
                "short_name": draft.short_name,
                "status": "FORMER" if draft.left_on else "ACTIVE",
                "gender": draft.gender,
                "birthday_kind": "LUNAR" if draft.lunar else "SOLAR",
                "birth_date": draft.birth_date,
                "lunar_month": draft.lunar.month if draft.lunar else None,
                "lunar_day": draft.lunar.day if draft.lunar else None,
                "lunar_leap": draft.lunar.leap if draft.lunar else False,
                "id_type": ("LICENCE" if draft.is_company else "ID_CARD") if draft.id_number else "",
                "id_sealed": crypto.encrypt(draft.id_number, row_id=key) if draft.id_number else None,
                "id_hash": crypto.blind_index(draft.id_number) if draft.id_number else None,
                "id_last4": draft.id_number[-4:],
                "identity_status": "VERIFIED" if draft.verified else "UNVERIFIED",
                "home_city": words.CITIES[draft.city][0],
                "area_type": draft.area_type,
                "language": "zh-hans",
                "channel_preference": liked.get(draft, ""),
                "manager_id": manager.pk if manager else None,
                "parent_id": ids[above] if above else None,
                "unit_id": unit.pk,
                "unit_no": unit.no,
                "quality_marks": [] if draft.is_company or draft.birth_date else ["BIRTHDAY_MISSING"],
                "is_sample": True,
                "version": 1,
                "created_at": joined_at,
                "created_by_id": None,
                "updated_at": joined_at,
            }
        )
    copy_rows(Customer, list(rows[0]), (list(row.values()) for row in rows))


def _write_contacts(drafts: list[Draft], ids: dict[Draft, int]) -> None:
    points, addresses = [], []
    for draft in drafts:
        verified = datetime.combine(draft.joined_on, time(18), tzinfo=clock.BUSINESS_ZONE) if draft.verified else None
        for kind, value, label in (
            ("MOBILE", draft.mobile, words.LABEL_MOBILE),
            ("PHONE", draft.phone, words.LABEL_OFFICE),
            ("EMAIL", draft.email, ""),
        ):
            if value:
                points.append(
                    ContactPoint(
                        customer_id=ids[draft],
                        kind=kind,
                        value=value,
                        label=label,
                        verified_at=verified,
                        is_primary=True,
                        valid_from=draft.joined_on,
                    )
                )
        addresses.append(
            Address(
                customer_id=ids[draft],
                kind="OFFICE" if draft.is_company else "HOME",
                province=words.PROVINCE,
                city=words.CITIES[draft.city][0],
                district=draft.address[0],
                street=draft.address[1],
            )
        )
    ContactPoint.objects.bulk_create(points, batch_size=2_000)
    Address.objects.bulk_create(addresses, batch_size=2_000)


def _write_lines(
    draw: Draw, lines: list[LineDraft], plans: dict[str, PlanDraft], ids: dict[Draft, int]
) -> dict[LineDraft, int]:
    stored = {
        plan.code: plan
        for plan in Plan.objects.bulk_create(
            Plan(
                code=plan.code,
                name=plan.name,
                product_line=plan.line,
                monthly_fee=plan.fee,
                voice_minutes=plan.minutes,
                data_mb=plan.data_mb,
                on_sale_from=clock.today() - timedelta(days=2_500),
            )
            for plan in plans.values()
        )
    }
    line_ids = dict(zip(lines, ids_at([_office_moment(draw, line.activated_on) for line in lines]), strict=True))
    copy_rows(
        Subscription,
        (
            "id", "customer_id", "service_no", "product_line", "plan_id", "status", "activated_on", "terminated_on",
            "contract_end", "user_name", "monthly_fee", "version",
        ),
        (
            (
                line_ids[line], ids[line.owner], line.number, line.plan.line, stored[line.plan.code].pk, line.status,
                line.activated_on, line.ended_on, line.contract_end, line.user_name, line.plan.fee, 1,
            )
            for line in lines
        ),
    )  # fmt: skip
    return line_ids


def _write_use(
    draw: Draw, lines: list[LineDraft], line_ids: dict[LineDraft, int], ids: dict[Draft, int], today: date
) -> dict[Draft, Decimal]:
    """Write the usage months; returns each customer's revenue of the last three complete months."""
    months = use_of(draw, lines, today)
    last = sorted({use.month for use in months})[-LAST_MONTHS:]
    revenue: dict[Draft, Decimal] = defaultdict(Decimal)
    for use in months:
        if use.month in last:
            revenue[use.line.owner] += use.revenue
    copy_rows(
        UsageMonth,
        (
            "subscription_id", "month", "customer_id", "voice_minutes", "sms", "data_mb", "roaming_days",
            "zero_usage_days", "net_revenue",
        ),
        (
            (
                line_ids[use.line], use.month, ids[use.line.owner], use.minutes, use.sms, use.data_mb,
                use.roaming_days, use.idle_days, use.revenue,
            )
            for use in months
        ),
    )  # fmt: skip
    return revenue


def _write_facts(
    drafts: list[Draft], lines: list[LineDraft], ids: dict[Draft, int], revenue: dict[Draft, Decimal]
) -> None:
    ends: dict[Draft, date] = {}
    for line in lines:
        if line.contract_end:
            ends[line.owner] = min(line.contract_end, ends.get(line.owner, line.contract_end))
    CustomerFacts.objects.bulk_create(
        (
            CustomerFacts(
                customer_id=ids[draft],
                tier=draft.tier,
                contract_end=ends.get(draft),
                mean_revenue=(revenue[draft] / LAST_MONTHS).quantize(Decimal("0.01")) if draft in revenue else None,
            )
            for draft in drafts
        ),
        batch_size=2_000,
    )


def _write_timeline(
    drafts: list[Draft],
    moments: list[datetime],
    lines: list[LineDraft],
    line_ids: dict[LineDraft, int],
    ids: dict[Draft, int],
    places: dict[Draft, tuple[OrgUnit, User | None]],
) -> None:
    joined = dict(zip(drafts, moments, strict=True))
    found: list[tuple[datetime, Draft, str, int | None]] = []
    for draft in drafts:
        found.append((joined[draft], draft, "customer.created", None))
    for line in lines:
        opened = datetime.combine(line.activated_on, time(18), tzinfo=clock.BUSINESS_ZONE)
        found.append((opened, line.owner, "subscription.activated", line_ids[line]))
        if line.ended_on:
            closed = datetime.combine(line.ended_on, time(17), tzinfo=clock.BUSINESS_ZONE)
            found.append((closed, line.owner, "subscription.terminated", line_ids[line]))
    keys = ids_at([entry[0] for entry in found])
    copy_rows(
        TimelineLine,
        ("id", "customer_id", "kind", "ref_id", "params", "actor_id", "unit_id"),
        (
            (key, ids[draft], kind, ref, {}, None, places[draft][0].pk)
            for key, (_at, draft, kind, ref) in zip(keys, found, strict=True)
        ),
    )
