import datetime

import django.db.models.functions.comparison
from django.db import migrations, models

from foundation.common.live_indexes import AddIndexLive

# Twenty thousand managed customers at a time, each range a transaction of its own; a second try finds nothing left.
FILL = """
WITH part AS (
  SELECT id, manager_id FROM customers_customer WHERE id > %s AND manager_id IS NOT NULL ORDER BY id LIMIT 20000),
done AS (
  UPDATE customers_facts f SET manager_id = part.manager_id FROM part
  WHERE f.customer_id = part.id AND f.manager_id IS DISTINCT FROM part.manager_id)
SELECT max(id) FROM part
"""


def fill(apps, schema_editor):
    last = 0
    with schema_editor.connection.cursor() as cursor:
        while last is not None:
            cursor.execute(FILL, [last])
            last = cursor.fetchone()[0]


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('customers', '0009_identity_and_relations'),
    ]

    operations = [
        migrations.AddField(
            model_name='customerfacts',
            name='manager_id',
            field=models.IntegerField(null=True),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        AddIndexLive(
            model_name='customerfacts',
            index=models.Index(models.F('manager_id'), django.db.models.functions.comparison.Coalesce('last_contact_at', models.Value(datetime.datetime(1970, 1, 1, 0, 0, tzinfo=datetime.timezone.utc))), models.F('customer'), condition=models.Q(('manager_id__isnull', False)), name='facts_manager_contact'),
        ),
        AddIndexLive(
            model_name='customerfacts',
            index=models.Index(models.F('manager_id'), django.db.models.functions.comparison.Coalesce('contract_end', models.Value(datetime.date(9999, 12, 31))), models.F('customer'), condition=models.Q(('manager_id__isnull', False)), name='facts_manager_contract'),
        ),
        AddIndexLive(
            model_name='findname',
            index=models.Index(condition=models.Q(('manager_id__isnull', False)), fields=['manager_id', 'pinyin', 'customer_id'], name='find_name_book'),
        ),
    ]
