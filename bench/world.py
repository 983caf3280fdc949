"""A generated operator of any size, loaded by COPY: 1.5 lines, 12 usage months and 10 timeline lines a customer.

Three of the lines are answered contacts. One in 200 has an account manager of the branch, one in 50 stands in the
archive twice, one in ten uses the plan up.

Names follow the surname frequencies of the sample operator, so that the commonest name has about as many bearers
as in life. Everything is a function of the customer's index: two processes load halves without talking.
"""

from __future__ import annotations

import bisect
import io
import itertools
import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.db import connection
from pypinyin import Style, lazy_pinyin

from customers.models import Plan
from customers.models.timeline import CONTACT
from customers.sample import words_zh as words
from foundation.common import clock, ids
from foundation.common.partitions import ensure_table
from staff.models import OrgUnit, RoleAssignment, User

BRANCHES, UNITS_A_BRANCH = 10, 199
MONTHS, LINES_A_CUSTOMER, DUTY_EVERY = 12, 10, 10
STAFF, AGENTS = 1_000, 100
MANAGED_EVERY, DOUBLE_EVERY = 200, 50
BATCH = 5_000
SURNAMES = list(words.SURNAMES)
WEIGHTS = list(itertools.accumulate(words.SURNAMES.values()))
GIVEN = sorted(set(words.GIVEN_FEMALE + words.GIVEN_MALE + words.GIVEN_EITHER))
CITY = words.CITIES[0][0]
SECONDS_BACK = 33_000_000  # the timeline reaches a year and a bit back
FIRST_BIRTH, BIRTH_DAYS = date(1941, 3, 1), 24_800
NULL = r"\N"
CONTACTS_A_CUSTOMER, COMPLAINT_EVERY = 3, 10
PLAIN_LINE = "bench.line\t{}"
CONTACT_LINE = CONTACT + '\t{"kind": "%s", "topic": "", "number": "", "result": "RESOLVED", "channel": "HOTLINE"}'
ASKED, COMPLAINED = CONTACT_LINE % "CONSULT", CONTACT_LINE % "COMPLAINT"


def unit_numbers() -> list[int]:
    """Numbers of the halls and departments customers belong to, depth-first."""
    return [1 + b * (UNITS_A_BRANCH + 1) + 2 + u for b in range(BRANCHES) for u in range(UNITS_A_BRANCH - 1)]


