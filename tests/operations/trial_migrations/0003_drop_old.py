from django.db import migrations


class Migration(migrations.Migration):
    careline_phase = "contract"
    dependencies = [("rest", "0002_widen")]
    operations = [migrations.RunSQL("ALTER TABLE trial_thing DROP old", migrations.RunSQL.noop)]
