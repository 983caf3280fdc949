import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('complaints', '0022_groups_suggested'),
        ('staff', '0004_shift_edges'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='CaseTime',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('complaint', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='time_used', to='complaints.complaint')),
                ('person', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('unit', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='staff.orgunit')),
                ('minutes', models.PositiveIntegerField()),
                ('working', models.PositiveIntegerField()),
                ('paused', models.PositiveIntegerField()),
                ('times', models.PositiveIntegerField()),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('complaint', 'person', 'unit'), name='complaint_time_once', nulls_distinct=False)],
            },
        ),
    ]
