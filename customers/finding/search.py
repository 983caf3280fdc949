"""The search box: what a typed text may mean, asked one short index look-up after the other (recipes §5).

A FULL identifier (telephone number, line, account, our number, ID number) finds any customer of the operator; every
other way finds only the user's own scope, with the scope and the LIMIT inside each look-up (D§3.1). Exact and prefix
come first, fragments after.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from customers import visibility
from customers.finding.forms import as_typed, id_forms, number_forms
from customers.finding.looks import FEWEST_DIGITS, Kind, Look, looks_of
from customers.normal import compact
from foundation.common import crypto
from foundation.common.errors import BadSetting, NotAllowed, RuleBroken
from foundation.common.prepared import prepared
from staff.models import User
from staff.rights import Sight, sight_of

FIND_RIGHT, SEE_RIGHT = "customers.find", "customers.view"
LONGEST, SHORTEST_FULL, MOST_OWNERS = 80, 5, 26
_OWNERS_OF_NUMBER = (
    "SELECT customer_id, value, unit_no, manager_id FROM customer_find_number"
    " WHERE value = ANY(%s) AND kind <> 'EMAIL' ORDER BY customer_id DESC LIMIT %s"
)
_OWNERS_OF_ID = (
    "SELECT s.id, c.id_last4, s.unit_no, s.manager_id FROM customers_customer c"
    " JOIN customers_customer s ON s.id = coalesce(c.merged_into_id, c.id)"
    " WHERE c.id_hash = ANY(%s) ORDER BY s.id DESC LIMIT %s"
)
_UNITS_OF = (
    "SELECT customer_id, unit_no, manager_id FROM customer_find_name WHERE customer_id = ANY(%s) ORDER BY customer_id"
)


@dataclass(frozen=True)
class Hit:
    """A customer, how they were found, the stored value that matched; `outside`: beyond the user's sight, to be shown
    as one masked line until a contact is started."""

    customer_id: int
    kind: str
    matched: str
    outside: bool = False


@dataclass(frozen=True)
class Found:
    """One page of hits; `after` asks `search_page` for the next one."""

    hits: list[Hit]
    after: str | None = None


def search(user: User, text: str, limit: int = 26) -> list[Hit]:
    """The first `limit` customers `text` finds for `user`. Refusals as `search_page`."""
    return search_page(user, text, limit).hits


def search_page(user: User, text: str, limit: int = 26, after: str | None = None) -> Found:
    """Customers found by `text`, best first, at most `limit` of them, going on after the mark of an earlier page.

    Raises NotAllowed (search.may_not) without the right to find; RuleBroken (search.empty, search.short,
    search.too_long) for a text that says too little or too much, (page.bad_cursor) for a damaged mark.
    """
    if not user.has_perm(FIND_RIGHT):
        raise NotAllowed("search.may_not", _("You do not look up customers."))
    plain = as_typed(text)
    _check(plain)
    sight, opened = _sight(user)
    if after is None:
        full = _full(plain, sight, opened, limit)
        if full:
            return Found(full)
    stage, mark = _unpack(user, after)
    looks = looks_of(plain)
    hits: dict[int, Hit] = {}
    for place in range(stage, len(looks)):
        look = looks[place]
        wanted = limit - len(hits)
        rows = _run(look, sight, opened, wanted + 1, mark if place == stage else None)
        for customer_id, matched, _key in rows[:wanted]:
            hits.setdefault(customer_id, Hit(customer_id, look.kind, matched))
        if len(rows) > wanted:
            # An overlap of two look-ups leaves the page a little shorter than asked for, never longer.
            last = rows[wanted - 1] if wanted else None
            return Found(list(hits.values()), _pack(user, place, last))
        if len(hits) == limit and place + 1 < len(looks):
            return Found(list(hits.values()), _pack(user, place + 1, None))
    return Found(list(hits.values()))


def only_owner(user: User, text: str) -> int | None:
    """The one customer a full identifier belongs to, when it is one the user sees; None for every other text.

    Raises NotAllowed (search.may_not) without the right to find.
    """
    if not user.has_perm(FIND_RIGHT):
        raise NotAllowed("search.may_not", _("You do not look up customers."))
    plain = as_typed(text)
    if not any(character.isdigit() for character in plain):  # a name: not worth asking what the user sees
        return None
    # As many as a page reads: one customer may own several rows of the same number, and another one too.
    hits = _full(plain, *_sight(user), limit=MOST_OWNERS)
    return hits[0].customer_id if len(hits) == 1 and not hits[0].outside else None


def owners_of(user: User, text: str) -> list[int]:
    """Ids of the customers of the whole operator a full identifier belongs to; [] for every other text.

    Raises NotAllowed (search.may_not) without the right to find; RuleBroken as `search_page`.
    """
    if not user.has_perm(FIND_RIGHT):
        raise NotAllowed("search.may_not", _("You do not look up customers."))
    plain = as_typed(text)
    _check(plain)
    hits = _full(plain, *_sight(user), limit=MOST_OWNERS)
    return list(dict.fromkeys(hit.customer_id for hit in hits))


def _sight(user: User) -> tuple[Sight, tuple[int, ...]]:
    """The user's sight of customers, and those opened besides: outside of it, for the others every look-up sees."""
    sight = sight_of(user, SEE_RIGHT)
    opened = set() if sight.everything else visibility.opened_ids(user)
    if not opened:
        return sight, ()
    with connection.cursor() as cursor:
        cursor.execute(*prepared(_UNITS_OF, [sorted(opened)]))
        places = cursor.fetchall()
    outside = (row for row, unit_no, manager_id in places if not sight.covers(unit_no=unit_no, owner_id=manager_id))
    return sight, tuple(outside)


