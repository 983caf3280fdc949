from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('customers', '0019_short_name_letters'),
    ]

    operations = [
        migrations.AddField(
            model_name='valuedraft',
            name='unit_id',
            field=models.IntegerField(null=True),
        ),
        migrations.AddField(
            model_name='valuemonth',
            name='unit_id',
            field=models.IntegerField(null=True),
        ),
    ]
