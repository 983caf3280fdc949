from django.db import migrations, models

from foundation.common.live_indexes import AddIndexLive


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('complaints', '0023_times'),
    ]

    operations = [
        AddIndexLive(
            model_name='callback',
            index=models.Index(fields=['due_at'], name='complaint_callback_was_due'),
        ),
        AddIndexLive(
            model_name='callback',
            index=models.Index(condition=models.Q(('done_at__isnull', False)), fields=['done_at', 'id'], name='complaint_callback_done'),
        ),
        AddIndexLive(
            model_name='callback',
            index=models.Index(condition=models.Q(('reached_at__isnull', False)), fields=['reached_at'], name='complaint_callback_reached'),
        ),
        AddIndexLive(
            model_name='complaint',
            index=models.Index(condition=models.Q(('reopened__gt', 0)), fields=['id'], name='complaint_reopened'),
        ),
    ]
