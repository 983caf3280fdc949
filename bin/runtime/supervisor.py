"""Keeps a set of services running: ordered start and stop, restart of what died."""

import contextlib
import os
import select
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from runtime import processes
from runtime.account import Account
from runtime.words import failed, say

QUICK = 10.0  # seconds: a service that dies younger than this failed quickly
GIVE_UP = 5  # quick failures in a row
LOG_LIMIT = 50 * 2**20


class Stopped(Exception):
    """Somebody asked us to end: Ctrl-C, `careline stop`, or the terminal closed."""


@dataclass
class Service:
    """One long-running program and how to treat it."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    needs: tuple[str, ...] = ()
    ready: Callable[[], bool] | None = None  # asked before what needs it starts; None: ready when it runs
    account: Account | None = None
    death_signal: int = signal.SIGTERM  # sent by the kernel when the supervisor itself is killed
    stop_steps: tuple[tuple[int, float], ...] = ((signal.SIGTERM, 20.0),)  # signal, seconds; then SIGKILL
    sweep: bool = True  # kill what is left of its process group when its main process died

    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    started: float = field(default=0.0, init=False)
    log_from: int = field(default=0, init=False)
    restarts: int = field(default=0, init=False)
    quick_failures: int = field(default=0, init=False)
    due: float | None = field(default=None, init=False)  # when to start it again

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None


def delay_before(quick_failures: int) -> float:
    """Seconds to wait before the next start: 0.3 doubling with each quick failure, at most 30."""
    return min(30.0, 0.3 * 2.0 ** max(0, quick_failures - 1))


class Supervisor:
    """Runs services in the order they were added and stops them in the reverse order.

    Single-threaded: everything happens in `tick`, called every moment by the waiting methods.
    """

    def __init__(
        self,
        *,
        on_change: Callable[[], None] = lambda: None,
        outside: Mapping[str, Callable[[], bool]] | None = None,
    ) -> None:
        """`outside`: servers others run that services need, and how to ask whether they are there."""
        self.services: list[Service] = []
        self.on_change = on_change
        self.outside = dict(outside or {})
        self.stop_asked = False
        self._hurry = False
        self._last_log_check = time.monotonic()
        self._pipe: tuple[int, int] | None = None

    # Signals

    def watch_signals(self) -> None:
        """Take SIGINT, SIGTERM and SIGHUP as the wish to stop; a second one as the wish to hurry."""
        self._pipe = os.pipe()
        for fd in self._pipe:
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(self._pipe[1], warn_on_full_buffer=False)
        for sig in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(sig, self._asked)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # only wakes the wait below

    def _asked(self, *_: object) -> None:
        self._hurry = self.stop_asked
        self.stop_asked = True

    def _rest(self, seconds: float) -> None:
        if self._pipe is None:
            time.sleep(seconds)
            return
        with contextlib.suppress(InterruptedError):
            select.select([self._pipe[0]], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            os.read(self._pipe[0], 4096)

    # Start

    def add(self, service: Service, *, wait: float = 60.0) -> None:
        """Start a service and, when it can say so, wait until it is ready.

        Raises Trouble with the end of its log when it ends or is not ready in time.
        """
        self.services.append(service)
        self._start(service)
        if service.ready is None:
            return
        until = time.monotonic() + wait
        while not service.ready():
            if not service.running and service.due is None:
                raise failed(f"{service.name} ended while starting.", service.log, service.log_from)
            if time.monotonic() > until:
                raise failed(f"{service.name} was not ready after {wait:.0f} s.", service.log, service.log_from)
            self.pause(0.05)

    def _start(self, service: Service) -> None:
        service.due = None
        service.log_from = service.log.stat().st_size if service.log.exists() else 0
        service.process = processes.spawn(
            service.argv,
            env=service.env,
            cwd=service.cwd,
            log=service.log,
            account=service.account,
            death_signal=service.death_signal,
        )
        service.started = time.monotonic()
        self.on_change()

    # Keep

    def pause(self, seconds: float) -> None:
        """Wait a moment while keeping services running. Raises Stopped when somebody asked to stop."""
        until = time.monotonic() + seconds
        while True:
            if self.stop_asked:
                raise Stopped
            self.tick()
            left = until - time.monotonic()
            if left <= 0:
                return
            self._rest(min(left, 0.2))

    def run(self) -> None:
        """Keep services running; ends only by Stopped (somebody asked) or Trouble (one gave up)."""
        while True:
            self.pause(1.0)

    def tick(self) -> None:
        """Notice what died and start what is due. Raises Trouble when a service failed quickly too often."""
        now = time.monotonic()
        for service in self.services:
            if service.due is None and service.process is not None and not service.running:
                self._died(service, now)
            elif service.due is not None and service.due <= now:
                if self._has_needs(service):
                    service.restarts += 1
                    self._start(service)
                else:
                    service.due = now + 0.3
        if now - self._last_log_check > 60:
            self._last_log_check = now
            for service in self.services:
                _shorten(service.log)

    def _died(self, service: Service, now: float) -> None:
        assert service.process is not None
        if service.sweep:
            processes.kill_group(service.process.pid)
        lived = now - service.started
        if lived >= QUICK:
            service.quick_failures = 0
        elif self._has_needs(service):
            # Ending because the database or broker is away is no fault of the service.
            service.quick_failures += 1
        if service.quick_failures >= GIVE_UP:
            raise failed(f"{service.name} failed {GIVE_UP} times in a row; giving up.", service.log, service.log_from)
        service.due = now + delay_before(service.quick_failures)
        say(f"{service.name} ended ({_how(service.process.returncode)}); starting it again.")
        self.on_change()

    def _has_needs(self, service: Service) -> bool:
        by_name = {s.name: s for s in self.services}
        for name in service.needs:
            needed = by_name.get(name)
            if needed is not None:
                if not needed.running or (needed.ready is not None and not needed.ready()):
                    return False
            elif name in self.outside and not self.outside[name]():
                return False
        return True

    def run_step(
        self,
        what: str,
        argv: Sequence[str],
        *,
        env: Mapping[str, str],
        cwd: Path,
        log: Path,
    ) -> str:
        """Run a program to its end while keeping services running; returns what it printed.

        Raises Trouble with the end of its output when it fails.
        """
        since = log.stat().st_size if log.exists() else 0
        child = processes.spawn(argv, env=env, cwd=cwd, log=log)
        try:
            while child.poll() is None:
                self.pause(0.05)
        finally:
            if child.poll() is None:
                processes.kill_group(child.pid)
                child.wait()
        if child.returncode != 0:
            raise failed(f"{what} failed ({_how(child.returncode)}).", log, since)
        with log.open("rb") as f:
            f.seek(since)
            return f.read().decode("utf-8", "replace")

    # Stop

    def stop(self) -> None:
        """Stop everything in reverse order of start; what does not end in its time is killed."""
        for service in reversed(self.services):
            service.due = None
            if service.process is None:
                continue
            if service.running:
                for sig, wait in service.stop_steps:
                    self._signal_and_wait(service, sig, wait)
                if service.running:
                    say(f"{service.name} did not end in time; killing it.")
                    service.process.kill()
            service.process.wait()
            if service.sweep:
                processes.kill_group(service.process.pid)
            self.on_change()

    def _signal_and_wait(self, service: Service, sig: int, wait: float) -> None:
        if not service.running or service.process is None:
            return
        service.process.send_signal(sig)  # does nothing when it has ended meanwhile
        until = time.monotonic() + wait
        while service.running and time.monotonic() < until:
            if self._hurry:
                until = min(until, time.monotonic() + 1)
                self._hurry = False
            self._rest(0.05)


def _how(code: int) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"


def _shorten(log: Path) -> None:
    """Keep a log below its limit: the old half goes to `.1`. Services append, so truncating is safe."""
    with contextlib.suppress(OSError):
        if log.stat().st_size > LOG_LIMIT:
            shutil.copyfile(log, log.with_name(log.name + ".1"))
            os.truncate(log, 0)
