"""Short names in letters, and names by their first sign with letters behind it: two more ways to be found."""

from __future__ import annotations

from typing import Any

import django.db.models.functions.text
from django.db import migrations, models

from customers.finding.rows import short_letters
from foundation.common.live_indexes import AddIndexLive

CHUNK = 5_000


def fill(apps: Any, schema_editor: Any) -> None:
    """The letters of the short names that are there. Few have one: found through the index of short names."""
    short_name, after = "", 0
    with schema_editor.connection.cursor() as cursor:
        while True:
            cursor.execute(
                """SELECT short_name, customer_id FROM customer_find_name
                   WHERE short_name <> '' AND (short_name, customer_id) > (%s, %s)
                   ORDER BY short_name, customer_id LIMIT %s""",
                [short_name, after, CHUNK],
            )
            rows = cursor.fetchall()
            if not rows:
                return
            short_name, after = rows[-1]
            letters = [(pk, *short_letters(name)) for name, pk in rows]
            cursor.execute(
                """UPDATE customer_find_name n SET short_pinyin = v.pinyin, short_initials = v.initials
                   FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS v(id, pinyin, initials)
                   WHERE n.customer_id = v.id AND (n.short_pinyin, n.short_initials) <> (v.pinyin, v.initials)""",
                [list(column) for column in zip(*letters, strict=True)],
            )


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ('customers', '0018_request_document'),
    ]

    operations = [
        migrations.AddField(
            model_name='findname',
            name='short_initials',
            field=models.CharField(blank=True, db_collation='C', db_default='', default='', max_length=80),
        ),
        migrations.AddField(
            model_name='findname',
            name='short_pinyin',
            field=models.CharField(blank=True, db_collation='C', db_default='', default='', max_length=400),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop, elidable=True),
        AddIndexLive(
            model_name='findname',
            index=models.Index(django.db.models.functions.text.Concat(django.db.models.functions.text.Left('name', 1), 'pinyin'), models.F('customer_id'), name='find_sign_pinyin'),
        ),
        AddIndexLive(
            model_name='findname',
            index=models.Index(django.db.models.functions.text.Concat(django.db.models.functions.text.Left('name', 1), 'initials'), models.OrderBy(models.F('customer_id'), descending=True), name='find_sign_initials'),
        ),
        AddIndexLive(
            model_name='findname',
            index=models.Index(condition=models.Q(('short_pinyin', ''), _negated=True), fields=['short_pinyin', 'customer_id'], name='find_short_pinyin'),
        ),
        AddIndexLive(
            model_name='findname',
            index=models.Index(condition=models.Q(('short_pinyin', ''), _negated=True), fields=['unit_no', 'short_pinyin', 'customer_id'], name='find_short_pinyin_unit'),
        ),
        AddIndexLive(
            model_name='findname',
            index=models.Index(condition=models.Q(('short_initials', ''), _negated=True), fields=['short_initials', '-customer_id'], name='find_short_initials'),
        ),
        AddIndexLive(
            model_name='findname',
            index=models.Index(condition=models.Q(('short_initials', ''), _negated=True), fields=['short_initials', 'unit_no', '-customer_id'], name='find_short_initials_unit'),
        ),
    ]
