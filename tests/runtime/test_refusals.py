"""What a stranger reads when the start cannot go on: the words, and that nothing was made."""

import errno
import json
import os
import runpy
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from runtime import preflight, words
from runtime.state import open_state
from runtime.words import Trouble

from tests.runtime.conftest import PROJECT, Clone, free_port, stranger_env


def test_a_taken_port_is_named_with_a_free_one(clone: Clone):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        done = clone.run("start", "--port", str(port))
    assert done.returncode == 1
    assert f"Port {port} is taken by another program." in done.stderr
    suggested = int(done.stderr.split("--port ")[1].split()[0])
    assert suggested > port
    assert preflight.port_is_free(suggested)
    assert not (clone.root / ".venv").exists()


@pytest.mark.parametrize("port", ["0", "70000"])
def test_a_number_that_is_no_port_is_refused(clone: Clone, port: str):
    done = clone.run("start", "--port", port)
    assert done.returncode == 1
    assert f"{port} is not a port number." in done.stderr


def test_a_word_we_do_not_know_is_refused_in_one_line(clone: Clone):
    done = clone.run("start", "--prot", "8000")
    assert done.returncode == 2
    assert "--prot" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_words_every_command_is_listed(clone: Clone):
    done = clone.run()
    assert done.returncode == 0
    for name in ("start", "stop", "status", "doctor", "test", "manage", "bench"):
        assert f"\n  {name} " in done.stdout


