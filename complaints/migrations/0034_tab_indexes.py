from django.db import migrations, models

from foundation.common.live_indexes import AddIndexLive

RESTS = models.Q(('closed_at__isnull', True), ('state__in', ['PAUSED', 'CALLBACK']))
# Made beside the unique ones for searches by the beginning of a number, which nobody makes.
UNASKED = {
    'complaints_complaint_number_0bd00cd2_like': 'number',
    'complaints_complaint_key_e0d70831_like': 'key',
}


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('complaints', '0033_rehearsal_carried'),
    ]

    operations = [
        AddIndexLive(
            model_name='complaint',
            index=models.Index(condition=RESTS, fields=['state', 'work_unit_no', 'queue_at', 'id'], name='complaint_rest_work'),
        ),
        AddIndexLive(
            model_name='complaint',
            index=models.Index(condition=RESTS, fields=['state', 'unit_no', 'queue_at', 'id'], name='complaint_rest_unit'),
        ),
        *(
            migrations.RunSQL(
                f'DROP INDEX CONCURRENTLY IF EXISTS {name}',
                f'CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON complaints_complaint ({column} varchar_pattern_ops)',
            )
            for name, column in UNASKED.items()
        ),
    ]