def _check(plain: str) -> None:
    if not plain:
        raise RuleBroken("search.empty", _("Type a number, a name or a part of one."))
    if len(plain) > LONGEST:
        raise RuleBroken("search.too_long", _("At most %(longest)s characters can be searched.") % {"longest": LONGEST})
    digits = compact(plain)
    if digits.isdecimal() and len(digits) < FEWEST_DIGITS:
        raise RuleBroken("search.short", _("Type at least three digits of a number."))
    if len(plain) < 2:
        raise RuleBroken("search.short", _("One character finds too many: type at least two."))


def _full(plain: str, sight: Sight, opened: tuple[int, ...], limit: int) -> list[Hit]:
    """Customers of the whole operator that own this full identifier."""
    forms = [form for form in number_forms(plain) if len(form) >= SHORTEST_FULL]
    if "@" in plain or not forms or not any(character.isdigit() for character in plain):
        return []
    found: dict[int, Hit] = {}

    def note(rows: list[tuple[Any, ...]], kind: str) -> None:
        for customer_id, value, unit_no, manager_id in rows:
            seen = customer_id in opened or sight.covers(unit_no=unit_no, owner_id=manager_id)
            found.setdefault(customer_id, Hit(customer_id, kind, value, not seen))

    with connection.cursor() as cursor:
        cursor.execute(*prepared(_OWNERS_OF_NUMBER, [forms, limit]))
        note(cursor.fetchall(), Kind.NUMBER)
        cursor.execute(*prepared(_OWNERS_OF_ID, [[crypto.blind_index(form) for form in id_forms(plain)], limit]))
        note(cursor.fetchall(), Kind.ID)
    # The caller's own customers first, then the masked lines of others.
    return sorted(found.values(), key=lambda hit: (hit.outside, -hit.customer_id))[:limit]


ONE, RANGE = "t.unit_no = %s", "t.unit_no BETWEEN %s AND %s"
# Numbers rows may carry in a range: of units, and of units that moved.
_UNITS = (
    "SELECT no FROM staff_orgunit WHERE no BETWEEN %s AND %s"
    " UNION SELECT no FROM staff_unitformerno WHERE no BETWEEN %s AND %s"
)


def _scopes(sight: Sight, opened: tuple[int, ...], key: str) -> list[tuple[str, tuple[Any, ...]]]:
    """The parts of the user's sight, each a condition an index can serve."""
    if sight.everything:
        return [("TRUE", ())]
    parts: list[tuple[str, tuple[Any, ...]]] = [
        (ONE, (low,)) if low == high else (RANGE, (low, high)) for low, high in sight.ranges
    ]
    if sight.owners:
        parts.append(("t.manager_id = ANY(%s)", (sorted(sight.owners),)))
    if opened:
        parts.append((f"t.{key} = ANY(%s)", (list(opened),)))
    return parts


