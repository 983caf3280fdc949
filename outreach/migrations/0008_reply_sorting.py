from django.db import migrations, models

from foundation.common.live_indexes import AddIndexLive


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('outreach', '0007_outsiders'),
    ]

    operations = [
        migrations.AlterField(
            model_name='smsreply',
            name='state',
            field=models.CharField(choices=[('PIECE', 'Part of a longer one'), ('REFUSAL', 'Refuses offers'), ('TAKEN', 'Somebody sees to it'), ('UNKNOWN', 'From an unknown number'), ('DROPPED', 'Dropped')], max_length=8),
        ),
        AddIndexLive(
            model_name='smsreply',
            index=models.Index(condition=models.Q(('state', 'UNKNOWN')), fields=['id'], name='sms_reply_unknown'),
        ),
    ]
