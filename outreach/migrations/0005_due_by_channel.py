from django.db import migrations, models

from foundation.common.live_indexes import AddIndexLive


class Migration(migrations.Migration):
    """What is due is asked channel by channel."""

    atomic = False
    dependencies = [("outreach", "0004_sms_gateway")]
    operations = [
        AddIndexLive(
            "outmessage",
            models.Index(
                fields=["channel", "not_before", "id"],
                name="message_due_channel",
                condition=models.Q(state__in=("queued", "sending")),
            ),
        ),
    ]
