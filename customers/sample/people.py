"""Who the sample operator's customers are: households, companies and their people, drawn from figures. No database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta

from customers.lunar import LunarDay, lunar_of
from customers.sample import words_zh as words
from customers.sample.draw import Draw
from customers.sample.figures import (
    AGE_YEARS,
    DEPENDENTS,
    DESIGN,
    GENDER,
    MARRIED_SHARE,
    STARS,
    STUDENT_SHARE,
    TENURE_MONTHS,
)

# Numbers with 0000 behind the prefix: right in form, and plain to see that they are nobody's.
MOBILE_PREFIXES = ("133", "135", "138", "139", "150", "158", "176", "186", "188", "199")
AREA_CODE = "0899"
ID_AREA = "99"  # no province: a document of nobody
ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
USCC_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
YOUNGEST_WITH_NUMBER = 10  # D§5.2
SENIOR = 65
DAYS_A_YEAR = 365.25


@dataclass(eq=False)
class Draft:
    """A customer before it is written."""

    name: str
    is_company: bool
    city: int
    address: tuple[str, str]  # district, street and house
    joined_on: date
    age: int = 0
    gender: str = ""
    birth_date: date | None = None
    lunar: LunarDay | None = None
    short_name: str = ""
    segment: str = "PERSON"
    area_type: str = "URBAN"
    id_number: str = ""
    verified: bool = True
    tier: str = ""
    mobile: str = ""
    phone: str = ""
    email: str = ""
    household: bool = False  # the one who holds the family's lines
    parent: Draft | None = None
    left_on: date | None = None
    staff_of: Draft | None = None
    members: list[Draft] = field(default_factory=list)


class Numbers:
    """Hands out mobile and landline numbers, each once."""

    def __init__(self, draw: Draw) -> None:
        self._taken: set[str] = set()
        self._draw = draw

    def mobile(self) -> str:
        return self._fresh(lambda: f"{self._draw.one(MOBILE_PREFIXES)}0000{self._draw.digits(4)}")

    def landline(self) -> str:
        return self._fresh(lambda: f"{AREA_CODE}0000{self._draw.digits(4)}")

    def line(self, prefix: str) -> str:
        return self._fresh(lambda: f"{prefix}{self._draw.digits(8)}")

    def _fresh(self, make: Callable[[], str]) -> str:
        while (number := make()) in self._taken:
            pass
        self._taken.add(number)
        return number


def surname(draw: Draw) -> str:
    return draw.by_count(words.SURNAMES)


def given_name(draw: Draw, gender: str) -> str:
    """One or two characters; two in seven of ten names."""
    pool = (words.GIVEN_FEMALE if gender == "F" else words.GIVEN_MALE) + words.GIVEN_EITHER
    return "".join(draw.one(pool) for _ in range(2 if draw.chance(0.7) else 1))


def resident_id(draw: Draw, birth: date, gender: str) -> str:
    """An 18-digit ID number with the right check digit and an area that does not exist."""
    order = draw.whole(0, 499) * 2 + (1 if gender == "M" else 0)
    body = f"{ID_AREA}{draw.digits(4)}{birth:%Y%m%d}{order:03d}"
    return body + "10X98765432"[sum(int(c) * w for c, w in zip(body, ID_WEIGHTS, strict=True)) % 11]


def company_id(draw: Draw) -> str:
    """A unified social credit code with the right check character and an area that does not exist."""
    body = f"91{ID_AREA}{draw.digits(4)}MA{''.join(draw.one(USCC_LETTERS) for _ in range(7))}"
    total = sum(USCC_LETTERS.index(c) * w for c, w in zip(body, USCC_WEIGHTS, strict=True))
    return body + USCC_LETTERS[(31 - total % 31) % 31]


def population(draw: Draw, today: date) -> list[Draft]:
    """All customers, companies first, each parent before its members; exactly DESIGN.CUSTOMERS of them."""
    numbers = Numbers(draw)
    companies = _companies(draw, today, numbers)
    people: list[Draft] = []
    wanted = DESIGN.CUSTOMERS - len(companies)
    while len(people) < wanted:
        people += _household(draw, today, numbers)[: wanted - len(people)]
    _employ(draw, companies, people)
    return companies + people


def _companies(draw: Draw, today: date, numbers: Numbers) -> list[Draft]:
    names = [(word + trade, word + short) for word in words.COMPANY_WORDS for trade, short in words.COMPANY_TRADES]
    draw.random.shuffle(names)
    found: list[Draft] = []
    for name, short in names[: DESIGN.COMPANIES]:
        city = draw.whole(0, len(words.CITIES) - 1)
        place = words.CITIES[city][0].removesuffix(words.CITY_SUFFIX)
        found.append(
            Draft(
                name=place + name,
                short_name=short,
                is_company=True,
                city=city,
                segment="ENTERPRISE",
                address=(
                    draw.one(words.CITIES[city][2]),
                    words.OFFICE_ADDRESS.format(
                        street=draw.one(words.STREETS), number=draw.whole(1, 300), floor=draw.whole(2, 28)
                    ),
                ),
                joined_on=_joined(draw, today),
                id_number=company_id(draw),
                tier=draw.one(("SILVER", "GOLD", "GOLD", "PLATINUM", "DIAMOND")),
                phone=numbers.landline(),
                email=f"office{len(found) + 1}@example.com",
            )
        )
    return found


def _joined(draw: Draw, today: date) -> date:
    """The first activation: tenure in months with an even day in the month; never today."""
    days = draw.by_deciles(TENURE_MONTHS) * DAYS_A_YEAR / 12
    return today - timedelta(days=max(1, round(days)))


def _household(draw: Draw, today: date, numbers: Numbers) -> list[Draft]:
    """A head, perhaps a spouse, and the dependents old enough for a number; they share a home."""
    city = draw.whole(0, len(words.CITIES) - 1)
    rural = draw.chance(DESIGN.RURAL_SHARE)
    home = (draw.one(words.CITIES[city][2]), _house(draw, rural=rural))
    head = _person(draw, today, city, home, numbers, age=max(18, round(draw.by_deciles(AGE_YEARS))))
    head.household = True
    family = [head]
    if head.age >= 24 and draw.chance(MARRIED_SHARE):
        spouse_gender = "M" if head.gender == "F" else "F"
        age = max(22, head.age + draw.whole(-5, 4))
        family.append(_person(draw, today, city, home, numbers, age=age, gender=spouse_gender))
    for _ in range(int(draw.by_count(DEPENDENTS))):
        if head.age >= 50 and draw.chance(0.4):
            age = min(95, head.age + draw.whole(22, 32))
        else:
            age = head.age - draw.whole(23, 35)
        if age >= YOUNGEST_WITH_NUMBER:
            named = head.name if head.gender == "M" or len(family) < 2 else family[1].name
            family.append(_person(draw, today, city, home, numbers, age=age, family_name=_family_name(named)))
    for person in family:
        person.area_type = "RURAL" if rural else "URBAN"
        if len(family) > 2 and person.segment == "PERSON":
            person.segment = "FAMILY"
        if person is not head:
            person.parent = head
            head.members.append(person)
    return family


def _family_name(name: str) -> str:
    return name[:2] if name[:2] in words.SURNAMES else name[0]


def _house(draw: Draw, *, rural: bool) -> str:
    if rural:
        return words.HOUSE_IN_VILLAGE.format(village=draw.one(words.VILLAGES), number=draw.whole(1, 180))
    return words.HOUSE_IN_ESTATE.format(
        street=draw.one(words.STREETS),
        number=draw.whole(1, 400),
        estate=draw.one(words.ESTATES),
        block=draw.whole(1, 24),
        floor=draw.whole(1, 30),
        door=draw.whole(1, 4),
    )


def _person(
    draw: Draw,
    today: date,
    city: int,
    home: tuple[str, str],
    numbers: Numbers,
    *,
    age: int,
    gender: str = "",
    family_name: str = "",
) -> Draft:
    gender = gender or draw.by_count(GENDER)
    birth = today - timedelta(days=round(age * DAYS_A_YEAR) + draw.whole(1, 360))
    joined = max(_joined(draw, today), birth + timedelta(days=round(YOUNGEST_WITH_NUMBER * DAYS_A_YEAR)))
    joined = min(joined, today - timedelta(days=1))
    verified = not draw.chance(DESIGN.UNVERIFIED_SHARE)
    person = Draft(
        name=(family_name or surname(draw)) + given_name(draw, gender),
        is_company=False,
        city=city,
        address=home,
        joined_on=joined,
        age=age,
        gender=gender,
        birth_date=None if draw.chance(DESIGN.MISSING_BIRTHDAY_SHARE) else birth,
        id_number=resident_id(draw, birth, gender) if verified else "",
        verified=verified,
        tier=draw.by_count(STARS) if age >= 18 else "",
        mobile=numbers.mobile(),
        segment="SENIOR"
        if age >= SENIOR
        else "STUDENT"
        if 16 <= age <= 23 and draw.chance(STUDENT_SHARE * 8)
        else "PERSON",
    )
    if person.birth_date and age >= 45 and draw.chance(DESIGN.LUNAR_BIRTHDAY_SHARE * 2):
        person.lunar = lunar_of(person.birth_date)
    if draw.chance(DESIGN.EMAIL_SHARE):
        person.email = f"u{person.mobile[:3]}{person.mobile[-4:]}@example.com"
    return person


def _employ(draw: Draw, companies: list[Draft], people: list[Draft]) -> None:
    """Give each company some of the adults of its city."""
    free = {city: [] for city in range(len(words.CITIES))}  # type: dict[int, list[Draft]]
    for person in people:
        if 22 <= person.age <= 60 and person.parent is None:
            free[person.city].append(person)
    for company in companies:
        for _ in range(draw.whole(*DESIGN.COMPANY_STAFF)):
            if free[company.city]:
                person = free[company.city].pop()
                person.staff_of = company
                company.members.append(person)
