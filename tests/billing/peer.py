"""The billing simulator as a process of its own, spoken to over HTTP."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
TOKEN = "control-token-of-the-test"
CLIENT, SECRET = "careline", "secret-of-careline-at-billing"


class Simulator:
    """One simulator with its own data; `restart` keeps them."""

    def __init__(self, folder: Path, careline: str = "", *options: str) -> None:
        self.folder, self.careline, self.options = folder, careline, options
        self.port = 0
        self.start()

    def start(self) -> None:
        argv = [
            sys.executable, str(ROOT / "bin" / "billing-simulator"), "--port", str(self.port), "--data",
            str(self.folder), "--control-token", TOKEN, "--careline", self.careline,
            "--api-client", f"{CLIENT}:{SECRET}", *self.options,
        ]  # fmt: skip
        self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        said = self.process.stdout.readline().split()
        assert said[:1] == ["ready"], said
        self.port = int(said[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(20)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def do(self, verb: str, **told: Any) -> Any:
        answer = httpx.post(f"{self.url}/control/{verb}", json=told, headers=self._as_control(), timeout=60)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def state(self) -> dict[str, Any]:
        answer = httpx.get(f"{self.url}/control/state", headers=self._as_control(), timeout=60)
        return dict(json.loads(answer.text))

    def month_file(self, month: str, form: str) -> bytes:
        asked = {"month": month, "format": form}
        answer = httpx.get(f"{self.url}/control/month-file", params=asked, headers=self._as_control(), timeout=120)
        return answer.content

    def _as_control(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {TOKEN}"}

    def settle(self, work: Any, seconds: float = 60.0) -> dict[str, Any]:
        """Call `work` until it has nothing to do and no event waits here; the state then."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            busy = work()
            state = self.state()
            if not busy and not state["waiting"] and not work():
                return state
            time.sleep(0.02)
        raise AssertionError(f"not settled in {seconds} s: {state['waiting']} events wait")


def as_program(keys: Any) -> tuple[str, ...]:
    """Options that make a simulator tell Careline as this program."""
    return "--client", keys.client.client_id, "--secret", keys.secret