def load_customers(low: int, high: int, processes: int, say: Callable[[str], None]) -> None:
    """Load the customers low <= index < high with all that belongs to them; then VACUUM and ANALYZE."""
    bounds = [low + (high - low) * part // processes for part in range(processes + 1)]
    workers = [
        subprocess.Popen([sys.executable, "-m", "bench.load", str(start), str(end)], cwd=settings.BASE_DIR)
        for start, end in itertools.pairwise(bounds)
        if end > start
    ]
    if sum(worker.wait() for worker in workers):
        raise SystemExit("a loading process ended with an error")
    say("rows loaded; VACUUM and ANALYZE")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


def organisation() -> None:
    """Units, five users of different roles, agents, managers, owners of duties, plans, and partitions behind."""
    total = 1 + BRANCHES * (UNITS_A_BRANCH + 1)
    root = OrgUnit.objects.create(code="HQ", name="HQ", function="HEADQUARTERS", no=1, last_no=total)
    units = []
    for b in range(BRANCHES):
        no = 2 + b * (UNITS_A_BRANCH + 1)
        branch = OrgUnit.objects.create(
            code=f"B{b}", name=f"Branch {b}", function="BRANCH", parent=root, no=no, last_no=no + UNITS_A_BRANCH
        )
        units += [
            OrgUnit(
                code=f"B{b}H{u}", name=f"Hall {u}", function="HALL", parent=branch, no=no + 1 + u, last_no=no + 1 + u
            )
            for u in range(UNITS_A_BRANCH)
        ]
    OrgUnit.objects.bulk_create(units)
    hall = OrgUnit.objects.get(code="B0H0")
    for name, role, unit in (
        ("clerk", "HALL_CLERK", hall),
        ("agent", "AGENT", OrgUnit.objects.get(code="B0")),
        ("lead", "TEAM_LEAD", hall),
        ("gm", "GM", root),
        ("sysadmin", "SYS_ADMIN", root),
    ):
        user = User.objects.create_user(name, name=name, staff_no=name, unit=unit)
        RoleAssignment.objects.create(user=user, role=role, unit=unit)
    branch = OrgUnit.objects.get(code="B0")
    desk = User.objects.bulk_create(
        User(username=f"a{n}", name=f"Agent {n}", staff_no=f"A{n}", unit=branch) for n in range(AGENTS)
    )
    RoleAssignment.objects.bulk_create(RoleAssignment(user=user, role="AGENT", unit=branch) for user in desk)
    managers = User.objects.bulk_create(
        User(username=f"m{b}", name=f"Manager {b}", staff_no=f"M{b}", unit=OrgUnit.objects.get(code=f"B{b}"))
        for b in range(BRANCHES)
    )
    RoleAssignment.objects.bulk_create(
        RoleAssignment(user=user, role="ACCOUNT_MANAGER", unit=user.unit) for user in managers
    )
    halls = list(OrgUnit.objects.filter(function="HALL").order_by("no"))
    User.objects.bulk_create(
        User(username=f"s{n}", name=f"Staff {n}", staff_no=f"S{n}", unit=halls[n * len(halls) // STAFF])
        for n in range(STAFF)
    )
    Plan.objects.bulk_create(
        Plan(
            code=f"BENCH{fee}",
            name=f"Plan {fee}",
            product_line="MOBILE",
            monthly_fee=fee,
            voice_minutes=500,
            data_mb=30_720,
        )
        for fee in (29, 59, 99, 129, 199)
    )

    _months_behind()


def _months_behind() -> None:
    """The past year gets partitions of its own, as it would have after a year of service."""
    begin = clock.now() - timedelta(days=400)
    by_month = ("customers_usagemonth", "customers_valuemonth", "customers_relationshipreview")
    for table, column in (("timeline", "id"), *((table, "month") for table in by_month)):
        with connection.cursor() as cursor:
            cursor.execute(f'DROP TABLE IF EXISTS "{table}_early"')
        ensure_table(table, column, months=13, at=begin)


def copy_archive(low: int, high: int) -> None:
    """COPY finished rows of customers without use and timeline: the tables an import writes."""
    rows = _Rows(list(Plan.objects.order_by("pk").values_list("pk", flat=True)))
    for start in range(low, high, BATCH):
        with connection.cursor() as cursor:
            for table, text in rows.batch(start, min(start + BATCH, high)):
                if not table.startswith(("customers_usagemonth", "timeline", "outreach_")):
                    cursor.copy_expert(f"COPY {table} FROM STDIN", io.StringIO(text))


def mobile(i: int) -> str:
    """The mobile number of the customer with this index."""
    return f"13{i % 10}{i // 10 % 10**8:08d}"


def name_of(i: int) -> str:
    """A name as frequent as in life, the same for the same index."""
    chance = random.Random(i)
    family = SURNAMES[_weighted(chance, WEIGHTS)]
    return family + "".join(chance.choices(GIVEN, k=2 if chance.random() < 0.7 else 1))


def load(low: int, high: int) -> None:
    """Load the customers low <= index < high with everything that belongs to them."""
    rows = _Rows(list(Plan.objects.order_by("pk").values_list("pk", flat=True)))
    for start in range(low, high, BATCH):
        with connection.cursor() as cursor:
            for table, text in rows.batch(start, min(start + BATCH, high)):
                cursor.copy_expert(f"COPY {table} FROM STDIN", io.StringIO(text))


class _Rows:
    """COPY text of everything that belongs to a run of customers."""

    def __init__(self, plans: list[int]) -> None:
        self.plans = plans
        self.units = unit_numbers()
        self.syllable = {c: lazy_pinyin(c, style=Style.NORMAL)[0] for c in {*GIVEN, *"".join(SURNAMES)}}
        self.cities = [city for city, _code, _districts in words.CITIES]
        now = clock.now().replace(microsecond=0)
        self.moment, self.now, self.today = now, now.isoformat(), clock.today()
        # Who owes a customer something works in the customer's branch.
        self.owners: dict[int, list[int]] = {}
        for pk, no in User.objects.order_by("pk").values_list("pk", "unit__no"):
            self.owners.setdefault(_branch_of(no), []).append(pk)
        managers = User.objects.filter(role_assignments__role="ACCOUNT_MANAGER").values_list("unit__no", "pk")
        self.managers = {_branch_of(no): str(pk) for no, pk in managers}
        self.base = ids.first_id_at(now - timedelta(seconds=SECONDS_BACK))
        first = self.today.replace(day=1)
        self.months = [_months_back(first, back) for back in range(MONTHS, 0, -1)]
        self.day = f"{self.today:%Y%m%d}"
        self.customer_base = ids.first_id_at(datetime(2021, 1, 1, tzinfo=UTC))

    def batch(self, low: int, high: int) -> Iterator[tuple[str, str]]:
        customer, facts, contact, name_rows, number_rows, grams = [], [], [], [], [], []
        lines, usage, timeline, duties = [], [], [], []
        for i in range(low, high):
            chance = random.Random(i)
            pk = self.customer_base + (i << 22)
            unit = self.units[i * 7919 % len(self.units)]
            who = i - 1 if i % DOUBLE_EVERY == 1 else i
            manager = self.managers[_branch_of(unit)] if i % MANAGED_EVERY == 0 else NULL
            name = name_of(who)
            pinyin = "".join(self.syllable[c] for c in name)
            initials = "".join(self.syllable[c][0] for c in name)
            number = f"CU20210101{i:09d}"
            phone, service = mobile(who), mobile(i)
            birth = FIRST_BIRTH + timedelta(days=who * 7_919 % BIRTH_DAYS)
            last4 = f"{i * 31 % 10_000:04d}"
            city = self.cities[i % len(self.cities)]
            customer.append(
                f"{pk}\t{number}\t\t\tPERSON\tPERSON\t{name}\t\tACTIVE\t\tSOLAR\tf\t{birth}\t\t{last4}"
                f"\tVERIFIED\t{city}\t\tzh-hans\t\t{unit}\t{unit}\t{manager}\t{{}}\tf\t1\t{self.now}\t{self.now}"
            )
            facts.append(f"{pk}\t\t0\t{manager}")
            contact.append(f"{pk + 1}\t{pk}\tMOBILE\t{phone}\t\tt\t2024-01-01\t")
            name_rows.append(f"{pk}\t{unit}\t{manager}\t{name}\t{pinyin}\t{initials}\t{last4}")
            number_rows.append(_find(pk, unit, manager, "PHONE", phone, phone[::-1]))
            number_rows.append(_find(pk, unit, manager, "CUSTOMER", number))
            grams += [f"{name[a : a + 2]}\t{pk}\t{unit}\t{manager}" for a in range(len(name) - 1)]
            services = [(service, "MOBILE")] + ([(f"YHAD{i:09d}", "BROADBAND")] if i % 2 else [])
            for n, (service_no, product) in enumerate(services):
                line = pk + 10 + n
                plan = self.plans[chance.randrange(len(self.plans))]
                lines.append(f"{line}\t{pk}\t{service_no}\t{product}\t{plan}\tACTIVE\t2023-05-01\t\t1")
                number_rows.append(_find(pk, unit, manager, "LINE", service_no, service_no[::-1]))
            if i % DUTY_EVERY == 0:
                near = self.owners[_branch_of(unit)]
                owner = near[i // DUTY_EVERY % len(near)]
                due = self.moment + timedelta(minutes=chance.randrange(-600, 20_000))
                duties.append(
                    f"{pk + 30}\tBENCH{i:012d}\tCALLBACK\t{pk}\tCall back\t{owner}\t{unit}\tf\t\t3"
                    f"\t{due.isoformat()}\tOPEN\t0\t\t\t0\t\t{self.now}"
                )
            used = chance.randrange(500)  # of the 500 minutes of a plan
            usage += [
                f"{pk + 10}\t{month}\t{pk}\t{used + n}\t{n}\t{used * 37}\t0\t0\t{39 + used // 4 + n}.00"
                for n, month in enumerate(self.months)
            ]
            for n in range(LINES_A_CUSTOMER):
                count = i * LINES_A_CUSTOMER + n
                # Two lines share their low 22 bits only with different last digits of the ms: no id twice.
                ms = chance.randrange(SECONDS_BACK) * 1_000 + (count >> 22) % 1_000
                told = PLAIN_LINE if n >= CONTACTS_A_CUSTOMER else ASKED if (i + n) % COMPLAINT_EVERY else COMPLAINED
                timeline.append((self.base + (ms << 22) + (count & 0x3FFFFF), pk, told))
        columns = (
            "customers_customer (id, number, source, source_no, customer_type, segment, name, short_name, status,"
            " gender, birthday_kind, lunar_leap, birth_date, id_type, id_last4, identity_status, home_city, area_type,"
            " language, channel_preference, unit_id, unit_no, manager_id, quality_marks, is_sample, version,"
            " created_at, updated_at)"
        )
        yield columns, _text(customer)
        yield "customers_facts (customer_id, tier, contacts_total, manager_id)", _text(facts)
        yield (
            "customers_contactpoint (id, customer_id, kind, value, label, is_primary, valid_from, do_not_use)",
            _text(contact),
        )
        yield (
            "customer_find_name (customer_id, unit_no, manager_id, name, pinyin, initials, id_last4)",
            _text(name_rows),
        )
        yield "customer_find_number (customer_id, unit_no, manager_id, kind, value, tail)", _text(number_rows)
        yield "customer_name_gram (gram, customer_id, unit_no, manager_id)", _text(sorted(set(grams)))
        yield (
            "customers_subscription (id, customer_id, service_no, product_line, plan_id, status, activated_on,"
            " user_name, version)",
            _text(lines),
        )
        yield (
            "customers_usagemonth (subscription_id, month, customer_id, voice_minutes, sms, data_mb, roaming_days,"
            " zero_usage_days, net_revenue)",
            _text(usage),
        )
        yield (
            "outreach_followup (id, number, kind, customer_id, subject, owner_id, unit_no, pooled, skill, priority,"
            " due_at, state, attempts, last_outcome, result, next_level, source, created_at)",
            _text(duties),
        )
        yield (
            "timeline (id, customer_id, kind, params)",
            _text([f"{row}\t{pk}\t{told}" for row, pk, told in sorted(timeline)]),
        )


def _find(customer: int, unit: int, manager: str, kind: str, value: str, tail: str = "") -> str:
    return f"{customer}\t{unit}\t{manager}\t{kind}\t{value}\t{tail}"


def _text(rows: list[str]) -> str:
    return "".join(f"{row}\n" for row in rows)


def _branch_of(no: int) -> int:
    """Which branch (0, 1, …) a unit's number belongs to; -1 for the headquarters."""
    return (no - 2) // (UNITS_A_BRANCH + 1)


def _weighted(chance: random.Random, cumulative: list[int]) -> int:
    return bisect.bisect_right(cumulative, chance.randrange(cumulative[-1]))


def _months_back(first: date, back: int) -> date:
    months = first.year * 12 + first.month - 1 - back
    return date(months // 12, months % 12 + 1, 1)


def cores() -> int:
    return len(os.sched_getaffinity(0))
