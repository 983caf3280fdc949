from django.db import migrations, models

from foundation.common.live_indexes import AddIndexLive


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('customers', '0016_erased_key'),
    ]

    operations = [
        AddIndexLive(
            model_name='timelineline',
            index=models.Index(condition=models.Q(('kind', 'contact.logged')), fields=['customer_id', 'id'], name='timeline_contacts'),
        ),
    ]
