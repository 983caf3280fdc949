"""What the house asks of any PostgreSQL and any broker: asked of ours, and by `.ci/run` of Debian's too."""

import os

import pytest
from django.core.cache import cache
from django.db import connection

from crm.celery import app

pytestmark = pytest.mark.peers


@pytest.mark.django_db
def test_the_database_is_new_enough_and_ours_only_as_a_plain_role():
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version_num')::int / 10000")
        version = cursor.fetchone()[0]
        cursor.execute("SELECT rolsuper, rolcreaterole FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone() == (False, False)
        cursor.execute("SELECT cardinality(show_trgm('王伟'))")
        assert cursor.fetchone() == (3,)
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)
    assert version == 15 if os.environ.get("CARELINE_PEERS") else version >= 14


def test_the_broker_carries_a_message_and_never_evicts():
    with app.connection_for_write() as broker:
        client = broker.default_channel.client
        kind = client.info("server")
        assert ("valkey_version" not in kind) == bool(os.environ.get("CARELINE_PEERS"))
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        queue = broker.SimpleQueue("runtime-peers")
        queue.put({"word": "王伟"})
        message = queue.get(timeout=5)
        assert message.payload == {"word": "王伟"}
        message.ack()
        queue.queue.delete()
        queue.close()


def test_the_cache_is_another_database_than_the_broker():
    cache.set("runtime-peers", "王伟")
    assert cache.get("runtime-peers") == "王伟"
    with app.connection_for_write() as broker:
        assert not [key for key in broker.default_channel.client.scan_iter() if b"runtime-peers" in key]
    cache.delete("runtime-peers")