def old_python(path: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run ./careline under a Python that believes to be 3.9."""
    script = (
        "import runpy, sys; sys.version_info = (3, 9, 2); "
        f"sys.argv = {['careline', *words]!r}; runpy.run_path({str(PROJECT / 'careline')!r}, run_name='__main__')"
    )
    return subprocess.run(
        [sys.executable, "-c", script], env=stranger_env(PATH=path), capture_output=True, text=True, check=False
    )


def test_an_old_python_says_which_one_is_needed(tmp_path: Path):
    done = old_python(str(tmp_path), "start")
    assert done.returncode == 1
    assert "needs Python 3.11 or newer; this is Python 3.9" in done.stderr
    assert "apt-get install -y python3" in done.stderr


def test_an_old_python_hands_over_to_a_newer_one(tmp_path: Path):
    newer = tmp_path / "python3.12"
    newer.write_text('#!/bin/sh\nshift\necho "newer: $*"\n')
    newer.chmod(0o755)
    done = old_python(str(tmp_path), "status", "--json")
    assert (done.returncode, done.stdout) == (0, "newer: status --json\n")


def test_no_venv_module_gives_the_exact_package(clone: Clone, tmp_path: Path):
    (tmp_path / "hide").mkdir()
    (tmp_path / "hide" / "sitecustomize.py").write_text(
        "import sys\n"
        "class Hide:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] == 'ensurepip':\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Hide())\n"
    )
    done = clone.run("start", "--port", str(free_port()), PYTHONPATH=str(tmp_path / "hide"), PATH="/nowhere")
    assert done.returncode == 1
    assert f"apt-get install -y python3.{sys.version_info.minor}-venv" in done.stderr
    assert not (clone.root / ".venv").exists()


def test_an_old_glibc_and_a_linux_without_one_are_refused(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(Trouble, match=r"glibc is 2\.27; 2\.28 or newer"):
        preflight.check_platform("linux", (2, 27))
    preflight.check_platform("linux", (2, 28))
    monkeypatch.setattr(preflight.os, "confstr", lambda name: None)
    with pytest.raises(Trouble, match="no glibc"):
        preflight.check_platform("linux")


def test_too_little_disk_is_refused_before_anything_is_written(tmp_path: Path):
    with pytest.raises(Trouble, match="MB are free below") as no:
        preflight.check_disk(tmp_path / "not" / "made", 2**60, "the database")
    assert "--state DIR" in str(no.value)
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_recognised_in_logs_and_errors(tmp_path: Path):
    log = tmp_path / "postgres.log"
    log.write_text('FATAL:  could not write lock file "postmaster.pid": No space left on device\n')
    assert str(words.failed("postgres ended.", log)).startswith(f"The disk that holds {tmp_path} is full.")
    full = OSError(errno.ENOSPC, "No space left on device", "/there/file")
    assert str(words.from_os_error(full)).startswith("The disk that holds /there/file is full.")


def test_a_failure_shows_the_end_of_its_own_log_only(tmp_path: Path):
    log = tmp_path / "web.log"
    log.write_text("an old failure\n")
    since = log.stat().st_size
    with log.open("a") as f:
        f.write("".join(f"line {n}\n" for n in range(40)))
    shown = str(words.failed("web ended.", log, since))
    assert "line 25\n" in shown
    assert "line 24\n" not in shown
    assert "an old failure" not in shown
    assert str(log) in shown


def test_a_state_of_a_newer_version_is_refused_and_left_alone(clone: Clone, tmp_path: Path):
    root = tmp_path / "state"
    root.mkdir()
    (root / "state.json").write_text(json.dumps({"version": 99}))
    done = clone.run("start", "--state", str(root), "--port", str(free_port()))
    assert done.returncode == 1
    assert "made by a newer Careline (layout 99; this one knows 1)" in done.stderr
    assert [path.name for path in root.iterdir()] == ["state.json"]
    assert json.loads((root / "state.json").read_text()) == {"version": 99}


def test_an_unreadable_state_is_refused_and_left_alone(clone: Clone, tmp_path: Path):
    root = tmp_path / "state"
    root.mkdir()
    (root / "state.json").write_text("{half")
    done = clone.run("start", "--state", str(root), "--port", str(free_port()))
    assert done.returncode == 1
    assert "cannot be read" in done.stderr
    assert (root / "state.json").read_text() == "{half"


def test_the_state_of_another_user_is_refused(tmp_path: Path):
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    if os.geteuid() == 0:
        os.chown(theirs, 65534, 65534)
    else:
        theirs = Path("/usr")  # root's
    with pytest.raises(Trouble, match="belongs to"):
        open_state(theirs)
    assert not (theirs / "state.json").exists()


def test_a_file_in_the_place_of_the_state_is_refused(clone: Clone, tmp_path: Path):
    (tmp_path / "file").write_text("mine")
    done = clone.run("start", "--state", str(tmp_path / "file"), "--port", str(free_port()))
    assert done.returncode == 1
    assert "is not a directory" in done.stderr
    assert (tmp_path / "file").read_text() == "mine"


def test_leaving_the_browser_out_is_refused_in_ci(clone: Clone):
    done = clone.run("test", CI="true", CARELINE_NO_BROWSER="1")
    assert done.returncode == 1
    assert "in CI the browser journeys are never left out" in done.stderr
    assert not (clone.root / ".venv").exists()


def test_stop_and_status_of_what_never_ran(clone: Clone, tmp_path: Path):
    stop = clone.run("stop", "--state", str(tmp_path / "none"))
    assert (stop.returncode, stop.stdout) == (0, "Careline is not running.\n")
    status = clone.run("status", "--json", "--state", str(tmp_path / "none"))
    assert status.returncode == 3
    found = json.loads(status.stdout)
    assert (found["running"], found["phase"], found["services"]) == (False, "stopped", [])
    assert not (tmp_path / "none").exists()


def test_the_entry_needs_nothing_but_the_standard_library():
    loaded = runpy.run_path(str(PROJECT / "careline"))
    assert loaded["FLOOR"] == (3, 11)
    script = (
        f"import sys; sys.path.insert(0, {str(PROJECT / 'bin')!r}); import runtime.commands; "
        "print({m.partition('.')[0] for m in sys.modules} - set(sys.stdlib_module_names) - {'runtime', '__main__'})"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "set()\n", done.stderr
