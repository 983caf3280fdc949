"""Keeping the find rows equal to the archive: one function for single customers, one set-based twin for imports.

Both must give equal rows; a property test holds them together. What is found: name and short name, pinyin, last four
of the ID, current phones and e-mail addresses, lines, the number in the operator's other system, our own number.
A line that ended is found too (complaints stay open 24 months, D§26), unless its number lives again with another
customer: whose history it was must not show then. Our number and the foreign one of an archive that was merged into
another find that one.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from customers.finding.forms import code_value, folded, grams
from customers.finding.pinyin import letters_of
from customers.models import ContactPoint, Customer, FindName, FindNumber, NameGram, Subscription

LONGEST_TAIL = 64
_PHONES = (ContactPoint.Kind.MOBILE, ContactPoint.Kind.PHONE)
_LIVES_ELSEWHERE = """EXISTS (SELECT 1 FROM customers_subscription live WHERE live.service_no = {line}.service_no
    AND live.terminated_on IS NULL AND live.customer_id <> {line}.customer_id)"""


# The facts repeat the manager, for the orders of a manager's list.
_FACTS = """UPDATE customers_facts f SET manager_id = c.manager_id
  FROM {source} JOIN customers_customer c ON c.id = n.customer_id
  WHERE f.customer_id = n.customer_id AND f.manager_id IS DISTINCT FROM c.manager_id"""


def name_forms(name: str, short_name: str, customer_type: str) -> tuple[str, str, str, str, str, str]:
    """Folded name and folded short name, pinyin and initials of the name, those of the short name."""
    plain, short = folded(name), folded(short_name)
    of_name = letters_of(plain, is_person=customer_type == Customer.Type.PERSON)
    return plain, short, *of_name, *short_letters(short)


def short_letters(short_name: str) -> tuple[str, str]:
    """Pinyin and initials of a folded short name, empty without one."""
    return letters_of(short_name, is_person=False) if short_name else ("", "")


def rebuild_find_rows(customer_ids: Iterable[int]) -> None:
    """Make the find rows of these customers say what the archive says, in the caller's transaction.

    Customers that are gone, or merged into another, lose their rows.
    """
    ids = list(customer_ids)
    FindName.objects.filter(customer_id__in=ids).delete()
    FindNumber.objects.filter(customer_id__in=ids).delete()
    NameGram.objects.filter(customer_id__in=ids).delete()
    rows = list(Customer.objects.filter(pk__in=ids, merged_into=None))
    places = {row.pk: {"unit_no": row.unit_no, "manager_id": row.manager_id} for row in rows}
    names, pieces = [], []
    for row in rows:
        forms = name_forms(row.name, row.short_name, row.customer_type)
        name, short_name, pinyin, initials, short_pinyin, short_initials = forms
        found = FindName(
            customer_id=row.pk,
            name=name[:200],
            short_name=short_name[:80],
            pinyin=pinyin,
            initials=initials,
            short_pinyin=short_pinyin,
            short_initials=short_initials,
            id_last4=row.id_last4,
            **places[row.pk],
        )
        names.append(found)
        pieces += [
            NameGram(gram=piece, customer_id=row.pk, **places[row.pk]) for piece in grams(found.name, found.short_name)
        ]
    FindName.objects.bulk_create(names, batch_size=2_000)
    NameGram.objects.bulk_create(pieces, batch_size=5_000)
    FindNumber.objects.bulk_create(_numbers(rows, places), batch_size=5_000)
    with connection.cursor() as cursor:
        cursor.execute(_FACTS.format(source="unnest(%s::bigint[]) AS n(customer_id)"), [ids])


def _numbers(rows: Sequence[Customer], places: dict[int, dict[str, Any]]) -> list[FindNumber]:
    kinds = FindNumber.Kind
    lines = Subscription.objects.filter(customer_id__in=places)
    found: dict[tuple[int, str, str], None] = {}
    for row in rows:
        found[row.pk, kinds.CUSTOMER, row.number] = None
        if row.source_no:
            found[row.pk, kinds.EXTERNAL, code_value(row.source_no)] = None
    for into, number, source_no in Customer.objects.filter(merged_into__in=places).values_list(
        "merged_into_id", "number", "source_no"
    ):
        found[into, kinds.CUSTOMER, number] = None
        if source_no:
            found[into, kinds.EXTERNAL, code_value(source_no)] = None
    again = Subscription.objects.filter(
        service_no__in=lines.filter(terminated_on__isnull=False).values("service_no"), terminated_on__isnull=True
    )
    owners: dict[str, set[int]] = {}
    for number, owner in again.values_list("service_no", "customer_id"):
        owners.setdefault(number, set()).add(owner)
    for customer_id, number, ended in lines.values_list("customer_id", "service_no", "terminated_on"):
        if ended is None or not owners.get(number, set()) - {customer_id}:
            found[customer_id, kinds.LINE, code_value(number)] = None
    points = ContactPoint.objects.filter(customer_id__in=places, valid_to__isnull=True)
    for customer_id, kind, value in points.values_list("customer_id", "kind", "value"):
        if kind == ContactPoint.Kind.EMAIL:
            found[customer_id, kinds.EMAIL, value] = None
        elif kind in _PHONES and (customer_id, kinds.LINE, value) not in found:
            found[customer_id, kinds.PHONE, value] = None
    return [
        FindNumber(
            customer_id=customer_id,
            kind=kind,
            value=value,
            tail=value[::-1][:LONGEST_TAIL] if kind in {kinds.PHONE, kinds.LINE} else "",
            **places[customer_id],
        )
        for customer_id, kind, value in found
    ]


@transaction.atomic
def find_rows_sql(customer_ids_sql: str, params: Sequence[Any] = ()) -> int:
    """The set-based twin of `rebuild_find_rows` for the customers a SELECT gives; returns their number.

    The SELECT has one column of customer ids and is SQL of ours. Names become letters in Python, everything else
    stays in the database. Call it for chunks of 5 to 20 thousand.
    """
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS find_new")
        cursor.execute(
            """CREATE TEMP TABLE find_new (customer_id bigint PRIMARY KEY, name text COLLATE "C",
               short_name text COLLATE "C", pinyin text COLLATE "C", initials text COLLATE "C",
               short_pinyin text COLLATE "C", short_initials text COLLATE "C") ON COMMIT DROP"""
        )
        cursor.execute(
            "SELECT c.id, c.name, c.short_name, c.customer_type FROM customers_customer c"
            f" WHERE c.merged_into_id IS NULL AND c.id IN ({customer_ids_sql})",
            params,
        )
        text = io.StringIO()
        writer = csv.writer(text)
        total = 0
        for customer_id, name, short_name, customer_type in cursor.fetchall():
            plain, short, *letters = name_forms(name, short_name, customer_type)
            writer.writerow([customer_id, plain[:200], short[:80], *letters])
            total += 1
        text.seek(0)
        # In CSV an empty unquoted cell is NULL; these columns are never NULL.
        cursor.copy_expert("COPY find_new FROM STDIN WITH (FORMAT csv, NULL '\\N')", text)
        cursor.execute("ANALYZE find_new")
        _write_names(cursor)
        _write_grams(cursor)
        _write_numbers(cursor)
        cursor.execute(_FACTS.format(source="find_new n"))
    return total


def _write_names(cursor: Any) -> None:
    cursor.execute(
        """INSERT INTO customer_find_name AS old
             (customer_id, unit_no, manager_id, name, short_name, pinyin, initials, short_pinyin, short_initials,
              id_last4)
           SELECT n.customer_id, c.unit_no, c.manager_id, n.name, n.short_name, n.pinyin, n.initials, n.short_pinyin,
             n.short_initials, c.id_last4
           FROM find_new n JOIN customers_customer c ON c.id = n.customer_id
           ON CONFLICT (customer_id) DO UPDATE
             SET (unit_no, manager_id, name, short_name, pinyin, initials, short_pinyin, short_initials, id_last4)
             = (excluded.unit_no, excluded.manager_id, excluded.name, excluded.short_name, excluded.pinyin,
                excluded.initials, excluded.short_pinyin, excluded.short_initials, excluded.id_last4)
           WHERE (old.unit_no, old.manager_id, old.name, old.short_name, old.pinyin, old.initials, old.short_pinyin,
                  old.short_initials, old.id_last4)
             IS DISTINCT FROM (excluded.unit_no, excluded.manager_id, excluded.name, excluded.short_name,
                excluded.pinyin, excluded.initials, excluded.short_pinyin, excluded.short_initials,
                excluded.id_last4)"""
    )


def _write_grams(cursor: Any) -> None:
    cursor.execute(
        """CREATE TEMP TABLE find_new_gram ON COMMIT DROP AS
           SELECT DISTINCT n.customer_id, c.unit_no, c.manager_id, p.gram COLLATE "C" AS gram
           FROM find_new n JOIN customers_customer c ON c.id = n.customer_id
           CROSS JOIN LATERAL (
             SELECT substr(n.name, at, 2) AS gram FROM generate_series(1, length(n.name) - 1) AS at
             UNION SELECT substr(n.short_name, at, 2) FROM generate_series(1, length(n.short_name) - 1) AS at) p
           WHERE position(' ' IN p.gram) = 0"""
    )
    cursor.execute(
        """DELETE FROM customer_name_gram g USING find_new n WHERE g.customer_id = n.customer_id
           AND NOT EXISTS (SELECT 1 FROM find_new_gram f WHERE f.customer_id = g.customer_id AND f.gram = g.gram)"""
    )
    cursor.execute(
        """INSERT INTO customer_name_gram AS old (gram, customer_id, unit_no, manager_id)
           SELECT gram, customer_id, unit_no, manager_id FROM find_new_gram
           ON CONFLICT (gram, customer_id) DO UPDATE SET unit_no = excluded.unit_no, manager_id = excluded.manager_id
           WHERE (old.unit_no, old.manager_id) IS DISTINCT FROM (excluded.unit_no, excluded.manager_id)"""
    )
    cursor.execute("DROP TABLE find_new_gram")


_CODE = (
    "translate(regexp_replace({0}, '[ \\t\\n\\r\\f\\v]+', '', 'g'),"
    " 'abcdefghijklmnopqrstuvwxyz', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ')"
)


def _write_numbers(cursor: Any) -> None:
    cursor.execute(
        f"""CREATE TEMP TABLE find_new_number ON COMMIT DROP AS
        WITH line AS (
          SELECT DISTINCT s.customer_id, {_CODE.format("s.service_no")} AS value
          FROM customers_subscription s JOIN find_new n USING (customer_id)
          WHERE s.terminated_on IS NULL OR NOT {_LIVES_ELSEWHERE.format(line="s")}),
        number AS (
          SELECT c.id AS customer_id, 'CUSTOMER' AS kind, c.number::text AS value
            FROM customers_customer c JOIN find_new n ON n.customer_id = c.id
          UNION ALL SELECT c.id, 'EXTERNAL', {_CODE.format("c.source_no")}
            FROM customers_customer c JOIN find_new n ON n.customer_id = c.id WHERE c.source_no <> ''
          UNION ALL SELECT m.merged_into_id, 'CUSTOMER', m.number
            FROM customers_customer m JOIN find_new n ON n.customer_id = m.merged_into_id
          UNION SELECT m.merged_into_id, 'EXTERNAL', {_CODE.format("m.source_no")}
            FROM customers_customer m JOIN find_new n ON n.customer_id = m.merged_into_id WHERE m.source_no <> ''
          UNION ALL SELECT customer_id, 'LINE', value FROM line
          UNION ALL SELECT p.customer_id, 'EMAIL', p.value::text
            FROM customers_contactpoint p JOIN find_new n USING (customer_id)
            WHERE p.kind = 'EMAIL' AND p.valid_to IS NULL
          UNION SELECT p.customer_id, 'PHONE', p.value::text
            FROM customers_contactpoint p JOIN find_new n USING (customer_id)
            WHERE p.kind IN ('MOBILE', 'PHONE') AND p.valid_to IS NULL
              AND NOT EXISTS (SELECT 1 FROM line l WHERE l.customer_id = p.customer_id AND l.value = p.value))
        SELECT x.customer_id, x.kind, x.value COLLATE "C" AS value,
               CASE WHEN x.kind IN ('PHONE', 'LINE') THEN left(reverse(x.value), {LONGEST_TAIL}) ELSE '' END AS tail,
               c.unit_no, c.manager_id
        FROM number x JOIN customers_customer c ON c.id = x.customer_id"""
    )
    cursor.execute(
        """DELETE FROM customer_find_number o USING find_new n WHERE o.customer_id = n.customer_id
           AND NOT EXISTS (SELECT 1 FROM find_new_number f
             WHERE f.customer_id = o.customer_id AND f.kind = o.kind AND f.value = o.value)"""
    )
    cursor.execute(
        """INSERT INTO customer_find_number AS old (customer_id, kind, value, tail, unit_no, manager_id)
           SELECT customer_id, kind, value, tail, unit_no, manager_id FROM find_new_number
           ON CONFLICT (customer_id, kind, value) DO UPDATE
             SET unit_no = excluded.unit_no, manager_id = excluded.manager_id
           WHERE (old.unit_no, old.manager_id) IS DISTINCT FROM (excluded.unit_no, excluded.manager_id)"""
    )
    cursor.execute("DROP TABLE find_new_number")
    # A number that lives again with one of these customers no longer leads to its former owner.
    cursor.execute(
        f"""CREATE TEMP TABLE find_living ON COMMIT DROP AS
            SELECT s.customer_id, s.service_no, {_CODE.format("s.service_no")} COLLATE "C" AS value
            FROM customers_subscription s JOIN find_new n USING (customer_id)
            WHERE s.terminated_on IS NULL"""
    )
    # In a transaction that has just filled both tables their statistics say "empty": the join would be a nested loop.
    cursor.execute("ANALYZE find_living, customer_find_number")
    cursor.execute(
        """DELETE FROM customer_find_number o USING find_living s
           WHERE o.kind = 'LINE' AND o.value = s.value AND o.customer_id <> s.customer_id
             AND NOT EXISTS (SELECT 1 FROM customers_subscription l WHERE l.customer_id = o.customer_id
               AND l.service_no = s.service_no AND l.terminated_on IS NULL)"""
    )
    cursor.execute("DROP TABLE find_living")


def former_owners(customer_ids: Iterable[int]) -> list[int]:
    """Others who had a number that lives with these customers now: their find rows must be rebuilt as well."""
    numbers = Subscription.objects.filter(customer_id__in=list(customer_ids), terminated_on__isnull=True)
    return list(
        Subscription.objects.filter(
            ~Q(customer_id__in=list(customer_ids)),
            service_no__in=numbers.values("service_no"),
            terminated_on__isnull=False,
        )
        .values_list("customer_id", flat=True)
        .distinct()
    )
