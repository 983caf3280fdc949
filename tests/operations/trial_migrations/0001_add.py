from django.db import migrations


class Migration(migrations.Migration):
    operations = [migrations.RunSQL("CREATE TABLE trial_thing (id int, old text)", "DROP TABLE trial_thing")]
