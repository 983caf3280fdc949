import django.db.models.deletion
from django.db import migrations, models

from foundation.common.live_indexes import AddIndexLive


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("interactions", "0006_words")]

    operations = [
        migrations.AddField(
            model_name="interaction",
            name="place",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="interactions.contactplace",
            ),
        ),
        AddIndexLive(
            model_name="interaction",
            index=models.Index(
                condition=models.Q(("place__isnull", False)), fields=["place", "-id"], name="contact_place"
            ),
        ),
    ]
