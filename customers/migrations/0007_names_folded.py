"""Names already in the find rows, in the spelling search compares now: simplified, without dots and brackets."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from customers.finding.forms import folded, grams
from customers.finding.pinyin import letters_of
from customers.finding.variants import variants

CHUNK = 5_000
# What a name may hold that is spelt otherwise now: a variant character, anything but letters, digits and small signs.
OLD_SPELLING = "[^[:alnum:]]|[" + "".join(map(chr, variants())) + "]"


def refold(apps: Any, schema_editor: Any) -> None:
    after = 0
    with schema_editor.connection.cursor() as cursor:
        while True:
            cursor.execute(
                """SELECT n.customer_id, n.name, n.short_name, c.name, c.short_name, c.customer_type
                   FROM customer_find_name n JOIN customers_customer c ON c.id = n.customer_id
                   WHERE n.customer_id > %s AND (n.name ~ %s OR n.short_name ~ %s) ORDER BY n.customer_id LIMIT %s""",
                [after, OLD_SPELLING, OLD_SPELLING, CHUNK],
            )
            rows = cursor.fetchall()
            if not rows:
                return
            after = rows[-1][0]
            _rewrite(cursor, rows)


def _rewrite(cursor: Any, rows: list[tuple[Any, ...]]) -> None:
    changed, pieces = [], []
    for pk, old_name, old_short, name, short_name, kind in rows:
        plain, short = folded(name)[:200], folded(short_name)[:80]
        if (plain, short) == (old_name, old_short):
            continue
        pinyin, initials = letters_of(folded(name), is_person=kind == "PERSON")
        changed.append((pk, plain, short, pinyin, initials))
        pieces += [(pk, piece) for piece in grams(plain, short)]
    if not changed:
        return
    cursor.execute(
        """UPDATE customer_find_name n SET name = v.name, short_name = v.short_name, pinyin = v.pinyin,
             initials = v.initials
           FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[])
             AS v(id, name, short_name, pinyin, initials) WHERE n.customer_id = v.id""",
        [list(column) for column in zip(*changed, strict=True)],
    )
    ids = [row[0] for row in changed]
    cursor.execute("DELETE FROM customer_name_gram WHERE customer_id = ANY(%s)", [ids])
    if pieces:
        cursor.execute(
            """INSERT INTO customer_name_gram (gram, customer_id, unit_no, manager_id)
               SELECT v.gram, n.customer_id, n.unit_no, n.manager_id
               FROM unnest(%s::bigint[], %s::text[]) AS v(id, gram) JOIN customer_find_name n ON n.customer_id = v.id
               ON CONFLICT DO NOTHING""",
            [list(column) for column in zip(*pieces, strict=True)],
        )


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("customers", "0006_contact_time")]

    operations = [migrations.RunPython(refold, migrations.RunPython.noop, elidable=True)]
