from django.contrib.postgres.operations import AddConstraintNotValid, ValidateConstraint
from django.db import migrations, models
from django.db.models import Q

from foundation.common.live_indexes import AddIndexLive


class Migration(migrations.Migration):
    """Messages to people who are no customers. Not atomic: the check of the rows there are holds up no writer."""

    atomic = False

    dependencies = [("outreach", "0006_drop_message_due")]

    operations = [
        migrations.AddField("outmessage", "outsider", models.CharField(max_length=40, null=True)),
        migrations.RemoveConstraint("outmessage", "message_one_recipient"),
        AddConstraintNotValid(
            "outmessage",
            models.CheckConstraint(
                condition=Q(customer__isnull=True, staff__isnull=False, outsider__isnull=True)
                | Q(customer__isnull=False, staff__isnull=True, outsider__isnull=True)
                | Q(customer__isnull=True, staff__isnull=True, outsider__isnull=False),
                name="message_one_addressee",
            ),
        ),
        ValidateConstraint("outmessage", "message_one_addressee"),
        AddIndexLive(
            "outmessage",
            models.Index(
                fields=["outsider", "-id"], name="message_outsider", condition=Q(outsider__isnull=False)
            ),
        ),
    ]
