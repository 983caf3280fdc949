from django.db import migrations


class Migration(migrations.Migration):
    """The old version asks all channels at once by this index."""

    careline_phase = "contract"
    dependencies = [("outreach", "0005_due_by_channel")]
    operations = [migrations.RemoveIndex("outmessage", "message_due")]
