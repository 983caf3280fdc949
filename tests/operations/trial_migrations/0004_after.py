from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("rest", "0003_drop_old")]
    operations = [migrations.RunSQL("ALTER TABLE trial_thing ADD newest text", migrations.RunSQL.noop)]
