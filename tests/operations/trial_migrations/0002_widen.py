from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("rest", "0001_add")]
    operations = [migrations.RunSQL("ALTER TABLE trial_thing ADD new text", migrations.RunSQL.noop)]
