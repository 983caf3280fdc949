from django.db import migrations

from complaints.seed import seed_causes


def seed(apps, schema_editor):
    seed_causes(apps.get_model("complaints", "Cause"))


class Migration(migrations.Migration):
    dependencies = [("complaints", "0006_parts")]

    operations = [migrations.RunPython(seed, migrations.RunPython.noop, elidable=False)]
