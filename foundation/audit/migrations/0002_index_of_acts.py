from django.db import migrations, models

from foundation.common.live_indexes import AddIndexLive


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("audit", "0001_initial")]
    operations = [
        AddIndexLive(
            model_name="auditentry",
            index=models.Index(
                fields=["verb", "-id"], name="audit_entry_verb", opclasses=["varchar_pattern_ops", "int8_ops"]
            ),
        ),
    ]
