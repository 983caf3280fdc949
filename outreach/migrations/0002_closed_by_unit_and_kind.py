from django.db import migrations, models

from foundation.common.live_indexes import AddIndexLive


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("outreach", "0001_initial")]
    operations = [
        AddIndexLive(
            model_name="followup",
            index=models.Index(
                fields=["unit_no", "-closed_at", "-id"],
                name="followup_unit_closed",
                condition=models.Q(closed_at__isnull=False),
            ),
        ),
        AddIndexLive(
            model_name="followup",
            index=models.Index(
                fields=["kind", "-closed_at", "-id"],
                name="followup_kind_closed",
                condition=models.Q(closed_at__isnull=False),
            ),
        ),
    ]
