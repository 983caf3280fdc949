from django.db import migrations, models

from foundation.common.live_indexes import AddIndexLive


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('complaints', '0010_mail'),
    ]

    operations = [
        AddIndexLive(
            model_name='complaint',
            index=models.Index(condition=models.Q(('answered_at__isnull', False)), fields=['answered_at'], name='complaint_answered'),
        ),
    ]
