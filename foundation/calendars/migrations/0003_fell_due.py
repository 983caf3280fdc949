from django.db import migrations, models

from foundation.common.live_indexes import AddIndexLive


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('calendars', '0002_clocks'),
    ]

    operations = [
        AddIndexLive(
            model_name='clock',
            index=models.Index(condition=models.Q(('due_at__isnull', False)), fields=['owner_kind', 'kind', 'due_at'], include=('owner_id', 'state', 'missed_at'), name='clock_fell_due'),
        ),
    ]
