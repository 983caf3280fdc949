import django.db.models.functions.comparison
import django.db.models.functions.datetime
from django.db import migrations, models

from foundation.common.live_indexes import AddIndexLive


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ('customers', '0003_consent'),
    ]

    operations = [
        AddIndexLive(
            model_name='customer',
            index=models.Index(
                django.db.models.functions.comparison.Cast(
                    models.Case(
                        models.When(birthday_kind='SOLAR', then=models.expressions.CombinedExpression(
                            models.expressions.CombinedExpression(
                                django.db.models.functions.datetime.ExtractMonth('birth_date'), '*', models.Value(100)),
                            '+', django.db.models.functions.datetime.ExtractDay('birth_date'))),
                        models.When(lunar_leap=True, then=models.F('lunar_month') * models.Value(100) + models.F('lunar_day') + models.Value(4000)),
                        default=models.F('lunar_month') * models.Value(100) + models.F('lunar_day') + models.Value(2000),
                        output_field=models.IntegerField(),
                    ),
                    models.IntegerField(),
                ),
                models.F('id'),
                condition=models.Q(('customer_type', 'PERSON')),
                name='customer_birthday',
            ),
        ),
    ]
