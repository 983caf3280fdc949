"""The embedded Valkey: broker in database 0, cache in database 1, on a Unix socket only."""

import socket
from dataclasses import dataclass
from pathlib import Path

from runtime.state import State, socket_dir
from runtime.urls import broker_url, cache_url


@dataclass
class Valkey:
    """One server: its program, where its append-only file and socket are."""

    program: Path
    home: Path
    run_dir: Path
    log: Path
    throwaway: bool = False

    @property
    def sock(self) -> Path:
        return self.run_dir / "valkey.sock"

    @property
    def broker(self) -> str:
        return broker_url(self.sock)

    @property
    def cache(self) -> str:
        return cache_url(self.sock)

    def argv(self) -> list[str]:
        """The server's command line. Nothing is ever evicted: the broker's messages live here."""
        options = {
            "port": "0",
            "unixsocket": str(self.sock),
            "unixsocketperm": "700",
            "dir": str(self.home),
            "appendonly": "no" if self.throwaway else "yes",
            "save": "",
            "maxmemory-policy": "noeviction",
        }
        argv = [str(self.program)]
        for name, value in options.items():
            argv += [f"--{name}", value]
        return argv

    def ready(self) -> bool:
        """Whether it answers, its append-only file read to the end."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as s:
            s.settimeout(1)
            try:
                s.connect(str(self.sock))
                s.sendall(b"*1\r\n$4\r\nPING\r\n")
                return s.recv(16).startswith(b"+PONG")
            except OSError:
                return False


def place(state: State, program: Path, *, throwaway: bool = False) -> Valkey:
    """The Valkey of a state."""
    home = state.root / "valkey"
    home.mkdir(mode=0o700, exist_ok=True)
    return Valkey(program, home, socket_dir(state.root / "run"), state.logs / "valkey.log", throwaway)
