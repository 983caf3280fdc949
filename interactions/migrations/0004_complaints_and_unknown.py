from django.db import migrations, models

from foundation.common.live_indexes import AddIndexLive


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("interactions", "0003_first_ask")]

    operations = [
        AddIndexLive(
            model_name='interaction',
            index=models.Index(condition=models.Q(('customer__isnull', False), ('kind', 'COMPLAINT')), fields=['customer', '-id'], name='contact_complaint'),
        ),
        AddIndexLive(
            model_name='interaction',
            index=models.Index(condition=models.Q(('caller', 'UNKNOWN'), ('customer__isnull', True)), fields=['unit_no', '-id'], name='contact_unknown'),
        ),
    ]