def look_sql(
    look: Look, sight: Sight, opened: tuple[int, ...], limit: int, mark: tuple[Any, ...] | None = None
) -> tuple[str, list[Any]] | None:
    """The statement of one look-up with its parameters: a branch for each part of the sight, LIMIT inside each.

    None when the user sees nothing.
    """
    if sight.everything and look.for_all is not None:
        look = look.for_all
    by_unit = look.by_unit and not sight.everything
    key, by = f"t.{look.key}", look.by if look.by.startswith("(") else f"t.{look.by}"
    newest = f"{key} DESC" if not look.within else f"t.{look.within}, {key} DESC"
    in_unit = f"{by}, {key}" if look.by else newest
    sort_key, tie = (by, key) if look.by else ("NULL::text", f"-{key}")
    if by_unit:
        sort_key = "lpad(t.unit_no::text, 9, '0')" + (f" || {sort_key}" if look.by else "")
    order = f"{sort_key}, {tie}" if by_unit else in_unit
    columns = f"{key} AS customer_id, {look.shown}::text AS matched, {sort_key} AS sort_key"
    last = "" if look.by else "-"  # among equals the smallest number first, or the newest
    branches, params = [], []
    for scope, scope_params in _scopes(sight, opened, look.key):
        where, values = look.where, [*look.params]
        if mark is not None and (look.by or by_unit):
            where += f" AND ({sort_key}, {tie}) > (%s, {last}(%s::bigint))"
            values += [mark[0], mark[1]]
        elif mark is not None:
            where += f" AND {key} < %s"
            values += [mark[1]]
        if by_unit and scope in {ONE, RANGE}:
            branches.append(
                f"(SELECT t.* FROM ({_UNITS}) u CROSS JOIN LATERAL (SELECT {columns} FROM {look.table} t"
                f" WHERE {where} AND t.unit_no = u.no ORDER BY {in_unit} LIMIT %s) t"
                f" ORDER BY u.no, t.sort_key, {last}t.customer_id LIMIT %s)"
            )
            bounds = [scope_params[0], scope_params[-1]]
            params += [*bounds, *bounds, *values, limit, limit]
        else:
            branches.append(
                f"(SELECT {columns} FROM {look.table} t WHERE {where} AND {scope} ORDER BY {order} LIMIT %s)"
            )
            params += [*values, *scope_params, limit]
    if not branches:
        return None
    if len(branches) == 1:
        return branches[0], params
    final = f'sort_key COLLATE "C", {last}customer_id' if look.by or by_unit else "customer_id DESC"
    union = " UNION ".join(branches)
    return f"SELECT * FROM ({union}) AS u ORDER BY {final} LIMIT %s", [*params, limit]


def _run(
    look: Look, sight: Sight, opened: tuple[int, ...], limit: int, mark: tuple[Any, ...] | None
) -> list[tuple[int, str, str | None]]:
    made = look_sql(look, sight, opened, limit, mark)
    if made is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(*made)
        return cursor.fetchall()


def _pack(user: User, place: int, last: tuple[Any, ...] | None) -> str:
    """The mark of a page. A name or a number may stand in it: sealed, and only for this user."""
    values = [place, None if last is None else [last[2], str(last[0])]]
    return base64.urlsafe_b64encode(crypto.encrypt(json.dumps(values), row_id=user.pk)).decode().rstrip("=")


def _unpack(user: User, after: str | None) -> tuple[int, tuple[Any, ...] | None]:
    if after is None:
        return 0, None
    try:
        sealed = base64.urlsafe_b64decode(after + "=" * (-len(after) % 4))
        place, last = json.loads(crypto.decrypt(sealed, row_id=user.pk))
        return int(place), None if last is None else (last[0], int(last[1]))
    except (BadSetting, ValueError, TypeError, IndexError) as error:
        raise RuleBroken("page.bad_cursor", _("This page address is damaged; start from the first page.")) from error
