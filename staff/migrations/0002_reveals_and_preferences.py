
import django.db.models.deletion
import django.db.models.functions.text
import foundation.common.clock
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('staff', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Reveal',
            fields=[
                ('id', models.AutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('customer_id', models.BigIntegerField()),
                ('field', models.CharField(max_length=24)),
                ('reason', models.CharField(max_length=200)),
                ('at', models.DateTimeField(default=foundation.common.clock.now)),
                ('until', models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name='absence',
            name='transferred_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='unitformerno',
            name='since',
            field=models.DateTimeField(default=foundation.common.clock.now),
        ),
        migrations.AddField(
            model_name='user',
            name='density',
            field=models.CharField(default='normal', max_length=8),
        ),
        migrations.AddField(
            model_name='user',
            name='must_change_password',
            field=models.BooleanField(default=False),
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.UniqueConstraint(django.db.models.functions.text.Lower('username'), name='username_once_without_case'),
        ),
        migrations.AddField(
            model_name='reveal',
            name='user',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddIndex(
            model_name='reveal',
            index=models.Index(fields=['user', 'customer_id', 'until'], name='reveal_open'),
        ),
        migrations.AddIndex(
            model_name='reveal',
            index=models.Index(fields=['user', 'at'], name='reveal_rate'),
        ),
        migrations.AddIndex(
            model_name='reveal',
            index=models.Index(fields=['customer_id', '-at'], name='reveal_customer'),
        ),
    ]
