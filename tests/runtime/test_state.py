"""The state directory: keys made once, sockets with short paths, one user at a time."""

import base64
import json
import re
import shutil
import stat
from pathlib import Path

import pytest
from environs import Env
from runtime import urls, venv
from runtime.state import KEYS, open_state, socket_dir, stamp_of
from runtime.words import Trouble

from tests.runtime.conftest import PROJECT


def test_keys_are_made_once_and_only_we_may_read_them(tmp_path: Path):
    first = open_state(tmp_path / "s").keys({})
    again = open_state(tmp_path / "s").keys({})
    assert first == again
    assert len(first["CARELINE_SECRET_KEY"]) >= 32
    name, _, text = first["CARELINE_ID_KEYS"].partition(":")
    assert name == "k1"
    for key in (text, first["CARELINE_INDEX_KEY"], first["CARELINE_AUDIT_KEY"]):
        assert len(base64.b64decode(key, validate=True)) == 32
    assert len(set(first.values())) == len(KEYS)
    files = list((tmp_path / "s" / "secrets").iterdir())
    assert len(files) == len(KEYS)
    assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "s" / "secrets").stat().st_mode) == 0o700


def test_two_states_have_different_keys(tmp_path: Path):
    assert not set(open_state(tmp_path / "a").keys({}).values()) & set(open_state(tmp_path / "b").keys({}).values())


def test_a_key_of_the_environment_wins_and_is_not_written_down(tmp_path: Path):
    state = open_state(tmp_path / "s")
    assert state.keys({"CARELINE_DEMO_PASSWORD": "from outside"})["CARELINE_DEMO_PASSWORD"] == "from outside"
    assert not (tmp_path / "s" / "secrets" / "demo_password").exists()


def test_a_lost_key_is_not_replaced(tmp_path: Path):
    open_state(tmp_path / "s").keys({})
    lost = tmp_path / "s" / "secrets" / "id_keys"
    lost.unlink()
    with pytest.raises(Trouble, match="is gone; what was encrypted with it cannot be read"):
        open_state(tmp_path / "s").keys({})
    assert not lost.exists()


def test_only_one_uses_a_state(tmp_path: Path):
    one, other = open_state(tmp_path / "s"), open_state(tmp_path / "s")
    assert not other.in_use()
    assert one.take()
    assert other.in_use()
    assert not other.take()
    one.release()
    assert not other.in_use()
    assert other.take()
    other.release()


def test_a_stamp_changes_with_the_files(tmp_path: Path):
    state = open_state(tmp_path / "s")
    file = tmp_path / "django.po"
    file.write_text("one")
    before = stamp_of([file])
    state.put_stamp("catalogues", before)
    assert state.is_stamped("catalogues", stamp_of([file]))
    file.write_text("two!")
    assert not state.is_stamped("catalogues", stamp_of([file]))


def test_a_short_socket_directory_stays_where_it_is(tmp_path: Path):
    wanted = Path("/tmp") / tmp_path.name / "run"  # noqa: S108  short on purpose
    try:
        assert socket_dir(wanted) == wanted
        assert stat.S_IMODE(wanted.stat().st_mode) == 0o700
    finally:
        shutil.rmtree(wanted.parent)


@pytest.mark.parametrize("name", ["x" * 90, "with blank", "目录"])
def test_a_long_or_odd_socket_path_moves_below_tmp(tmp_path: Path, name: str):
    wanted = tmp_path / name
    made = socket_dir(wanted)
    try:
        assert re.fullmatch("/" + r"tmp/careline-[0-9a-f]{20}", str(made))
        assert stat.S_IMODE(made.stat().st_mode) == 0o700
        assert socket_dir(wanted) == made
        assert socket_dir(tmp_path / (name + "2")) != made
    finally:
        shutil.rmtree(made)
        shutil.rmtree(socket_dir(tmp_path / (name + "2")))


def test_a_socket_directory_laid_by_somebody_else_is_refused(tmp_path: Path):
    wanted = tmp_path / ("x" * 90)
    made = socket_dir(wanted)
    made.rmdir()
    (tmp_path / "trap").mkdir()
    made.symlink_to(tmp_path / "trap")
    try:
        with pytest.raises(Trouble, match="is not ours"):
            socket_dir(wanted)
    finally:
        made.unlink()


def test_addresses_carry_the_socket_percent_encoded():
    url = urls.postgres_url("careline", Path("/srv/a b/目%录"), "careline")
    assert url == "postgres://careline@%2Fsrv%2Fa%20b%2F%E7%9B%AE%25%E5%BD%95/careline"
    sock = Path("/srv/run/valkey.sock")
    assert urls.broker_url(sock) == "redis+socket:///srv/run/valkey.sock?virtual_host=0"
    assert urls.cache_url(sock) == "unix:///srv/run/valkey.sock?db=1"


def test_the_settings_read_the_address_back(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("X_URL", urls.postgres_url("careline", Path("/srv/run-1.2_x"), "careline"))
    parsed = Env().dj_db_url("X_URL")
    assert (parsed["HOST"], parsed["USER"], parsed["NAME"]) == ("/srv/run-1.2_x", "careline", "careline")


def test_the_test_list_holds_every_pin_of_the_run_list():
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^[\w.\[\]-]+==\S+", (PROJECT / name).read_text(), re.M))

    assert len(pins(venv.RUN_LOCK)) > 50
    assert pins(venv.RUN_LOCK) <= pins(venv.TEST_LOCK)


@pytest.mark.parametrize("lock", [venv.RUN_LOCK, venv.TEST_LOCK])
def test_the_lists_name_hashes_and_no_index(lock: str):
    text = (PROJECT / lock).read_text()
    assert "://" not in text
    assert "index-url" not in text
    assert "find-links" not in text
    for entry in re.split(r"\n(?=\w)", text)[1:]:
        assert "--hash=sha256:" in entry


def test_a_changed_list_is_noticed(installed, tmp_path: Path):
    assert venv.is_fresh(venv.RUN_LOCK, installed.root)
    with (installed.root / venv.RUN_LOCK).open("a") as f:
        f.write("# changed\n")
    assert not venv.is_fresh(venv.RUN_LOCK, installed.root)
    (installed.root / ".venv" / venv.STAMP).write_text(json.dumps({"half": 1}))
    assert not venv.is_fresh(venv.TEST_LOCK, installed.root)
