from django.contrib.postgres.operations import BtreeGinExtension, BtreeGistExtension, TrigramExtension, UnaccentExtension
from django.db import migrations

from foundation.common.numbers import DIGITS, create_sequences_sql

MAKE_ID = """
CREATE SEQUENCE id_node MINVALUE 0 MAXVALUE 8191 CYCLE;
CREATE SEQUENCE id_low MINVALUE 0 MAXVALUE 2199023255551 CYCLE CACHE 100;
CREATE FUNCTION make_id() RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT ((extract(epoch FROM clock_timestamp()) * 1000)::bigint - 1577836800000) << 22
         | 2097152 | (nextval('id_low') & 2097151)
$$;
CREATE FUNCTION make_id(at timestamptz) RETURNS bigint LANGUAGE sql VOLATILE AS $$
  SELECT ((extract(epoch FROM at) * 1000)::bigint - 1577836800000 + (n >> 21) % 1000) << 22 | 2097152 | (n & 2097151)
  FROM (SELECT nextval('id_low') AS n) AS drawn
$$;
CREATE FUNCTION first_id_at(at timestamptz) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
  SELECT greatest(0, (extract(epoch FROM at) * 1000)::bigint - 1577836800000) << 22
$$;
"""
DROP_ID = """
DROP FUNCTION make_id(); DROP FUNCTION make_id(timestamptz); DROP FUNCTION first_id_at(timestamptz);
DROP SEQUENCE id_node; DROP SEQUENCE id_low;
"""


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        TrigramExtension(),
        BtreeGinExtension(),
        BtreeGistExtension(),
        UnaccentExtension(),
        migrations.RunSQL(MAKE_ID, DROP_ID),
        migrations.RunSQL("".join(create_sequences_sql(prefix) for prefix in DIGITS), migrations.RunSQL.noop),
    ]
