from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations, models

from foundation.common.live_indexes import AddIndexLive


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('complaints', '0018_question_active'),
    ]

    operations = [
        AddIndexLive(
            model_name='complaint',
            index=models.Index(fields=['-received_at', '-id'], include=('unit_no', 'work_unit_no', 'owner', 'handler', 'about_staff', 'state', 'topic'), name='complaint_came'),
        ),
        AddIndexLive(
            model_name='complaint',
            index=models.Index(fields=['id'], include=('unit_no', 'work_unit_no', 'owner', 'handler', 'about_staff', 'state'), name='complaint_sight'),
        ),
        AddIndexLive(
            model_name='complaint',
            index=models.Index(condition=models.Q(('closed_at__isnull', True)), fields=['work_unit_no', 'handler', 'queue_at'], include=('id', 'unit_no', 'owner', 'about_staff', 'work_unit', 'grade', 'received_at'), name='complaint_open_board'),
        ),
        AddIndexLive(
            model_name='complaint',
            index=models.Index(condition=models.Q(('closed_at__isnull', True), ('grade__in', ['MAJOR', 'SKIP_LEVEL'])), fields=['queue_at', 'id'], name='complaint_grave_due'),
        ),
        RemoveIndexConcurrently(
            model_name='complaint',
            name='complaint_received',
        ),
    ]
