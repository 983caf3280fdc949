import django.contrib.postgres.indexes
import django.db.models.functions.text
from django.db import migrations, models

from foundation.common.live_indexes import AddIndexLive


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('complaints', '0013_recorded'),
    ]

    operations = [
        AddIndexLive(
            model_name='complaint',
            index=models.Index(condition=models.Q(('source_no', ''), _negated=True), fields=['source_no'], name='complaint_source_no'),
        ),
        AddIndexLive(
            model_name='complaint',
            index=models.Index(django.contrib.postgres.indexes.OpClass(django.db.models.functions.text.Reverse('number'), name='text_pattern_ops'), name='complaint_number_tail'),
        ),
        AddIndexLive(
            model_name='complaint',
            index=models.Index(condition=models.Q(('closed_at__isnull', True)), fields=['topic', 'queue_at', 'id'], name='complaint_topic_due'),
        ),
        AddIndexLive(
            model_name='complaint',
            index=models.Index(condition=models.Q(('closed_at__isnull', True)), fields=['channel', 'queue_at', 'id'], name='complaint_channel_due'),
        ),
        AddIndexLive(
            model_name='complaint',
            index=models.Index(condition=models.Q(('closed_at__isnull', True), models.Q(('grade', 'ORDINARY'), _negated=True)), fields=['grade', 'queue_at', 'id'], name='complaint_grade_due'),
        ),
        AddIndexLive(
            model_name='complaint',
            index=models.Index(condition=models.Q(('closed_at__isnull', True), models.Q(('area', ''), _negated=True)), fields=['area', 'queue_at', 'id'], name='complaint_area_due'),
        ),
        AddIndexLive(
            model_name='complaint',
            index=models.Index(condition=models.Q(('closed_at__isnull', True), models.Q(('brand', ''), _negated=True)), fields=['brand', 'queue_at', 'id'], name='complaint_brand_due'),
        ),
        AddIndexLive(
            model_name='complaint',
            index=models.Index(condition=models.Q(('closed_at__isnull', False)), fields=['unit_no', '-closed_at', '-id'], name='complaint_unit_no_ended'),
        ),
        AddIndexLive(
            model_name='complaint',
            index=models.Index(condition=models.Q(('closed_at__isnull', False)), fields=['owner', '-closed_at', '-id'], name='complaint_owner_ended'),
        ),
        AddIndexLive(
            model_name='complaint',
            index=models.Index(condition=models.Q(('closed_at__isnull', False), ('handler__isnull', False)), fields=['handler', '-closed_at', '-id'], name='complaint_handler_ended'),
        ),
        AddIndexLive(
            model_name='complaint',
            index=models.Index(condition=models.Q(('closed_at__isnull', False), models.Q(('state', 'CLOSED'), _negated=True)), fields=['state', '-closed_at', '-id'], name='complaint_state_ended'),
        ),
        AddIndexLive(
            model_name='complaint',
            index=models.Index(condition=models.Q(('closed_at__isnull', False)), fields=['channel', '-closed_at', '-id'], name='complaint_channel_ended'),
        ),
        AddIndexLive(
            model_name='complaint',
            index=models.Index(condition=models.Q(('closed_at__isnull', False), models.Q(('grade', 'ORDINARY'), _negated=True)), fields=['grade', '-closed_at', '-id'], name='complaint_grade_ended'),
        ),
        AddIndexLive(
            model_name='complaint',
            index=models.Index(condition=models.Q(('closed_at__isnull', False), models.Q(('area', ''), _negated=True)), fields=['area', '-closed_at', '-id'], name='complaint_area_ended'),
        ),
        AddIndexLive(
            model_name='complaint',
            index=models.Index(condition=models.Q(('closed_at__isnull', False), models.Q(('brand', ''), _negated=True)), fields=['brand', '-closed_at', '-id'], name='complaint_brand_ended'),
        ),
        AddIndexLive(
            model_name='complaint',
            index=models.Index(condition=models.Q(('closed_at__isnull', True), ('service_late', True)), fields=['queue_at', 'id'], name='complaint_service_late_due'),
        ),
        AddIndexLive(
            model_name='complaint',
            index=models.Index(condition=models.Q(('closed_at__isnull', True), ('statutory_late', True)), fields=['queue_at', 'id'], name='complaint_statutory_late_due'),
        ),
        AddIndexLive(
            model_name='complaint',
            index=models.Index(condition=models.Q(('closed_at__isnull', False), ('service_late', True)), fields=['-closed_at', '-id'], name='complaint_service_late_ended'),
        ),
        AddIndexLive(
            model_name='complaint',
            index=models.Index(condition=models.Q(('closed_at__isnull', False), ('statutory_late', True)), fields=['-closed_at', '-id'], name='complaint_statutory_late_ended'),
        ),
    ]
